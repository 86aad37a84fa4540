"""Lyrics as the services gave them to bronze rows, one a track key."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.bronze.events import is_blank, state_events


def build(*, records: DataFrame, feed: str, now: datetime) -> DataFrame:  # noqa: ARG001 (one signature for all)
    """A row an answer: a text, or that the track is instrumental."""
    record = F.from_json("payload", "lyrics_source string, instrumental boolean, text string")
    is_instrumental = F.coalesce(record["instrumental"], F.lit(False))
    rules = {
        "missing_lyrics_source": is_blank(record["lyrics_source"]),
        "missing_lyrics": is_blank(record["text"]) & ~is_instrumental,
    }
    return state_events(records, feed=feed, identity=[], rules=rules)
