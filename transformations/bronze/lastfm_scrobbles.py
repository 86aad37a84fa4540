"""Raw Last.fm scrobbles to play events; date.uts is the start, in whole seconds."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transformations.bronze.events import play_events, play_rules, stamp
from transformations.ids import names_key

# The artist's name stands in `name` of extended rows, in `#text` of plain ones.
FIELDS = """
    name string, artist struct<name: string, `#text`: string>, date struct<uts: string>,
    `@attr` struct<nowplaying: string>
"""


def build(*, records: DataFrame, feed: str, now: datetime) -> DataFrame:
    """Events of listeners' scrobbles; a row that is playing now is refused, whatever its stamp."""
    record = F.from_json("payload", FIELDS)
    artist, title = artist_name(record), record["name"]
    uts = record["date"]["uts"]
    event_at = stamp(uts)
    rules = play_rules(
        event_at=event_at, artist_name=artist, track_name=title, ms_played=F.lit(None).cast("bigint"), now=now
    )
    return play_events(
        records,
        feed=feed,
        payload=F.col("payload"),
        event_at=event_at,
        own_stamp=uts,
        track_key=names_key(artist, title),
        rules={"now_playing": record["@attr"]["nowplaying"] == "true", **rules},
    )


def artist_name(record: Column) -> Column:
    """The artist's name of an extended row, else of a plain one."""
    return F.coalesce(record["artist"]["name"], record["artist"]["#text"])
