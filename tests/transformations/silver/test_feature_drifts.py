"""A drift is measured on shared tracks alone, corrected where it is large and steady, and in steps."""

from __future__ import annotations

import random
import statistics
from typing import Any

import pytest
from pyspark.sql import SparkSession

from schemas.silver.catalogue_tracks import CONTRACT as CATALOGUE_TRACKS
from schemas.silver.feature_drifts import CONTRACT
from schemas.silver.service_features import CONTRACT as SERVICE_FEATURES
from tests.rows import checked, make_rows
from transformations.silver.feature_drifts import FEWEST_TRACKS, build

Pair = tuple[float | None, float | None]


def drifts(spark: SparkSession, source: str = "reccobeats", **pairs: list[Pair]) -> dict[str, dict[str, Any]]:
    """Drift by feature of tracks with these values, the service's first, and one more track on either side."""
    count = max((len(values) for values in pairs.values()), default=0)
    keys = [f"{n:022d}" for n in range(count)]

    def rows(side: int, key: str, **same: str) -> list[dict[str, Any]]:
        return [
            {key: id_, **same, **{name: values[n][side] for name, values in pairs.items()}}
            for n, id_ in enumerate(keys)
        ]

    alone = dict.fromkeys(pairs, 0.9)
    theirs = [*rows(0, "track_key", source=source), {"track_key": "GBAYE0000001", "source": source, **alone}]
    ours = [*rows(1, "spotify_id"), {"spotify_id": "9" * 22, **alone}]
    built = build(
        service_features=make_rows(spark, SERVICE_FEATURES, *theirs),
        catalogue_tracks=make_rows(spark, CATALOGUE_TRACKS, *ours),
    )
    return {row["feature"]: row for row in checked(built, CONTRACT)}


def apart(mean: float, spread: float, count: int = FEWEST_TRACKS, seed: int = 1) -> list[Pair]:
    rng = random.Random(seed)
    return [(0.5 + mean + rng.choice((-spread, spread)), 0.5) for _ in range(count)]


@pytest.mark.parametrize(
    ("values", "status", "correction"),
    [
        (apart(0.12, 0.02), "corrected", 0.12),
        (apart(-0.12, 0.02), "corrected", -0.12),
        (apart(0.12, 0.3), "flagged", 0.0),
        (apart(0.02, 0.01), "even", 0.0),
        (apart(0.12, 0.02, FEWEST_TRACKS - 1), "too_few", 0.0),
    ],
    ids=["up", "down", "uneven", "small", "few"],
)
def test_large_and_steady_is_corrected(spark: SparkSession, values: list[Pair], status: str, correction: float) -> None:
    (row,) = drifts(spark, valence=values).values()
    differences = [theirs - ours for theirs, ours in values if theirs is not None and ours is not None]
    assert row["track_count"] == len(values)
    assert row["difference_mean"] == pytest.approx(statistics.mean(differences))
    assert row["difference_spread"] == pytest.approx(statistics.pstdev(differences))
    assert (row["status"], row["correction"]) == (status, pytest.approx(correction, abs=0.011))


def test_a_few_more_tracks_do_not_move_a_correction(spark: SparkSession) -> None:
    values = apart(0.12, 0.02, 200)
    found = [drifts(spark, valence=values[:count])["valence"] for count in (190, 195, 200)]
    assert len({row["difference_mean"] for row in found}) == 3
    assert len({row["correction"] for row in found}) == 1


def test_units_are_the_features_own_and_nulls_do_not_count(spark: SparkSession) -> None:
    tempos: list[Pair] = [(128.0, 120.0)] * FEWEST_TRACKS + [(None, 120.0), (128.0, None)]
    found = drifts(spark, tempo_bpm=tempos, loudness_db=[(-9.0, -8.5)] * FEWEST_TRACKS + [(None, None)] * 2)
    assert found.keys() == {"tempo_bpm", "loudness_db"}
    tempo = found["tempo_bpm"]
    assert (tempo["track_count"], tempo["status"], tempo["correction"]) == (FEWEST_TRACKS, "corrected", 8.0)
    assert found["loudness_db"]["status"] == "even"


def test_nothing_shared_and_spotifys_own_values_have_no_drift(spark: SparkSession) -> None:
    assert drifts(spark) == {}
    assert drifts(spark, source="spotify", valence=apart(0.2, 0.01)) == {}
