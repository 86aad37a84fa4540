"""Raw records of Spotify's exports to play events; the stamp of both exports is the END of the play.

`offline_timestamp` (0, seconds or milliseconds) stays in the payload and dates nothing: Spotify documents `ts` as the
moment the play stopped, and `offline_timestamp` only as when offline mode was in use.
"""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.bronze.events import play_events, play_rules, stamp, start_of_play
from transformations.ids import names_key

EXTENDED_FIELDS = (
    "ts string, ms_played bigint, master_metadata_track_name string, master_metadata_album_artist_name string, "
    "master_metadata_album_album_name string, spotify_track_uri string"
)
ACCOUNT_FIELDS = "endTime string, msPlayed bigint, artistName string, trackName string"
TRACK_URI = r"^spotify:track:([0-9A-Za-z]{22})$"


def build(*, records: DataFrame, feed: str, now: datetime) -> DataFrame:
    """Events of one listener's export; `feed` is spotify_extended or spotify_account."""
    parse = {"spotify_extended": _extended, "spotify_account": _account}[feed]
    return parse(records, now)


def _extended(records: DataFrame, now: datetime) -> DataFrame:
    record = F.from_json("payload", EXTENDED_FIELDS)
    artist, title = record["master_metadata_album_artist_name"], record["master_metadata_track_name"]
    ms_played = record["ms_played"]
    event_at = start_of_play(stamp(record["ts"]), ms_played)
    uri = record["spotify_track_uri"]
    return play_events(
        records,
        feed="spotify_extended",
        payload=F.col("payload"),
        event_at=event_at,
        own_stamp=record["ts"],
        track_key=F.coalesce(uri, names_key(artist, title)),
        rules=play_rules(
            event_at=event_at,
            artist_name=artist,
            track_name=title,
            ms_played=ms_played,
            now=now,
        ),
    )


def _account(records: DataFrame, now: datetime) -> DataFrame:
    record = F.from_json("payload", ACCOUNT_FIELDS)
    ms_played = record["msPlayed"]
    event_at = start_of_play(stamp(record["endTime"]), ms_played)
    return play_events(
        records,
        feed="spotify_account",
        payload=F.col("payload"),
        event_at=event_at,
        # The stamp has minute precision: with the time played beside it two honest plays in a minute stay two.
        own_stamp=F.concat_ws("|", record["endTime"], ms_played),
        track_key=names_key(record["artistName"], record["trackName"]),
        rules=play_rules(
            event_at=event_at,
            artist_name=record["artistName"],
            track_name=record["trackName"],
            ms_played=ms_played,
            now=now,
        ),
    )
