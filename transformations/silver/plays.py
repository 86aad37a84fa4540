"""Bronze play events of all feeds to one shape; a view, parsed anew by each table that needs it."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.silver.covers import COVER_SIZES
from schemas.silver.pages import LASTFM_PAGE, PAGE_FIELDS
from transformations.bronze.lastfm_scrobbles import artist_name
from transformations.bronze.spotify_export_plays import ACCOUNT_FIELDS, EXTENDED_FIELDS, TRACK_URI
from transformations.ids import names_key

Shape = Callable[[Column], dict[str, Column]]

RECENT_FIELDS = """
    track struct<
        id: string, name: string, duration_ms: string, artists: array<struct<name: string>>,
        album: struct<name: string>, external_ids: struct<isrc: string>
    >
"""
SCROBBLE_FIELDS = """
    name string, url string, loved string, streamable string,
    artist struct<name: string, `#text`: string, url: string, mbid: string>,
    album struct<`#text`: string, mbid: string>, image array<struct<size: string, `#text`: string>>
"""
LISTEN_FIELDS = """
    track_metadata struct<
        artist_name: string, track_name: string, release_name: string,
        mbid_mapping: struct<recording_mbid: string>,
        additional_info: struct<
            spotify_id: string, isrc: string, recording_mbid: string, duration_ms: string, duration: string
        >
    >
"""
FILE_FIELDS = (
    "artist_name string, track_name string, album_name string, duration_ms string, ms_played string, "
    "spotify_id string, isrc string, recording_mbid string"
)
SPOTIFY_API = "spotify_api"
# The grey star that Last.fm shows where it has no picture.
NO_PICTURE = "2a96cbd8b46e442fc41c2b86b821562f"
PLAIN_SPOTIFY_ID = r"^([0-9A-Za-z]{22})$"
SPOTIFY_ID = r"(?:^|[:/])([0-9A-Za-z]{22})(?:[?#].*)?$"  # the end of an id, a uri or a page address
ISRC = r"^[A-Z]{2}[A-Z0-9]{3}[0-9]{7}$"
MBID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


def build(
    *,
    spotify_plays: DataFrame,
    spotify_export_plays: DataFrame,
    lastfm_scrobbles: DataFrame,
    listenbrainz_listens: DataFrame,
    file_listens: DataFrame,
) -> DataFrame:
    """A bronze event in, the same play in the shape of silver.plays out."""
    streams = (
        _plays(spotify_plays, RECENT_FIELDS, _recent, None),
        _plays(lastfm_scrobbles, SCROBBLE_FIELDS, _scrobble, None),
        _plays(spotify_export_plays, EXTENDED_FIELDS, _extended, "spotify_extended"),
        _plays(spotify_export_plays, ACCOUNT_FIELDS, _account, "spotify_account"),
        _plays(listenbrainz_listens, LISTEN_FIELDS, _listen, None),
        _plays(file_listens, FILE_FIELDS, _file, None),
    )
    return reduce(DataFrame.unionByName, streams)


def _plays(events: DataFrame, fields: str, shape: Shape, feed: str | None) -> DataFrame:
    if feed is not None:
        events = events.where(F.col("_source") == feed)
    record = events.withColumn("record", F.from_json("payload", fields))
    columns = shape(F.col("record"))
    artist, title = columns["artist_name"], columns["track_name"]
    spotify_id = columns.get("spotify_id", _nothing())
    own_key = F.coalesce(spotify_id, names_key(artist, title))
    return record.select(
        "event_id",
        "user_id",
        "event_at",
        F.col("_source").alias("source"),
        F.when(F.col("_source") == SPOTIFY_API, F.col("_run_id")).alias("fetched_in"),
        own_key.alias("source_track_key"),
        artist.alias("artist_name"),
        title.alias("track_name"),
        _blank_to_null(columns.get("album_name", _nothing())).alias("album_name"),
        spotify_id.alias("spotify_id"),
        _matching(columns.get("isrc", _nothing()), ISRC).alias("isrc"),
        _matching(columns.get("recording_mbid", _nothing()), MBID).alias("recording_mbid"),
        F.nullif(_milliseconds(columns.get("duration_ms", _nothing())), F.lit(0)).alias("duration_ms"),
        _milliseconds(columns.get("ms_played", _nothing())).alias("ms_played"),
        _flag(columns.get("is_loved", _nothing())).alias("is_loved"),
        _flag(columns.get("is_streamable", _nothing())).alias("is_streamable"),
        columns.get("lastfm", F.lit(None).cast(LASTFM_PAGE)).alias("lastfm"),
    )


def _recent(record: Column) -> dict[str, Column]:
    """How long it was played Spotify does not say, only that it was 30 s or more."""
    track = record["track"]
    return {
        "artist_name": F.trim(F.get(track["artists"], F.lit(0))["name"]),
        "track_name": F.trim(track["name"]),
        "album_name": track["album"]["name"],
        "spotify_id": _matched(track["id"], PLAIN_SPOTIFY_ID),
        "isrc": F.upper(track["external_ids"]["isrc"]),
        "duration_ms": track["duration_ms"].try_cast("double"),
    }


def _scrobble(record: Column) -> dict[str, Column]:
    """A track's MBID at Last.fm is left out: it is of some recording of that name, not of the one heard."""
    return {
        "artist_name": F.trim(artist_name(record)),
        "track_name": F.trim(record["name"]),
        "album_name": record["album"]["#text"],
        "is_loved": record["loved"],
        "is_streamable": record["streamable"],
        "lastfm": _page(record),
    }


