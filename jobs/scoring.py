"""Score the moods of lyrics that nobody scored yet; the scores stay when the text expires.

The trap: the text leaves the lake for the service alone; rows carry its hash.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from clients.errors import ClientError, RateLimitError
from jobs.runtime.lake import Lake
from schemas.vocab import MOODS

if TYPE_CHECKING:
    from clients.mood_api import MoodAPIClient, MoodScores

UNVERSIONED = "unversioned"  # of a service that does not tell its model
INSTRUMENTAL = "none"  # no model was asked
MOST_FAILURES = 5  # in a run: then it is the service that fails, not the texts


def unscored(lake: Lake, limit: int) -> list[dict[str, Any]]:
    """Answers about lyrics that the newest model known has not scored.

    Each has track_key, lyrics_hash, lyrics_source, is_instrumental and text, which an instrumental has not.
    """
    payload = F.from_json("payload", "lyrics_source string, instrumental boolean, text string")
    text = F.nullif(F.trim("lyrics.text"), F.lit(""))
    lyrics = lake.read("bronze.lyrics").select("track_key", payload.alias("lyrics"))
    wanted = lyrics.select(
        "track_key",
        F.col("lyrics.lyrics_source").alias("lyrics_source"),
        F.when(~F.coalesce("lyrics.instrumental", F.lit(False)), text).alias("text"),
        F.coalesce("lyrics.instrumental", F.lit(False)).alias("is_instrumental"),
    ).where("is_instrumental OR text IS NOT NULL")
    hashed = wanted.withColumn("lyrics_hash", F.sha2(F.coalesce("text", "track_key"), 256))
    scores = lake.read("bronze.lyric_scores")
    told = scores.where(F.col("model_version") != INSTRUMENTAL)
    newest = told.agg(F.max_by("model_version", F.struct("_ingested_at", "model_version")).alias("newest"))
    of_newest = F.col("model_version").isin(INSTRUMENTAL) | F.col("model_version").eqNullSafe(F.col("newest"))
    known = scores.crossJoin(F.broadcast(newest)).where(of_newest).select("lyrics_hash").distinct()
    fresh = hashed.join(known, "lyrics_hash", "left_anti").dropDuplicates(["lyrics_hash"])
    return [row.asDict() for row in fresh.orderBy("track_key").limit(limit).collect()]


def scored(
    wanted: list[dict[str, Any]], client: Callable[[], MoodAPIClient], workers: int, run_id: str, now: datetime
) -> tuple[list[dict[str, Any]], ClientError | None]:
    """Rows of bronze.lyric_scores, and the first error there was, if any.

    A text that the service cannot score costs itself alone; after MOST_FAILURES of them no more is asked.
    """
    errors: list[ClientError] = []

    def score(one: dict[str, Any]) -> dict[str, Any] | None:
        if one["text"] is None:
            return _row(one, INSTRUMENTAL, None)
        if len(errors) >= MOST_FAILURES or any(isinstance(error, RateLimitError) for error in errors):
            return None
        try:
            scores = client().score_lyrics(one["text"])
        except ClientError as error:
            errors.append(error)
            return None
        return _row(one, scores.model_version or UNVERSIONED, scores)

    def _row(one: dict[str, Any], version: str, scores: MoodScores | None) -> dict[str, Any]:
        moods = {mood: getattr(scores, mood) if scores else None for mood in MOODS}
        return {
            "lyrics_hash": one["lyrics_hash"],
            "model_version": version,
            "track_key": one["track_key"],
            **moods,
            "confidence": max(filter(None, moods.values()), default=0.0),
            "language": None,
            "is_instrumental": one["is_instrumental"],
            "lyrics_source": one["lyrics_source"],
            "_source": "ai",
            "_run_id": run_id,
            "_ingested_at": now,
        }

    with ThreadPoolExecutor(workers, thread_name_prefix="score") as pool:
        rows = [row for row in pool.map(score, wanted) if row is not None]
    return rows, max(errors, key=lambda error: isinstance(error, RateLimitError), default=None)
