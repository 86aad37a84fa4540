"""Hours and weekdays are the listener's own, and count what profiles count."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pyspark.sql import SparkSession

from schemas.silver.enriched_listens import CONTRACT as ENRICHED
from schemas.silver.mood_entries import CONTRACT as ENTRIES
from schemas.vocab import MOODS
from tests.rows import make_rows, values
from transformations.gold.mood_hours import COUNTS, mood_sums_by_hour
from transformations.millionths import SCALE

SUNDAY = datetime(2024, 6, 30, 22, 30)  # noqa: DTZ001 (rows are written as naive UTC)
AS_OF = date(2024, 7, 1)


def hours(
    spark: SparkSession,
    *plays: dict[str, Any],
    entries: tuple[dict[str, Any], ...] = (),
    time_zone: str = "UTC",
    period: str = "all",
) -> dict[tuple[int, int], dict[str, Any]]:
    rows = mood_sums_by_hour(
        enriched_listens=make_rows(spark, ENRICHED, *plays),
        mood_entries=make_rows(spark, ENTRIES, *entries),
        time_zone=time_zone,
        period=period,
        as_of_date=AS_OF,
    )
    return {(row.pop("weekday"), row.pop("hour")): row for row in values(rows)}


def play(mood: str | None = "happy", at: datetime = SUNDAY, **given: Any) -> dict[str, Any]:
    moods = {name: float(name == mood) for name in MOODS} if mood else {}
    return {"played_at": at, "listen_date": at.date(), **moods, **given}


def entry(mood: str, at: datetime = SUNDAY, **given: Any) -> dict[str, Any]:
    moods = {name: float(name == mood) for name in MOODS}
    return {"recorded_at": at, "mood_date": at.date(), "origin": "manual", **moods, **given}


def test_the_clock_is_the_listeners(spark: SparkSession) -> None:
    winter = datetime(2024, 1, 1, 22, 30)  # noqa: DTZ001
    assert set(hours(spark, play())) == {(7, 22)}
    assert set(hours(spark, play(), play(at=winter), time_zone="Europe/Berlin")) == {(1, 0), (1, 23)}


def test_plays_that_count_and_reports_are_added_up(spark: SparkSession) -> None:
    got = hours(
        spark,
        play(),
        play("sad", is_skipped=False),
        play("sad", is_skipped=True),
        play(None),
        entries=(entry("angry"), entry("angry", origin="recent_listens", listen_count=9)),
    )
    assert [got[7, 22][name] for name in COUNTS] == [3, 2, 1]
    assert [got[7, 22][mood] // SCALE for mood in MOODS] == [1, 10, 1, 0]


def test_only_the_period_counts(spark: SparkSession) -> None:
    old, ahead = datetime(2024, 6, 24, 9), datetime(2024, 7, 2, 9)  # noqa: DTZ001
    rows = (play(), play(at=old), play(at=ahead))
    told = (entry("sad", at=old), entry("sad", at=ahead))
    assert {day: row["listen_count"] for day, row in hours(spark, *rows, entries=told).items()} == {
        (7, 22): 1,
        (1, 9): 1,
    }
    assert set(hours(spark, *rows, entries=told, period="7d")) == {(7, 22)}


def test_nothing_gives_nothing(spark: SparkSession) -> None:
    assert hours(spark) == {}
