"""The 100s of a genre have no id of their own; a DJ's chart has one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from schemas.bronze.beatport_charts import CONTRACT
from tests.rows import checked, fetched, imported, values
from transformations.bronze.beatport_charts import build

NOW = datetime(2026, 11, 21, tzinfo=UTC)
TOP = {"kind": "top_100", "genre_id": 5, "track_ids": [3001, 3002], "chart": None}
DJ = {"kind": "dj", "genre_id": 5, "track_ids": None, "chart": {"id": 5001, "name": "House Picks 1"}}


def events(spark: SparkSession, *charts: dict[str, Any]) -> DataFrame:
    return build(records=fetched(spark, *charts), feed="beatport", now=NOW)


def test_charts_of_all_kinds_are_kept(spark: SparkSession) -> None:
    rows = checked(imported(events(spark, TOP, {**TOP, "kind": "hype_100"}, DJ)), CONTRACT)
    assert {(row["event_at"], row["_source"]) for row in rows} == {(None, "beatport")}
    assert len(rows) == 3


def test_no_charts_give_no_rows(spark: SparkSession) -> None:
    assert checked(imported(events(spark)), CONTRACT) == []


def test_the_next_order_replaces_the_last(spark: SparkSession) -> None:
    moved, elsewhere, other = {**TOP, "track_ids": [3002]}, {**TOP, "genre_id": 6}, {**DJ, "chart": {"id": 5002}}
    ids = [row["event_id"] for row in values(events(spark, TOP, moved, elsewhere, DJ, other))]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


def test_what_is_wrong_becomes_rule_ids(spark: SparkSession) -> None:
    broken = events(spark, {**TOP, "kind": "worst"}, {**TOP, "genre_id": None}, {**DJ, "chart": None})
    assert [row["_violations"] for row in values(broken)] == [["unknown_kind"], ["missing_genre"], ["missing_item_id"]]
