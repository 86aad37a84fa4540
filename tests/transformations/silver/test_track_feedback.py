"""The last word of a listener on a track counts, and may take back what was said."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from pyspark.sql import SparkSession

from schemas.bronze.track_feedback import CONTRACT as BRONZE
from schemas.silver.track_feedback import CONTRACT
from tests.rows import checked, make_rows
from transformations.silver.track_feedback import build

START = datetime(2026, 11, 1, 12)  # noqa: DTZ001 (rows are written as naive UTC)


def feedback(spark: SparkSession, *said: tuple[str, str, str, int]) -> list[dict[str, Any]]:
    """What is left of words of (listener, track, verdict, minute)."""
    rows = (
        {
            "user_id": user,
            "payload": json.dumps({"track_id": track, "verdict": verdict}),
            "event_at": START + timedelta(minutes=minute),
        }
        for user, track, verdict, minute in said
    )
    return checked(build(track_feedback=make_rows(spark, BRONZE, *rows)), CONTRACT)


def test_the_last_word_counts(spark: SparkSession) -> None:
    got = feedback(
        spark,
        ("u1", "t1", "dislike", 5),
        ("u1", "t1", "like", 2),
        ("u1", "t2", "like", 1),
        ("u2", "t1", "like", 9),
    )
    assert [(row["user_id"], row["track_id"], row["is_liked"], row["said_at"]) for row in got] == [
        ("u1", "t1", False, "2026-11-01 12:05:00"),
        ("u1", "t2", True, "2026-11-01 12:01:00"),
        ("u2", "t1", True, "2026-11-01 12:09:00"),
    ]


def test_what_is_taken_back_is_gone_until_it_is_said_again(spark: SparkSession) -> None:
    assert feedback(spark, ("u1", "t1", "like", 1), ("u1", "t1", "none", 2)) == []
    (row,) = feedback(spark, ("u1", "t1", "like", 1), ("u1", "t1", "none", 2), ("u1", "t1", "like", 3))
    assert row["is_liked"] is True


def test_of_two_words_at_one_moment_the_larger_id_counts(spark: SparkSession) -> None:
    said = ("u1", "t1", "like", 1), ("u1", "t1", "dislike", 1)
    assert feedback(spark, *said)[0]["is_liked"] is False  # its id comes later


def test_no_words_give_none(spark: SparkSession) -> None:
    assert feedback(spark) == []
