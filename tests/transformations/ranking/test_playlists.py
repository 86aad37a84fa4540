"""Lists hold what they say: nothing barred, two of an artist, the same for the same seed; and every reason is true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from transformations.ranking import playlists
from transformations.ranking.counts import Floats
from transformations.ranking.playlists import OF_AN_ARTIST, UNHEARD, Chosen, Heard, Playlists, Population, Songs
from transformations.ranking.recommender import TRACKS, Recommender

USERS, ITEMS = 9, 40
MOODS = ("happy", "angry", "sad", "relaxed")
LISTS = ("for_you", "rediscover", "from_matches", "current_mood", *MOODS)


def sparse(rows: Floats) -> csr_array:
    return csr_array(rows.astype(float))


def world(seed: int = 1, *, unknown: float = 0.2) -> tuple[Songs, Heard, dict[str, Floats]]:
    """Listeners of whom the last heard nothing, songs of which some were never heard."""
    rng = np.random.default_rng(seed)
    moods, sound = rng.dirichlet([0.4] * 4, ITEMS), rng.random((ITEMS, 5))
    moods[rng.random(ITEMS) < unknown] = np.nan
    sound[rng.random(ITEMS) < unknown] = np.nan
    songs = Songs(
        artists=np.sort(rng.integers(0, 12, ITEMS)),
        genres=sparse(rng.random((ITEMS, 5)) < 0.3),
        sound=sound,
        moods=moods,
        mood_confidence=np.nan_to_num(rng.random(ITEMS)),
        popularity=np.where(rng.random(ITEMS) < 0.3, np.nan, rng.integers(0, 100, ITEMS)),
        ties=rng.random(ITEMS),
    )
    is_heard = rng.random((USERS, ITEMS)) < 0.35
    is_heard[-1], is_heard[:, -5:] = False, False
    counts = np.where(is_heard, rng.integers(1, 20, is_heard.shape), 0)
    is_skipped = rng.random(is_heard.shape) < 0.1
    matches = np.triu(rng.random((USERS, USERS)) * (rng.random((USERS, USERS)) < 0.4), 1)
    heard = Heard(
        plays=sparse(np.where(is_skipped, 0, counts)),
        all_plays=sparse(counts),
        days_ago=sparse(np.where(is_heard, rng.integers(0, 200, is_heard.shape), 0)),
        verdicts=sparse(rng.choice([0, 0, 0, 0, 0, 0, 1, -1], is_heard.shape)),
        matches=sparse(matches + matches.T),
        by_session=sparse(rng.random((ITEMS, ITEMS)) * (rng.random((ITEMS, ITEMS)) < 0.05)),
        by_sound=sparse(rng.random((ITEMS, ITEMS)) * (rng.random((ITEMS, ITEMS)) < 0.05)),
    )
    of_late = rng.dirichlet([0.5] * 4, USERS)
    of_late[0] = np.nan
    wanted = {mood: row[None, :] for mood, row in zip(MOODS, np.eye(4), strict=True)} | {"current_mood": of_late}
    return songs, heard, wanted


def lists(
    given: tuple[Songs, Heard, dict[str, Floats]], *, size: int = 8, seed: int = 0
) -> tuple[Playlists, dict[str, Chosen]]:
    made = Playlists(*given, seed=seed)
    return made, made.best(LISTS, np.arange(USERS), size)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(1, 30))
def test_lists_hold_what_they_say(seed: int, size: int) -> None:
    songs, heard, wanted = world(seed)
    _, found = lists((songs, heard, wanted), size=size)
    all_plays, verdicts, days, plays = (
        one.toarray() for one in (heard.all_plays, heard.verdicts, heard.days_ago, heard.plays)
    )
    for name, chosen in found.items():
        assert not (verdicts[chosen.users, chosen.items] < 0).any()
        assert ((chosen.scores > 0) & (chosen.scores <= 1)).all()
        if name in UNHEARD:
            assert not all_plays[chosen.users, chosen.items].any()
        if name == "rediscover":
            assert (plays[chosen.users, chosen.items] >= playlists.REDISCOVER_PLAYS).all()
            assert (days[chosen.users, chosen.items] >= playlists.REDISCOVER_DAYS).all()
        for user in range(USERS):
            own = chosen.users == user
            assert chosen.ranks[own].tolist() == list(range(1, own.sum() + 1))
            assert own.sum() <= size
            assert (np.diff(chosen.scores[own]) <= 0).all()
            assert len(set(chosen.items[own])) == own.sum()
            assert np.bincount(songs.artists[chosen.items[own]], minlength=1).max() <= OF_AN_ARTIST


@pytest.mark.parametrize("seed", range(4))
def test_blocks_and_what_is_left_unscored_change_no_list(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _, whole = lists(world(seed), size=3)
    monkeypatch.setattr(playlists, "BLOCK_ITEMS", 7)
    monkeypatch.setattr("transformations.ranking.recommender.BLOCK_ITEMS", 7)
    monkeypatch.setattr("transformations.ranking.recommender.BLOCK_USERS", 4)
    monkeypatch.setattr(playlists, "BLOCK_USERS", 4)
    monkeypatch.setattr(Playlists, "_worth_scoring", lambda *_: np.ones(ITEMS, dtype=bool))
    _, parts = lists(world(seed), size=3)
    for name in LISTS:
        assert whole[name].items.tolist() == parts[name].items.tolist(), name
        assert whole[name].scores == pytest.approx(parts[name].scores, abs=1e-9)


def test_a_seed_decides_ties_and_nothing_else() -> None:
    songs, heard, wanted = world()
    nobody = csr_array((USERS, ITEMS))
    flat = replace(songs, popularity=np.full(ITEMS, 50.0))
    silent = replace(heard, plays=nobody, all_plays=nobody, verdicts=nobody, days_ago=nobody)
    first, again, other = (
        lists((replace(flat, ties=ties), silent, wanted), size=5)[1]["for_you"].items.tolist()
        for ties in (songs.ties, songs.ties, songs.ties[::-1].copy())
    )
    assert first == again != other
    assert lists(world(), seed=3)[1]["for_you"].items.tolist() == lists(world(), seed=3)[1]["for_you"].items.tolist()


def test_one_listener_alone_gets_the_same_lists() -> None:
    made, found = lists(world())
    for user in (2, USERS - 1):
        for name, alone in made.best(LISTS, np.array([user]), 8).items():
            own = found[name].users == user
            assert alone.items.tolist() == found[name].items[own].tolist()
            assert alone.scores.tolist() == found[name].scores[own].tolist()


def apart(given: tuple[Songs, Heard, dict[str, Floats]]) -> Playlists:
    """The same lists by a population that was fitted before."""
    songs, heard, _ = given
    weights = Playlists(*given, seed=0).weights
    population = Population.of(
        songs, heard.by_session, heard.by_sound, listeners=(weights.toarray() > 0).sum(axis=0), users=USERS
    )
    fans = np.flatnonzero(np.diff(weights.indptr))
    ranker = Recommender(weights[fans], TRACKS, labels=population.artist_rows).by_itself()
    return Playlists(*given, seed=0, population=replace(population, ranker=ranker))


@pytest.mark.parametrize("seed", range(4))
def test_candidates_that_are_all_give_the_same_lists_and_reasons(seed: int) -> None:
    given = world(seed)
    made, found = lists(given)
    pruned = apart(given)
    users = np.array([5, USERS - 1, 2])
    candidates = pruned.candidates(LISTS, users, np.random.default_rng(seed).random((len(users), ITEMS)))
    for name, chosen in pruned.best_among(LISTS, users, 8, candidates).items():
        for user in users:
            here, there = chosen.users == user, found[name].users == user
            assert chosen.items[here].tolist() == found[name].items[there].tolist()
            assert chosen.scores[here] == pytest.approx(found[name].scores[there], abs=1e-4)
        told, expected = pruned.reasons(name, chosen), made.reasons(name, chosen)
        for kind, reason in expected.items():
            assert told[kind].places.tolist() == reason.places.tolist()
            assert told[kind].values == pytest.approx(reason.values, nan_ok=True)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_few_candidates_are_those_of_the_listener_alone(seed: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(playlists, "CANDIDATES", 4)
        patched.setattr(playlists, "MOOD_POOL", 12)
        given = world(seed)
        made = apart(given)
        users, guesses = np.arange(USERS), np.random.default_rng(seed).random((USERS, ITEMS))
        candidates = made.candidates(LISTS, users, guesses)
        found = made.best_among(LISTS, users, 8, candidates)
        alone = np.array([3])
        own = made.candidates(LISTS, alone, guesses[alone])
        assert own.toarray().tolist() == candidates[alone].toarray().tolist()
        for name, chosen in made.best_among(LISTS, alone, 8, own).items():
            is_own = found[name].users == 3
            assert chosen.items.tolist() == found[name].items[is_own].tolist()
            assert chosen.scores.tolist() == found[name].scores[is_own].tolist()
    for name, chosen in found.items():
        assert candidates.toarray()[chosen.users, chosen.items].all()
        assert not (given[1].verdicts.toarray()[chosen.users, chosen.items] < 0).any()
        assert not (name in UNHEARD and given[1].all_plays.toarray()[chosen.users, chosen.items].any())
        for user in users:
            mine = chosen.users == user
            assert chosen.ranks[mine].tolist() == list(range(1, mine.sum() + 1))
            assert np.bincount(given[0].artists[chosen.items[mine]], minlength=1).max() <= OF_AN_ARTIST


def test_who_heard_nothing_gets_what_is_well_known() -> None:
    songs, heard, wanted = world()
    _, found = lists((songs, replace(heard, verdicts=csr_array((USERS, ITEMS))), wanted), size=40)
    items = found["for_you"].items[found["for_you"].users == USERS - 1]
    listeners = (heard.plays.toarray() > 0).sum(axis=0)
    known = 0.5 * np.log1p(listeners) / np.log1p(USERS) + np.nan_to_num(songs.popularity) / 200
    assert len(items) > 10
    assert (np.diff(known[items]) <= 1e-4).all()
    assert not (found["from_matches"].users == USERS - 1).any() or heard.matches.toarray()[USERS - 1].any()


def test_a_song_that_nobody_heard_is_found_by_its_artist() -> None:
    songs, heard, wanted = world()
    plays = np.zeros((USERS, ITEMS))
    of_artist = np.flatnonzero(songs.artists == np.bincount(songs.artists).argmax())
    plays[0, of_artist[0]] = 10
    alone = replace(heard, plays=sparse(plays), all_plays=sparse(plays), verdicts=csr_array((USERS, ITEMS)))
    _, found = lists((songs, alone, wanted))
    first = found["for_you"].items[found["for_you"].users == 0][:OF_AN_ARTIST]
    assert set(first) <= set(of_artist[1:])


def test_a_list_by_mood_is_of_that_mood_before_it_is_to_taste() -> None:
    songs, heard, wanted = world(unknown=0.0)
    _, found = lists((replace(songs, mood_confidence=np.ones(ITEMS)), heard, wanted), size=5)
    for place, mood in enumerate(MOODS):
        chosen = found[mood]
        assert songs.moods[chosen.items, place].mean() > 2 * songs.moods[:, place].mean()
    assert not (found["current_mood"].users == 0).any()  # nothing is known of how they feel


def test_a_disliked_song_speaks_against_its_artist() -> None:
    songs, heard, wanted = world()
    artist = np.flatnonzero(songs.artists == np.bincount(songs.artists).argmax())
    plays, verdicts = np.zeros((USERS, ITEMS)), np.zeros((USERS, ITEMS))
    plays[:, artist[0]] = plays[:, 0] = plays[:, ITEMS - 1] = 5
    verdicts[1, artist[0]] = -1
    told = replace(heard, plays=sparse(plays), all_plays=sparse(plays), verdicts=sparse(verdicts))
    _, found = lists((songs, told, wanted), size=40)
    chosen = found["for_you"]
    of_artist = [
        chosen.scores[(chosen.users == user) & (songs.artists[chosen.items] == songs.artists[artist[0]])]
        for user in (0, 1)
    ]
    assert of_artist[0].max() > 1.5 * of_artist[1].max(initial=0)


def test_a_like_counts_as_plays() -> None:
    songs, heard, wanted = world()
    nothing = csr_array((USERS, ITEMS))
    verdicts = np.zeros((USERS, ITEMS))
    verdicts[3, 7] = 1
    silent = replace(heard, plays=nothing, all_plays=nothing, days_ago=nothing, verdicts=sparse(verdicts))
    made, found = lists((songs, silent, wanted), size=40)
    assert made.weights.toarray()[3, 7] == playlists.LIKED_PLAYS
    liked = (found["for_you"].users == 3) & (found["for_you"].items == 7)
    assert made.reasons("for_you", found["for_you"])["liked"].values[liked].tolist() == [1.0]


def test_reasons_are_true() -> None:
    songs, heard, wanted = world()
    made, found = lists((songs, heard, wanted))
    plays, matches = heard.plays.toarray(), heard.matches.toarray()
    weights = made.weights.toarray()
    for name, chosen in found.items():
        told = made.reasons(name, chosen)
        rows = list(enumerate(zip(chosen.users, chosen.items, strict=True)))
        for row, (user, item) in rows:
            of_artist = plays[user][songs.artists == songs.artists[item]].sum()
            assert np.nan_to_num(told["artist"].values[row]) == of_artist
            for kind, similar in (("session", heard.by_session), ("sound", heard.by_sound)):
                scores = similar.toarray()[:, item] * (weights[user] > 0)
                assert np.nan_to_num(told[kind].values[row]) == scores.max()
                if scores.max():
                    assert scores[told[kind].places[row]] == scores.max()
            if name == "from_matches":
                match = told["match"].places[row]
                assert matches[user, match] == told["match"].values[row] > 0
                assert weights[match, item] > 0
            if name == "rediscover":
                assert told["plays"].values[row] == plays[user, item]
                assert told["days_ago"].values[row] == heard.days_ago.toarray()[user, item]
            if name in wanted:
                vector = wanted[name][min(user, len(wanted[name]) - 1)]
                assert told["mood"].values[row] == pytest.approx(np.abs(vector - songs.moods[item]).sum() / 2)
