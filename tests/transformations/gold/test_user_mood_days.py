"""A day's moods are the mean over its plays that were not skipped, and over what the listener reported."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pyspark.sql import SparkSession

from schemas.gold.user_mood_days import CONTRACT
from schemas.silver.mood_entries import CONTRACT as MOOD_ENTRIES
from schemas.silver.track_features import CONTRACT as TRACK_FEATURES
from schemas.silver.track_moods import CONTRACT as TRACK_MOODS
from schemas.silver.user_track_days import CONTRACT as USER_TRACK_DAYS
from schemas.vocab import MOODS
from tests.rows import checked, make_rows
from transformations.gold.user_mood_days import build

DAY, NEXT = date(2024, 1, 1), date(2024, 1, 2)


def mood_days(
    spark: SparkSession, *days: tuple[str, date, str, int, int], entries: tuple[dict[str, Any], ...] = ()
) -> list[dict[str, Any]]:
    names = ("user_id", "listen_date", "track_id", "listen_count", "skip_count")
    shares = {"happy": (1.0, 0.0, 0.0, 0.0), "mixed": (0.4, 0.3, 0.2, 0.1), "unknown": (None,) * 4}
    moods = ({"track_id": track, **dict(zip(MOODS, given, strict=True))} for track, given in shares.items())
    rows = build(
        user_track_days=make_rows(spark, USER_TRACK_DAYS, *(dict(zip(names, day, strict=True)) for day in days)),
        track_features=make_rows(spark, TRACK_FEATURES, *({"track_id": track} for track in shares)),
        track_moods=make_rows(spark, TRACK_MOODS, *moods),
        mood_entries=make_rows(spark, MOOD_ENTRIES, *entries),
    )
    return checked(rows, CONTRACT)


def test_shares_are_means_over_the_plays_that_count(spark: SparkSession) -> None:
    got = mood_days(
        spark,
        ("u1", DAY, "happy", 3, 2),
        ("u1", DAY, "mixed", 3, 0),
        ("u1", DAY, "unknown", 5, 1),
        ("u1", NEXT, "mixed", 1, 0),
        ("u2", DAY, "happy", 1, 0),
    )
    assert [(day["user_id"], day["mood_date"], day["listen_count"], day["entry_count"]) for day in got] == [
        ("u1", DAY, 8, 0),
        ("u1", NEXT, 1, 0),
        ("u2", DAY, 1, 0),
    ]
    assert [got[0][mood] for mood in MOODS] == pytest.approx([2.2 / 4, 0.9 / 4, 0.6 / 4, 0.3 / 4])
    assert [got[1][mood] for mood in MOODS] == pytest.approx([0.4, 0.3, 0.2, 0.1])


def reported(day: date, moods: tuple[float, float, float, float], **given: Any) -> dict[str, Any]:
    """An entry of listener u1."""
    return {"user_id": "u1", "mood_date": day, "origin": "manual", **dict(zip(MOODS, moods, strict=True)), **given}


def test_a_reported_mood_counts_as_ten_plays_of_it(spark: SparkSession) -> None:
    got = mood_days(
        spark,
        ("u1", DAY, "happy", 10, 0),
        ("u1", DAY, "unknown", 50, 0),
        entries=(
            reported(DAY, (0.0, 0.0, 0.5, 0.5)),
            reported(NEXT, (0.0, 1.0, 0.0, 0.0)),
            reported(NEXT, (0.0, 0.0, 1.0, 0.0)),
        ),
    )
    shown = ("mood_date", "listen_count", "entry_count")
    assert [tuple(day[name] for name in shown) for day in got] == [(DAY, 60, 1), (NEXT, 0, 2)]
    assert [got[0][mood] for mood in MOODS] == pytest.approx([0.5, 0, 0.25, 0.25])
    assert [got[1][mood] for mood in MOODS] == pytest.approx([0, 0.5, 0.5, 0])


def test_what_was_read_from_plays_is_not_blended_with_them_again(spark: SparkSession) -> None:
    read = reported(DAY, (0.0, 1.0, 0.0, 0.0), origin="recent_listens", listen_count=50)
    (day,) = mood_days(spark, ("u1", DAY, "happy", 1, 0), entries=(read, {**read, "mood_date": NEXT}))
    assert (day["mood_date"], day["happy"], day["entry_count"]) == (DAY, 1.0, 0)


def test_a_day_of_skips_alone_has_no_row(spark: SparkSession) -> None:
    assert mood_days(spark, ("u1", DAY, "happy", 2, 2)) == []


def test_a_day_of_unknown_moods_keeps_its_row_with_nulls(spark: SparkSession) -> None:
    for day in mood_days(spark, ("u1", DAY, "unknown", 2, 0), ("u1", NEXT, "no such track", 2, 0)):
        assert ({day[mood] for mood in MOODS}, day["listen_count"]) == ({None}, 2)


def test_no_days_give_none(spark: SparkSession) -> None:
    assert mood_days(spark) == []
