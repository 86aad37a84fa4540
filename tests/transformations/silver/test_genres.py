"""A genre's sound is the mean of its measured tracks, drawn towards that of all."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from schemas.silver.catalogue_tracks import CONTRACT as CATALOGUE_TRACKS
from schemas.silver.genres import CONTRACT
from tests.rows import checked, empty, make_rows
from transformations.silver.genres import build


def test_a_genre_of_few_tracks_leans_on_all(spark: SparkSession) -> None:
    tracks = (
        {"genres": ["folk"], "valence": 0.2, "energy": 0.4, "tempo_bpm": 90.0},
        {"genres": ["folk", "rock"], "valence": 0.6, "energy": 0.8},
        {"genres": ["rock"], "valence": 0.9},  # without energy it is not measured
        {"genres": [], "valence": 0.7, "energy": 0.9},
    )
    everything, folk, rock = checked(build(catalogue_tracks=make_rows(spark, CATALOGUE_TRACKS, *tracks)), CONTRACT)
    assert [row["genre"] for row in (everything, folk, rock)] == ["*", "folk", "rock"]
    assert [row["track_count"] for row in (everything, folk, rock)] == [3, 2, 1]
    assert everything["valence"] == pytest.approx(0.5)
    assert folk["valence"] == pytest.approx((0.8 + 5 * 0.5) / 7)
    assert rock["energy"] == pytest.approx((0.8 + 5 * 0.7) / 6)
    assert (everything["tempo_bpm"], rock["tempo_bpm"]) == (90.0, pytest.approx(90.0))
    assert everything["liveness"] is None


def test_an_empty_catalogue_has_no_sound(spark: SparkSession) -> None:
    assert checked(build(catalogue_tracks=empty(spark, CATALOGUE_TRACKS)), CONTRACT) == []
    unmeasured = make_rows(spark, CATALOGUE_TRACKS, {"genres": ["rock"], "valence": 0.9})
    assert checked(build(catalogue_tracks=unmeasured), CONTRACT) == []
