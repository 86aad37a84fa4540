"""Catalogue rows collapse to one per Spotify id; what failed to be measured is null, not 0."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from schemas.bronze.kaggle_tracks import CONTRACT as KAGGLE_TRACKS
from schemas.silver.catalogue_tracks import CONTRACT
from schemas.silver.features import FEATURE_NAMES
from tests.rows import checked, make_rows
from transformations.silver.catalogue_tracks import build

ROW = {
    "track_id": "5SuOikwiRyPMVoIQDJUgSV",
    "artists": "Gen Hoshino;Guest",
    "album_name": "Comedy",
    "track_name": "Comedy",
    "popularity": "73",
    "duration_ms": "230666",
    "explicit": "False",
    "danceability": "0.676",
    "energy": "0.461",
    "key": "1",
    "loudness": "-6.746",
    "mode": "0",
    "speechiness": "0.143",
    "acousticness": "0.0322",
    "instrumentalness": "1.01e-06",
    "liveness": "0.358",
    "valence": "0.715",
    "tempo": "87.917",
    "time_signature": "4",
    "track_genre": "acoustic",
}


def catalogue(spark: SparkSession, *changes: dict[str, Any]) -> DataFrame:
    payloads = [{k: v for k, v in {**ROW, **change}.items() if v is not None} for change in changes]
    return build(kaggle_tracks=make_rows(spark, KAGGLE_TRACKS, *({"payload": json.dumps(p)} for p in payloads)))


def test_a_row_is_typed(spark: SparkSession) -> None:
    (track,) = checked(catalogue(spark, {}), CONTRACT)
    assert track["track_id"] == hashlib.md5(f"track\x1fspotify\x1f{ROW['track_id']}".encode()).hexdigest()
    assert track["artist_names"] == ["Gen Hoshino", "Guest"]
    assert (track["popularity"], track["duration_ms"], track["is_explicit"]) == (73, 230_666, False)
    features = (0.676, 0.461, 0.715, 0.143, 0.0322, 1.01e-06, 0.358, -6.746, 87.917, 1, 0, 4)
    assert tuple(track[name] for name in FEATURE_NAMES) == features


def test_no_rows_give_no_tracks(spark: SparkSession) -> None:
    assert checked(catalogue(spark), CONTRACT) == []


def test_artists_are_trimmed_of_blanks_and_nothing_else(spark: SparkSession) -> None:
    (track,) = checked(catalogue(spark, {"artists": "007 ; 1975;2Pac"}), CONTRACT)
    assert track["artist_names"] == ["007", "1975", "2Pac"]


def test_rows_of_one_id_collapse_to_all_genres_and_the_highest_popularity(spark: SparkSession) -> None:
    rows = ({}, {"track_genre": "j-pop", "popularity": "9"}, {"track_genre": " acoustic "}, {"popularity": "100"})
    (track,) = checked(catalogue(spark, *rows), CONTRACT)
    assert (track["genres"], track["popularity"]) == (["acoustic", "j-pop"], 100)


def test_zero_means_unknown_where_the_analysis_failed(spark: SparkSession) -> None:
    failed = {"tempo": "0.0", "time_signature": "0", "danceability": "0.0", "key": "-1", "duration_ms": "0"}
    (track,) = checked(catalogue(spark, failed), CONTRACT)
    assert {track[n] for n in ("tempo_bpm", "time_signature", "danceability", "key", "duration_ms")} == {None}


def test_a_failed_analysis_gives_no_valence(spark: SparkSession) -> None:
    failed = {"tempo": "0.0", "time_signature": "0", "danceability": "0.0", "valence": "0.0", "speechiness": "0.0"}
    (track,) = checked(catalogue(spark, failed), CONTRACT)
    assert track["valence"] is None


def test_what_is_absent_or_no_number_is_null(spark: SparkSession) -> None:
    names = ("popularity", "duration_ms", "energy", "mode", "tempo", "album_name", "track_genre", "explicit")
    absent, wrong = dict.fromkeys(names), {**dict.fromkeys(names, "?"), "track_id": "1" * 22, "album_name": " "}
    for track in checked(catalogue(spark, absent, wrong), CONTRACT):
        shown = ("popularity", "duration_ms", "energy", "mode", "tempo_bpm", "album_name")
        assert {track[name] for name in shown} == {None}


@pytest.mark.parametrize("name", ["popularity", "duration_ms", "time_signature", "key"])
def test_an_absurd_number_is_unknown(spark: SparkSession, name: str) -> None:
    (track,) = checked(catalogue(spark, {name: "1e30"}), CONTRACT)
    assert track[name] is None


def recordings(spark: SparkSession, *changes: dict[str, Any]) -> list[dict[str, Any]]:
    ids = [{"track_id": letter * 22, **change} for letter, change in zip("ABCDEF", changes, strict=False)]
    return checked(catalogue(spark, *ids), CONTRACT)


def test_ids_of_one_recording_share_a_track_whatever_the_edition(spark: SparkSession) -> None:
    rows = recordings(
        spark,
        {"popularity": "1"},
        {"track_name": "Comedy - 2011 Remaster", "duration_ms": "232000", "valence": "0.7", "popularity": "99"},
        {"duration_ms": "990000"},  # the very same sound
    )
    assert len({row["track_id"] for row in rows}) == 1
    assert [row["is_representative"] for row in rows] == [True, False, False]


def test_versions_lengths_and_artists_keep_recordings_apart(spark: SparkSession) -> None:
    rows = recordings(
        spark,
        {},
        {"track_name": "Comedy - Live"},
        {"duration_ms": "240000", "valence": "0.1"},
        {"artists": "Gen Hoshino"},
        {"artists": "Guest;Gen Hoshino", "track_name": "COMEDY"},
    )
    assert len({row["track_id"] for row in rows}) == 4  # the order of artists tells nothing
    assert rows[1]["version"] == "live"
    assert len({row["work_id"] for row in rows[:3]}) == 1


def test_the_measured_id_stands_for_the_recording(spark: SparkSession) -> None:
    rows = recordings(spark, {"tempo": "0", "danceability": "0"}, {})
    assert [row["is_representative"] for row in rows] == [False, True]
