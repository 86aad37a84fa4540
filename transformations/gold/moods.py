"""Mood sums to mood shares, written once for profiles and days."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.vocab import MEASURED_SOURCES, MOODS
from transformations.gold.periods import counted_plays
from transformations.millionths import scaled

# Per listener and local day: plays that count, those with a mood, with valence and energy, with measured features.
PLAY_SUMS = ("plays", "mood_plays", "sound_plays", "measured_plays")
SCORE_SUMS = (*MOODS, "valence", "energy")


def mood_sums_by_day(user_track_days: DataFrame, track_features: DataFrame, track_moods: DataFrame) -> DataFrame:
    """A row per listener and local day with plays that count; scores in whole millionths times plays."""
    scores = track_moods.select("track_id", *[scaled(F.col(mood)).alias(mood) for mood in MOODS]).join(
        track_features.select(
            "track_id",
            scaled(F.col("valence")).alias("valence"),
            scaled(F.col("energy")).alias("energy"),
            F.col("feature_source").isin(*MEASURED_SOURCES).alias("is_measured"),
        ),
        "track_id",
    )
    plays = user_track_days.select(
        "user_id", F.col("listen_date").alias("mood_date"), "track_id", counted_plays().alias("plays")
    ).where("plays > 0")
    scored = plays.join(scores, "track_id", "left")
    return scored.groupBy("user_id", "mood_date").agg(
        F.sum("plays").alias("plays"),
        _plays_where(F.col(MOODS[0]).isNotNull()).alias("mood_plays"),
        _plays_where(F.col("valence").isNotNull()).alias("sound_plays"),
        _plays_where(F.col("is_measured")).alias("measured_plays"),
        *[F.sum(F.coalesce(F.col(score) * F.col("plays"), F.lit(0))).alias(score) for score in SCORE_SUMS],
    )


def mood_shares() -> dict[str, Column]:
    """The four sums as shares that add up to 1; null where the sums are 0."""
    total = sum((F.col(mood) for mood in MOODS[1:]), F.col(MOODS[0]))
    return {mood: F.try_divide(F.col(mood), total) for mood in MOODS}


def _plays_where(condition: Column) -> Column:
    return F.sum(F.when(condition, F.col("plays")).otherwise(F.lit(0)))
