"""The engine's side of matches, without Spark: ranks, parts that add up, no order of rows, nobody who must not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from transformations.gold import explained_pairs as module
from transformations.gold.explained_pairs import (
    FEATURES,
    MOODS,
    NEW_ARTISTS,
    SHOWN_ARTISTS,
    TOP,
    explained_pairs,
)

Links = list[tuple[str, str, str, float, str | None]]


def heard(plays: dict[str, dict[str, float]]) -> Links:
    return [("plays", user, name, n, name.title()) for user, own in plays.items() for name, n in own.items()]


def pairs(links: Links) -> list[dict[str, Any]]:
    """In the order given; rows must not depend on theirs."""
    given = pd.DataFrame(links, columns=["kind", "left", "right", "weight", "name"])
    blocks = list(explained_pairs(given))
    rows: list[dict[str, Any]] = pa.concat_tables(blocks).to_pylist() if blocks else []
    return rows


@pytest.fixture(scope="module")
def world() -> Links:
    """60 listeners of four scenes, of whom every third has a known sound, and some have Spotify's lists."""
    rng = np.random.default_rng(5)
    users, artists = [f"u{n:02d}" for n in range(60)], [f"a{n:02d}" for n in range(70)]
    links: Links = []
    for n, user in enumerate(users):
        own = rng.choice(40, 18, replace=False) + 10 * (n % 4)
        links += [("plays", user, artists[a], float(rng.geometric(0.1) - 1), artists[a].title()) for a in own]
        if n % 3 == 0:
            links += [("sound", user, name, float(rng.normal()), None) for name in FEATURES]
        if n % 5 == 0:
            links += [
                ("top_items", user, artists[a], 12 / (1 + a) // (1 / 1024) / 1024, "~") for a in rng.choice(70, 4)
            ]
        links += [
            ("moods", user, mood, float(share), None) for mood, share in zip(MOODS, rng.dirichlet([1] * 4), strict=True)
        ]
    links += [("genres", name, f"g{rng.integers(9)}", float(rng.integers(1, 5)), None) for name in artists]
    return links


def test_ranks_are_dense_and_lists_short(world: Links) -> None:
    rows = pairs(world)
    assert len(rows) > 1_000
    by_user: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_user.setdefault(row["user_id"], []).append(row["summary"])
        assert len(row["shared_artists"]) == min(SHOWN_ARTISTS, row["summary"]["shared_artists_count"])
        assert len(row["suggestions_new_artists"]) <= NEW_ARTISTS
        assert 0 < row["summary"]["score"] < 1
    for own in by_user.values():
        assert [one["rank"] for one in own] == list(range(1, len(own) + 1))
        assert len(own) <= TOP
        scores = [one["score"] for one in own]
        assert scores == sorted(scores, reverse=True)


def test_parts_add_up_whatever_they_are_of(world: Links) -> None:
    for row in pairs(world):
        parts = row["summary"]["parts"]
        assert sum(parts.values()) == pytest.approx(row["summary"]["score"], abs=1e-8)
        of_artists = sum(one["part"] for one in row["shared_artists"]) + row["other_artists_part"]
        assert of_artists == pytest.approx(parts["artists"], abs=1e-7)
        assert sum(row["sound_parts"]) == pytest.approx(parts["sound"], abs=1e-7)
        assert (row["summary"]["audio_affinity"] is None) <= (parts["sound"] == 0)


def test_neither_the_order_of_rows_nor_blocks_matter(world: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pairs(world)
    monkeypatch.setattr(module, "BLOCK_PAIRS", 77)
    assert pairs(world[::-1]) == whole


def test_new_artists_are_new(world: Links) -> None:
    has = {(user, artist) for kind, user, artist, _, _ in world if kind in ("plays", "top_items")}
    for row in pairs(world):
        for new in row["suggestions_new_artists"]:
            assert (row["user_id"], new["artist_id"]) not in has
            assert (row["match_user_id"], new["artist_id"]) in has


def test_who_opted_out_or_is_blocked_stands_nowhere(world: Links) -> None:
    links = [*world, ("blocks", "u01", "u05", 1.0, None), ("choices", "u08", "unmatched", 1.0, None)]
    links += [("blocks", "u01", "of nobody", 1.0, None), ("choices", "u04", "active", 1.0, None)]
    rows = pairs([*links, ("choices", "u12", "active", 1.0, None)])
    met = {(row["user_id"], row["match_user_id"]) for row in rows}
    assert not [pair for pair in met if "u08" in pair or set(pair) == {"u01", "u05"}]
    assert {pair for pair in met if "u01" in pair}
    assert {(row["user_id"], row["match_user_id"]) for row in rows if row["is_activity_shown"]} <= {
        ("u04", "u12"),
        ("u12", "u04"),
    }
    without = [link for link in world if link[1] != "u08" and link[2] != "u08"]
    assert pairs([*world, ("choices", "u08", "unmatched", 1.0, None)]) == pairs(without)


def test_who_shares_nothing_matches_nobody() -> None:
    alone = {"ann": {"ice": 8.0, "fog": 4.0}, "ben": {"ice": 4.0, "fog": 8.0}, "eve": {"owl": 4.0}}
    assert {row["user_id"] for row in pairs(heard(alone))} == {"ann", "ben"}
    assert pairs(heard({"ann": {"ice": 5}, "ben": {"ice": 0}})) == []
    assert pairs([("genres", "ice", "dark", 1.0, None)]) == []
    assert pairs([*heard(alone), *(("choices", user, "unmatched", 1.0, None) for user in alone)]) == []


def test_lists_count_as_plays_and_say_so() -> None:
    links = [
        *heard({"ann": {"ice": 8.0}}),
        ("top_items", "new", "ice", 12.0, "ICE"),
        ("top_items", "new", "fog", 6.0, "Fog"),
    ]
    one, other = pairs(links)
    assert (one["user_id"], one["summary"]["basis"], other["summary"]["basis"]) == ("ann", "both", "both")
    (ice,) = one["shared_artists"]
    assert (ice["artist_name"], ice["listen_count"], ice["match_listen_count"], ice["rank"]) == ("ICE", 8, 0, 1)
    (fog,) = one["suggestions_new_artists"]
    assert (fog["artist_name"], fog["match_rank"], fog["genre_overlap"]) == ("Fog", 2, 0)
