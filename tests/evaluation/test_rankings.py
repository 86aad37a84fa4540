"""The traps of the evaluation of rankings, each of which once made a method look better than it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from tests.evaluation.like_listeners import found_half, friends_told, samples
from tests.evaluation.splits import Found, found, lists_of, split
from tests.evaluation.unheard_artists import training_tags
from transformations.ranking.counts import holders


def links(users: int = 30, items: int = 50) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = [(user, item) for user in range(users) for item in rng.choice(items, 12 if user else 9, replace=False)]
    return pd.DataFrame(rows, columns=["user_id", "item_id"]).assign(play_count=1)


def test_a_fifth_is_held_out_of_those_with_ten() -> None:
    one = split(links(), 0)
    assert one.held_out.groupby("user_id").size().tolist() == [2] * 29
    assert 0 not in set(one.held_out["user_id"])
    assert len(one.training) + len(one.held_out) == len(links())
    assert not set(one.training.index) & set(one.held_out.index)
    assert not one.held_out.index.equals(split(links(), 1).held_out.index)
    assert one.held_out.equals(split(links(), 0).held_out)


def test_an_item_known_only_from_a_held_out_link_is_not_known() -> None:
    given = pd.concat([links(), pd.DataFrame({"user_id": range(1, 30), "item_id": range(900, 929), "play_count": 1})])
    one = split(given.reset_index(drop=True), 0)
    hidden = set(one.held_out["item_id"]) & set(range(900, 929))
    assert hidden
    assert not hidden & set(one.counts.items)
    assert one.reachable == 1 - len(hidden) / len(one.held_out)


def test_tags_of_held_out_artists_do_not_count() -> None:
    taggings = pd.DataFrame({"user_id": [1, 1, 2], "item_id": [7, 8, 7], "tag_id": [5, 5, 5]})
    training = pd.DataFrame({"user_id": [1, 2], "item_id": [7, 9], "play_count": 1})
    assert training_tags(taggings, training).to_numpy().tolist() == [[1, 7, 5]]


def test_a_perfect_and_an_empty_ranking() -> None:
    one = split(links(), 0)
    held = np.zeros(one.counts.matrix.shape)
    held[one.held_out["user_id"], np.searchsorted(one.counts.items, one.held_out["item_id"])] = 1
    perfect = found(one, lists_of(held, one.counts))
    assert (perfect.recall_10, perfect.recall_20, perfect.ndcg_10) == (1, 1, 1)
    worst = found(one, lists_of(-held, one.counts))
    assert worst == Found(0, 0, 0, worst.coverage_20)


def test_lists_leave_out_what_is_had() -> None:
    one = split(links(), 0)
    lists = lists_of(np.tile(holders(one.counts.matrix), (30, 1)), one.counts)
    had = one.counts.matrix.toarray() > 0
    assert not np.take_along_axis(had, lists, axis=1).any()


def test_samples_of_a_listener_share_artists() -> None:
    counts = csr_array(np.random.default_rng(2).integers(1, 30, (20, 15)).astype(float))
    one, other = samples(counts, 10, seed=0)
    assert one.sum(axis=1).tolist() == [10] * 20
    assert ((one > 0).multiply(other > 0)).sum(axis=1).min() > 0  # disjoint halves would share none


def test_a_method_that_calls_all_alike_finds_nobody() -> None:
    assert found_half(np.ones((40, 40)))[0] == 0
    nothing = friends_told(np.ones((4, 4)), csr_array(np.eye(4)[[1, 0, 3, 2]]))
    assert nothing[0] == 0.5


def test_friends_who_stand_first_are_told() -> None:
    friends = csr_array(np.eye(6)[[1, 0, 3, 2, 5, 4]])
    assert friends_told(friends.toarray() * 0.9 + 0.05, friends) == (1.0, 1.0)
    assert friends_told(-friends.toarray(), friends)[0] == pytest.approx(0)
