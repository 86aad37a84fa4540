"""Moods are probabilities that sum to 1 and change smoothly across the borders of the quadrants."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from pyspark.sql import SparkSession

from schemas.silver.track_features import CONTRACT as TRACK_FEATURES
from schemas.silver.track_moods import CONTRACT
from schemas.vocab import MOODS
from tests.rows import checked, make_rows
from transformations.silver.track_moods import build


def moods(spark: SparkSession, *points: tuple[float | None, float | None]) -> list[dict[str, Any]]:
    """Moods of tracks at (valence, energy), in the order given."""
    rows = [
        {"track_id": f"t{n:03d}", "valence": valence, "energy": energy, "feature_confidence": 0.8}
        for n, (valence, energy) in enumerate(points)
    ]
    return checked(build(track_features=make_rows(spark, TRACK_FEATURES, *rows)), CONTRACT)


def test_corners_are_the_four_moods(spark: SparkSession) -> None:
    got = moods(spark, (0.9, 0.9), (0.1, 0.9), (0.1, 0.1), (0.9, 0.1))
    assert [track["mood"] for track in got] == ["happy", "angry", "sad", "relaxed"]
    for track in got:
        assert track[track["mood"]] > 0.8
        assert track["mood_confidence"] == pytest.approx(track[track["mood"]] * 0.8)
        assert track["mood_source"] == "sound"


def test_probabilities_sum_to_one_and_never_jump(spark: SparkSession) -> None:
    steps = [n / 100 for n in range(101)]
    walk = moods(spark, *((step, 0.3) for step in steps))
    assert all(sum(track[mood] for mood in MOODS) == pytest.approx(1.0) for track in walk)
    for before, after in pairwise(walk):
        assert all(abs(after[mood] - before[mood]) < 0.02 for mood in MOODS)
    assert [track["relaxed"] for track in walk] == sorted(track["relaxed"] for track in walk)


def test_the_very_middle_is_undecided_and_named_in_fixed_order(spark: SparkSession) -> None:
    (track,) = moods(spark, (0.5, 0.5))
    assert [track[mood] for mood in MOODS] == [0.25] * 4
    assert track["mood"] == "happy"


def test_unknown_sound_gives_nulls_together(spark: SparkSession) -> None:
    for track in moods(spark, (None, None), (0.5, None), (None, 0.5)):
        assert {track[mood] for mood in MOODS} == {None}
        assert (track["mood"], track["mood_source"], track["mood_confidence"]) == ("unknown", "none", 0.0)


def test_no_tracks_give_no_moods(spark: SparkSession) -> None:
    assert moods(spark) == []
