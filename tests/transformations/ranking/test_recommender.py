"""The ranker against EASE written out in items; lists hold nothing that is known, and the same for the same seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from transformations.ranking import recommender
from transformations.ranking.counts import Counts, Floats, Ints
from transformations.ranking.recommender import ARTISTS, TRACKS, Recipe, Recommender

PLAIN = Recipe(damping=0.5, rarity=0.2, ridge=0.7, label_weight=0.4, label_evenness=0.5, factor_weight=0.0)
RECIPES = (ARTISTS, TRACKS)


def plays(seed: int = 5, *, users: int = 14, items: int = 23, share: float = 0.3) -> csr_array:
    rng = np.random.default_rng(seed)
    held = rng.random((users, items)) < share
    held[:, 0] |= ~held.any(axis=1)
    return csr_array(np.where(held, rng.integers(1, 50, held.shape), 0).astype(float))


def one_label_each(items: int = 23) -> csr_array:
    return csr_array(np.eye(5)[np.arange(items) % 5])


def shared_labels(items: int = 23) -> csr_array:
    return csr_array(np.random.default_rng(8).integers(0, 3, (items, 6)).astype(float))


def scores_of(ranker: Recommender, users: Ints) -> Floats:
    found = np.full((len(users), ranker.counts.shape[1]), np.nan)
    for here, block, scores in ranker.iter_scores(users):
        found[here, block] = scores
    return found


def in_items(counts: csr_array, labels: csr_array | None, recipe: Recipe, *, fitted: Ints | None = None) -> Floats:
    """EASE with label rows, by inverting the items x items system."""
    dense = counts.toarray()
    weights = dense**recipe.damping * (dense > 0)
    rarity = np.maximum((dense > 0).sum(axis=0), 1.0) ** -recipe.rarity
    weights = weights / np.linalg.norm(weights, axis=1, keepdims=True) * rarity
    level = np.sqrt(len(weights) / (weights**2).sum())
    weights = weights * level
    rows = np.zeros((0, dense.shape[1]))
    if labels is not None:
        rows = np.log1p(labels.toarray().T) * rarity * level
        rows /= np.linalg.norm(rows, axis=1, keepdims=True) ** recipe.label_evenness
        rows *= recipe.label_weight
    known = np.vstack([weights if fitted is None else weights[fitted], rows])
    inverse = np.linalg.inv(known.T @ known + recipe.ridge * np.eye(dense.shape[1]))
    told = np.eye(len(inverse)) - inverse / np.diag(inverse)
    return weights @ told


@pytest.mark.parametrize("labels", [None, one_label_each(), shared_labels()], ids=["none", "one each", "shared"])
def test_solving_through_users_is_ease(labels: csr_array | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommender, "BLOCK_ITEMS", 7)
    ranker = Recommender(plays(), PLAIN, labels=labels)
    assert scores_of(ranker, np.arange(14)) == pytest.approx(in_items(plays(), labels, PLAIN), abs=1e-5)


@pytest.mark.parametrize("labels", [None, one_label_each(), shared_labels()], ids=["none", "one each", "shared"])
def test_the_model_by_itself_scores_anybody_as_the_ranker_does(
    labels: csr_array | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recommender, "BLOCK_ITEMS", 7)
    monkeypatch.setattr(recommender, "MAX_FITTED_USERS", 9)
    ranker = Recommender(plays(), PLAIN, labels=labels)
    expected = np.hstack([shares for _, _, shares in ranker.iter_shares(np.arange(14))])
    users, items = np.array([13, 0, 5]), np.array([1, 2, 11])
    assert ranker.by_itself().shares(plays()[users], items) == pytest.approx(expected[users][:, items], abs=1e-6)
    with pytest.raises(ValueError, match="its own users"):
        Recommender(plays(), ARTISTS).by_itself()


def test_users_beyond_the_sample_are_scored_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommender, "MAX_FITTED_USERS", 9)
    monkeypatch.setattr(recommender, "BLOCK_USERS", 4)
    ranker = Recommender(plays(), PLAIN, labels=one_label_each(), seed=4)
    fitted = np.sort(np.random.default_rng(4).choice(14, 9, replace=False))
    expected = in_items(plays(), one_label_each(), PLAIN, fitted=fitted)
    assert scores_of(ranker, np.arange(14)) == pytest.approx(expected, abs=1e-5)
    assert scores_of(ranker, np.array([13, 2])) == pytest.approx(expected[[13, 2]], abs=1e-5)


def test_only_the_most_given_of_shared_labels_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommender, "MAX_LABELS", 2)
    labels = shared_labels()
    most = np.sort(np.argsort(-(labels.toarray() > 0).sum(axis=0), kind="stable")[:2])
    ranker = Recommender(plays(), PLAIN, labels=labels)
    expected = in_items(plays(), csr_array(labels.toarray()[:, most]), PLAIN)
    assert scores_of(ranker, np.arange(14)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("recipe", RECIPES)
def test_blocks_of_items_change_no_list(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    ranker = Recommender(plays(), recipe, labels=one_label_each())
    whole = ranker.top(np.arange(14), 6)
    monkeypatch.setattr(recommender, "BLOCK_ITEMS", 4)
    monkeypatch.setattr(recommender, "BLOCK_USERS", 5)
    parts = ranker.top(np.arange(14), 6)
    assert whole.items.tolist() == parts.items.tolist()
    assert whole.scores == pytest.approx(parts.scores, abs=1e-5)


def test_an_item_of_the_same_artist_is_found_without_a_common_listener() -> None:
    rows = [("ann", "x1"), ("ben", "x2"), ("cid", "x3"), ("dee", "y1"), ("eve", "y2"), ("fay", "y3")]
    counts = Counts.of(*zip(*rows, strict=True), [1] * len(rows))
    artists = counts.labels(counts.items, [item[0] for item in counts.items], [1] * len(counts.items))
    found = Recommender(counts.matrix, TRACKS, labels=artists).top(np.arange(6), 2)
    names = [[counts.items[item] for item in row] for row in found.items]
    assert names[0] == ["x2", "x3"]
    assert names[4] == ["y1", "y3"]


def test_rows_in_another_order_give_the_same_lists() -> None:
    rows = [(f"u{u}", f"i{i}", w) for u, i, w in zip(*plays().nonzero(), plays().data, strict=True)]
    one, other = (Counts.of(*zip(*given, strict=True)) for given in (rows, rows[::-1]))
    lists = [Recommender(counts.matrix, ARTISTS, seed=2).top(np.arange(14), 5) for counts in (one, other)]
    assert lists[0].items.tolist() == lists[1].items.tolist()
    assert lists[0].scores.tolist() == lists[1].scores.tolist()


def test_who_has_everything_is_recommended_nothing() -> None:
    counts = Counts.of(["ann", "ann", "ben"], ["a", "b", "a"], [5, 5, 5])
    found = Recommender(counts.matrix, ARTISTS).top(np.arange(2), 3)
    assert found.items[0].tolist() == [-1, -1]
    assert not found.scores[0].any()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), users=st.integers(1, 9), items=st.integers(1, 12), size=st.integers(1, 14))
def test_lists_hold_what_is_new_and_scores_in_order(seed: int, users: int, items: int, size: int) -> None:
    counts = plays(seed, users=users, items=items)
    for recipe in (ARTISTS, replace(TRACKS, rarity=0.3)):
        found = Recommender(counts, recipe, labels=one_label_each(items)).top(np.arange(users), size)
        assert np.isfinite(found.scores).all()
        assert ((found.scores >= 0) & (found.scores < 1)).all()
        assert (np.diff(found.scores, axis=1) <= 0).all()
        for user, row in enumerate(found.items):
            listed = row[row >= 0]
            assert len(set(listed)) == len(listed)
            assert not counts.toarray()[user, listed].any()
