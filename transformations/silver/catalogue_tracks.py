"""Catalogue rows (one a genre) to one row a Spotify id; 0 of tempo and time signature means unknown."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transformations.ids import track_id_of_spotify

FIELDS = (
    "track_id string, artists string, album_name string, track_name string, popularity string, duration_ms string, "
    "explicit string, danceability string, energy string, key string, loudness string, mode string, "
    "speechiness string, acousticness string, instrumentalness string, liveness string, valence string, "
    "tempo string, time_signature string, track_genre string"
)

SHARES = ("danceability", "energy", "valence", "speechiness", "acousticness", "instrumentalness", "liveness")


def build(*, kaggle_tracks: DataFrame) -> DataFrame:
    """Rows of one id differ in genre and popularity alone: genres are collected, the highest popularity counts."""
    rows = kaggle_tracks.select("event_id", F.from_json("payload", FIELDS).alias("row"))
    tracks = rows.groupBy(F.col("row.track_id").alias("spotify_id")).agg(
        F.min_by("row", "event_id").alias("row"),
        F.max(_number("popularity")).try_cast("int").alias("popularity"),
        F.sort_array(F.collect_set(F.trim("row.track_genre"))).alias("genres"),
    )
    artists = F.transform(F.split("row.artists", ";"), lambda artist: F.trim(artist))
    return tracks.select(
        "spotify_id",
        track_id_of_spotify(F.col("spotify_id")).alias("track_id"),
        F.filter(artists, lambda artist: artist != "").alias("artist_names"),
        F.trim("row.track_name").alias("track_name"),
        F.nullif(F.trim("row.album_name"), F.lit("")).alias("album_name"),
        "popularity",
        (F.lower("row.explicit") == "true").alias("is_explicit"),
        F.nullif(_number("duration_ms").try_cast("bigint"), F.lit(0)).alias("duration_ms"),
        "genres",
        *[_feature(name).alias(name) for name in SHARES],
        _feature("loudness").alias("loudness_db"),
        F.nullif(_feature("tempo"), F.lit(0.0)).alias("tempo_bpm"),
        F.when(_feature("key") >= 0, _feature("key")).try_cast("int").alias("key"),
        _feature("mode").try_cast("int").alias("mode"),
        F.nullif(_feature("time_signature").try_cast("int"), F.lit(0)).alias("time_signature"),
    ).where(F.size("artist_names") > 0)


def _feature(name: str) -> Column:
    """A feature's value, null where the analysis failed: then tempo and danceability are 0, and so is valence."""
    has_failed = (_number("tempo") == 0) & (_number("danceability") == 0)
    return F.when(~F.coalesce(has_failed, F.lit(False)), _number(name))


def _number(name: str) -> Column:
    return F.col(f"row.{name}").try_cast("double")
