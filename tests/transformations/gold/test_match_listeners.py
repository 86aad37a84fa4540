"""What a listener is compared by: of their own rows and the population, whoever else is worked out."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from schemas.gold.match_listeners import CONTRACT
from schemas.gold.user_mood_profiles import CONTRACT as USER_MOOD_PROFILES
from schemas.gold.user_taste_profiles import CONTRACT as USER_TASTE_PROFILES
from tests.rows import checked, empty, make_rows
from tests.transformations.gold.test_match_model import PLAYS, heard, model
from transformations.gold import match_listeners as module
from transformations.gold.match_listeners import build
from transformations.gold.match_model import artefact, read
from transformations.gold.user_taste_profiles import FEATURES

Listeners = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def listeners(spark: SparkSession) -> Any:
    standing = model(spark, PLAYS).localCheckpoint()
    population = read(artefact(standing).toArrow())

    def built(plays: dict[str, dict[str, int]], *, profiles: Listeners | None = None) -> Listeners:
        given = heard(spark, plays)
        rows = build(
            **given,
            user_taste_profiles=make_rows(
                spark,
                USER_TASTE_PROFILES,
                *({"user_id": user, "status": "ok"} | own for user, own in (profiles or {}).items()),
            ),
            user_mood_profiles=empty(spark, USER_MOOD_PROFILES),
            match_model=standing,
            population=population,
        )
        return {row["user_id"]: row for row in checked(rows, CONTRACT)}

    return built


def test_a_listener_is_the_same_whoever_else_there_is(listeners: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = listeners(PLAYS)
    assert everybody.keys() == {"ann", "ben", "cid", "dee"}  # the other one opted out
    for user, row in everybody.items():
        assert listeners({user: PLAYS[user]}) == {user: row}
    monkeypatch.setattr(module, "BATCH_USERS", 3)
    assert listeners(PLAYS) == everybody


def test_who_is_new_is_folded_in_the_same_way(listeners: Any) -> None:
    """An artist that the population does not know is as rare as can be, and leads nowhere."""
    found = listeners({**PLAYS, "eve": PLAYS["ann"], "new": {"elk": 8}, "fan": {"elk": 8, "ice": 8}})
    told = [{name: found[user][name] for name in ("artists", "neighbours", "cells")} for user in ("ann", "eve")]
    assert told[0] == told[1]
    assert found["eve"]["level"] < found["ann"]["level"]  # one of the sample is as near as can be
    assert set(found["new"]["neighbours"]) == {0.0}
    assert [one["weight"] for one in found["new"]["artists"]] == [1]
    elk, ice = found["fan"]["artists"]
    assert elk["weight"] > ice["weight"]
    assert elk["genre_weights"] == []
    assert listeners({"mum": {"ice": 0}}) == {}


def test_what_is_told_besides_is_in_an_order_of_its_own(listeners: Any) -> None:
    """Weights move with every listener; what hangs on them would touch everybody each night."""
    profile = {
        "top_artists": [(1, "sun", "Sun", 9, 0.6, "t1", "One"), (2, "ice", "Ice", 9, 0.4, "t2", "Two")],
        "genres": [("dark", 5, 0.7), ("warm", 9, 0.3), ("cold", 9, 0.2)],
        "sound": [(name, None if name == "energy" else 0.9, 0.1) for name in FEATURES],
    }
    row = listeners({"ann": PLAYS["ann"]}, profiles={"ann": profile})["ann"]
    assert [one["artist_id"] for one in row["top_artists"]] == ["ice", "sun"]
    assert [one["genre"] for one in row["top_genres"]] == ["cold", "warm", "dark"]
    sound = {one["feature"]: one for one in row["sound"]}
    assert (sound["energy"]["raw"], sound["energy"]["normalised"]) == (None, None)
    assert (sound["valence"]["raw"], sound["valence"]["normalised"]) == (0.9, 0)  # all of the population are alike
    assert (row["is_heard"], row["is_listed"], row["is_activity_shown"]) == (True, False, False)
