"""Lyrics are an answer, and so is that a track has none to sing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from schemas.bronze.lyrics import CONTRACT
from tests.rows import checked, fetched, imported, values
from transformations.bronze.lyrics import build

NOW = datetime(2026, 11, 21, tzinfo=UTC)
KEY = "28cnXtME493VX9NOw9cIUh"
ANSWER: dict[str, Any] = {"lyrics_source": "lrclib", "instrumental": False, "text": "La la la"}


def events(spark: SparkSession, *answers: dict[str, Any], key: str | None = KEY, feed: str = "lyrics") -> DataFrame:
    return build(records=fetched(spark, *answers, track_key=key), feed=feed, now=NOW)


def test_an_answer_is_kept_whole_under_the_key_that_was_asked_for(spark: SparkSession) -> None:
    (row,) = checked(imported(events(spark, ANSWER)), CONTRACT)
    assert (row["track_key"], row["event_at"], row["_source"]) == (KEY, None, "lyrics")
    assert json.loads(row["payload"]) == ANSWER


def test_no_answers_give_no_rows(spark: SparkSession) -> None:
    assert checked(imported(events(spark)), CONTRACT) == []


def test_a_later_answer_has_the_same_id(spark: SparkSession) -> None:
    first, again = values(events(spark, ANSWER, {**ANSWER, "more": 1}))
    (other,) = values(events(spark, ANSWER, key="USUG11904206"))
    assert first["event_id"] == again["event_id"] != other["event_id"]


def test_an_answer_to_no_question_is_refused(spark: SparkSession) -> None:
    (row,) = values(events(spark, ANSWER, key=None))
    assert row["_violations"] == ["missing_track_key"]


def test_an_instrumental_needs_no_text_and_anything_else_does(spark: SparkSession) -> None:
    without = {**ANSWER, "text": None}
    answers = ({**without, "instrumental": True}, without, {**ANSWER, "text": " "}, {**ANSWER, "lyrics_source": None})
    assert [row["_violations"] for row in values(events(spark, *answers))] == [
        [],
        ["missing_lyrics"],
        ["missing_lyrics"],
        ["missing_lyrics_source"],
    ]
