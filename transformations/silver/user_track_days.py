"""Listens to sums per listener, local day and track."""

from __future__ import annotations

from pyspark.sql import DataFrame

from transformations.silver.sums import sums_of_listens


def build(*, listens: DataFrame) -> DataFrame:
    """Every listen in, skipped ones counted apart."""
    return listens.groupBy("user_id", "listen_date", "track_id").agg(*sums_of_listens())
