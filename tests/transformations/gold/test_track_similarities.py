"""What goes with a track: what was heard beside it, and what sounds like it; never itself, nor another edition."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from schemas.gold.track_similarities import CONTRACT
from schemas.silver.listens import CONTRACT as LISTENS
from schemas.silver.track_features import CONTRACT as TRACK_FEATURES
from schemas.silver.tracks import CONTRACT as TRACKS
from schemas.silver.user_tracks import CONTRACT as USER_TRACKS
from tests.rows import checked, make_rows
from transformations.gold.track_similarities import BLOCKS, TOP, _blocks_around, _own_block, build

START = datetime(2026, 10, 1)  # noqa: DTZ001
Session = tuple[str, list[str]]  # listener, tracks in order; a track in capitals was skipped
NEUTRAL = {"valence": 0.5, "energy": 0.5, "danceability": 0.5, "acousticness": 0.5, "instrumentalness": 0.5}
Sounds = dict[str, dict[str, Any]]


def similar(spark: SparkSession, *sessions: Session, sounds: Sounds | None = None) -> dict[tuple[str, str], Any]:
    """Rows by track and the one that goes with it, of tracks that are named or have a sound."""
    listens, named = [], {name for _, tracks in sessions for name in (t.lower() for t in tracks)}
    for number, (user, tracks) in enumerate(sessions):
        for place, name in enumerate(tracks):
            listens.append(
                {
                    "listen_id": f"{number}-{place:03d}",
                    "user_id": user,
                    "session_id": f"{number}",
                    "track_id": name.lower(),
                    "played_at": START + timedelta(days=number, minutes=4 * place),
                    "is_skipped": name.isupper() or None,
                }
            )
    sounds = sounds or {}
    everything = sorted(named | set(sounds))
    features = [
        {"track_id": name, "artist_id": name, "feature_source": "kaggle", "feature_confidence": 1.0, **NEUTRAL}
        | {key: value for key, value in sound.items() if key != "genres"}
        for name, sound in sounds.items()
    ]
    rows = build(
        listens=make_rows(spark, LISTENS, *listens),
        user_tracks=make_rows(
            spark, USER_TRACKS, *({"user_id": row["user_id"], "track_id": row["track_id"]} for row in listens)
        ),
        tracks=make_rows(
            spark,
            TRACKS,
            *({"track_id": name, "genres": sounds.get(name, {}).get("genres", [])} for name in everything),
        ),
        track_features=make_rows(spark, TRACK_FEATURES, *features),
    )
    return {(row["track_id"], row["similar_track_id"]): row for row in checked(rows, CONTRACT)}


def test_tracks_of_the_same_sessions_go_together(spark: SparkSession) -> None:
    found = similar(
        spark,
        ("ash", ["a", "b", "c", "a"]),
        ("ben", ["b", "a"]),
        ("cid", ["a", "C", "d"]),  # a skipped one was not heard
        ("cid", ["e"]),
    )
    counts = {pair: row["session_count"] for pair, row in found.items()}
    together = {("a", "b"): 2, ("a", "c"): 1, ("b", "c"): 1, ("a", "d"): 1}
    assert counts == together | {(right, left): count for (left, right), count in together.items()}
    row = found["a", "b"]
    assert (row["rank"], row["basis"], row["sound_score"]) == (1, "sessions", None)
    assert row["score"] == row["session_score"] == pytest.approx(2 / (3 * 2) ** 0.5 * 2 / 4, abs=1e-6)
    assert found["b", "a"]["score"] == row["score"]


def test_nobody_rules_a_pair_and_far_apart_is_not_together(spark: SparkSession) -> None:
    found = similar(spark, *[("ash", ["a", "b"])] * 9, ("ben", ["a", *[f"x{n}" for n in range(10)], "b"]))
    assert found["a", "b"]["session_count"] == 5
    assert ("a", "x9") in found
    assert ("x0", "b") in found
    assert found["a", "b"]["score"] == pytest.approx(5 / 6 * 5 / 7, abs=1e-6)  # each in 5 + 1 sessions


def test_what_sounds_alike_is_found_beyond_what_was_heard(spark: SparkSession) -> None:
    found = similar(
        spark,
        ("ash", ["seed"]),
        sounds={
            "seed": {"genres": ["folk", "pop"]},
            "near": {"valence": 0.54, "genres": ["folk"]},  # beyond an edge between blocks
            "other genre": {"valence": 0.54, "genres": ["metal"]},
            "far": {"valence": 0.9, "energy": 0.9, "genres": ["folk"]},
            "edition": {"artist_id": "seed", "genres": ["folk"]},
            "cover": {"genres": ["folk"]},
            "guess": {"feature_source": "artist", "feature_confidence": 0.5, "genres": ["folk"]},
        },
    )
    assert {match: row["rank"] for (_, match), row in found.items()} == {"cover": 1, "near": 2, "other genre": 3}
    near, other = found["seed", "near"], found["seed", "other genre"]
    assert near["sound_distance"] == pytest.approx(0.04 / 5**0.5, abs=1e-6)
    assert (near["basis"], near["session_count"]) == ("sound", None)
    assert other["sound_score"] == pytest.approx(near["sound_score"] / 2, abs=1e-6)
    assert {track for track, _ in found} == {"seed"}  # nobody heard the others


def test_everything_within_half_a_block_is_compared(spark: SparkSession) -> None:
    for feature, size in BLOCKS.items():
        values = [(value / 40 / size, *[0.33] * 3) for value in range(40 * size + 1)]
        others = [name for name in BLOCKS if name != feature]
        rows = spark.createDataFrame(values, ", ".join(f"{name} double" for name in (feature, *others, "x")))
        told = rows.selectExpr(f"{_own_block()} AS own", f"{_blocks_around()} AS around").collect()
        for place, row in enumerate(told):
            near = told[max(place - 19, 0) : place + 20]
            assert {other["own"] for other in near} <= set(row["around"]), (feature, place)
            assert len(row["around"]) == len(set(row["around"])) == 2 ** len(BLOCKS)


def test_both_bases_are_surer_than_one(spark: SparkSession) -> None:
    found = similar(spark, ("ash", ["a", "b"]), sounds={"a": {}, "b": {}})
    row = found["a", "b"]
    assert row["basis"] == "both"
    assert row["score"] == pytest.approx(1 - (1 - row["session_score"]) * (1 - row["sound_score"]), abs=1e-6)


def test_the_best_are_kept_and_ranks_are_dense(spark: SparkSession) -> None:
    sounds = {f"t{n:02d}": {"valence": 0.5 + n / 1000, "acousticness": 0.3 + n / 500} for n in range(40)}
    found = similar(spark, ("ash", ["t00"]), ("ash", ["t00", "t05"]), sounds=sounds)
    own = sorted((row["rank"], -row["score"], match) for (track, match), row in found.items() if track == "t00")
    assert [rank for rank, _, _ in own] == list(range(1, TOP + 1))
    assert [score for _, score, _ in own] == sorted(score for _, score, _ in own)
    assert own[0][2] == "t05"


def test_unknown_sounds_and_empty_tables_give_nothing(spark: SparkSession) -> None:
    assert similar(spark) == {}
    unknown = {"valence": None, "energy": None, "feature_source": "none", "feature_confidence": 0.0}
    assert similar(spark, ("ash", ["a"]), ("ben", ["b", "b"]), sounds={"a": {}, "b": unknown}) == {}
