"""Every track has a row of features, and each value says where it comes from."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

from schemas.silver.catalogue_tracks import CONTRACT as CATALOGUE_TRACKS
from schemas.silver.features import FEATURE_NAMES
from schemas.silver.track_features import CONTRACT
from schemas.silver.tracks import CONTRACT as TRACKS
from tests.rows import checked, make_rows
from transformations.silver.track_features import build

KAGGLE = {"source": "kaggle", "confidence": 1.0}


def features(spark: SparkSession, tracks: tuple[str, ...], *catalogue: dict[str, Any]) -> list[dict[str, Any]]:
    rows = build(
        tracks=make_rows(spark, TRACKS, *({"track_id": track} for track in tracks)),
        catalogue_tracks=make_rows(spark, CATALOGUE_TRACKS, *catalogue),
    )
    return checked(rows, CONTRACT)


def test_values_of_the_catalogue_come_with_their_source(spark: SparkSession) -> None:
    (track,) = features(spark, ("t1",), {"track_id": "t1", "valence": 0.7, "energy": 0.4, "tempo_bpm": 120.0})
    assert (track["valence"], track["energy"], track["tempo_bpm"], track["key"]) == (0.7, 0.4, 120.0, None)
    assert (track["feature_source"], track["feature_confidence"]) == ("kaggle", 1.0)
    assert track["value_sources"] == {"valence": KAGGLE, "energy": KAGGLE, "tempo_bpm": KAGGLE}


def test_a_track_outside_the_catalogue_has_none(spark: SparkSession) -> None:
    (track,) = features(spark, ("t1",), {"track_id": "t2", "valence": 0.7, "energy": 0.4})
    assert {track[name] for name in FEATURE_NAMES} == {None}
    assert (track["feature_source"], track["feature_confidence"], track["value_sources"]) == ("none", 0.0, {})


def test_valence_or_energy_alone_is_no_source(spark: SparkSession) -> None:
    got = features(spark, ("t1", "t2"), {"track_id": "t1", "valence": 0.7}, {"track_id": "t2", "energy": 0.7})
    assert [(track["feature_source"], track["feature_confidence"]) for track in got] == [("none", 0.0)] * 2


def test_features_are_null_together_where_the_source_is_none(spark: SparkSession) -> None:
    (track,) = features(spark, ("t1",), {"track_id": "t1", "valence": 0.7, "tempo_bpm": 120.0})
    assert track["feature_source"] == "none"
    assert {track[name] for name in FEATURE_NAMES} == {None}


def test_no_tracks_give_no_features(spark: SparkSession) -> None:
    assert features(spark, (), {"track_id": "t1", "valence": 0.7, "energy": 0.4}) == []
