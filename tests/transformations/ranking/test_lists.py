"""The best of each user, a few of a group at most, the same however the items are cut into blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transformations.ranking.counts import Floats, Ints
from transformations.ranking.lists import BestItems, places_within


def one_by_one(scores: Floats, groups: Ints, size: int, of_a_group: int) -> list[list[int]]:
    """The lists by their definition: down the scores, leaving out what has its share."""
    lists = []
    for row in scores:
        kept: list[int] = []
        for item in np.argsort(-row, kind="stable"):
            is_full = sum(groups[other] == groups[item] for other in kept) == of_a_group
            if np.isfinite(row[item]) and not is_full and len(kept) < size:
                kept.append(int(item))
        lists.append(kept)
    return lists


def offered(scores: Floats, groups: Ints, size: int, of_a_group: int, block_items: int) -> list[list[int]]:
    best = BestItems(len(scores), size, groups, of_a_group=of_a_group, block_items=block_items)
    for low in range(0, len(groups), block_items):
        items = np.arange(low, min(low + block_items, len(groups)))
        for first in range(0, len(scores), 2):
            here = slice(first, min(first + 2, len(scores)))
            best.offer(here, items, scores[here][:, items].copy())
    users, items, _, ranks = best.ranked()
    for user in range(len(scores)):
        assert ranks[users == user].tolist() == list(range(1, (users == user).sum() + 1))
    return [items[users == user].tolist() for user in range(len(scores))]


@given(
    seed=st.integers(0, 10_000),
    size=st.integers(1, 6),
    of_a_group=st.integers(1, 3),
    block_items=st.integers(1, 30),
    items=st.integers(1, 25),
)
def test_lists_are_the_best_whatever_the_blocks(
    seed: int, size: int, of_a_group: int, block_items: int, items: int
) -> None:
    rng = np.random.default_rng(seed)
    groups = np.sort(rng.integers(0, 6, items))
    scores = rng.permuted(np.tile(np.arange(1.0, items + 1), (3, 1)), axis=1)
    scores[rng.random(scores.shape) < 0.2] = -np.inf
    assert offered(scores, groups, size, of_a_group, block_items) == one_by_one(scores, groups, size, of_a_group)


def test_what_is_barred_is_in_no_list() -> None:
    scores = np.full((2, 4), -np.inf)
    scores[0, 2] = 0.5
    assert offered(scores, np.array([0, 0, 1, 2]), 3, 2, 4) == [[2], []]


def test_no_items_make_no_lists() -> None:
    best = BestItems(2, 3, np.empty(0, dtype=np.int64), of_a_group=2, block_items=5)
    best.offer(slice(0, 2), np.empty(0, dtype=np.int64), np.empty((2, 0)))
    assert [len(column) for column in best.ranked()] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("keys", "places"),
    [(([1, 1, 0, 1, 0],), [0, 1, 0, 2, 1]), (([1, 1, 0, 1], [0, 1, 0, 0]), [0, 0, 0, 1]), (([],), [])],
)
def test_places_count_rows_of_the_same_keys(keys: tuple[list[int], ...], places: list[int]) -> None:
    assert places_within(*[np.array(key) for key in keys]).tolist() == places
