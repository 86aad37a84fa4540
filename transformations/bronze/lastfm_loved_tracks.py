"""Rows of Last.fm's list of loved tracks to bronze rows, one a listener, artist and title."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.bronze.events import CLOCK_SKEW, EARLIEST, is_blank, stamp, state_events
from transformations.bronze.lastfm_scrobbles import artist_name
from transformations.ids import names_key

FIELDS = "name string, artist struct<name: string, `#text`: string>, date struct<uts: string>"


def build(*, records: DataFrame, feed: str, now: datetime) -> DataFrame:
    """A row a loved track. A broken stamp does not undo the love: event_at is null then."""
    record = F.from_json("payload", FIELDS)
    artist, title = artist_name(record), record["name"]
    loved_at = stamp(record["date"]["uts"])
    return state_events(
        records,
        feed=feed,
        identity=[names_key(artist, title)],
        event_at=F.when(loved_at.between(F.lit(EARLIEST), F.lit(now + CLOCK_SKEW)), loved_at),
        rules={"missing_artist_name": is_blank(artist), "missing_track_name": is_blank(title)},
    )
