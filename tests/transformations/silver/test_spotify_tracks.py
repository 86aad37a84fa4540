"""Spotify's answers are typed; a date of less precision is its first day, a cover the next larger one."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from pyspark.sql import SparkSession

from schemas.bronze.spotify_tracks import CONTRACT as SPOTIFY_TRACKS
from schemas.silver.spotify_tracks import CONTRACT
from tests.rows import checked, make_rows
from transformations.silver.spotify_tracks import build

KEY = "28cnXtME493VX9NOw9cIUh"
PAGE = "https://open.spotify.com/artist/"
ANSWER: dict[str, Any] = {
    "id": "0" * 22,
    "name": "Hurt",
    "duration_ms": 218_000,
    "explicit": False,
    "external_ids": {"isrc": "usug11904206"},
    "artists": [
        {"id": "a1", "name": "Johnny Cash", "external_urls": {"spotify": PAGE + "a1"}},
        {"id": "a2", "name": "B"},
    ],
    "album": {
        "name": "American IV",
        "release_date": "2002-11-05",
        "images": [{"url": f"i{size}", "width": size, "height": size} for size in (640, 300, 64)],
    },
}


def track(spark: SparkSession, **changes: Any) -> dict[str, Any]:
    payload = json.dumps({**ANSWER, **changes})
    (row,) = checked(
        build(spotify_tracks=make_rows(spark, SPOTIFY_TRACKS, {"track_key": KEY, "payload": payload})), CONTRACT
    )
    return row


def test_an_answer_is_typed_under_the_key_that_was_asked_for(spark: SparkSession) -> None:
    row = track(spark)
    shown = ("track_key", "track_name", "album_name", "duration_ms", "is_explicit", "popularity", "isrc")
    assert tuple(row[name] for name in shown) == (KEY, "Hurt", "American IV", 218_000, False, None, "USUG11904206")
    assert (row["artist_names"], row["artist_urls"]) == (["Johnny Cash", "B"], [PAGE + "a1", PAGE + "a2"])
    assert row["release_date"] == date(2002, 11, 5)


def test_no_answers_give_no_tracks(spark: SparkSession) -> None:
    assert checked(build(spotify_tracks=make_rows(spark, SPOTIFY_TRACKS)), CONTRACT) == []


def test_a_cover_is_the_next_larger_that_is_known(spark: SparkSession) -> None:
    sizes = ("small", "medium", "large", "extralarge")
    row = track(spark)
    assert [row[f"album_thumbnail_{size}"] for size in sizes] == ["i64", "i64", "i300", "i300"]
    assert row["album_thumbnail"] == "i640"
    small = track(spark, album={"images": [{"url": "x", "width": 50}, {"url": None, "width": 900}]})
    assert [small[f"album_thumbnail_{size}"] for size in sizes] == ["x"] * 4
    none = track(spark, album={"images": []})
    assert {none[name] for name in none if name.startswith("album_thumbnail")} == {None}


@pytest.mark.parametrize(
    ("given", "expected"),
    [("1985", "1985-01-01"), ("1985-03", "1985-03-01"), ("0000", None), ("unknown", None), ("", None), (None, None)],
)
def test_a_date_of_less_precision_is_its_first_day(
    spark: SparkSession, given: str | None, expected: str | None
) -> None:
    found = track(spark, album={"release_date": given})["release_date"]
    assert found == (None if expected is None else date.fromisoformat(expected))


def test_what_is_absent_is_null_and_a_track_without_artists_is_kept(spark: SparkSession) -> None:
    row = track(spark, album=None, artists=None, external_ids={}, explicit=None, duration_ms=0)
    assert (row["artist_names"], row["artist_urls"]) == ([], [])
    assert {row[n] for n in ("album_name", "release_date", "isrc", "is_explicit", "duration_ms")} == {None}