def _page(record: Column) -> Column:
    fields = {
        "url": _blank_to_null(record["url"]),
        "artist_url": _blank_to_null(record["artist"]["url"]),
        "artist_mbid": _matching(record["artist"]["mbid"], MBID),
        "release_mbid": _matching(record["album"]["mbid"], MBID),
        **{size: _picture(record["image"], size) for size in COVER_SIZES},
    }
    return F.struct(*[fields[name].alias(name) for name in PAGE_FIELDS])


def _picture(images: Column, size: str) -> Column:
    url = F.get(F.filter(images, lambda image: image["size"] == size), F.lit(0))["#text"]
    return F.when(~url.contains(NO_PICTURE), _blank_to_null(url))


def _extended(record: Column) -> dict[str, Column]:
    return {
        "artist_name": F.trim(record["master_metadata_album_artist_name"]),
        "track_name": F.trim(record["master_metadata_track_name"]),
        "album_name": record["master_metadata_album_album_name"],
        "spotify_id": _matched(record["spotify_track_uri"], TRACK_URI),
        "ms_played": record["ms_played"],
    }


def _account(record: Column) -> dict[str, Column]:
    return {
        "artist_name": F.trim(record["artistName"]),
        "track_name": F.trim(record["trackName"]),
        "ms_played": record["msPlayed"],
    }


def _listen(record: Column) -> dict[str, Column]:
    metadata = record["track_metadata"]
    info = metadata["additional_info"]
    seconds = info["duration"].try_cast("double") * 1000
    return {
        "artist_name": F.trim(metadata["artist_name"]),
        "track_name": F.trim(metadata["track_name"]),
        "album_name": metadata["release_name"],
        "spotify_id": _matched(info["spotify_id"], SPOTIFY_ID),
        "isrc": F.upper(info["isrc"]),
        "recording_mbid": F.coalesce(metadata["mbid_mapping"]["recording_mbid"], info["recording_mbid"]),
        "duration_ms": F.coalesce(info["duration_ms"].try_cast("double"), seconds),
    }


def _file(record: Column) -> dict[str, Column]:
    return {
        "artist_name": F.trim(record["artist_name"]),
        "track_name": F.trim(record["track_name"]),
        "album_name": record["album_name"],
        "spotify_id": _matched(record["spotify_id"], SPOTIFY_ID),
        "isrc": F.upper(record["isrc"]),
        "recording_mbid": record["recording_mbid"],
        "duration_ms": record["duration_ms"].try_cast("double"),
        "ms_played": record["ms_played"].try_cast("double"),
    }


def _nothing() -> Column:
    return F.lit(None).cast("string")


def _blank_to_null(text: Column) -> Column:
    return F.nullif(F.trim(text), F.lit(""))


def _flag(text: Column) -> Column:
    """Last.fm's "0" and "1"; null is unknown, as is anything else."""
    return F.when(text == "1", F.lit(True)).when(text == "0", F.lit(False))


def _matching(text: Column, pattern: str) -> Column:
    return F.when(text.rlike(pattern), text)


def _matched(text: Column, pattern: str) -> Column:
    """The first group of the pattern, null where it does not match."""
    return F.nullif(F.regexp_extract(text, pattern, 1), F.lit(""))


def _milliseconds(number: Column) -> Column:
    """Whole milliseconds, null where negative or beyond all measure: no clock gives that."""
    return F.when(number >= 0, number.try_cast("bigint"))
