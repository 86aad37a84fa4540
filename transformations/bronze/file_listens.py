"""Rows of plain play files (Last.fm-1K layout, CSV) to play events; played_at is the start."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transformations.bronze.events import play_events, play_rules, stamp
from transformations.ids import names_key

NOT_PAYLOAD = ("user_id", "_row")  # whose play it is stands beside the payload, not in it


def build(*, records: DataFrame, feed: str, now: datetime, time_zone: str = "UTC") -> DataFrame:
    """Events of a file that may hold many listeners; times without an offset are read in `time_zone`."""
    payload = F.to_json(F.struct(*[F.col(name) for name in records.columns if name not in NOT_PAYLOAD]))
    event_at = stamp(F.col("played_at"), time_zone)
    ms_text = _optional(records, "ms_played")
    ms_played = _milliseconds(ms_text)
    rules = play_rules(
        event_at=event_at,
        artist_name=F.col("artist_name"),
        track_name=F.col("track_name"),
        ms_played=ms_played,
        now=now,
    )
    duration_text = _optional(records, "duration_ms")
    duration = _milliseconds(duration_text)
    rules["bad_ms_played"] = ms_text.isNotNull() & ms_played.isNull()
    rules["bad_duration_ms"] = duration_text.isNotNull() & duration.isNull()
    return play_events(
        records,
        feed=feed,
        payload=payload,
        event_at=event_at,
        own_stamp=F.unix_micros(event_at),
        track_key=names_key(F.col("artist_name"), F.col("track_name")),
        rules=rules,
    )


def _milliseconds(text: Column) -> Column:
    """Whole milliseconds; a spreadsheet or a DataFrame with gaps writes 215000 as 215000.0."""
    return F.trim(text).try_cast("double").try_cast("bigint")


def _optional(records: DataFrame, name: str) -> Column:
    return F.col(name) if name in records.columns else F.lit(None).cast("string")
