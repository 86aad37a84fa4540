"""Mood sums to mood shares, written once for profiles and days.

A mood that a listener reported counts as ENTRY_PLAYS plays of it on its day. The trap: an entry that was read from
recent listens is made of plays that are summed here already, so it counts nothing.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.vocab import ENTRY_PLAYS, MEASURED_SOURCES, MOODS
from transformations.gold.periods import counted_plays
from transformations.millionths import scaled

# Per listener and local day: plays that count, those with a mood, with valence and energy, with measured features.
PLAY_SUMS = ("plays", "mood_plays", "sound_plays", "measured_plays")
SCORE_SUMS = (*MOODS, "valence", "energy")
ENTRIES = "entries"  # moods reported that day
REPORTED = "manual"


def mood_sums_by_day(
    *, user_track_days: DataFrame, track_features: DataFrame, track_moods: DataFrame, mood_entries: DataFrame
) -> DataFrame:
    """A row per listener and local day with plays that count or moods reported; scores in whole millionths times
    plays."""
    heard = _heard(user_track_days, track_features, track_moods)
    sums = (*PLAY_SUMS, ENTRIES, *SCORE_SUMS)
    return (
        heard.unionByName(_reported(mood_entries))
        .groupBy("user_id", "mood_date")
        .agg(*[F.sum(s).alias(s) for s in sums])
    )


def mood_shares() -> dict[str, Column]:
    """The four sums as shares that add up to 1; null where the sums are 0."""
    total = sum((F.col(mood) for mood in MOODS[1:]), F.col(MOODS[0]))
    return {mood: F.try_divide(F.col(mood), total) for mood in MOODS}


def _heard(user_track_days: DataFrame, track_features: DataFrame, track_moods: DataFrame) -> DataFrame:
    """A track of a day in, what it adds to the day's sums out."""
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
    return scored.select(
        "user_id",
        "mood_date",
        "plays",
        _plays_where(F.col(MOODS[0]).isNotNull()).alias("mood_plays"),
        _plays_where(F.col("valence").isNotNull()).alias("sound_plays"),
        _plays_where(F.col("is_measured")).alias("measured_plays"),
        _none().alias(ENTRIES),
        *[F.coalesce(F.col(score) * F.col("plays"), _none()).alias(score) for score in SCORE_SUMS],
    )


def _reported(mood_entries: DataFrame) -> DataFrame:
    """A reported mood in, what it adds to the sums of its day out; of sound it says nothing."""
    weighed = {mood: scaled(F.col(mood)) * ENTRY_PLAYS for mood in MOODS}
    return mood_entries.where(F.col("origin") == REPORTED).select(
        "user_id",
        "mood_date",
        *[_none().alias(name) for name in PLAY_SUMS],
        F.lit(1).cast("bigint").alias(ENTRIES),
        *[weighed.get(score, _none()).alias(score) for score in SCORE_SUMS],
    )


def _plays_where(condition: Column) -> Column:
    return F.when(condition, F.col("plays")).otherwise(_none())


def _none() -> Column:
    return F.lit(0).cast("bigint")
