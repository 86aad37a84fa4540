"""Sums per day to sums per listener and track."""

from __future__ import annotations

from pyspark.sql import DataFrame

from transformations.silver.sums import sums_of_sums


def build(*, user_track_days: DataFrame) -> DataFrame:
    """All days of a listener and track in, one row out."""
    return user_track_days.groupBy("user_id", "track_id").agg(*sums_of_sums())
