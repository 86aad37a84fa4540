"""Tracks, releases, artists, labels and genres of Beatport are known by their kind and id."""

from __future__ import annotations

import importlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from schemas.catalog import contract_of
from tests.rows import checked, fetched, imported, values

NOW = datetime(2026, 11, 21, tzinfo=UTC)
TABLES = [f"bronze.beatport_{kind}" for kind in ("tracks", "releases", "artists", "labels", "genres")]
ITEM = {"id": 3001, "name": "Midnight Circuit", "slug": "midnight-circuit"}


def events(spark: SparkSession, table: str, *items: dict[str, Any]) -> DataFrame:
    rows: DataFrame = importlib.import_module(f"transformations.{table}").build(
        records=fetched(spark, *items), feed="beatport", now=NOW
    )
    return rows


@pytest.mark.parametrize("table", TABLES)
def test_an_item_is_kept_whole(spark: SparkSession, table: str) -> None:
    (row,) = checked(imported(events(spark, table, ITEM)), contract_of(table))
    assert (row["event_at"], row["_source"], json.loads(row["payload"])) == (None, "beatport", ITEM)


def test_no_items_give_no_rows(spark: SparkSession) -> None:
    assert checked(imported(events(spark, TABLES[0])), contract_of(TABLES[0])) == []


def test_a_later_state_has_the_same_id_and_another_kind_another(spark: SparkSession) -> None:
    first, again, other = values(events(spark, TABLES[0], ITEM, {**ITEM, "name": "New"}, {**ITEM, "id": 3002}))
    (of_kind,) = values(events(spark, TABLES[1], ITEM))
    assert first["event_id"] == again["event_id"]
    assert len({first["event_id"], other["event_id"], of_kind["event_id"]}) == 3


def test_an_item_without_id_or_name_is_refused(spark: SparkSession) -> None:
    found = values(events(spark, TABLES[0], {"name": "x"}, {"id": 1}, {"id": 1, "name": " "}))
    assert [row["_violations"] for row in found] == [["missing_item_id"], ["missing_name"], ["missing_name"]]
