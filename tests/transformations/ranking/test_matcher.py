"""Matches: symmetric, made of parts that add up, and what stands in the way stands nowhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark import cloudpickle
from scipy.sparse import csr_array, vstack

from transformations.ranking import matcher
from transformations.ranking.counts import holders
from transformations.ranking.matcher import Matcher, Pairs

USERS, ARTISTS = 40, 60


def plays(seed: int = 1, *, users: int = USERS, artists: int = ARTISTS) -> csr_array:
    """Listeners of three scenes, and some hits that all may have."""
    rng = np.random.default_rng(seed)
    scene, own = np.arange(users) % 3, np.arange(artists) % 3
    likely = np.where(scene[:, None] == own, 0.35, 0.03)
    likely[:, :4] = 0.5
    held = rng.random((users, artists)) < likely
    held[:, -1] |= ~held.any(axis=1)
    return csr_array(np.where(held, rng.geometric(0.05, held.shape), 0).astype(float))


def genres(artists: int = ARTISTS) -> csr_array:
    return csr_array(np.eye(3)[np.arange(artists) % 3])


def table(pairs: Pairs) -> dict[tuple[int, int], float]:
    return dict(zip(zip(pairs.users.tolist(), pairs.matches.tolist(), strict=True), pairs.scores, strict=True))


def test_scores_are_symmetric_and_their_parts_add_up() -> None:
    pairs = Matcher.of(plays(), genres()).top(USERS)
    scores = table(pairs)
    assert all(scores[pair] == scores[pair[::-1]] for pair in scores)
    assert set(pairs.parts) == {"artists", "neighbours", "genres"}
    assert sum(pairs.parts.values()) == pytest.approx(pairs.scores, abs=1e-12)
    assert ((pairs.scores > 0) & (pairs.scores < 1)).all()


def test_a_part_is_a_weight_a_factor_and_an_affinity() -> None:
    matcher_ = Matcher.of(plays(), genres())
    pairs = matcher_.top(6)
    assert set(pairs.affinities) == set(matcher_.weights) == set(matcher_.vectors)
    for name, part in pairs.parts.items():
        assert part == pytest.approx(matcher_.weights[name] * pairs.factors * pairs.affinities[name], abs=1e-12)
        found, vectors = pairs.affinities[name], matcher_.vectors[name]
        assert (np.abs(found) <= 1 + 1e-9).all()
        dense = vectors.toarray() if hasattr(vectors, "toarray") else vectors
        assert found == pytest.approx((dense[pairs.users] * dense[pairs.matches]).sum(axis=1), abs=1e-12)


def test_ranks_are_dense_from_one_and_nobody_matches_themselves() -> None:
    pairs = Matcher.of(plays(), genres()).top(7)
    assert (pairs.users != pairs.matches).all()
    for user in range(USERS):
        own = pairs.users == user
        assert pairs.ranks[own].tolist() == list(range(1, 8))
        assert (np.diff(pairs.scores[own]) <= 0).all()


def test_the_first_of_a_short_list_are_those_of_a_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Matcher.of(plays(), genres()).top(USERS)
    monkeypatch.setattr(matcher, "BLOCK_USERS", 7)
    monkeypatch.setattr(matcher, "BLOCK_PAIRS", 11)
    short = Matcher.of(plays(), genres()).top(5)
    first = whole.ranks <= 5
    assert short.matches.tolist() == whole.matches[first].tolist()
    assert short.scores == pytest.approx(whole.scores[first])


def test_the_top_match_of_a_user_split_in_two_is_the_other_half() -> None:
    rng = np.random.default_rng(3)
    counts = plays(users=120)
    halves = [csr_array(rng.binomial(counts.toarray().astype(int), 0.5).astype(float)) for _ in range(2)]
    pairs = Matcher.of(vstack(halves).tocsr(), genres()).top(1)
    assert (pairs.matches == (pairs.users + 120) % 240).mean() > 0.95


def test_two_listeners_alone_match_by_what_they_share() -> None:
    shared = csr_array(np.array([[5.0, 3, 0], [4, 0, 2]]))
    strangers = csr_array(np.array([[5.0, 3, 0, 0], [0, 0, 4, 2]]))
    assert Matcher.of(shared).top(50).users.tolist() == [0, 1]
    assert Matcher.of(strangers).top(50).users.tolist() == []


@pytest.mark.parametrize("stride", [1, 3, 1_000])
def test_the_largest_of_rows_are_found_without_comparing_all(stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matcher, "STRIDE", stride)
    values = np.random.default_rng(2).integers(-20, 20, (30, 50)).astype(np.float32)
    rows, columns = matcher.largest_of_rows(values, 7)
    for row in range(30):
        expected = [place for place in np.argsort(-values[row], kind="stable")[:7] if values[row, place] > 0]
        assert columns[rows == row].tolist() == expected


def test_hits_are_multiplied_apart_and_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    apart = Matcher.of(plays(), genres()).top(5)
    monkeypatch.setattr(matcher, "MOST_HITS", 3)
    few = Matcher.of(plays(), genres()).top(5)
    monkeypatch.setattr(matcher, "HIT_SHARE", 1.0)
    none = Matcher.of(plays(), genres()).top(5)
    assert apart.matches.tolist() == few.matches.tolist() == none.matches.tolist()
    assert apart.scores == pytest.approx(none.scores, abs=1e-6)


def test_directions_of_many_are_those_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The iterated basis spans what the exact one does: the products of listeners are the same."""
    counts = plays(users=150, artists=90)
    vectors = matcher.artist_vectors(counts, matcher.rarities(holders(counts), 150))
    few = matcher.dense_units(vectors @ matcher.basis(vectors))
    monkeypatch.setattr(matcher, "DENSE_SIZE", 10)
    many = matcher.dense_units(vectors @ matcher.basis(vectors))
    assert many @ many.T == pytest.approx(few @ few.T, abs=1e-3)


