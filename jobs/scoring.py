"""Score the moods of lyrics that nobody scored yet; the scores stay when the text expires.

The trap: the text leaves the lake for the service alone; rows carry its hash.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from clients.errors import ClientError
from jobs.runtime.lake import Lake

if TYPE_CHECKING:
    from clients.mood_api import MoodAPIClient

UNVERSIONED = "unversioned"  # of a service that does not tell its model
INSTRUMENTAL = "none"  # no model was asked


def unscored(lake: Lake, limit: int) -> list[dict[str, Any]]:
    """Answers about lyrics without a score: track_key, lyrics_hash, lyrics_source, text (None for an instrumental)."""
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
    known = lake.read("bronze.lyric_scores").select("lyrics_hash").distinct()
    fresh = hashed.join(known, "lyrics_hash", "left_anti").dropDuplicates(["lyrics_hash"])
    return [row.asDict() for row in fresh.orderBy("track_key").limit(limit).collect()]


def scored(
    wanted: list[dict[str, Any]], client: Callable[[], MoodAPIClient], run_id: str, now: datetime
) -> tuple[list[dict[str, Any]], ClientError | None]:
    """Rows of bronze.lyric_scores, and the error that ended it early, if one did."""
    rows: list[dict[str, Any]] = []
    for one in wanted:
        moods: dict[str, float | None] = dict.fromkeys(("happy", "angry", "sad", "relaxed"))
        version, confidence = INSTRUMENTAL, 0.0
        if one["text"] is not None:
            try:
                scores = client().score_lyrics(one["text"])
            except ClientError as error:
                return rows, error
            moods = {name: getattr(scores, name) for name in moods}
            version = scores.model_version or UNVERSIONED
            confidence = max(getattr(scores, name) for name in moods)
        rows.append(
            {
                "lyrics_hash": one["lyrics_hash"],
                "model_version": version,
                "track_key": one["track_key"],
                **moods,
                "confidence": confidence,
                "language": None,
                "is_instrumental": one["is_instrumental"],
                "lyrics_source": one["lyrics_source"],
                "_source": "ai",
                "_run_id": run_id,
                "_ingested_at": now,
            }
        )
    return rows, None
