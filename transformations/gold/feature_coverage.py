"""Sums per listener and track to how much of what was played has features, per listener and for all."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

EVERYONE = "*"
UNCOVERED = "none"


def build(*, user_tracks: DataFrame, track_features: DataFrame, as_of_date: date) -> DataFrame:
    """A row per listener and one for all (`*`); a track heard by two listeners counts once there."""
    sourced = user_tracks.select("user_id", "track_id", "listen_count").join(
        track_features.select("track_id", "feature_source"), "track_id"
    )
    by_source = sourced.groupBy("user_id", "feature_source").agg(
        F.sum("listen_count").alias("listens"), F.count("*").alias("tracks")
    )
    distinct = sourced.groupBy("track_id", "feature_source").agg(F.sum("listen_count").alias("listens"))
    everyone = (
        distinct.groupBy("feature_source")
        .agg(F.sum("listens").alias("listens"), F.count("*").alias("tracks"))
        .select(F.lit(EVERYONE).alias("user_id"), "feature_source", "listens", "tracks")
    )
    return (
        by_source.unionByName(everyone)
        .groupBy("user_id")
        .agg(
            F.sum("listens").alias("listen_count"),
            _covered("listens").alias("covered_listen_count"),
            F.sum("tracks").alias("track_count"),
            _covered("tracks").alias("covered_track_count"),
            _by_source("listens").alias("listens_by_source"),
            _by_source("tracks").alias("tracks_by_source"),
        )
        .select(F.lit(as_of_date).alias("run_date"), "*")
    )


def _covered(count: str) -> Column:
    return F.sum(F.when(F.col("feature_source") != UNCOVERED, F.col(count)).otherwise(F.lit(0)))


def _by_source(count: str) -> Column:
    return F.map_from_entries(F.array_sort(F.collect_list(F.struct("feature_source", count))))
