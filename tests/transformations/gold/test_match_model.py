"""The pinned population: of its rows alone, whatever their order; outgrown when who is compared changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from schemas.gold.match_model import CONTRACT
from schemas.gold.user_mood_profiles import CONTRACT as USER_MOOD_PROFILES
from schemas.gold.user_taste_profiles import CONTRACT as USER_TASTE_PROFILES
from schemas.ops.privacy_settings import CONTRACT as PRIVACY_SETTINGS
from schemas.silver.tracks import CONTRACT as TRACKS
from schemas.silver.user_artists import CONTRACT as USER_ARTISTS
from schemas.silver.user_top_items import CONTRACT as USER_TOP_ITEMS
from tests.rows import checked, make_rows, values
from transformations.gold.match_model import artefact, build, fitted, outgrown, read
from transformations.gold.user_taste_profiles import FEATURES
from transformations.ranking import population

PLAYS = {
    "ann": {"ice": 30, "fog": 20},
    "ben": {"ice": 12, "fog": 40, "sun": 5},
    "cid": {"sun": 25, "sea": 15},
    "dee": {"sun": 18, "sea": 22, "ice": 1},
    "out": {"owl": 9},
}


def heard(
    spark: SparkSession, plays: dict[str, dict[str, int]], *, matched: tuple[str, ...] = ()
) -> dict[str, DataFrame]:
    """The inputs by which a model is outgrown; `out`, and whoever is named, wants no matches."""
    sums = [
        {"user_id": user, "artist_id": name, "artist_name": name.title(), "listen_count": count, "skip_count": 0}
        for user, artists in plays.items()
        for name, count in artists.items()
    ]
    unmatched = [{"user_id": user, "is_matched": False} for user in ("out", *matched)]
    return {
        "user_artists": make_rows(spark, USER_ARTISTS, *sums),
        "user_top_items": make_rows(spark, USER_TOP_ITEMS),
        "privacy_settings": make_rows(spark, PRIVACY_SETTINGS, *unmatched),
    }


def model(spark: SparkSession, plays: dict[str, dict[str, int]], *, unknown: str = "") -> DataFrame:
    """Of one listener one feature may be unknown."""
    sound = [(name, 0.5 + n / 100, 0.0) for n, name in enumerate(FEATURES)]
    known = {"status": "ok", "sound": sound}
    partly = {**known, "sound": [(name, None if name == unknown else raw, z) for name, raw, z in sound]}
    mood = {"period": "all", "happy": 0.4, "angry": 0.3, "sad": 0.2, "relaxed": 0.1}
    return build(
        **heard(spark, plays),
        tracks=make_rows(
            spark,
            TRACKS,
            {"track_id": "1", "artist_id": "ice", "genres": ["dark", "cold"]},
            {"track_id": "2", "artist_id": "sun", "genres": ["warm"]},
            {"track_id": "3", "artist_id": "of nobody", "genres": ["lost"]},
        ),
        user_taste_profiles=make_rows(
            spark, USER_TASTE_PROFILES, {"user_id": "ann", **known}, {"user_id": "ben", **partly}
        ),
        user_mood_profiles=make_rows(spark, USER_MOOD_PROFILES, {"user_id": "ann", **mood}),
    )


def test_a_model_tells_the_population_its_artists_cells_and_sample(spark: SparkSession) -> None:
    rows = checked(model(spark, PLAYS), CONTRACT)
    by_kind: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        by_kind.setdefault(row["kind"], {})[row["id"]] = row
    (told,) = by_kind["population"].values()
    assert (told["listener_count"], told["artist_count"]) == (4, 4)
    assert told["sound"] == pytest.approx([0.5 + n / 100 for n in range(len(FEATURES))])
    assert told["moods"] == pytest.approx([0.4, 0.3, 0.2, 0.1])
    artists = by_kind["artist"]
    assert artists.keys() == {"ice", "fog", "sun", "sea"}
    assert artists["ice"]["listener_count"] == 3
    assert artists["ice"]["rarity"] < artists["fog"]["rarity"] < told["rarity"]
    assert {one["genre"] for one in artists["ice"]["genre_weights"]} == {"cold", "dark"}
    assert by_kind["listener"].keys() == {"ann", "ben", "cid", "dee"}
    of_ann = {one["artist_id"]: one["weight"] for one in by_kind["listener"]["ann"]["artists"]}
    assert of_ann.keys() == {"ice", "fog"}
    assert sum(weight**2 for weight in of_ann.values()) == pytest.approx(1)
    read_back = read(artefact(model(spark, PLAYS)).toArrow())
    assert read_back is not None
    assert read_back.version == told["id"]
    assert read_back.sample_users.tolist() == ["ann", "ben", "cid", "dee"]
    assert len(read_back.middles) == len(by_kind["cell"])


def test_a_feature_that_is_unknown_moves_no_mean(spark: SparkSession) -> None:
    known, partly = (read(artefact(model(spark, PLAYS, unknown=name)).toArrow()) for name in ("", FEATURES[0]))
    assert known is not None
    assert partly is not None
    assert partly.sound_means.tolist() == known.sound_means.tolist()
    assert partly.sound_spreads.tolist() == known.sound_spreads.tolist()


def test_a_version_is_of_the_content(monkeypatch: pytest.MonkeyPatch) -> None:
    links = [("counts", user, name, float(n)) for user, own in PLAYS.items() for name, n in own.items()]
    links += [("artists", name, "", 2.0) for name in ("ice", "fog", "sun", "sea", "owl")]
    links += [("population", "", "", 5.0), ("genres", "ice", "dark", 3.0)]

    def version(rows: list[tuple[str, str, str, float]]) -> str:
        (told,) = next(fitted(pd.DataFrame(rows, columns=["kind", "left", "right", "weight"]))).to_pylist()
        return str(told["id"])

    assert version(links[::-1]) == version(links)
    assert version([("counts", "ann", "ice", 31.0), *links[1:]]) != version(links)
    monkeypatch.setattr(population, "HUB_USERS", 3)
    assert version(links) != version(links[:-1])
    assert (
        list(fitted(pd.DataFrame([("genres", "ice", "dark", 3.0)], columns=["kind", "left", "right", "weight"]))) == []
    )


def test_a_model_stands_until_who_is_compared_changes(spark: SparkSession) -> None:
    standing = model(spark, PLAYS).localCheckpoint()

    def reasons(plays: dict[str, dict[str, int]], *, growth: float = 0.2, matched: tuple[str, ...] = ()) -> list[str]:
        rows = outgrown(previous=standing, refit_above_growth=growth, **heard(spark, plays, matched=matched))
        return sorted(row["reason"] for row in values(rows))

    assert reasons(PLAYS) == []
    assert reasons({**PLAYS, "ann": {"ice": 99}}) == []
    assert reasons({**PLAYS, "eve": {"ice": 1}}) == ["5 listeners are compared, it was fitted on 4"]
    assert reasons({**PLAYS, "eve": {"ice": 1}}, growth=0.25) == []
    assert reasons({**PLAYS, "ann": {"elk": 1}}) == ["5 artists are compared, it was fitted on 4"]
    assert reasons(PLAYS, growth=1, matched=("cid",)) == ["1 listeners of its sample left"]


def test_means_are_of_what_is_known() -> None:
    found = population._means(np.array([[1.0, np.nan], [3.0, np.nan]]))
    assert found.tolist() == [2.0, 0.0]
