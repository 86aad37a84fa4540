"""Catalogue rows (one a genre) to one row a Spotify id; 0 of tempo and time signature means unknown."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.ids import track_id_of_spotify
from transformations.silver.features import FEATURE_FIELDS, feature_columns, number

FIELDS = (
    "track_id string, artists string, album_name string, track_name string, popularity string, duration_ms string, "
    f"explicit string, track_genre string, {FEATURE_FIELDS}"
)


def build(*, kaggle_tracks: DataFrame) -> DataFrame:
    """Rows of one id differ in genre and popularity alone: genres are collected, the highest popularity counts."""
    rows = kaggle_tracks.select("event_id", F.from_json("payload", FIELDS).alias("row"))
    tracks = rows.groupBy(F.col("row.track_id").alias("spotify_id")).agg(
        F.min_by("row", "event_id").alias("row"),
        F.max(number("row", "popularity")).try_cast("int").alias("popularity"),
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
        F.nullif(number("row", "duration_ms").try_cast("bigint"), F.lit(0)).alias("duration_ms"),
        "genres",
        *feature_columns("row"),
    ).where(F.size("artist_names") > 0)
