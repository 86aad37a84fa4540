"""Sums per day to mood profiles per listener and period; a listener without enough says why."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.vocab import ENTRY_PLAYS, MOODS, PERIODS
from transformations.gold.moods import ENTRIES, PLAY_SUMS, SCORE_SUMS, mood_shares, mood_sums_by_day
from transformations.gold.periods import is_in_period, weight
from transformations.millionths import SCALE
from transformations.silver.track_moods import likeliest_mood

MIN_PLAYS = 10  # fewer plays in a period say nothing about a mood; a reported one counts as ENTRY_PLAYS
MIN_MOOD_PLAYS = 5  # of them, plays whose mood is known
COUNTS = ("listen_count", "mood_listen_count", "entry_count")


def build(
    *,
    user_track_days: DataFrame,
    track_features: DataFrame,
    track_moods: DataFrame,
    mood_entries: DataFrame,
    users: DataFrame,
    as_of_date: date,
    current_half_life_days: float,
) -> DataFrame:
    """Every listener in, one row per period out, whatever was heard or reported."""
    days = mood_sums_by_day(
        user_track_days=user_track_days,
        track_features=track_features,
        track_moods=track_moods,
        mood_entries=mood_entries,
    )
    sums = days.groupBy("user_id").agg(
        *[_period_sums(period, as_of_date, current_half_life_days) for period in PERIODS]
    )
    periods = F.explode(F.array(*[_named(period) for period in PERIODS])).alias("sums")
    rows = users.select("user_id").join(sums, "user_id", "left").select("user_id", periods)
    return _profiles(rows.select("user_id", "sums.*"), as_of_date)


def _period_sums(period: str, as_of_date: date, current_half_life_days: float) -> Column:
    """Per period: the unweighted counts, and every sum weighted by the day."""
    day = F.col("mood_date")
    factor = weight(period, day, as_of_date, current_half_life_days)
    counted = [
        F.coalesce(F.sum(F.when(is_in_period(period, day, as_of_date), F.col(name))), F.lit(0)).alias(count)
        for count, name in zip(COUNTS, ("plays", "mood_plays", ENTRIES), strict=True)
    ]
    weighted = [F.sum(F.col(name) * factor).alias(name) for name in (*PLAY_SUMS, *SCORE_SUMS)]
    return F.struct(*counted, *weighted).alias(period)


def _named(period: str) -> Column:
    """The period's sums as a struct of one shape, zero for a listener of whom nothing is known."""
    fields = (*COUNTS, *PLAY_SUMS, *SCORE_SUMS)
    sums = [F.coalesce(F.col(f"`{period}`.{name}"), F.lit(0).cast("bigint")).alias(name) for name in fields]
    return F.struct(F.lit(period).alias("period"), *sums)


def _profiles(rows: DataFrame, as_of_date: date) -> DataFrame:
    reported = F.col("entry_count") * ENTRY_PLAYS
    status = (
        F.when(F.col("listen_count") + reported < MIN_PLAYS, "too_few_plays")
        .when(F.col("mood_listen_count") + reported < MIN_MOOD_PLAYS, "no_features")
        .otherwise("ok")
    )
    with_status = rows.withColumn("status", status)
    is_ok = F.col("status") == "ok"
    shared = with_status.select(
        "user_id",
        "period",
        "status",
        *[F.when(is_ok, share).alias(mood) for mood, share in mood_shares().items()],
        _mean("valence", "sound_plays", is_ok).alias("valence_mean"),
        _mean("energy", "sound_plays", is_ok).alias("energy_mean"),
        "listen_count",
        "entry_count",
        F.try_divide("measured_plays", "plays").alias("measured_share"),
    )
    dominant = likeliest_mood(F.greatest(*[F.col(mood) for mood in MOODS]))
    return shared.select(
        "user_id",
        "period",
        "status",
        *MOODS,
        F.when(is_ok, dominant).alias("dominant_mood"),
        "valence_mean",
        "energy_mean",
        "listen_count",
        "entry_count",
        "measured_share",
        F.lit(as_of_date).alias("as_of_date"),
    )


def _mean(score: str, plays: str, is_ok: Column) -> Column:
    """Mean of a score in 0-1: both sums carry the day's weight, the score also SCALE."""
    return F.when(is_ok, F.try_divide(F.col(score), F.col(plays)) / SCALE)
