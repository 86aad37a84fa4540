"""Sums per day to the moods of a listener's day."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.gold.moods import mood_shares, mood_sums_by_day


def build(*, user_track_days: DataFrame, track_features: DataFrame, track_moods: DataFrame) -> DataFrame:
    """A local day with plays that count in, a row out; moods null where no play of the day has one."""
    days = mood_sums_by_day(user_track_days, track_features, track_moods)
    return days.select(
        "user_id",
        "mood_date",
        *[share.alias(mood) for mood, share in mood_shares().items()],
        F.col("plays").alias("listen_count"),
        F.lit(0).cast("bigint").alias("entry_count"),
    )
