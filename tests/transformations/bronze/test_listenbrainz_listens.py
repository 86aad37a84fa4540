"""ListenBrainz stamps the start of a listen, in epoch seconds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from schemas.bronze.listenbrainz_listens import CONTRACT
from tests.rows import checked, imported, values
from transformations.bronze.listenbrainz_listens import build

NOW = datetime(2024, 6, 1, tzinfo=UTC)
NAMES = {"artist_name": "Björk", "track_name": "Jóga"}
LISTEN = {"listened_at": 1_709_294_400, "track_metadata": {**NAMES, "additional_info": {"isrc": "GBAWA9700010"}}}


def events(spark: SparkSession, *listens: dict[str, Any]) -> DataFrame:
    rows = [(json.dumps(listen), "u1", n) for n, listen in enumerate(listens)]
    records = spark.createDataFrame(rows, "payload string, user_id string, _row long")
    return build(records=records, feed="listenbrainz", now=NOW)


def test_listened_at_is_the_start(spark: SparkSession) -> None:
    (event,) = checked(imported(events(spark, LISTEN)), CONTRACT)
    assert (event["event_at"], event["_source"]) == ("2024-03-01 12:00:00", "listenbrainz")
    assert json.loads(event["payload"]) == LISTEN


def test_no_listens_give_no_events(spark: SparkSession) -> None:
    assert checked(imported(events(spark)), CONTRACT) == []


def test_the_id_is_of_stamp_and_names_alone(spark: SparkSession) -> None:
    with_msid = {**LISTEN, "recording_msid": "c5f4909e-1d7b-4f15-a6f6-1af376bc01c9"}
    written_otherwise = {**LISTEN, "listened_at": "1709294400", "track_metadata": NAMES}
    later = {**LISTEN, "listened_at": 1_709_294_401}
    ids = [event["event_id"] for event in values(events(spark, LISTEN, with_msid, written_otherwise, later))]
    assert len(set(ids[:3])) == 1
    assert ids[3] != ids[0]


def test_a_stamp_written_as_a_float_is_the_same_stamp(spark: SparkSession) -> None:
    whole, as_float = values(events(spark, LISTEN, {**LISTEN, "listened_at": 1_709_294_400.0}))
    assert as_float["_violations"] == []
    assert as_float["event_id"] == whole["event_id"]


def test_what_is_wrong_becomes_rule_ids(spark: SparkSession) -> None:
    broken = events(
        spark,
        {**LISTEN, "listened_at": None},
        {**LISTEN, "listened_at": "soon"},
        {**LISTEN, "listened_at": 946_684_799},
        {**LISTEN, "listened_at": 1_800_000_000},
        {"listened_at": 1_709_294_400},
        {**LISTEN, "track_metadata": {**NAMES, "track_name": " "}},
    )
    assert [event["_violations"] for event in values(broken)] == [
        ["bad_timestamp"],
        ["bad_timestamp"],
        ["implausible_time"],
        ["implausible_time"],
        ["missing_artist_name", "missing_track_name"],
        ["missing_track_name"],
    ]
