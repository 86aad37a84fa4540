"""Sums per track to sums per listener and main artist."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.silver.sums import sums_of_sums


def build(*, user_tracks: DataFrame, tracks: DataFrame) -> DataFrame:
    """All tracks of a listener in, one row per main artist out."""
    artists = tracks.select("track_id", "artist_id", F.get("artist_names", F.lit(0)).alias("artist_name"))
    return (
        user_tracks.join(artists, "track_id")
        .groupBy("user_id", "artist_id")
        .agg(F.min("artist_name").alias("artist_name"), F.count("*").alias("track_count"), *sums_of_sums())
    )
