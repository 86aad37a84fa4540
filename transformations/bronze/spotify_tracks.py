"""Spotify's answers about tracks to bronze rows, one a track id that was asked for."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.bronze.events import is_blank, state_events


def build(*, records: DataFrame, feed: str, now: datetime) -> DataFrame:  # noqa: ARG001 (one signature for all)
    """A row an answer; the track in it may have another id than the one asked for."""
    record = F.from_json("payload", "name string")
    return state_events(records, feed=feed, identity=[], rules={"missing_track_name": is_blank(record["name"])})
