"""Listens to the bronze events they were made of; a listen in, a row per event out."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def build(*, listens: DataFrame) -> DataFrame:
    """A listen of one record has that record's id; of several, it keeps theirs."""
    event_ids = F.coalesce(F.col("members.event_id"), F.array("listen_id"))
    return listens.select(F.explode(event_ids).alias("event_id"), "listen_id", "user_id", "listen_date")
