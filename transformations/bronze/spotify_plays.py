"""Recently played items of Spotify's API to play events.

The trap: `played_at` is mostly the end of a play and sometimes its start, and nothing says which; it is taken as it is.
"""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.bronze.events import play_events, play_rules, stamp
from transformations.ids import names_key

# A context may be an address with the listener's name in it (spotify:user:<name>:collection), and nothing needs it.
REDACTED = frozenset({"context"})
FIELDS = "played_at string, track struct<id: string, uri: string, name: string, artists: array<struct<name: string>>>"


def build(*, records: DataFrame, feed: str, now: datetime) -> DataFrame:
    """Events of listeners' recent plays. A local file has no id: its uri tells it from others, else its names do."""
    record = F.from_json("payload", FIELDS)
    track = record["track"]
    artist, title = F.get(track["artists"], F.lit(0))["name"], track["name"]
    event_at = stamp(record["played_at"])
    return play_events(
        records,
        feed=feed,
        payload=F.col("payload"),
        event_at=event_at,
        # Spotify writes the same moment with and without milliseconds, and nobody plays a track twice in a second.
        own_stamp=F.unix_seconds(event_at),
        track_key=F.coalesce(track["id"], track["uri"], names_key(artist, title)),
        rules=play_rules(
            event_at=event_at,
            artist_name=artist,
            track_name=title,
            ms_played=F.lit(None).cast("bigint"),
            now=now,
        ),
    )
