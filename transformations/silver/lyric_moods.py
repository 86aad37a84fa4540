"""Scores of texts to what the words of a track feel like: of several scores the best model's.

The trap: lyrics are asked for by the names that were heard, so a track has as many texts as it has spellings.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.vocab import LYRIC_SCORERS, MOODS

SAID = (*MOODS, "confidence", "lyrics_source", "language", "is_instrumental", "model_version")


def build(*, lyric_scores: DataFrame, track_identities: DataFrame) -> DataFrame:
    """A track with scored lyrics in, a row out. A song_key is what lyrics are asked for by: their track_key."""
    keys = track_identities.select("track_id", F.col("song_key").alias("track_key")).distinct()
    best = F.max_by(F.struct(*SAID), F.struct(*_best_last())).alias("best")
    return lyric_scores.join(keys, "track_key").groupBy("track_id").agg(best).select("track_id", "best.*")


def _best_last() -> list[Column]:
    """What orders a track's scores: moods go before an instrumental before nothing, a trusted scorer before another,
    the newest score before an older; the key breaks ties."""
    says = F.when(F.col(MOODS[0]).isNotNull(), 2).when(F.col("is_instrumental"), 1).otherwise(0)
    trust = F.coalesce(*[F.when(F.col("_source") == name, -place) for place, name in enumerate(LYRIC_SCORERS)])
    return [says, trust, F.col("_ingested_at"), F.col("model_version"), F.col("lyrics_hash"), F.col("track_key")]
