"""Rows of the Kaggle catalogue to bronze rows; rows alike but for the index are one."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.bronze.events import is_blank, violations
from transformations.ids import hashed

NOT_CONTENT = ("row_number", "_row")


def build(*, records: DataFrame, feed: str) -> DataFrame:
    """One row a record, its id the hash of all its values but the index."""
    values = [F.col(name) for name in records.columns if name not in NOT_CONTENT]
    rules = {
        "missing_track_id": is_blank(F.col("track_id")),
        "missing_artist_name": is_blank(F.translate("artists", ";", "")),
        "missing_track_name": is_blank(F.col("track_name")),
    }
    return records.select(
        "_row",
        hashed(F.lit(feed), *values).alias("event_id"),
        F.col("track_id").alias("spotify_id"),
        F.lit(None).cast("timestamp").alias("event_at"),
        F.to_json(F.struct(*values)).alias("payload"),
        F.lit(feed).alias("_source"),
        violations(rules).alias("_violations"),
    )
