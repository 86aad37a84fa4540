"""Plays and reported moods of one listener to mood sums per weekday and hour of their local time.

Worked out when it is asked for: kept as a table it would have to read every play of a touched listener each night.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.vocab import ENTRY_PLAYS, MOODS
from transformations.gold.moods import REPORTED
from transformations.gold.periods import is_in_period
from transformations.millionths import scaled

COUNTS = ("listen_count", "mood_listen_count", "entry_count")


def mood_sums_by_hour(
    *, enriched_listens: DataFrame, mood_entries: DataFrame, time_zone: str, period: str, as_of_date: date
) -> DataFrame:
    """A row per weekday (1 is Monday) and hour with plays that count or moods reported in the period.

    Moods are in whole millionths times plays, a reported one counting as ENTRY_PLAYS of them.
    """
    is_known = F.col(MOODS[0]).isNotNull()
    heard = enriched_listens.where(~F.coalesce("is_skipped", F.lit(False))).select(
        *_local("played_at", time_zone),
        F.col("listen_date").alias("day"),
        *_counts(F.lit(1), is_known.cast("bigint"), F.lit(0)),
        *[F.coalesce(scaled(F.col(mood)), F.lit(0)).alias(mood) for mood in MOODS],
    )
    reported = mood_entries.where(F.col("origin") == REPORTED).select(
        *_local("recorded_at", time_zone),
        F.col("mood_date").alias("day"),
        *_counts(F.lit(0), F.lit(0), F.lit(1)),
        *[(scaled(F.col(mood)) * ENTRY_PLAYS).alias(mood) for mood in MOODS],
    )
    return (
        heard.unionByName(reported)
        .where(is_in_period(period, F.col("day"), as_of_date))
        .groupBy("weekday", "hour")
        .agg(*[F.sum(name).alias(name) for name in (*COUNTS, *MOODS)])
    )


def _local(moment: str, time_zone: str) -> list[Column]:
    local = F.from_utc_timestamp(moment, time_zone)
    return [(F.weekday(local) + 1).alias("weekday"), F.hour(local).alias("hour")]


def _counts(*counts: Column) -> list[Column]:
    return [count.cast("bigint").alias(name) for name, count in zip(COUNTS, counts, strict=True)]
