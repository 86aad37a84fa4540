"""Many processes make the lists that one makes: the same songs, scores and reasons where every song is a candidate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs import distributed
from schemas.gold.recommendations import CONTRACT
from schemas.vocab import MOODS, RECOMMENDATION_LISTS
from tests.benchmarks.songs import SongListeners
from tests.rows import checked
from tests.transformations.gold.test_recommendations import ANN, AS_OF, BEN, EDITION, NEW, inputs
from transformations.gold import pruned_lists
from transformations.gold.recommendations import build, for_mood
from transformations.ranking import playlists, recommender
from transformations.ranking.playlists import OF_AN_ARTIST, UNHEARD

SAID = {ANN: {"fog-2": False, "sea-1": True}, NEW: {"sea-2": True}, BEN: {EDITION: False}}
Rows = dict[tuple[str, str, int], dict[str, Any]]


def rows_of(made: DataFrame) -> Rows:
    return {(row["user_id"], row["list"], row["rank"]): row for row in checked(made, CONTRACT)}


def lists(spark: SparkSession, given: dict[str, DataFrame]) -> Rows:
    return rows_of(distributed.recommendations(spark, lambda rows: rows, as_of_date=AS_OF, **given))


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> Rows:
    return lists(spark, inputs(spark, said=SAID))


def test_they_are_those_of_one_process(spark: SparkSession, found: Rows) -> None:
    expected = rows_of(build(**inputs(spark, said=SAID), as_of_date=AS_OF))
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert found[key]["score"] == pytest.approx(row["score"], abs=2e-5), key
        assert {**found[key], "score": 0} == {**row, "score": 0}, key


def test_rows_in_another_order_and_parts_give_the_same(
    spark: SparkSession, found: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruned_lists, "BLOCK_LISTENERS", 1)
    monkeypatch.setattr(distributed, "TASK_LISTENERS", 2)
    given = {name: rows.repartition(3) for name, rows in inputs(spark, said=SAID, order=-1).items()}
    assert lists(spark, given) == found


def test_few_candidates_keep_what_lists_promise_and_most_of_the_best(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playlists, "CANDIDATES", 40)
    monkeypatch.setattr(playlists, "MOOD_POOL", 150)
    monkeypatch.setattr(recommender, "MAX_FITTED_USERS", 50)
    SongListeners(160, 500).write(tmp_path)
    given = {path.stem: spark.read.parquet(str(path)) for path in tmp_path.iterdir()}
    made, expected = lists(spark, given), rows_of(build(**given, as_of_date=AS_OF))
    plays = {(row["user_id"], row["track_id"]) for row in given["user_tracks"].collect()}
    said = given["track_feedback"].where("NOT is_liked").collect()
    disliked = {(row["user_id"], row["track_id"]) for row in said}
    artists = {row["track_id"]: row["artist_id"] for row in given["tracks"].collect()}
    by_list: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for (user, name, _), row in sorted(made.items()):
        by_list.setdefault((user, name), []).append(row)
        track = (user, row["track_id"])
        assert track not in disliked
        assert (track in plays) == (name == "rediscover") or name not in (*UNHEARD, "rediscover")
        assert 0 < row["score"] <= 1
        assert row["reasons"]
    assert {name for _, name in by_list} == set(RECOMMENDATION_LISTS)
    for rows in by_list.values():
        assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
        of_artists = [artists[row["track_id"]] for row in rows]
        assert max(map(of_artists.count, of_artists)) <= OF_AN_ARTIST
    scores = {(user, name, row["track_id"]): row["score"] for (user, name, _), row in made.items()}
    best = {(user, name, row["track_id"]): row["score"] for (user, name, place), row in expected.items() if place <= 10}
    assert sum(key in scores for key in best) > 0.9 * len(best)
    for key in best.keys() & scores.keys():
        assert scores[key] == pytest.approx(best[key], abs=2e-5)


def test_without_tracks_listeners_or_plays_there_is_nothing_to_fit(spark: SparkSession) -> None:
    nothing: dict[str, list[dict[str, Any]]] = {"user_tracks": [], "user_matches": [], "track_similarities": []}
    assert lists(spark, inputs(spark, users=[], user_mood_profiles=[], **nothing)) == {}
    bare = {"track_identities": [], "track_features": [], "track_moods": [], "user_mood_profiles": []}
    assert lists(spark, inputs(spark, tracks=[], **bare, **nothing)) == {}
    known = lists(spark, inputs(spark, **bare, **nothing))
    assert {name for _, name, _ in known} == {"for_you"}
    assert known == rows_of(build(**inputs(spark, **bare, **nothing), as_of_date=AS_OF))


def test_any_mood_is_worked_out_for_one_listener(spark: SparkSession) -> None:
    asked, given = (ANN, dict.fromkeys(MOODS, 0.25), 5), inputs(spark, said=SAID)
    one = for_mood(*asked, inputs=given, as_of_date=AS_OF)
    many = distributed.for_mood(spark, *asked, inputs=given, as_of_date=AS_OF)
    assert many.orderBy("rank").collect() == one.orderBy("rank").collect()
    assert many.count() == 5
