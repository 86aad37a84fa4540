"""Listens sum up by listener, local day and track; skipped ones count, and count apart."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import SparkSession

from schemas.silver.listens import CONTRACT as LISTENS
from schemas.silver.user_track_days import CONTRACT
from tests.rows import checked, empty, make_rows
from transformations.silver.user_track_days import build

DAY, NEXT = date(2024, 1, 1), date(2024, 1, 2)


def listen(hour: int, **given: Any) -> dict[str, Any]:
    at = datetime(2024, 1, 1, hour, tzinfo=UTC)
    return {"user_id": "u1", "track_id": "t1", "listen_date": DAY, "played_at": at, **given}


def test_sums_of_a_day(spark: SparkSession) -> None:
    listens = (
        listen(9, ms_played=1000, is_skipped=True),
        listen(8, ms_played=200_000, is_skipped=False),
        listen(10),
        listen(11, track_id="t2"),
        listen(12, user_id="u2"),
        listen(13, listen_date=NEXT),
    )
    got = checked(build(listens=make_rows(spark, LISTENS, *listens)), CONTRACT)
    assert [(row["user_id"], row["listen_date"], row["track_id"], row["listen_count"]) for row in got] == [
        ("u1", DAY, "t1", 3),
        ("u1", DAY, "t2", 1),
        ("u1", NEXT, "t1", 1),
        ("u2", DAY, "t1", 1),
    ]
    assert (got[0]["skip_count"], got[0]["ms_played"]) == (1, 201_000)
    assert (got[0]["first_played_at"], got[0]["last_played_at"]) == ("2024-01-01 08:00:00", "2024-01-01 10:00:00")


def test_unknown_time_and_skips_are_null_and_none(spark: SparkSession) -> None:
    (row,) = checked(build(listens=make_rows(spark, LISTENS, listen(1), listen(2))), CONTRACT)
    assert (row["listen_count"], row["skip_count"], row["ms_played"]) == (2, 0, None)


def test_no_listens_give_no_sums(spark: SparkSession) -> None:
    assert checked(build(listens=empty(spark, LISTENS)), CONTRACT) == []
