"""Sums per day to mood profiles per listener and period; a listener without enough says why."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.vocab import MOODS, PERIODS
from transformations.gold.moods import PLAY_SUMS, SCORE_SUMS, mood_shares, mood_sums_by_day
from transformations.gold.periods import is_in_period, weight
from transformations.millionths import SCALE
from transformations.silver.track_moods import likeliest_mood

MIN_PLAYS = 10  # fewer plays in a period say nothing about a mood
MIN_MOOD_PLAYS = 5  # of them, plays whose mood is known


def build(
    *,
    user_track_days: DataFrame,
    track_features: DataFrame,
    track_moods: DataFrame,
    users: DataFrame,
    as_of_date: date,
) -> DataFrame:
    """Every listener in, one row per period out, whatever was heard."""
    days = mood_sums_by_day(user_track_days, track_features, track_moods)
    sums = days.groupBy("user_id").agg(*[_period_sums(period, as_of_date) for period in PERIODS])
    periods = F.explode(F.array(*[_named(period) for period in PERIODS])).alias("sums")
    rows = users.select("user_id").join(sums, "user_id", "left").select("user_id", periods)
    return _profiles(rows.select("user_id", "sums.*"), as_of_date)


def _period_sums(period: str, as_of_date: date) -> Column:
    """Per period: the unweighted plays, and every sum weighted by the day."""
    day = F.col("mood_date")
    factor = weight(period, day, as_of_date)
    listens = F.sum(F.when(is_in_period(period, day, as_of_date), F.col("plays")))
    mood_listens = F.sum(F.when(is_in_period(period, day, as_of_date), F.col("mood_plays")))
    weighted = [F.sum(F.col(name) * factor).alias(name) for name in (*PLAY_SUMS, *SCORE_SUMS)]
    return F.struct(
        F.coalesce(listens, F.lit(0)).alias("listen_count"),
        F.coalesce(mood_listens, F.lit(0)).alias("mood_listen_count"),
        *weighted,
    ).alias(period)


def _named(period: str) -> Column:
    """The period's sums as a struct of one shape, zero for a listener without plays."""
    fields = ("listen_count", "mood_listen_count", *PLAY_SUMS, *SCORE_SUMS)
    sums = [F.coalesce(F.col(f"`{period}`.{name}"), F.lit(0).cast("bigint")).alias(name) for name in fields]
    return F.struct(F.lit(period).alias("period"), *sums)


def _profiles(rows: DataFrame, as_of_date: date) -> DataFrame:
    status = (
        F.when(F.col("listen_count") < MIN_PLAYS, "too_few_plays")
        .when(F.col("mood_listen_count") < MIN_MOOD_PLAYS, "no_features")
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
        "measured_share",
        F.lit(as_of_date).alias("as_of_date"),
    )


def _mean(score: str, plays: str, is_ok: Column) -> Column:
    """Mean of a score in 0-1: both sums carry the day's weight, the score also SCALE."""
    return F.when(is_ok, F.try_divide(F.col(score), F.col(plays)) / SCALE)
