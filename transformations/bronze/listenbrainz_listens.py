"""Raw ListenBrainz listens, of an export or the API, to play events; listened_at is the start, in epoch seconds."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.bronze.events import play_events, play_rules, stamp
from transformations.ids import names_key

REDACTED = frozenset({"user_name", "user_id"})
FIELDS = "listened_at string, track_metadata struct<artist_name: string, track_name: string>"


def build(*, records: DataFrame, feed: str, now: datetime) -> DataFrame:
    """Events of one listener's listens. The id is of names, not of recording_msid: older records lack that."""
    record = F.from_json("payload", FIELDS)
    # An integer, a float or text, by the exporter's age; read as a number all are the same second.
    listened_at = record["listened_at"].try_cast("double").try_cast("bigint").cast("string")
    artist, title = record["track_metadata"]["artist_name"], record["track_metadata"]["track_name"]
    event_at = stamp(listened_at)
    return play_events(
        records,
        feed=feed,
        payload=F.col("payload"),
        event_at=event_at,
        own_stamp=listened_at,
        track_key=names_key(artist, title),
        rules=play_rules(
            event_at=event_at,
            artist_name=artist,
            track_name=title,
            ms_played=F.lit(None).cast("bigint"),
            now=now,
        ),
    )
