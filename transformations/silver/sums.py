"""The partial sums of plays, written once for the tables that keep them."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def sums_of_listens() -> list[Column]:
    """Sums over rows that are plays."""
    return [
        F.count("*").alias("listen_count"),
        F.count_if(F.col("is_skipped")).alias("skip_count"),
        F.sum("ms_played").alias("ms_played"),
        F.min("played_at").alias("first_played_at"),
        F.max("played_at").alias("last_played_at"),
    ]


def sums_of_sums() -> list[Column]:
    """Sums over rows that are partial sums themselves."""
    return [
        F.sum("listen_count").alias("listen_count"),
        F.sum("skip_count").alias("skip_count"),
        F.sum("ms_played").alias("ms_played"),
        F.min("first_played_at").alias("first_played_at"),
        F.max("last_played_at").alias("last_played_at"),
    ]
