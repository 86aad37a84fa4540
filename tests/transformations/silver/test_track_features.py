"""Every track has a row of features, and each value says where it comes from."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from schemas.silver.beatport_features import CONTRACT as BEATPORT_FEATURES
from schemas.silver.catalogue_tracks import CONTRACT as CATALOGUE_TRACKS
from schemas.silver.feature_drifts import CONTRACT as FEATURE_DRIFTS
from schemas.silver.features import ESTIMATED_FEATURES, FEATURE_NAMES
from schemas.silver.genres import CONTRACT as GENRES
from schemas.silver.service_features import CONTRACT as SERVICE_FEATURES
from schemas.silver.track_features import CONTRACT
from schemas.silver.tracks import CONTRACT as TRACKS
from tests.rows import checked, make_rows
from transformations.silver.track_features import build

KAGGLE = {"source": "kaggle", "confidence": 1.0}
SPOTIFY, RECCOBEATS = {"source": "spotify", "confidence": 1.0}, {"source": "reccobeats", "confidence": 0.9}


IN_CATALOGUE = {"track_id": "t1", "valence": 0.3, "energy": 0.3}


def features(
    spark: SparkSession,
    tracks: tuple[str | dict[str, Any], ...],
    *catalogue: dict[str, Any],
    services: tuple[dict[str, Any], ...] = (),
    genres: tuple[dict[str, Any], ...] = (),
    beatport: tuple[dict[str, Any], ...] = (),
    drifts: tuple[dict[str, Any], ...] = (),
) -> list[dict[str, Any]]:
    """Features of tracks, each asked for by the key `key-<track id>` and, where not said, of an artist of its own."""
    given = [track if isinstance(track, dict) else {"track_id": track} for track in tracks]
    genres_of = {row["track_id"]: row.get("genres", ["genres"]) for row in catalogue}
    measured = [{name: value for name, value in row.items() if name != "genres"} for row in catalogue]
    rows = build(
        tracks=make_rows(
            spark,
            TRACKS,
            *(
                {
                    "track_key": f"key-{t['track_id']}",
                    "artist_id": f"artist-{t['track_id']}",
                    "genres": genres_of.get(t["track_id"], []),
                    **t,
                }
                for t in given
            ),
        ),
        catalogue_tracks=make_rows(
            spark,
            CATALOGUE_TRACKS,
            *({**row, "is_representative": True} for row in measured),
            *({**row, "is_representative": False, "valence": 0.99, "energy": 0.99} for row in measured),
        ),
        service_features=make_rows(spark, SERVICE_FEATURES, *services),
        beatport_features=make_rows(spark, BEATPORT_FEATURES, *beatport),
        feature_drifts=make_rows(spark, FEATURE_DRIFTS, *drifts),
        genres=make_rows(spark, GENRES, *genres),
    )
    return checked(rows, CONTRACT)


def by(artist: str, *tracks: str, **more: Any) -> tuple[dict[str, Any], ...]:
    return tuple({"track_id": track, "artist_id": artist, **more} for track in tracks)


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


def test_what_was_measured_stays_where_valence_and_energy_are_unknown(spark: SparkSession) -> None:
    (track,) = features(spark, ("t1",), {"track_id": "t1", "valence": 0.7, "tempo_bpm": 120.0})
    assert (track["feature_source"], track["feature_confidence"], track["tempo_bpm"]) == ("none", 0.0, 120.0)
    assert {track[name] for name in FEATURE_NAMES if name != "tempo_bpm"} == {None}
    assert track["value_sources"] == {"tempo_bpm": KAGGLE}


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
    tracks = tuple({"track_id": t, "track_key": key} for t, key in (("a", "i"), ("b", "i"), ("c", None)))
    rows = features(spark, tracks, services=({**of("reccobeats", 0.2, 0.2), "track_key": "i"},))
    assert [row["feature_source"] for row in rows] == ["reccobeats", "reccobeats", "none"]


BEATPORT = {"track_id": "t1", "tempo_bpm": 126.0, "key": 9, "mode": 0, "confidence": 0.8}
FROM_BEATPORT = {"source": "beatport", "confidence": 0.8}


def test_beatport_gives_tempo_and_key_that_no_other_source_has(spark: SparkSession) -> None:
    (track,) = features(spark, ("t1",), {**IN_CATALOGUE, "key": 2, "mode": 1}, beatport=(BEATPORT,))
    assert (track["tempo_bpm"], track["key"], track["mode"]) == (126.0, 2, 1)
    assert (track["feature_source"], track["feature_confidence"]) == ("kaggle", 1.0)
    assert (track["value_sources"]["tempo_bpm"], track["value_sources"]["key"]) == (FROM_BEATPORT, KAGGLE)
    (alone,) = features(spark, ("t1",), beatport=(BEATPORT,))
    assert (alone["feature_source"], alone["feature_confidence"], alone["valence"]) == ("none", 0.0, None)
    assert alone["value_sources"] == dict.fromkeys(("tempo_bpm", "key", "mode"), FROM_BEATPORT)


def test_beatports_tempo_goes_before_an_estimate(spark: SparkSession) -> None:
    known = ({"track_id": "t2", "valence": 0.8, "energy": 0.6, "tempo_bpm": 100.0},)
    track, _ = features(spark, by("a", "t1", "t2"), *known, beatport=(BEATPORT,))
    assert (track["feature_source"], track["tempo_bpm"], track["value_sources"]["tempo_bpm"]) == (
        "artist",
        126.0,
        FROM_BEATPORT,
    )


def test_what_reccobeats_is_off_by_is_subtracted_within_bounds(spark: SparkSession) -> None:
    drifts = tuple(
        {"source": "reccobeats", "feature": name, "correction": off}
        for name, off in (("valence", 0.1), ("energy", -0.2), ("tempo_bpm", 0.0), ("loudness_db", 1.2))
    )
    measured = {"tempo_bpm": 100.0, "loudness_db": -7.0, "liveness": 0.4}
    (track,) = features(spark, ("t1",), services=(of("reccobeats", 0.05, 0.9, **measured),), drifts=drifts)
    shown = ("valence", "energy", "tempo_bpm", "loudness_db", "liveness")
    assert tuple(track[name] for name in shown) == (0.0, 1.0, 100.0, pytest.approx(-8.2), 0.4)
    assert track["feature_source"] == "reccobeats"
    (of_spotify,) = features(spark, ("t1",), services=(of("spotify", 0.05, 0.9, **measured),), drifts=drifts)
    assert (of_spotify["valence"], of_spotify["energy"]) == (0.05, 0.9)


# --- estimates


def test_an_unknown_track_leans_on_its_artist_their_genres_and_all(spark: SparkSession) -> None:
    known = ({"track_id": "t1", "valence": 0.8, "energy": 0.6, "genres": ["rock"]},)
    genres = ({"genre": "rock", "valence": 0.4, "energy": 0.9}, {"genre": "*", "valence": 0.5, "energy": 0.5})
    first, second, other = features(spark, (*by("a", "t1", "t2"), "t3"), *known, genres=genres)
    assert (first["feature_source"], first["valence"]) == ("kaggle", 0.8)
    assert (second["feature_source"], second["feature_confidence"]) == ("artist", 0.6 / 1.2)
    assert second["valence"] == pytest.approx((0.8 + 2 * 0.4) / 3)
    assert second["energy"] == pytest.approx((0.6 + 0.9) / 2)
    assert second["value_sources"]["valence"] == {"source": "artist", "confidence": 0.6 / 1.2}
    assert (other["feature_source"], other["valence"], other["value_sources"]) == ("none", None, {})


def test_tracks_of_the_same_album_weigh_more(spark: SparkSession) -> None:
    low, high = {"valence": 0.2, "energy": 0.2}, {"valence": 0.8, "energy": 0.8}
    tracks = (*by("a", "t1", album_name="Night"), *by("a", "t2", album_name="Day"), *by("a", "t3", album_name=" night"))
    got = features(spark, (*tracks, *by("a", "t4")), {"track_id": "t1", **low}, {"track_id": "t2", **high})
    assert got[2]["valence"] == pytest.approx((0.2 + 4 * 0.5) / 5)
    assert got[3]["valence"] == pytest.approx(0.5)
    assert got[3]["feature_confidence"] == pytest.approx(0.6 * 2 / 2.2)


def test_a_track_of_known_genres_leans_on_their_mean(spark: SparkSession) -> None:
    genres = ({"genre": "rock", "valence": 0.4, "energy": 0.9}, {"genre": "folk", "valence": 0.6, "energy": 0.3})
    (track,) = features(spark, ("t1",), {"track_id": "t1", "genres": ["folk", "new", "rock"]}, genres=genres)
    assert (track["feature_source"], track["feature_confidence"]) == ("genre", 0.5)
    assert (track["valence"], track["energy"]) == (pytest.approx(0.5), pytest.approx(0.6))


def test_key_mode_and_time_signature_are_never_estimated(spark: SparkSession) -> None:
    known = {"track_id": "t1", **dict.fromkeys(FEATURE_NAMES, 1)}
    _, estimated = features(
        spark, by("a", "t1", "t2"), {n: float(v) if n in ESTIMATED_FEATURES else v for n, v in known.items()}
    )
    assert {name for name in FEATURE_NAMES if estimated[name] is None} == {"key", "mode", "time_signature"}
    assert set(estimated["value_sources"]) == set(ESTIMATED_FEATURES)


def test_what_is_measured_stays_and_what_it_lacks_is_estimated(spark: SparkSession) -> None:
    known = (
        {"track_id": "t1", "valence": 0.8, "energy": 0.6, "tempo_bpm": 100.0},
        {"track_id": "t2", "tempo_bpm": 90.0},
    )
    services = ({**of("reccobeats", 0.1, 0.2), "track_key": "key-t3"},)
    _, second, third = features(spark, by("a", "t1", "t2", "t3"), *known, services=services)
    assert (second["feature_source"], second["tempo_bpm"]) == ("artist", 90.0)
    assert second["value_sources"]["tempo_bpm"] == KAGGLE
    assert (third["feature_source"], third["valence"], third["tempo_bpm"]) == ("reccobeats", 0.1, 100.0)
    assert third["value_sources"]["tempo_bpm"]["source"] == "artist"


def test_estimates_do_not_depend_on_the_order_of_rows(spark: SparkSession) -> None:
    known = [{"track_id": f"t{n}", "valence": 0.1 + n / 997, "energy": 0.7 - n / 991} for n in range(40)]
    tracks = by("a", *(f"t{n}" for n in range(41)))
    estimates = {
        features(spark, given, *catalogue)[40]["valence"]
        for given, catalogue in ((tracks, known), (tracks[::-1], known[::-1]))
    }
    assert len(estimates) == 1
