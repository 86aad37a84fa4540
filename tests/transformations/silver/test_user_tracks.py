"""Sums of days add up to sums of all time."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pyspark.sql import SparkSession

from schemas.silver.user_track_days import CONTRACT as USER_TRACK_DAYS
from schemas.silver.user_tracks import CONTRACT
from tests.rows import checked, empty, make_rows
from transformations.silver.user_tracks import build


def test_days_add_up(spark: SparkSession) -> None:
    long_ago = datetime(2014, 1, 1, tzinfo=UTC)
    one = {"user_id": "u1", "track_id": "t1"}
    days = (
        {**one, "listen_date": date(2024, 1, 1), "listen_count": 2, "skip_count": 1, "ms_played": 100},
        {
            **one,
            "listen_date": date(2014, 1, 1),
            "listen_count": 3,
            "first_played_at": long_ago,
        },
        {**one, "listen_date": date(2024, 1, 2), "listen_count": 1, "ms_played": 50},
        {**one, "track_id": "t2", "listen_count": 7},
        {**one, "user_id": "u2", "listen_count": 9},
    )
    got = checked(build(user_track_days=make_rows(spark, USER_TRACK_DAYS, *days)), CONTRACT)
    shown = ("user_id", "track_id", "listen_count", "skip_count", "ms_played")
    assert [tuple(row[name] for name in shown) for row in got] == [
        ("u1", "t1", 6, 1, 150),
        ("u1", "t2", 7, 0, None),
        ("u2", "t1", 9, 0, None),
    ]
    assert (got[0]["first_played_at"], got[0]["last_played_at"]) == ("2014-01-01 00:00:00", "2024-01-01 12:00:00")


def test_no_days_give_no_sums(spark: SparkSession) -> None:
    assert checked(build(user_track_days=empty(spark, USER_TRACK_DAYS)), CONTRACT) == []
