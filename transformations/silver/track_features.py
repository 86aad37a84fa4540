"""A track to its audio features, each value with its source; here the catalogue is the one source."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.silver.features import FEATURE_NAMES

CATALOGUE_CONFIDENCE = 1.0  # measured by Spotify on this very track


def build(*, tracks: DataFrame, catalogue_tracks: DataFrame) -> DataFrame:
    """Every track in, a row out; features null and feature_source none where no source has valence and energy."""
    measured = catalogue_tracks.select("track_id", *FEATURE_NAMES)
    joined = tracks.select("track_id").join(measured, on="track_id", how="left")
    is_known = F.col("valence").isNotNull() & F.col("energy").isNotNull()
    return joined.select(
        "track_id",
        *[F.when(is_known, F.col(name)).alias(name) for name in FEATURE_NAMES],
        F.when(is_known, "kaggle").otherwise("none").alias("feature_source"),
        F.when(is_known, F.lit(CATALOGUE_CONFIDENCE)).otherwise(F.lit(0.0)).alias("feature_confidence"),
        _value_sources(is_known).alias("value_sources"),
    )


def _value_sources(is_known: Column) -> Column:
    known = F.struct(F.lit("kaggle").alias("source"), F.lit(CATALOGUE_CONFIDENCE).alias("confidence"))
    entries = [F.when(is_known & F.col(name).isNotNull(), F.struct(F.lit(name), known)) for name in FEATURE_NAMES]
    return F.map_from_entries(F.array_compact(F.array(*entries)))
