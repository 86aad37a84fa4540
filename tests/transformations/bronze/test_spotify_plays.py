"""Recently played items: played_at is taken as it is, and the same moment written in two ways is one play."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from schemas.bronze.spotify_plays import CONTRACT
from tests.rows import checked, fetched, imported, values
from transformations.bronze.spotify_plays import build

NOW = datetime(2026, 11, 21, tzinfo=UTC)
TRACK = {
    "id": "28cnXtME493VX9NOw9cIUh",
    "uri": "spotify:track:28cnXtME493VX9NOw9cIUh",
    "name": "Hurt",
    "artists": [{"id": "6kACVPfCOnqzgfEF5ryl0x", "name": "Johnny Cash"}, {"id": "x", "name": "Guest"}],
}
PLAY = {"track": TRACK, "played_at": "2026-11-20T20:53:54.567Z"}
LOCAL = {**TRACK, "id": None, "uri": "spotify:local:Johnny+Cash:Album:Hurt:201", "is_local": True}


def events(spark: SparkSession, *plays: dict[str, Any], user_id: str | None = "u1") -> DataFrame:
    return build(records=fetched(spark, *plays, user_id=user_id), feed="spotify_api", now=NOW)


def played(at: str | None, **changes: Any) -> dict[str, Any]:
    return {"track": {**TRACK, **changes}, "played_at": at}


def test_played_at_is_taken_as_it_is(spark: SparkSession) -> None:
    (event,) = checked(imported(events(spark, PLAY)), CONTRACT)
    assert (event["event_at"], event["user_id"], event["_source"]) == ("2026-11-20 20:53:54.567", "u1", "spotify_api")
    assert json.loads(event["payload"]) == PLAY


def test_no_plays_give_no_events(spark: SparkSession) -> None:
    assert checked(imported(events(spark)), CONTRACT) == []


def test_the_same_moment_with_and_without_milliseconds_is_one_play(spark: SparkSession) -> None:
    alike = ("2026-11-20T20:53:54Z", "2026-11-20T20:53:54.567Z", "2026-11-20T20:53:54+00:00")
    ids = [event["event_id"] for event in values(events(spark, *map(played, (*alike, "2026-11-20T20:53:55.001Z"))))]
    assert len(set(ids[:3])) == 1
    assert ids[3] != ids[0]


def test_listeners_and_tracks_have_their_own_ids_and_names_do_not_matter(spark: SparkSession) -> None:
    first, renamed, other = values(
        events(spark, PLAY, played(PLAY["played_at"], name="Hurt - 2002"), played(PLAY["played_at"], id="0" * 22))
    )
    (elsewhere,) = values(events(spark, PLAY, user_id="u2"))
    assert first["event_id"] == renamed["event_id"]
    assert len({first["event_id"], other["event_id"], elsewhere["event_id"]}) == 3


def test_a_local_file_is_known_by_its_uri_else_by_its_names(spark: SparkSession) -> None:
    at = PLAY["played_at"]
    files = [LOCAL, {**LOCAL, "uri": "spotify:local:::Hurt:90"}, {**LOCAL, "uri": None}, {**LOCAL, "uri": None}]
    found = values(events(spark, *({"track": track, "played_at": at} for track in files)))
    assert [event["_violations"] for event in found] == [[]] * 4
    ids = [event["event_id"] for event in found]
    assert len(set(ids)) == 3
    assert ids[2] == ids[3]


def test_what_is_wrong_becomes_rule_ids(spark: SparkSession) -> None:
    at = PLAY["played_at"]
    broken = events(
        spark,
        played(None),
        played("yesterday"),
        played("1970-01-01T00:00:00Z"),
        played("2027-01-01T00:00:00Z"),
        {"track": None, "played_at": at},
        played(at, artists=[]),
        played(at, name=" "),
        played(at, artists="Johnny Cash"),
    )
    assert [event["_violations"] for event in values(broken)] == [
        ["bad_timestamp"],
        ["bad_timestamp"],
        ["implausible_time"],
        ["implausible_time"],
        ["missing_artist_name", "missing_track_name"],
        ["missing_artist_name"],
        ["missing_track_name"],
        ["missing_artist_name"],
    ]


def test_a_play_of_nobody_is_refused(spark: SparkSession) -> None:
    (event,) = values(events(spark, PLAY, user_id=None))
    assert event["_violations"] == ["missing_user"]
