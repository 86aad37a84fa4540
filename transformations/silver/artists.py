"""Tracks and identities to one row an artist; whoever plays credit but no track has for its main artist counts too."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def build(*, tracks: DataFrame, track_identities: DataFrame) -> DataFrame:
    """All tracks and identities of an artist in, a row out."""
    of_tracks = tracks.select(
        "artist_id",
        F.get("artist_names", F.lit(0)).alias("artist_name"),
        F.when(F.col("is_catalogue"), 0).otherwise(1).alias("trust"),
        "genres",
        "is_catalogue",
        F.lit(1).cast("bigint").alias("track_count"),
    )
    of_plays = track_identities.select(
        "artist_id",
        "artist_name",
        F.lit(2).alias("trust"),
        F.array().cast("array<string>").alias("genres"),
        F.col("is_artist_known").alias("is_catalogue"),
        F.lit(0).cast("bigint").alias("track_count"),
    )
    spelt = (
        of_tracks.unionByName(of_plays)
        .groupBy("artist_id", "trust", "artist_name")
        .agg(
            F.max("is_catalogue").alias("is_catalogue"),
            F.array_distinct(F.flatten(F.collect_list("genres"))).alias("genres"),
            F.sum("track_count").alias("track_count"),
        )
    )
    best = F.min(F.struct("trust", (-F.col("track_count")).alias("least"), "artist_name"))
    return spelt.groupBy("artist_id").agg(
        best["artist_name"].alias("artist_name"),
        F.sort_array(F.collect_set("artist_name")).alias("spellings"),
        F.max("is_catalogue").alias("is_catalogue"),
        F.sort_array(F.array_distinct(F.flatten(F.collect_list("genres")))).alias("genres"),
        F.sum("track_count").alias("track_count"),
    )
