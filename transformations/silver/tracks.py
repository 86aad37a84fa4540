"""The catalogue's tracks and those only heard, one row each.

What the catalogue says comes first, then what Spotify answered, then what the track's latest play says. Last.fm's pages
and MBIDs are those of its latest scrobble, whose covers stand in where Spotify was not asked.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.silver.covers import COVER_SIZES
from schemas.silver.spotify_tracks import CONTRACT as SPOTIFY_TRACKS
from transformations.ids import artist_id_of_name
from transformations.names import artist_letters

SPOTIFY_TRACK_PAGE = "https://open.spotify.com/track/"
SPOTIFY = tuple(name for name in SPOTIFY_TRACKS.names if name not in ("track_key", "track_id"))


def build(*, catalogue_tracks: DataFrame, spotify_tracks: DataFrame, track_identities: DataFrame) -> DataFrame:
    """A recording of the catalogue or a track of an identity in, a track out."""
    heard = track_identities.groupBy("track_id").agg(
        F.max(F.struct("named_at", "source", "source_track_key", "artist_name", "track_name")).alias("named"),
        F.max_by("album_name", _latest()).alias("heard_album"),
        F.min("spotify_id").alias("heard_spotify_id"),
        F.min("isrc").alias("heard_isrc"),
        F.min("recording_mbid").alias("recording_mbid"),
        F.max("duration_ms").alias("heard_duration_ms"),
        F.max_by("lastfm", F.when(F.col("lastfm").isNotNull(), _latest())).alias("lastfm"),
        F.max_by(F.struct("artist_id", "version", "work_id"), _latest()).alias("told"),
    )
    tracks = (
        _recordings(catalogue_tracks)
        .join(heard, on="track_id", how="full")
        .join(spotify_tracks.select("track_id", F.struct(*SPOTIFY).alias("spotify")), on="track_id", how="left")
    )
    of_spotify = F.when(F.size("spotify.artist_names") > 0, F.col("spotify.artist_names"))
    artists = F.coalesce("artist_names", of_spotify, F.array("named.artist_name"))
    first = F.get(of_spotify, F.lit(0))
    of_answer = F.when(first.isNotNull(), artist_id_of_name(artist_letters(first)))
    spotify_id, isrc = F.coalesce("spotify_id", "heard_spotify_id"), F.coalesce("spotify.isrc", "heard_isrc")
    return tracks.select(
        "track_id",
        spotify_id.alias("spotify_id"),
        isrc.alias("isrc"),
        F.coalesce(spotify_id, isrc).alias("track_key"),
        "recording_mbid",
        artists.alias("artist_names"),
        F.coalesce(F.get("artist_ids", F.lit(0)), of_answer, "told.artist_id").alias("artist_id"),
        F.coalesce("track_name", "spotify.track_name", "named.track_name").alias("track_name"),
        F.when(F.col("is_catalogue"), F.col("version")).otherwise(F.col("told.version")).alias("version"),
        F.coalesce("work_id", "told.work_id").alias("work_id"),
        F.coalesce("album_name", "spotify.album_name", "heard_album").alias("album_name"),
        "spotify.release_date",
        F.coalesce("duration_ms", "spotify.duration_ms", "heard_duration_ms").alias("duration_ms"),
        F.coalesce("is_explicit", "spotify.is_explicit").alias("is_explicit"),
        F.coalesce("popularity", "spotify.popularity").alias("popularity"),
        F.coalesce("genres", F.array().cast("array<string>")).alias("genres"),
        F.coalesce("is_catalogue", F.lit(False)).alias("is_catalogue"),
        F.concat(F.lit(SPOTIFY_TRACK_PAGE), spotify_id).alias("spotify_url"),
        "spotify.artist_urls",
        F.coalesce("spotify.album_thumbnail", *[f"lastfm.{size}" for size in reversed(COVER_SIZES)]).alias(
            "album_thumbnail"
        ),
        *[
            F.coalesce(f"spotify.album_thumbnail_{size}", f"lastfm.{size}").alias(f"album_thumbnail_{size}")
            for size in COVER_SIZES
        ],
        F.col("lastfm.url").alias("lastfm_url"),
        F.col("lastfm.artist_url").alias("artist_lastfm_url"),
        F.col("lastfm.release_mbid").alias("release_mbid"),
        F.when(F.col("lastfm.artist_mbid").isNotNull(), F.array("lastfm.artist_mbid")).alias("artist_mbids"),
    )


def _recordings(catalogue_tracks: DataFrame) -> DataFrame:
    """One row a recording: the id that stands for it, with the genres and the best popularity of all its ids."""
    of_all = catalogue_tracks.groupBy("track_id").agg(
        F.sort_array(F.array_distinct(F.flatten(F.collect_list("genres")))).alias("genres"),
        F.max("popularity").alias("popularity"),
    )
    standing = catalogue_tracks.where("is_representative").drop("genres", "popularity")
    return standing.join(of_all, "track_id").withColumn("is_catalogue", F.lit(True))


def _latest() -> Column:
    """What orders a track's keys by their latest plays; no two are alike."""
    return F.struct("named_at", "source", "source_track_key")
