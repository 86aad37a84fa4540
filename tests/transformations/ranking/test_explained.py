"""What is said of a pair: the largest entries, ranks, shared items that add up, and artists that are truly new."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from tests.transformations.ranking.test_matcher import ARTISTS, USERS, genres, plays
from transformations.ranking.explained import Lookup, News, heaviest, largest, ranks, shared
from transformations.ranking.matcher import Matcher


def sparse(*rows: list[float]) -> csr_array:
    return csr_array(np.array(rows, dtype=float))


def test_the_largest_of_each_place_with_ties_told_apart() -> None:
    places, items = np.array([1, 0, 1, 1, 0]), np.array([5, 3, 4, 9, 2])
    values, ties = np.array([2.0, 1, 2, 3, 1]), np.array([0.0, 7, 0, 0, 7])
    found = largest(places, items, values, 2)
    assert (found.places.tolist(), found.items.tolist()) == ([0, 0, 1, 1], [2, 3, 9, 4])
    assert largest(places, items, values, 3, then_by=ties + (items == 3)).items.tolist() == [3, 2, 9, 4, 5]
    assert found.offsets(4).tolist() == [0, 2, 4, 4, 4]
    nothing = np.empty(0, dtype=np.int64)
    assert largest(nothing, nothing, np.empty(0), 3).offsets(2).tolist() == [0, 0, 0]


def test_entries_are_looked_up_by_row_and_column() -> None:
    held = Lookup.of(sparse([0, 4, 0], [7, 0, 1]))
    assert held.at(np.array([0, 0, 1, 1]), np.array([1, 2, 0, 2])).tolist() == [4, 0, 7, 1]
    assert Lookup.of(csr_array((2, 3))).at(np.array([1]), np.array([2])).tolist() == [0]


def test_ranks_are_by_value_then_by_column() -> None:
    assert ranks(sparse([3, 9, 0, 3], [0, 0, 1, 0])).toarray().tolist() == [[2, 1, 0, 3], [0, 0, 1, 0]]
    assert heaviest(sparse([3, 9, 0, 3]), 2).toarray().tolist() == [[3, 9, 0, 0]]


def test_what_two_share_adds_up_to_its_part_of_the_score() -> None:
    counts = plays()
    matcher = Matcher.of(counts, genres())
    pairs = matcher.top(5)
    entries, sizes = shared(matcher.vectors["artists"], pairs.users, pairs.matches, ARTISTS)
    each = matcher.weights["artists"] * pairs.factors[entries.places] * entries.values
    added = np.bincount(entries.places, weights=each, minlength=len(pairs.users))
    assert added == pytest.approx(pairs.parts["artists"], abs=1e-12)
    is_held = counts.toarray() > 0
    assert sizes.tolist() == (is_held[pairs.users] & is_held[pairs.matches]).sum(axis=1).tolist()
    few, _ = shared(matcher.vectors["artists"], pairs.users, pairs.matches, 2)
    assert max(np.bincount(few.places)) == 2


def test_new_artists_are_the_matchs_and_never_ones_own() -> None:
    counts, known = plays(), csr_array((USERS, ARTISTS))
    matcher = Matcher.of(counts, genres())
    news = News.of(counts, matcher.vectors["artists"], genres(), known)
    pairs = matcher.top(3)
    found = news.of_pairs(pairs.users, pairs.matches, 4)
    is_held = counts.toarray() > 0
    assert len(found.items)
    assert not is_held[pairs.users[found.places], found.items].any()
    assert is_held[pairs.matches[found.places], found.items].all()
    assert ((found.values >= 0) & (found.values <= 1)).all()
    for place in np.unique(found.places):
        assert (np.diff(found.values[found.places == place]) <= 0).all()


def test_new_artists_are_ranked_by_genres_and_leave_out_what_was_only_skipped() -> None:
    counts = sparse([9, 0, 0, 0], [9, 9, 1, 1])  # the first hears rock; the match also jazz, rock and jazz
    labels = sparse([1, 0], [0, 1], [1, 0], [0, 1])
    vectors = Matcher.of(counts, labels).vectors["artists"]
    users, matches = np.array([0]), np.array([1])
    found = News.of(counts, vectors, labels, csr_array((2, 4))).of_pairs(users, matches, 5)
    assert found.items.tolist() == [2, 1, 3]
    assert found.values.tolist() == [1, 0, 0]
    skipped = csr_array((np.array([0.0]), (np.array([0]), np.array([2]))), shape=(2, 4))
    assert News.of(counts, vectors, labels, skipped).of_pairs(users, matches, 5).items.tolist() == [1, 3]
