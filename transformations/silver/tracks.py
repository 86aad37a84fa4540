"""The catalogue's tracks and those only heard, one row each; names of a heard track are its latest play's."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transformations.ids import artist_id_of_name
from transformations.names import artist_key

SPOTIFY_TRACK_PAGE = "https://open.spotify.com/track/"
# Columns that a source of part 2 and later fills; their types are final.
LATER_TEXT = ("lastfm_url", "artist_lastfm_url", "release_mbid", "album_thumbnail")
LATER_TEXT_BY_SIZE = tuple(f"album_thumbnail_{size}" for size in ("small", "medium", "large", "extralarge"))


def build(*, catalogue_tracks: DataFrame, track_identities: DataFrame) -> DataFrame:
    """A track id of the catalogue or of an identity in, a track out."""
    heard = track_identities.groupBy("track_id").agg(
        F.max(F.struct("named_at", "source", "source_track_key", "artist_name", "track_name")).alias("named"),
        F.max_by("album_name", F.struct("named_at", "source", "source_track_key")).alias("heard_album"),
        F.min("spotify_id").alias("heard_spotify_id"),
        F.min("isrc").alias("isrc"),
        F.min("recording_mbid").alias("recording_mbid"),
        F.max("duration_ms").alias("heard_duration_ms"),
    )
    tracks = catalogue_tracks.withColumn("is_catalogue", F.lit(True)).join(heard, on="track_id", how="full")
    artists = F.coalesce("artist_names", F.array("named.artist_name"))
    spotify_id = F.coalesce("spotify_id", "heard_spotify_id")
    return tracks.select(
        "track_id",
        spotify_id.alias("spotify_id"),
        "isrc",
        "recording_mbid",
        artists.alias("artist_names"),
        artist_id_of_name(artist_key(F.get(artists, F.lit(0)))).alias("artist_id"),
        F.coalesce("track_name", "named.track_name").alias("track_name"),
        F.coalesce("album_name", "heard_album").alias("album_name"),
        F.lit(None).cast("date").alias("release_date"),
        F.coalesce("duration_ms", "heard_duration_ms").alias("duration_ms"),
        "is_explicit",
        "popularity",
        F.coalesce("genres", F.array().cast("array<string>")).alias("genres"),
        F.coalesce("is_catalogue", F.lit(False)).alias("is_catalogue"),
        F.concat(F.lit(SPOTIFY_TRACK_PAGE), spotify_id).alias("spotify_url"),
        *[_later(name, "string") for name in (*LATER_TEXT, *LATER_TEXT_BY_SIZE)],
        *[_later(name, "array<string>") for name in ("artist_urls", "artist_mbids")],
    )


def _later(name: str, type_name: str) -> Column:
    return F.lit(None).cast(type_name).alias(name)
