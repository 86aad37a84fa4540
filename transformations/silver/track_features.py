"""A track to its audio features, each value with its source: Spotify, else ReccoBeats, else the catalogue."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.silver.features import FEATURE_NAMES
from schemas.vocab import SERVICE_FEATURE_SOURCES

# The chain in order, and how far a source is trusted. Spotify measured this very track, and the catalogue holds what
# Spotify measured; ReccoBeats models the features itself, and how far it is off is not calibrated yet.
CONFIDENCES = {"spotify": 1.0, "reccobeats": 0.9, "kaggle": 1.0}
TOGETHER = ("valence", "energy")  # a mood is read from both, so they come from one source


def build(*, tracks: DataFrame, catalogue_tracks: DataFrame, service_features: DataFrame) -> DataFrame:
    """Every track in, a row out.

    Valence and energy are of the first source that has both: the feature_source. Any other value is of the first that
    has it, so what one source lacks the next fills in. Where no source has both, all is null.
    """
    joined = tracks.select("track_id", "track_key")
    for source in SERVICE_FEATURE_SOURCES:
        measured = service_features.where(F.col("source") == source)
        joined = joined.join(measured.select("track_key", _features_as(source)), "track_key", "left")
    joined = joined.join(catalogue_tracks.select("track_id", _features_as("kaggle")), "track_id", "left")
    sourced = joined.withColumn("feature_source", _first({source: _has_both(source) for source in CONFIDENCES}))
    sources = {name: _source_of(name) for name in FEATURE_NAMES}
    return sourced.select(
        "track_id",
        *[_value(name, source).alias(name) for name, source in sources.items()],
        F.coalesce("feature_source", F.lit("none")).alias("feature_source"),
        F.coalesce(_confidence(F.col("feature_source")), F.lit(0.0)).alias("feature_confidence"),
        _value_sources(sources),
    )


def _features_as(source: str) -> Column:
    return F.struct(*FEATURE_NAMES).alias(source)


def _has_both(source: str) -> Column:
    valence, energy = (F.col(f"{source}.{name}").isNotNull() for name in TOGETHER)
    return valence & energy


def _first(candidates: dict[str, Column]) -> Column:
    """The first source whose condition holds, null where none does."""
    return F.coalesce(*[F.when(holds, F.lit(source)) for source, holds in candidates.items()])


def _source_of(name: str) -> Column:
    """Which source a feature's value is taken from; null where there is none, or none for valence and energy."""
    if name in TOGETHER:
        return F.col("feature_source")
    known = {source: F.col(f"{source}.{name}").isNotNull() for source in CONFIDENCES}
    return F.when(F.col("feature_source").isNotNull(), _first(known))


def _value(name: str, source: Column) -> Column:
    return F.coalesce(*[F.when(source == candidate, F.col(f"{candidate}.{name}")) for candidate in CONFIDENCES])


def _confidence(source: Column) -> Column:
    return F.coalesce(*[F.when(source == candidate, F.lit(sure)) for candidate, sure in CONFIDENCES.items()])


def _value_sources(sources: dict[str, Column]) -> Column:
    entries = [
        F.when(
            source.isNotNull(),
            F.struct(F.lit(name), F.struct(source.alias("source"), _confidence(source).alias("confidence"))),
        )
        for name, source in sources.items()
    ]
    return F.map_from_entries(F.array_compact(F.array(*entries))).alias("value_sources")
