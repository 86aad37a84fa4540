"""Score the moods of lyrics that nobody scored yet; the scores stay when the text expires.

The trap: the text leaves the lake for the scorer alone; rows carry its hash, and an error is told by its class.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from pyspark.sql import functions as F

from clients.errors import ClientError, RateLimitError
from jobs.fetching import aware
from jobs.lyric_mood import LyricMood, Score
from jobs.runtime.lake import Lake
from schemas.vocab import MOODS

if TYPE_CHECKING:
    from clients.mood_api import MoodAPIClient

UNVERSIONED = "unversioned"  # of a service that does not tell its model
INSTRUMENTAL = "none"  # no model was asked
MOST_FAILURES = 5  # in a run, of a service: then it is the service that fails, not the texts
ONE_WORD = r"^\W*instrumental\W*$"  # what services write where there is nothing to write

log = structlog.get_logger()


class Scorer(Protocol):
    """What reads the mood of a text: `source` is one of LYRIC_SCORERS, `version` None where only answers tell it."""

    @property
    def source(self) -> str: ...

    @property
    def version(self) -> str | None: ...

    def score(self, text: str) -> Score: ...


class RemoteScorer:
    """The service at AI_API_URL; its client is opened by the first text."""

    source = "ai"
    version = None

    def __init__(self, client: Callable[[], MoodAPIClient]) -> None:
        self._client = client

    def score(self, text: str) -> Score:
        """Raises ClientError where the service does not answer or has no score."""
        scores = self._client().score_lyrics(text)
        moods = {mood: getattr(scores, mood) for mood in MOODS}
        return Score(scores.model_version or UNVERSIONED, moods, max(moods.values()), None)


def scorer(chosen: str, client: Callable[[], MoodAPIClient], *, has_service: bool) -> Scorer:
    """The scorer of a setting's name; of no name the service where there is one, else the local model."""
    is_remote = chosen == "remote" or (not chosen and has_service)
    return RemoteScorer(client) if is_remote else LyricMood()


def unscored(lake: Lake, scorer: Scorer, limit: int, run_id: str) -> list[dict[str, Any]]:
    """Answers about lyrics that the scorer has not scored; of one that does not know its version, its newest model.

    Each has track_key, lyrics_hash, lyrics_source, is_instrumental and text, which an instrumental has not. Their order
    is another one each run, so that a few texts that a service cannot score never keep it from the others.
    """
    if not lake.exists("bronze.lyrics"):
        return []
    payload = F.from_json("payload", "lyrics_source string, instrumental boolean, text string")
    lyrics = lake.read("bronze.lyrics").select("track_key", payload.alias("lyrics"))
    text = F.nullif(F.trim("lyrics.text"), F.lit(""))
    is_instrumental = F.coalesce("lyrics.instrumental", F.lit(False)) | F.coalesce(
        F.lower(text).rlike(ONE_WORD), F.lit(False)
    )
    wanted = lyrics.select(
        "track_key",
        F.col("lyrics.lyrics_source").alias("lyrics_source"),
        is_instrumental.alias("is_instrumental"),
        F.when(~is_instrumental, text).alias("text"),
    ).where("is_instrumental OR text IS NOT NULL")
    hashed = wanted.withColumn("lyrics_hash", F.sha2(F.coalesce("text", "track_key"), 256))
    scores = lake.read("bronze.lyric_scores")
    known = scores.where((F.col("_source") == scorer.source) | F.col("is_instrumental"))
    if scorer.version is not None:
        of_model = known.where(F.col("model_version").isin(INSTRUMENTAL, scorer.version))
    else:
        told = known.where(~F.col("is_instrumental"))
        newest = told.agg(F.max_by("model_version", F.struct("_ingested_at", "model_version")).alias("newest"))
        is_newest = F.col("is_instrumental") | F.col("model_version").eqNullSafe(F.col("newest"))
        of_model = known.crossJoin(F.broadcast(newest)).where(is_newest)
    fresh = hashed.join(of_model.select("track_key", "lyrics_hash"), ["track_key", "lyrics_hash"], "left_anti")
    in_turn = fresh.orderBy(F.xxhash64("track_key", F.lit(run_id)), "track_key")
    return [row.asDict() for row in in_turn.limit(limit).collect()]


def scored(
    wanted: list[dict[str, Any]], scorer: Scorer, workers: int, run_id: str, now: datetime
) -> tuple[list[dict[str, Any]], Exception | None]:
    """Rows of bronze.lyric_scores, and the first error there was, if any: a pause that a service asks for goes before.

    A text that cannot be scored costs itself alone; after MOST_FAILURES of a service no more is asked.
    """
    errors: list[Exception] = []

    def score(one: dict[str, Any]) -> dict[str, Any] | None:
        if one["text"] is None:
            return _row(one, Score(INSTRUMENTAL, None, 0.0, None))
        failures = [error for error in errors if isinstance(error, ClientError)]
        if len(failures) >= MOST_FAILURES or any(isinstance(error, RateLimitError) for error in failures):
            return None
        try:
            return _row(one, scorer.score(one["text"]))
        except Exception as error:  # of whatever kind: the other texts must not wait for this one
            errors.append(error)
            log.warning("a text was not scored", lyrics_hash=one["lyrics_hash"], error=type(error).__name__)
            return None

    def _row(one: dict[str, Any], said: Score) -> dict[str, Any]:
        return {
            "track_key": one["track_key"],
            "lyrics_hash": one["lyrics_hash"],
            "model_version": said.model_version,
            **{mood: said.moods[mood] if said.moods else None for mood in MOODS},
            "confidence": said.confidence,
            "language": said.language,
            "is_instrumental": one["is_instrumental"],
            "lyrics_source": one["lyrics_source"],
            "_source": scorer.source,
            "_run_id": run_id,
            "_ingested_at": now,
        }

    with ThreadPoolExecutor(workers, thread_name_prefix="score") as pool:
        rows = [row for row in pool.map(score, wanted) if row is not None]
    return rows, max(errors, key=lambda error: isinstance(error, RateLimitError), default=None)


def without_text(lake: Lake, before: datetime, limit: int) -> list[dict[str, Any]]:
    """Rows of bronze.lyrics whose text was fetched before a moment, the oldest first, less the text."""
    if not lake.exists("bronze.lyrics"):
        return []
    has_text = F.get_json_object("payload", "$.text").isNotNull()
    old = lake.read("bronze.lyrics").where(has_text & (F.col("_ingested_at") < F.lit(before)))
    rows = [row.asDict() for row in old.orderBy("_ingested_at", "event_id").limit(limit).collect()]
    return [
        row
        | {
            "payload": json.dumps(json.loads(row["payload"]) | {"text": None}, ensure_ascii=False, sort_keys=True),
            "_ingested_at": aware(row["_ingested_at"]),
        }
        for row in rows
    ]
