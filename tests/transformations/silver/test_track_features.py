"""Every track has a row of features, and each value says where it comes from."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

from schemas.silver.catalogue_tracks import CONTRACT as CATALOGUE_TRACKS
from schemas.silver.features import FEATURE_NAMES
from schemas.silver.service_features import CONTRACT as SERVICE_FEATURES
from schemas.silver.track_features import CONTRACT
from schemas.silver.tracks import CONTRACT as TRACKS
from tests.rows import checked, make_rows
from transformations.silver.track_features import build

KAGGLE = {"source": "kaggle", "confidence": 1.0}
SPOTIFY, RECCOBEATS = {"source": "spotify", "confidence": 1.0}, {"source": "reccobeats", "confidence": 0.9}


IN_CATALOGUE = {"track_id": "t1", "valence": 0.3, "energy": 0.3}


def features(
    spark: SparkSession, tracks: tuple[str, ...], *catalogue: dict[str, Any], services: tuple[dict[str, Any], ...] = ()
) -> list[dict[str, Any]]:
    """Features of tracks, each asked for by the key `key-<track id>`."""
    rows = build(
        tracks=make_rows(spark, TRACKS, *({"track_id": track, "track_key": f"key-{track}"} for track in tracks)),
        catalogue_tracks=make_rows(spark, CATALOGUE_TRACKS, *catalogue),
        service_features=make_rows(spark, SERVICE_FEATURES, *services),
    )
    return checked(rows, CONTRACT)


def of(source: str, valence: float | None, energy: float | None, **more: Any) -> dict[str, Any]:
    """What a service says of the track t1."""
    return {"track_key": "key-t1", "source": source, "valence": valence, "energy": energy, **more}


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


def test_spotify_comes_before_reccobeats_before_the_catalogue(spark: SparkSession) -> None:
    spotify, reccobeats, catalogue = of("spotify", 0.1, 0.1), of("reccobeats", 0.2, 0.2), IN_CATALOGUE
    chains = (
        ((spotify, reccobeats), (catalogue,), ("spotify", 1.0, 0.1)),
        ((reccobeats,), (catalogue,), ("reccobeats", 0.9, 0.2)),
        ((), (catalogue,), ("kaggle", 1.0, 0.3)),
        ((of("spotify", None, 0.9), reccobeats), (), ("reccobeats", 0.9, 0.2)),
        ((of("spotify", None, 0.9), of("reccobeats", 0.9, None)), (), ("none", 0.0, None)),
    )
    for services, in_catalogue, expected in chains:
        (track,) = features(spark, ("t1",), *in_catalogue, services=services)
        assert (track["feature_source"], track["feature_confidence"], track["valence"]) == expected
        assert track["energy"] == track["valence"]


def test_what_a_source_lacks_the_next_fills_in_and_says_so(spark: SparkSession) -> None:
    services = (of("spotify", None, 0.9, mode=1), of("reccobeats", 0.2, 0.2, tempo_bpm=171.0, mode=0))
    (track,) = features(spark, ("t1",), {**IN_CATALOGUE, "tempo_bpm": 90.0, "time_signature": 4}, services=services)
    shown = ("valence", "energy", "mode", "tempo_bpm", "time_signature", "key")
    assert tuple(track[name] for name in shown) == (0.2, 0.2, 1, 171.0, 4, None)
    assert track["value_sources"] == {
        "energy": RECCOBEATS,
        "valence": RECCOBEATS,
        "tempo_bpm": RECCOBEATS,
        "mode": SPOTIFY,
        "time_signature": KAGGLE,
    }


def test_an_answer_for_another_key_is_not_the_tracks(spark: SparkSession) -> None:
    first, second = features(spark, ("t1", "t2"), services=(of("spotify", 0.1, 0.1),))
    assert (first["feature_source"], second["feature_source"]) == ("spotify", "none")


def test_tracks_with_one_key_share_its_answer_and_none_is_doubled(spark: SparkSession) -> None:
    rows = build(
        tracks=make_rows(
            spark, TRACKS, *({"track_id": t, "track_key": key} for t, key in (("a", "i"), ("b", "i"), ("c", None)))
        ),
        catalogue_tracks=make_rows(spark, CATALOGUE_TRACKS),
        service_features=make_rows(spark, SERVICE_FEATURES, {**of("reccobeats", 0.2, 0.2), "track_key": "i"}),
    )
    assert [row["feature_source"] for row in checked(rows, CONTRACT)] == ["reccobeats", "reccobeats", "none"]
