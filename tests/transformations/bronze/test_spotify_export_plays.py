"""Spotify's exports stamp the end of a play; what is wrong with a record becomes the ids of rules."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from schemas.bronze.spotify_export_plays import CONTRACT
from tests.rows import checked, imported, values
from transformations.bronze.spotify_export_plays import build

NOW = datetime(2024, 6, 1, tzinfo=UTC)
EXTENDED = {
    "ts": "2024-03-01T12:03:20Z",
    "ms_played": 200_000,
    "master_metadata_track_name": "Hurt",
    "master_metadata_album_artist_name": "Johnny Cash",
    "master_metadata_album_album_name": "American IV",
    "spotify_track_uri": "spotify:track:28cnXtME493VX9NOw9cIUh",
}
ACCOUNT = {"endTime": "2024-03-01 12:03", "msPlayed": 60_000, "artistName": "Johnny Cash", "trackName": "Hurt"}


def records(spark: SparkSession, *payloads: dict[str, Any] | str, user_id: str | None = "u1") -> DataFrame:
    rows = [(p if isinstance(p, str) else json.dumps(p), user_id, n) for n, p in enumerate(payloads)]
    return spark.createDataFrame(rows, "payload string, user_id string, _row long")


def extended(spark: SparkSession, *payloads: dict[str, Any] | str, user_id: str | None = "u1") -> DataFrame:
    return build(records=records(spark, *payloads, user_id=user_id), feed="spotify_extended", now=NOW)


def account(spark: SparkSession, *payloads: dict[str, Any] | str) -> DataFrame:
    return build(records=records(spark, *payloads), feed="spotify_account", now=NOW)


def test_the_stamp_is_the_end_so_the_play_began_ms_played_earlier(spark: SparkSession) -> None:
    (event,) = checked(imported(extended(spark, EXTENDED)), CONTRACT)
    assert event["event_at"] == "2024-03-01 12:00:00"
    assert (event["user_id"], event["_source"]) == ("u1", "spotify_extended")
    assert json.loads(event["payload"]) == EXTENDED


@pytest.mark.parametrize("feed", ["spotify_extended", "spotify_account"])
def test_no_records_give_no_events(spark: SparkSession, feed: str) -> None:
    assert checked(imported(build(records=records(spark), feed=feed, now=NOW)), CONTRACT) == []


def test_offline_timestamp_never_matters(spark: SparkSession) -> None:
    stamps = (0, 1_709_294_600, 1_709_294_600_000, None)
    events = values(extended(spark, EXTENDED, *({**EXTENDED, "offline_timestamp": stamp} for stamp in stamps)))
    assert {(event["event_id"], event["event_at"]) for event in events} == {
        (events[0]["event_id"], "2024-03-01 12:00:00")
    }
    assert all(event["_violations"] == [] for event in events)


def test_repeats_share_an_id_and_other_plays_do_not(spark: SparkSession) -> None:
    other_end, other_track = {"ts": "2024-03-01T12:03:21Z"}, {"spotify_track_uri": "spotify:track:" + "1" * 22}
    plays = (EXTENDED, EXTENDED, {**EXTENDED, **other_end}, {**EXTENDED, **other_track})
    ids = [event["event_id"] for event in values(extended(spark, *plays))]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert values(extended(spark, EXTENDED, user_id="u2"))[0]["event_id"] not in ids


def test_two_honest_plays_in_one_minute_of_an_account_export_stay_two(spark: SparkSession) -> None:
    events = checked(imported(account(spark, ACCOUNT, {**ACCOUNT, "msPlayed": 30_500})), CONTRACT)
    assert sorted(event["event_at"] for event in events) == ["2024-03-01 12:02:00", "2024-03-01 12:02:29.5"]


def test_a_repeated_account_record_shares_an_id(spark: SparkSession) -> None:
    first, second = values(account(spark, ACCOUNT, ACCOUNT))
    assert first["event_id"] == second["event_id"]


def test_a_play_of_unknown_length_is_dated_by_its_end(spark: SparkSession) -> None:
    (event,) = values(extended(spark, {**EXTENDED, "ms_played": None}))
    assert (event["event_at"], event["_violations"]) == ("2024-03-01 12:03:20", [])


def test_what_is_wrong_becomes_rule_ids(spark: SparkSession) -> None:
    cases: dict[str, tuple[dict[str, Any] | str, list[str]]] = {
        "text stamp": ({**EXTENDED, "ts": "yesterday"}, ["bad_timestamp"]),
        "no stamp": ({**EXTENDED, "ts": None}, ["bad_timestamp"]),
        "no such day": ({**EXTENDED, "ts": "2024-02-30T12:00:00Z"}, ["bad_timestamp"]),
        "broken clock": ({**EXTENDED, "ts": "1970-01-01T00:00:00Z"}, ["implausible_time"]),
        "future": ({**EXTENDED, "ts": "2024-06-03T00:00:00Z", "ms_played": 0}, ["implausible_time"]),
        "clock ahead": ({**EXTENDED, "ts": "2024-06-01T23:00:00Z"}, []),
        "no artist": ({**EXTENDED, "master_metadata_album_artist_name": None}, ["missing_artist_name"]),
        "blank title": ({**EXTENDED, "master_metadata_track_name": "  "}, ["missing_track_name"]),
        "negative": ({**EXTENDED, "ms_played": -1}, ["negative_ms_played"]),
        "two": ({**EXTENDED, "ts": None, "ms_played": -1}, ["bad_timestamp", "negative_ms_played"]),
        "no json": ("{", ["bad_timestamp", "missing_artist_name", "missing_track_name"]),
    }
    events = values(extended(spark, *(payload for payload, _ in cases.values())))
    assert {name: event["_violations"] for name, event in zip(cases, events, strict=True)} == {
        name: rules for name, (_, rules) in cases.items()
    }


def test_a_record_without_a_listener_is_refused(spark: SparkSession) -> None:
    assert values(extended(spark, EXTENDED, user_id=None))[0]["_violations"] == ["missing_user"]


def test_an_absurd_ms_played_does_not_stop_the_import(spark: SparkSession) -> None:
    absurd, fine = values(extended(spark, {**EXTENDED, "ms_played": 2**63 - 1}, EXTENDED))
    assert absurd["_violations"]
    assert fine["_violations"] == []


def test_an_unknown_feed_is_an_error(spark: SparkSession) -> None:
    with pytest.raises(KeyError):
        build(records=records(spark), feed="spotify", now=NOW)
