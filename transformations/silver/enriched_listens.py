"""Listens left-joined to their track's genres, features and mood; a listen in, the same listen out."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.silver.features import FEATURE_NAMES
from schemas.vocab import MOODS


def build(*, listens: DataFrame, tracks: DataFrame, track_features: DataFrame, track_moods: DataFrame) -> DataFrame:
    """No listen is lost: a track without features gives feature_source none and mood unknown."""
    moods = track_moods.select("track_id", *MOODS, "mood", "mood_source", "mood_confidence")
    features = track_features.select("track_id", *FEATURE_NAMES, "feature_source", "feature_confidence")
    known = tracks.select("track_id", "genres").join(features, "track_id", "left").join(moods, "track_id", "left")
    return listens.join(known, "track_id", "left").select(
        *[name for name in listens.columns if name != "members"],
        F.coalesce("genres", F.array().cast("array<string>")).alias("genres"),
        *FEATURE_NAMES,
        F.coalesce("feature_source", F.lit("none")).alias("feature_source"),
        F.coalesce("feature_confidence", F.lit(0.0)).alias("feature_confidence"),
        *MOODS,
        F.coalesce("mood", F.lit("unknown")).alias("mood"),
        F.coalesce("mood_source", F.lit("none")).alias("mood_source"),
        F.coalesce("mood_confidence", F.lit(0.0)).alias("mood_confidence"),
    )
