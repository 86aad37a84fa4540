"""Of a track's scores the best model's counts, and its words are nowhere."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession

from schemas.bronze.lyric_scores import CONTRACT as LYRIC_SCORES
from schemas.silver.lyric_moods import CONTRACT
from schemas.silver.track_identities import CONTRACT as TRACK_IDENTITIES
from schemas.vocab import MOODS
from tests.rows import checked, make_rows
from transformations.silver.lyric_moods import build

SAD = dict(zip(MOODS, (0.1, 0.1, 0.7, 0.1), strict=True))
HAPPY = dict(zip(MOODS, (0.7, 0.1, 0.1, 0.1), strict=True))
NOTHING: dict[str, Any] = {**dict.fromkeys(MOODS), "confidence": 0.0}
HEARD = ({"track_id": "t1", "song_key": "k1"},)


def moods(
    spark: SparkSession, *scores: dict[str, Any], heard: tuple[dict[str, Any], ...] = HEARD
) -> list[dict[str, Any]]:
    given = [{"track_key": "k1", "_source": "local", "confidence": 0.5, **score} for score in scores]
    rows = build(
        lyric_scores=make_rows(spark, LYRIC_SCORES, *given), track_identities=make_rows(spark, TRACK_IDENTITIES, *heard)
    )
    return checked(rows, CONTRACT)


def test_a_score_reaches_the_track_of_its_song(spark: SparkSession) -> None:
    (row,) = moods(spark, {**SAD, "lyrics_source": "lrclib", "language": "en", "model_version": "words-1"})
    assert row == {
        "track_id": "t1",
        **SAD,
        "confidence": 0.5,
        "lyrics_source": "lrclib",
        "language": "en",
        "is_instrumental": False,
        "model_version": "words-1",
    }


def test_no_scores_and_no_tracks_give_no_moods(spark: SparkSession) -> None:
    assert moods(spark) == []
    assert moods(spark, SAD, heard=()) == []
    assert moods(spark, {**SAD, "track_key": "of nobody"}) == []


def test_a_song_under_many_keys_and_for_many_tracks_doubles_nothing(spark: SparkSession) -> None:
    heard = tuple({"track_id": t, "song_key": k} for t, k in (("t1", "k1"), ("t1", "k1"), ("t1", "k2"), ("t2", "k1")))
    got = moods(spark, SAD, {**SAD, "track_key": "k2"}, heard=heard)
    assert [row["track_id"] for row in got] == ["t1", "t2"]


SERVICE = {"_source": "ai", "model_version": "m1", **HAPPY}
LATER = datetime(2026, 1, 1)  # noqa: DTZ001 (rows take naive UTC)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({**SERVICE}, "happy"),
        ({**SERVICE, **NOTHING}, "sad"),
        ({"model_version": "words-2", **HAPPY, "_ingested_at": LATER}, "happy"),
        ({"model_version": "words-2", **NOTHING, "_ingested_at": LATER}, "sad"),
        ({"model_version": "none", **NOTHING, "is_instrumental": True, "_ingested_at": LATER}, "sad"),
    ],
    ids=["service", "service without", "newer", "newer without", "instrumental"],
)
def test_of_several_scores_the_best_models_counts(spark: SparkSession, other: dict[str, Any], expected: str) -> None:
    ours = {**SAD, "model_version": "words-1"}
    for scores in ((ours, other), (other, ours)):
        (row,) = moods(spark, *scores)
        assert max(MOODS, key=lambda mood: row[mood]) == expected


def test_an_instrumental_and_another_language_have_no_moods_and_say_why(spark: SparkSession) -> None:
    silent, strange = moods(
        spark,
        {**NOTHING, "is_instrumental": True, "model_version": "none"},
        {**NOTHING, "track_key": "k2", "language": "es"},
        heard=({"track_id": "t1", "song_key": "k1"}, {"track_id": "t2", "song_key": "k2"}),
    )
    assert (silent["is_instrumental"], silent["happy"], silent["model_version"]) == (True, None, "none")
    assert (strange["is_instrumental"], strange["happy"], strange["language"]) == (False, None, "es")
