"""Rows of the catalogue keep every value but their index; the id is their content."""

from __future__ import annotations

import json

from pyspark.sql import DataFrame, SparkSession

from schemas.bronze.kaggle_tracks import CONTRACT
from tests.rows import checked, imported, values
from transformations.bronze.kaggle_tracks import build

ROW = ("0", "5SuOikwiRyPMVoIQDJUgSV", "Gen Hoshino", "Comedy", "73", "acoustic")
SCHEMA = "row_number string, track_id string, artists string, track_name string, popularity string, track_genre string"


def rows(spark: SparkSession, *given: tuple[str | None, ...]) -> DataFrame:
    records = spark.createDataFrame([(*row, n) for n, row in enumerate(given)], f"{SCHEMA}, _row long")
    return build(records=records, feed="kaggle")


def test_a_row_is_kept_whole_but_for_its_index(spark: SparkSession) -> None:
    (row,) = checked(imported(rows(spark, ROW)), CONTRACT)
    assert (row["spotify_id"], row["event_at"], row["_source"]) == (ROW[1], None, "kaggle")
    assert set(json.loads(row["payload"]).values()) == set(ROW[1:])


def test_no_rows_give_none(spark: SparkSession) -> None:
    assert checked(imported(rows(spark)), CONTRACT) == []


def test_rows_alike_but_for_the_index_share_an_id(spark: SparkSession) -> None:
    alike, other_genre = ("7", *ROW[1:]), (*ROW[:5], "j-pop")
    ids = [row["event_id"] for row in values(rows(spark, ROW, alike, other_genre))]
    assert ids[0] == ids[1] != ids[2]


def test_a_null_keeps_its_place_in_the_id(spark: SparkSession) -> None:
    first, second = values(rows(spark, (*ROW[:4], None, "73"), (*ROW[:4], "73", None)))
    assert first["event_id"] != second["event_id"]


def test_a_row_without_id_or_names_is_refused(spark: SparkSession) -> None:
    broken = rows(spark, ("0", None, *ROW[2:]), ("0", ROW[1], "", *ROW[3:]), ("0", ROW[1], ROW[2], None, *ROW[4:]))
    assert [row["_violations"] for row in values(broken)] == [
        ["missing_track_id"],
        ["missing_artist_name"],
        ["missing_track_name"],
    ]
