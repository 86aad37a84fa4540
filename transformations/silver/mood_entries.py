"""Mood entries to one row each, their four numbers as shares and their day in the listener's time zone."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.vocab import MOODS

FIELDS = f"{', '.join(f'{mood} double' for mood in MOODS)}, listen_count bigint"


def build(*, mood_entries: DataFrame, users: DataFrame) -> DataFrame:
    """An entry in, a row out; what counts is what the four numbers are of each other."""
    said = mood_entries.withColumn("said", F.from_json("payload", FIELDS))
    total = sum((F.col(f"said.{mood}") for mood in MOODS[1:]), F.col(f"said.{MOODS[0]}"))
    return said.join(users.select("user_id", "time_zone"), "user_id").select(
        F.col("event_id").alias("entry_id"),
        "user_id",
        F.col("event_at").alias("recorded_at"),
        F.to_date(F.from_utc_timestamp("event_at", F.col("time_zone"))).alias("mood_date"),
        F.col("_source").alias("origin"),
        *[F.try_divide(F.col(f"said.{mood}"), total).alias(mood) for mood in MOODS],
        F.col("said.listen_count").alias("listen_count"),
        "note",
    )
