"""A loved track is one row, named as the feed's plays name it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from pyspark.sql import SparkSession

from schemas.bronze.lastfm_loved_tracks import CONTRACT as LASTFM_LOVED_TRACKS
from schemas.silver.user_loved_tracks import CONTRACT
from tests.rows import checked, make_rows
from transformations.silver.user_loved_tracks import build

OLD, NEW = datetime(2020, 1, 1), datetime(2024, 1, 1)  # noqa: DTZ001


def loved(spark: SparkSession, *rows: tuple[str, str, str, datetime | None]) -> list[dict[str, Any]]:
    """Rows of (listener, artist, title, since)."""
    given = [
        {"user_id": user, "event_at": at, "payload": json.dumps({"artist": {"name": artist}, "name": title})}
        for user, artist, title, at in rows
    ]
    return checked(build(lastfm_loved_tracks=make_rows(spark, LASTFM_LOVED_TRACKS, *given)), CONTRACT)


def test_a_loved_track_is_a_row(spark: SparkSession) -> None:
    (row,) = loved(spark, ("u1", "Björk", "Jóga", NEW))
    assert row == {"user_id": "u1", "artist_name": "Björk", "track_name": "Jóga", "loved_at": "2024-01-01 00:00:00"}


def test_nothing_loved_gives_nothing(spark: SparkSession) -> None:
    assert loved(spark) == []


def test_a_love_without_a_date_is_kept(spark: SparkSession) -> None:
    assert [row["loved_at"] for row in loved(spark, ("u1", "Björk", "Jóga", None))] == [None]


def test_names_that_differ_in_blanks_alone_are_one(spark: SparkSession) -> None:
    rows = loved(spark, ("u1", "Björk ", "Jóga", OLD), ("u1", "Björk", " Jóga", NEW), ("u2", "Björk", "Jóga", None))
    assert [(row["user_id"], row["loved_at"]) for row in rows] == [("u1", "2024-01-01 00:00:00"), ("u2", None)]
