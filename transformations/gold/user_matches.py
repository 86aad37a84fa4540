"""Explained matches to matches: what a pair is, without why."""

from __future__ import annotations

from pyspark.sql import DataFrame


def build(*, user_match_explanations: DataFrame) -> DataFrame:
    """A row in, a row out."""
    return user_match_explanations.selectExpr("user_id", "match_user_id", "summary.*")
