"""Ranked items of Spotify's top lists to bronze rows, one a listener, list and rank."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.vocab import TOP_TIME_RANGES
from transformations.bronze.events import is_blank, state_events

FIELDS = "entity string, time_range string, rank string, item struct<id: string, name: string>"
ENTITIES = ("artists", "tracks")  # as the lists are asked for


def build(*, records: DataFrame, feed: str, now: datetime) -> DataFrame:  # noqa: ARG001 (one signature for all)
    """A row an item; the next fetch's item of the same rank replaces it."""
    record = F.from_json("payload", FIELDS)
    rank = record["rank"].try_cast("int")
    rules = {
        "unknown_list": ~(
            F.coalesce(record["entity"], F.lit("")).isin(*ENTITIES)
            & F.coalesce(record["time_range"], F.lit("")).isin(*TOP_TIME_RANGES)
        ),
        "bad_rank": ~F.coalesce(rank >= 1, F.lit(False)),
        "missing_item_id": is_blank(record["item"]["id"]),
        "missing_name": is_blank(record["item"]["name"]),
    }
    return state_events(records, feed=feed, identity=[record["entity"], record["time_range"], rank], rules=rules)
