"""Entries are shares that sum to 1, on their day in the listener's time zone."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.groups import conformed
from jobs.runtime.quality import VIOLATIONS, with_violations
from schemas.bronze.mood_entries import CONTRACT as BRONZE
from schemas.silver.mood_entries import CONTRACT
from schemas.silver.users import CONTRACT as USERS
from schemas.vocab import MOODS
from tests.rows import checked, make_rows, values
from transformations.silver.mood_entries import build

EVENING = datetime(2026, 11, 20, 22, 30)  # noqa: DTZ001 (rows are written as naive UTC)


def said(user: str = "u1", origin: str = "manual", note: str | None = None, **payload: Any) -> dict[str, Any]:
    given = {"user_id": user, "event_at": EVENING, "_source": origin, "note": note}
    return {**given, "payload": json.dumps({**dict.fromkeys(MOODS, 0.0), "listen_count": None, **payload})}


def entries(spark: SparkSession, *rows: dict[str, Any]) -> Any:
    users = ({"user_id": "u1", "time_zone": "UTC"}, {"user_id": "u2", "time_zone": "Europe/Berlin"})
    return build(mood_entries=make_rows(spark, BRONZE, *rows), users=make_rows(spark, USERS, *users))


def test_what_counts_is_what_the_numbers_are_of_each_other(spark: SparkSession) -> None:
    first, second = checked(entries(spark, said(happy=0.9, relaxed=0.3, note="snow"), said("u2", sad=0.2)), CONTRACT)
    assert [first[mood] for mood in MOODS] == pytest.approx([0.75, 0, 0, 0.25])
    assert [second[mood] for mood in MOODS] == [0, 0, 1, 0]
    assert (first["origin"], first["listen_count"], first["note"]) == ("manual", None, "snow")
    assert first["recorded_at"] == "2026-11-20 22:30:00"


def test_the_day_is_the_listeners(spark: SparkSession) -> None:
    first, second = checked(entries(spark, said(happy=1), said("u2", happy=1)), CONTRACT)
    assert (first["mood_date"], second["mood_date"]) == (date(2026, 11, 20), date(2026, 11, 20))
    late = {**said("u2", happy=1), "event_at": EVENING.replace(hour=23)}
    (row,) = checked(entries(spark, late), CONTRACT)
    assert row["mood_date"] == date(2026, 11, 21)


def test_what_was_read_from_plays_says_from_how_many(spark: SparkSession) -> None:
    (row,) = checked(entries(spark, said(origin="recent_listens", angry=0.4, sad=0.6, listen_count=48)), CONTRACT)
    assert (row["origin"], row["listen_count"], row["sad"]) == ("recent_listens", 48, 0.6)


def test_an_entry_that_says_nothing_is_refused_without_its_note(spark: SparkSession) -> None:
    broken = conformed(entries(spark, said(), {**said(note="snow"), "payload": "no json"}), CONTRACT)
    for row in values(with_violations(broken, CONTRACT)):
        assert row[VIOLATIONS]


def test_no_entries_and_an_unknown_listener_give_none(spark: SparkSession) -> None:
    assert checked(entries(spark), CONTRACT) == checked(entries(spark, said("gone", sad=1)), CONTRACT) == []
