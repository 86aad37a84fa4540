"""Services' features are typed alike, and what they could not measure is null."""

from __future__ import annotations

import json
from typing import Any

from pyspark.sql import SparkSession

from schemas.bronze.audio_features import CONTRACT as AUDIO_FEATURES
from schemas.silver.features import FEATURE_NAMES
from schemas.silver.service_features import CONTRACT
from tests.rows import checked, make_rows
from transformations.silver.service_features import build

RECCOBEATS = {
    "id": "25c8ca63-5895-4572-84eb-a7040bc08c4d",
    "href": "https://open.spotify.com/track/0VjIjW4GlUZAMYd2vXMi3b",
    "acousticness": 0.00143,
    "danceability": 0.513,
    "energy": 0.73,
    "instrumentalness": 0.0000954,
    "key": 1,
    "liveness": 0.0897,
    "loudness": -5.94,
    "mode": 1,
    "speechiness": 0.0598,
    "tempo": 171.001,
    "valence": 0.334,
}
SPOTIFY = {**RECCOBEATS, "type": "audio_features", "time_signature": 4}


def features(spark: SparkSession, *answers: tuple[str, str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Answers of (track key, source, payload)."""
    rows = [{"track_key": key, "_source": source, "payload": json.dumps(p)} for key, source, p in answers]
    return checked(build(audio_features=make_rows(spark, AUDIO_FEATURES, *rows)), CONTRACT)


def test_services_stand_side_by_side_under_our_names(spark: SparkSession) -> None:
    of_reccobeats, of_spotify = features(spark, ("k", "spotify", SPOTIFY), ("k", "reccobeats", RECCOBEATS))
    expected = (0.513, 0.73, 0.334, 0.0598, 0.00143, 0.0000954, 0.0897, -5.94, 171.001, 1, 1, None)
    assert (of_reccobeats["source"], of_spotify["source"]) == ("reccobeats", "spotify")
    assert tuple(of_reccobeats[name] for name in FEATURE_NAMES) == expected
    assert tuple(of_spotify[name] for name in FEATURE_NAMES) == (*expected[:-1], 4)


def test_no_answers_give_no_features(spark: SparkSession) -> None:
    assert features(spark) == []


def test_an_unknown_key_and_a_tempo_of_zero_are_null(spark: SparkSession) -> None:
    (row,) = features(spark, ("k", "reccobeats", {**RECCOBEATS, "key": -1, "tempo": 0, "mode": None}))
    assert (row["key"], row["tempo_bpm"], row["mode"], row["danceability"]) == (None, None, None, 0.513)


def test_a_failed_analysis_gives_nothing(spark: SparkSession) -> None:
    (row,) = features(spark, ("k", "spotify", {**SPOTIFY, "tempo": 0, "danceability": 0}))
    assert {row[name] for name in FEATURE_NAMES} == {None}
