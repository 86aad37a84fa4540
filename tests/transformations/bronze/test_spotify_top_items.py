"""An item of a top list is known by its list and rank, so that the next fetch replaces it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from schemas.bronze.spotify_top_items import CONTRACT
from tests.rows import checked, fetched, imported, values
from transformations.bronze.spotify_top_items import build

NOW = datetime(2026, 11, 21, tzinfo=UTC)
RECORD = {
    "entity": "artists",
    "time_range": "short_term",
    "rank": 1,
    "item": {"id": "7w29UYBi0qsHi5RTcv3lmA", "name": "Björk", "genres": ["art pop"]},
}


def events(spark: SparkSession, *records: dict[str, Any], user_id: str | None = "u1") -> DataFrame:
    return build(records=fetched(spark, *records, user_id=user_id), feed="spotify_api", now=NOW)


def test_an_item_is_kept_without_a_moment(spark: SparkSession) -> None:
    (event,) = checked(imported(events(spark, RECORD)), CONTRACT)
    assert (event["event_at"], event["user_id"], event["_source"]) == (None, "u1", "spotify_api")


def test_no_items_give_none(spark: SparkSession) -> None:
    assert checked(imported(events(spark)), CONTRACT) == []


def test_the_id_is_of_listener_list_and_rank(spark: SparkSession) -> None:
    other_item = {**RECORD, "item": {"id": "x", "name": "Other"}}
    elsewhere = [{**RECORD, "entity": "tracks"}, {**RECORD, "time_range": "long_term"}, {**RECORD, "rank": 2}]
    ids = [event["event_id"] for event in values(events(spark, RECORD, other_item, *elsewhere))]
    (of_another,) = values(events(spark, RECORD, user_id="u2"))
    assert ids[0] == ids[1]
    assert len({*ids, of_another["event_id"]}) == 5


def test_what_is_wrong_becomes_rule_ids(spark: SparkSession) -> None:
    broken = events(
        spark,
        {**RECORD, "entity": "shows"},
        {**RECORD, "time_range": None},
        {**RECORD, "rank": 0},
        {**RECORD, "rank": None},
        {**RECORD, "item": {"id": None, "name": "Björk"}},
        {**RECORD, "item": None},
    )
    assert [event["_violations"] for event in values(broken)] == [
        ["unknown_list"],
        ["unknown_list"],
        ["bad_rank"],
        ["bad_rank"],
        ["missing_item_id"],
        ["missing_item_id", "missing_name"],
    ]