def test_listeners_among_others_are_a_part_of_all() -> None:
    ours = Matcher.of(plays(), genres())
    whole, users, others = ours.top(USERS), np.arange(0, USERS, 3), np.arange(10, 30)
    some = ours.top(USERS, users=users, others=others)
    wanted = np.isin(whole.users, users) & np.isin(whole.matches, others)
    assert table(some) == table(whole.part(wanted))
    assert ours.top(5, users=users[:0]).users.tolist() == []


def test_cells_leave_nobody_out_and_do_not_grow_with_the_listeners() -> None:
    random = np.random.default_rng(4)
    largest = []
    for users in (1_000, 4_000):
        places = random.standard_normal((users, 8))
        found = matcher.cells_of(places, matcher.cell_middles(places, users // matcher.CELL_USERS))
        assert found.shape == (users, matcher.CELLS_OF_USER)
        assert (np.diff(found, axis=1) > 0).all()
        largest.append(np.bincount(found.ravel()).max())
    assert largest[1] < 2 * largest[0]


def test_barred_pairs_stand_in_neither_list() -> None:
    free = Matcher.of(plays(), genres())
    pairs = free.top(USERS)
    user, match = int(pairs.users[0]), int(pairs.matches[0])
    barred = np.zeros((USERS, USERS))
    barred[[user, match], [match, user]] = 1
    left = table(free.top(USERS, barred=csr_array(barred)))
    assert (user, match) not in left
    assert (match, user) not in left
    assert len(left) == len(pairs.users) - 2


def test_a_hub_is_held_back() -> None:
    """Twenty listeners in pairs, .45 near to their own other one, .25 to all, and .5 to a hub."""
    pairs, own = np.kron(np.eye(10), np.ones((2, 1))), np.eye(20)
    listeners = np.hstack([np.full((20, 1), 0.5), np.sqrt(0.2) * pairs, np.sqrt(0.55) * own])
    hub = np.eye(1, listeners.shape[1])
    vectors = csr_array(np.vstack([listeners, hub]))
    ours = Matcher(vectors, {}, np.full(21, 100.0), weights={"artists": 1.0}).top(1)
    assert ours.matches[:20].tolist() == (np.arange(20) ^ 1).tolist()
    assert (vectors @ vectors.T).toarray()[0, 20] > (vectors @ vectors.T).toarray()[0, 1]


def test_a_listener_of_few_plays_scores_less() -> None:
    counts = np.kron(np.ones((3, 1)), np.arange(1.0, 6))
    counts[1] *= 100
    counts[2] *= 1 / 5
    scores = table(Matcher.of(csr_array(counts)).top(2))
    assert scores[0, 1] > scores[0, 2] > 0


def test_a_sample_says_who_is_a_hub_in_a_large_population(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matcher, "HUB_USERS", 15)
    one, other = (Matcher.of(plays(), genres(), seed=6).top(5) for _ in range(2))
    assert one.matches.tolist() == other.matches.tolist()
    assert len(one.users) == 5 * USERS
    assert np.isfinite(one.scores).all()


def test_further_vectors_join_the_score() -> None:
    counts = plays()
    artists = matcher.artist_vectors(counts, matcher.rarities(holders(counts), USERS))
    sound = np.zeros((USERS, 2))
    sound[np.arange(USERS), np.arange(USERS) % 2] = 1
    weights = {"artists": 0.5, "sound": 0.5}
    pairs = Matcher(artists, {"sound": sound}, np.asarray(counts.sum(axis=1)), weights=weights).top(3)
    same = (pairs.users % 2) == (pairs.matches % 2)
    assert same.mean() > 0.95
    assert not pairs.parts["sound"][~same].any()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), users=st.integers(1, 9), artists=st.integers(1, 9))
def test_small_populations_have_sound_scores(seed: int, users: int, artists: int) -> None:
    ours = Matcher.of(plays(seed, users=users, artists=artists), genres(artists))
    pairs = ours.top(50)
    assert np.isfinite(pairs.scores).all()
    assert ((pairs.scores > 0) & (pairs.scores < 1)).all()
    assert sum(pairs.parts.values()) == pytest.approx(pairs.scores, abs=1e-12)


def test_the_engine_travels_to_workers() -> None:
    """By value, as transformations.gold.exact registers it: nothing at module level may refuse to be pickled."""
    import transformations.gold.exact  # noqa: F401

    assert cloudpickle.loads(cloudpickle.dumps(Matcher.of))(plays()).top(5).users.tolist()
