"""Sums per day to the moods of a listener's day."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.gold.moods import ENTRIES, mood_shares, mood_sums_by_day


def build(
    *, user_track_days: DataFrame, track_features: DataFrame, track_moods: DataFrame, mood_entries: DataFrame
) -> DataFrame:
    """A local day with plays that count or moods reported in, a row out; moods null where nothing of it has one."""
    days = mood_sums_by_day(
        user_track_days=user_track_days,
        track_features=track_features,
        track_moods=track_moods,
        mood_entries=mood_entries,
    )
    return days.select(
        "user_id",
        "mood_date",
        *[share.alias(mood) for mood, share in mood_shares().items()],
        F.col("plays").alias("listen_count"),
        F.col(ENTRIES).alias("entry_count"),
    )
