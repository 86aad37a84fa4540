"""Last.fm stamps the start of a scrobble; rows come plain or extended, and some are no scrobbles at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from schemas.bronze.lastfm_scrobbles import CONTRACT
from tests.rows import checked, fetched, imported, values
from transformations.bronze.lastfm_scrobbles import build

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DATE = {"uts": "1709294400", "#text": "01 Mar 2024, 12:00"}
EXTENDED = {
    "artist": {"name": "Björk", "mbid": "", "url": "https://www.last.fm/music/Bj%C3%B6rk", "image": []},
    "name": "Jóga",
    "album": {"#text": "Homogenic", "mbid": ""},
    "mbid": "",
    "url": "https://www.last.fm/music/Bj%C3%B6rk/_/J%C3%B3ga",
    "streamable": "0",
    "image": [],
    "loved": "1",
    "date": DATE,
}
PLAIN = {**{k: v for k, v in EXTENDED.items() if k != "loved"}, "artist": {"#text": "Björk", "mbid": ""}}
PLAYING = {**{k: v for k, v in EXTENDED.items() if k != "date"}, "@attr": {"nowplaying": "true"}}


def events(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    return build(records=fetched(spark, *rows, user_id="u1"), feed="lastfm", now=NOW)


def test_uts_is_the_start(spark: SparkSession) -> None:
    (event,) = checked(imported(events(spark, EXTENDED)), CONTRACT)
    assert (event["event_at"], event["_source"]) == ("2024-03-01 12:00:00", "lastfm")
    assert json.loads(event["payload"]) == EXTENDED


def test_no_rows_give_no_events(spark: SparkSession) -> None:
    assert checked(imported(events(spark)), CONTRACT) == []


def test_the_id_is_of_stamp_and_names_whatever_else_a_row_says(spark: SparkSession) -> None:
    unloved = {**EXTENDED, "loved": "0", "mbid": "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"}
    as_number = {**EXTENDED, "date": {"uts": 1_709_294_400}}
    later = {**EXTENDED, "date": {"uts": "1709294401"}}
    ids = [event["event_id"] for event in values(events(spark, EXTENDED, PLAIN, unloved, as_number, later))]
    assert len(set(ids[:4])) == 1
    assert ids[4] != ids[0]


def test_what_is_playing_now_is_no_scrobble(spark: SparkSession) -> None:
    found = values(events(spark, PLAYING, {**PLAYING, "date": DATE}))
    assert [event["_violations"] for event in found] == [["now_playing", "bad_timestamp"], ["now_playing"]]


def test_what_is_wrong_becomes_rule_ids(spark: SparkSession) -> None:
    broken = events(
        spark,
        {**EXTENDED, "date": {"uts": "0", "#text": "01 Jan 1970, 00:00"}},
        {**EXTENDED, "date": {"uts": "946684799"}},
        {**EXTENDED, "date": {"uts": "1800000000"}},
        {**EXTENDED, "date": None},
        {**EXTENDED, "date": "now"},
        {**EXTENDED, "artist": {"name": " "}},
        {**EXTENDED, "artist": None, "name": ""},
    )
    assert [event["_violations"] for event in values(broken)] == [
        ["bad_timestamp"],
        ["implausible_time"],
        ["implausible_time"],
        ["bad_timestamp"],
        ["bad_timestamp"],
        ["missing_artist_name"],
        ["missing_artist_name", "missing_track_name"],
    ]
