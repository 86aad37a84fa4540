"""What Beatport's streams have in common: a thing on sale is known by its kind and id."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.bronze.events import is_blank, state_events


def item_events(*, records: DataFrame, feed: str, now: datetime, kind: str) -> DataFrame:  # noqa: ARG001
    """A row a track, release, artist, label or genre; the next fetch's state replaces it."""
    record = F.from_json("payload", "id string, name string")
    rules = {"missing_item_id": is_blank(record["id"]), "missing_name": is_blank(record["name"])}
    return state_events(records, feed=feed, identity=[F.lit(kind), record["id"]], rules=rules)
