"""A loved track stays loved whatever its stamp says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from schemas.bronze.lastfm_loved_tracks import CONTRACT
from tests.rows import checked, fetched, imported, values
from transformations.bronze.lastfm_loved_tracks import build

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROW = {
    "artist": {"url": "https://www.last.fm/music/Bj%C3%B6rk", "name": "Björk", "mbid": ""},
    "date": {"uts": "1709294400", "#text": "01 Mar 2024, 12:00"},
    "name": "Jóga",
    "streamable": {"fulltrack": "0", "#text": "0"},
}


def events(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    return build(records=fetched(spark, *rows, user_id="u1"), feed="lastfm", now=NOW)


def test_uts_is_since_when(spark: SparkSession) -> None:
    (event,) = checked(imported(events(spark, ROW)), CONTRACT)
    assert (event["event_at"], event["user_id"], event["_source"]) == ("2024-03-01 12:00:00", "u1", "lastfm")


def test_no_rows_give_no_events(spark: SparkSession) -> None:
    assert checked(imported(events(spark)), CONTRACT) == []


def test_the_id_is_of_the_names_as_written(spark: SparkSession) -> None:
    again, other = {**ROW, "date": {"uts": "1709299999"}}, {**ROW, "name": "joga"}
    ids = [event["event_id"] for event in values(events(spark, ROW, again, other))]
    assert ids[0] == ids[1] != ids[2]


def test_a_broken_stamp_is_no_stamp_and_undoes_no_love(spark: SparkSession) -> None:
    stamps: tuple[Any, ...] = (None, {"uts": "0"}, {"uts": "86400000"}, {"uts": "1900000000"}, {"uts": "soon"}, "x")
    found = values(events(spark, *({**ROW, "date": given} for given in stamps)))
    assert [(event["event_at"], event["_violations"]) for event in found] == [(None, [])] * len(stamps)


def test_a_row_without_names_is_refused(spark: SparkSession) -> None:
    found = values(events(spark, {**ROW, "artist": None}, {**ROW, "name": ""}))
    assert [event["_violations"] for event in found] == [["missing_artist_name"], ["missing_track_name"]]
