"""Beatport's charts to bronze rows: one a genre's top 100 and hype 100, one a chart that a DJ made."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.bronze.events import is_blank, state_events

FIELDS = "kind string, genre_id string, chart struct<id: string>"
KINDS = ("top_100", "hype_100", "dj")


def build(*, records: DataFrame, feed: str, now: datetime) -> DataFrame:  # noqa: ARG001 (one signature for all)
    """A row a chart; the 100s of a genre have no id of their own, and the next fetch's order replaces them."""
    record = F.from_json("payload", FIELDS)
    kind, chart_id = record["kind"], record["chart"]["id"]
    rules = {
        "unknown_kind": ~F.coalesce(kind, F.lit("")).isin(*KINDS),
        "missing_genre": is_blank(record["genre_id"]),
        "missing_item_id": (kind == "dj") & is_blank(chart_id),
    }
    return state_events(records, feed=feed, identity=[F.lit("chart"), kind, record["genre_id"], chart_id], rules=rules)
