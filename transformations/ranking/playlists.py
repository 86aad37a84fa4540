"""What listeners may play next: each list a score of every item for every listener, the best of it, and why.

An item is a song (of its editions one), and items stand artist by artist. What a listener may be expected to play is
told by the ranker of tracks, and for songs that nobody played by artist, genres, sound and how well known they are; so
somebody new, of whom nothing is told, gets what is well known.
The trap: scores are rounded before they are compared, and ties go by a seeded hash of the item, so that neither the
last bits of a sum nor the order of rows moves a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from transformations.ranking.counts import Bools, Floats, Ints, Sparse, damped, holders, scaled, unit_rows
from transformations.ranking.lists import BestItems, places_within, ranked
from transformations.ranking.recommender import BLOCK_ITEMS, BLOCK_USERS, TRACKS, LinearModel, Recommender

OF_AN_ARTIST = 2
UNHEARD = ("for_you", "from_matches")  # lists of what the listener never heard
LIKED_PLAYS = 10.0  # plays that a like counts
# What tells whether a listener will play an item; the ranker rules, the others order what it knows nothing of.
SHARES = {"ranker": 1.0, "artist": 0.2, "genres": 0.15, "sound": 0.15, "known": 0.05}
STRANGER = 0.2  # what a song of the mood counts that is far from the listener's taste, where the dearest counts 1
REDISCOVER_PLAYS, REDISCOVER_DAYS = 3, 60  # heard so often at least, and not for so long
SCORE_DIGITS = 5
TIE = 0.1**SCORE_DIGITS / 10  # below what rounding leaves apart
MOST_REASONS = 3
CANDIDATES = 300  # of a listener, list and way to find them
MOOD_POOL = 4_000  # songs nearest to a mood, out of which the candidates of its list are taken
REASON_ROWS = 200_000  # rows whose reasons are worked out at once: bounds memory


@dataclass(frozen=True)
class Songs:
    """What is known of the items: a row each, by artist. NaN where sound or mood is unknown; `ties` are in 0-1."""

    artists: Ints
    genres: Sparse
    sound: Floats
    moods: Floats
    mood_confidence: Floats
    popularity: Floats  # 0-100, NaN where unknown
    ties: Floats


@dataclass(frozen=True)
class Heard:
    """Listeners by items: plays that count, all plays, days since the last one (where heard), verdicts (1 and -1); and
    listeners by listeners the score of a match. Of similar items: what was heard by what goes with it."""

    plays: Sparse
    all_plays: Sparse
    days_ago: Sparse
    verdicts: Sparse
    matches: Sparse
    by_session: Sparse
    by_sound: Sparse


@dataclass(frozen=True)
class Population:
    """What all listeners and songs tell, whoever it is told of: by item how many listeners it has, how well known it
    is, its genres by rarity, its sound as deviations, and what it goes with; and the ranker."""

    listeners: Floats
    known: Floats
    artist_rows: Sparse
    genres: Sparse
    has_genre: Sparse
    sound: Floats
    told_by_session: Sparse
    told_by_sound: Sparse
    ranker: LinearModel | None = None

    @classmethod
    def of(cls, songs: Songs, by_session: Sparse, by_sound: Sparse, *, listeners: Floats, users: int) -> Population:
        """`listeners` of each item, of so many users."""
        places = np.arange(len(songs.artists))
        rarity = np.log1p(len(places) / np.maximum(holders(songs.genres), 1))
        genres = unit_rows(scaled(songs.genres, columns=rarity))
        return cls(
            listeners=listeners,
            known=0.5 * np.log1p(listeners) / np.log1p(max(users, 1)) + 0.005 * np.nan_to_num(songs.popularity),
            artist_rows=csr_array((np.ones(len(places)), (places, songs.artists))),
            genres=genres,
            has_genre=_held(genres),
            sound=_deviations(np.hstack([songs.sound, songs.moods])),
            told_by_session=by_session.T.tocsr(),
            told_by_sound=by_sound.T.tocsr(),
        )


@dataclass(frozen=True)
class Chosen:
    """Rows of a list: listener, item, score in 0-1, rank from 1."""

    users: Ints
    items: Ints
    scores: Floats
    ranks: Ints


@dataclass(frozen=True)
class Reason:
    """Why a row is there, by row: a place among items, artists, genres or listeners (-1 for none), and a number; NaN
    where this is no reason."""

    places: Ints
    values: Floats


class Playlists:
    """Fitted on all listeners, or on some (and their matches) with the `population` that they are of. `moods` gives for
    a list by mood what is looked for: listeners by moods, or one row for all, NaN where nothing is known of a listener.
    A list has `of_an_artist` songs of an artist at most."""

    def __init__(
        self,
        songs: Songs,
        heard: Heard,
        moods: Mapping[str, Floats],
        *,
        seed: int,
        of_an_artist: int = OF_AN_ARTIST,
        population: Population | None = None,
    ) -> None:
        self.songs, self.heard, self._moods = songs, heard, moods
        self._of_an_artist = of_an_artist
        likes, self._disliked = _of_sign(heard.verdicts, 1), _of_sign(heard.verdicts, -1)
        self.weights = (heard.plays - heard.plays.multiply(self._disliked) + likes * LIKED_PLAYS).tocsr()
        self.weights.eliminate_zeros()
        self.weights.sort_indices()
        self._barred = (heard.all_plays + self._disliked).tocsr()
        self._population = population or Population.of(
            songs,
            heard.by_session,
            heard.by_sound,
            listeners=holders(self.weights),
            users=self.weights.shape[0],
        )
        artist_rows = self._population.artist_rows
        self._artist_plays = (heard.plays @ artist_rows).tocsr()
        self._tastes = damped(_of_the_most(self.weights), 0.5)
        self._tastes_by_item = self._tastes.tocsc()
        self._artist_tastes = _of_the_most((self._tastes @ artist_rows).tocsr())
        self._genre_tastes = unit_rows((self._tastes @ self._population.genres).tocsr())
        self._sound_tastes = _means(self._tastes, self._population.sound)
        self._aversion = self._shares_disliked()
        self._rediscovered = self._not_heard_for_long()
        self._matched = _adding_up(heard.matches)
        self._fans = np.flatnonzero(np.diff(self.weights.indptr))
        self._ranker = None
        if population is None and len(self._fans):
            self._ranker = Recommender(self.weights[self._fans], TRACKS, labels=artist_rows, seed=seed)

    # --- what is expected of each listener

    def _shares_disliked(self) -> Sparse:
        """Listeners by artists: the share of disliked songs among those of the artist that they heard or judged."""
        disliked = (self._disliked @ self._population.artist_rows).tocoo()
        heard = (_held(self.weights) @ self._population.artist_rows).tocsr()
        played = np.nan_to_num(_where_held(heard, disliked.row, disliked.col))
        shares = disliked.data / (1 + disliked.data + played)
        return csr_array((shares, (disliked.row, disliked.col)), shape=disliked.shape)

    def _not_heard_for_long(self) -> Sparse:
        """Damped plays of what was played often and not for long, the more the longer it was not."""
        often, long_ago = self.heard.plays.copy(), self.heard.days_ago.copy()
        often.data = np.where(often.data >= REDISCOVER_PLAYS, 1.0, 0.0)
        long_ago.data = np.where(long_ago.data >= REDISCOVER_DAYS, long_ago.data / (long_ago.data + REDISCOVER_DAYS), 0)
        return self._tastes.multiply(often).multiply(long_ago).tocsc()

    def _iter_expected(self, users: Ints) -> Iterator[tuple[slice, slice, Floats]]:
        """Blocks of the users and items: how far each may be expected to play each, 0-1. Fans come first in `users`."""
        fans = int(np.isin(users, self._fans).sum())
        if self._ranker is not None and fans:
            places = np.searchsorted(self._fans, users[:fans])
            for here, block, shares in self._ranker.iter_shares(places):
                yield here, block, self._expected(users[here], block, shares)
        for first in range(0, len(self.songs.artists), BLOCK_ITEMS):
            block = slice(first, min(first + BLOCK_ITEMS, len(self.songs.artists)))
            for low in range(fans, len(users), BLOCK_USERS):
                here = slice(low, min(low + BLOCK_USERS, len(users)))
                nothing = np.zeros((here.stop - here.start, block.stop - block.start))
                yield here, block, self._expected(users[here], block, nothing)

    def _expected(self, users: Ints, items: slice | Ints, shares: Floats) -> Floats:
        of = self._population
        genres = (self._genre_tastes[users] @ of.genres[items].T).toarray()
        near = _likeness(self._sound_tastes[users], of.sound[items])
        by_artist = of.artist_rows[items].T
        artist = (self._artist_tastes[users] @ by_artist).toarray()
        parts = {"ranker": shares, "artist": artist, "genres": genres, "sound": near, "known": of.known[items]}
        found = sum(SHARES[name] * part for name, part in parts.items()) / sum(SHARES.values())
        if self._disliked.nnz:
            found = found * (1 - (self._aversion[users] @ by_artist).toarray())
        return np.asarray(found)

    # --- the lists

    def best(self, lists: tuple[str, ...], users: Ints, size: int) -> dict[str, Chosen]:
        """The best of each list for each of the users."""
        users = np.r_[users[np.isin(users, self._fans)], users[~np.isin(users, self._fans)]]
        kept = {name: self._best_items(len(users), size) for name in lists}
        worth = {name: self._worth_scoring(name, size) for name in lists}
        for here, block, expected in self._iter_expected(users):
            left_out = self._left_out(users[here], block)
            for name, best in kept.items():
                columns = np.flatnonzero(worth[name][block])
                items = columns + block.start
                judged = self._judged(name, users[here], items, expected[:, columns], left_out, columns)
                best.offer(here, items, judged)
        return {name: _chosen(users, *best.ranked()) for name, best in kept.items()}

    def best_among(self, lists: tuple[str, ...], users: Ints, size: int, candidates: Sparse) -> dict[str, Chosen]:
        """As `best`, out of each user's candidates: a row for each of the users, items stored."""
        items = np.unique(candidates.indices)
        shares = np.zeros((len(users), len(items)))
        if self._population.ranker is not None and len(items):
            shares = self._population.ranker.shares(self.weights[users], items)
        expected = self._expected(users, items, shares)
        columns = np.arange(len(items))
        left_out = self._left_out(users, items)
        rows, places = candidates[:, items].nonzero()
        found = {}
        for name in lists:
            scores = self._judged(name, users, items, expected, left_out, columns)[rows, places]
            best = ranked(rows, items[places], scores, size, groups=self.songs.artists, of_a_group=self._of_an_artist)
            found[name] = _chosen(users, *best)
        return found

    def candidates(self, lists: tuple[str, ...], users: Ints, guesses: Floats) -> Sparse:
        """What `best_among` need look at: a row for each of the users, 1 where an item is worth it.

        `guesses` are what a cheaper ranker expects of the users by all items, about 1 for what is as good as played. In
        place of the ranker's they give every list its likely best; to these come what the guesses alone hold for best,
        what goes with the user's own songs, these themselves, and of one mood the songs nearest to it.
        """
        of, everything = self._population, np.arange(len(self.songs.artists))
        likely = np.maximum(guesses, 0)
        expected = self._expected(users, slice(0, len(everything)), likely / (1 + likely))
        left_out = self._left_out(users, everything)
        tastes = self._tastes[users]
        found = _of_the_highest(np.where(left_out[True], 0, guesses), CANDIDATES)
        found += _held(_heaviest(tastes, CANDIDATES)) + _held(self._rediscovered.tocsr()[users])
        for told_by in (of.told_by_session, of.told_by_sound):
            found += _held(_heaviest((tastes @ told_by.T).tocsr(), CANDIDATES))
        for name in lists:
            if name == "rediscover":  # all that it can have are own songs
                continue
            pool = self._pool(name)
            judged = self._judged(name, users, pool, expected[:, pool], left_out, pool)
            best = _of_the_highest(np.where(np.isfinite(judged), judged, 0), CANDIDATES).tocoo()
            found += csr_array((best.data, (best.row, pool[best.col])), shape=found.shape)
        return found.tocsr()

    def _pool(self, name: str) -> Ints:
        """The items of which a list's candidates are the best: where all look for one mood, those nearest to it."""
        everything = np.arange(len(self.songs.artists))
        if len(self._moods.get(name, ())) != 1 or len(everything) <= MOOD_POOL:
            return everything
        worth = self._worth_by_mood(name, np.zeros(1, dtype=np.int64), everything)[0]
        return np.sort(np.lexsort((everything, -np.round(worth, SCORE_DIGITS)))[:MOOD_POOL])

    def _left_out(self, users: Ints, items: slice | Ints) -> dict[bool, Bools]:
        """What these users shall not find in lists of what they never heard (True), and in the others."""
        barred, disliked = (given[users][:, items].toarray() > 0 for given in (self._barred, self._disliked))
        return {True: barred, False: disliked}

    def _judged(
        self, name: str, users: Ints, items: Ints, expected: Floats, left_out: dict[bool, Bools], columns: Ints
    ) -> Floats:
        """Scores as they are compared: rounded, ties apart; -inf for what is left out, by these columns."""
        rounded = np.round(self._scores(name, users, items, expected), SCORE_DIGITS)
        is_out = left_out[name in UNHEARD][:, columns] | (rounded <= 0)
        return np.where(is_out, -np.inf, rounded + TIE * self.songs.ties[items])

    def _best_items(self, users: int, size: int) -> BestItems:
        return BestItems(users, size, self.songs.artists, of_a_group=self._of_an_artist, block_items=BLOCK_ITEMS)

    def _worth_scoring(self, name: str, size: int) -> Bools:
        """The items that can be in a list. Where all look for one mood, taste leaves an item at least STRANGER of what
        it is worth by its mood: under that share of what the last of the best is worth, none is."""
        everything = np.ones(len(self.songs.artists), dtype=bool)
        if len(self._moods.get(name, ())) != 1:
            return everything
        worth = self._worth_by_mood(name, np.zeros(1, dtype=np.int64), np.arange(len(everything)))
        spare = int(np.diff(self._disliked.indptr).max(initial=0))
        best = self._best_items(1, size + spare)
        best.offer(slice(0, 1), np.arange(len(everything)), np.where(worth > 0, worth, -np.inf))
        _, _, scores, _ = best.ranked()
        return everything if len(scores) < size + spare else np.asarray(worth[0] >= scores[-1] * (STRANGER - 10 * TIE))

    def _scores(self, name: str, users: Ints, items: Ints, expected: Floats) -> Floats:
        if name == "for_you":
            return expected
        if name == "rediscover":
            again: Floats = self._rediscovered[:, items].tocsr()[users].toarray()
            return again
        if name == "from_matches":
            matched: Floats = np.sqrt((self._matched[users] @ self._tastes_by_item[:, items]).toarray())
            return matched * (1 + expected) / 2
        to_taste: Floats = STRANGER + (1 - STRANGER) * np.sqrt(expected)
        return self._worth_by_mood(name, users, items) * to_taste

    def _worth_by_mood(self, name: str, users: Ints, items: Ints) -> Floats:
        near = 1 - self.mood_distances(name, users, items[None, :])
        worth: Floats = np.nan_to_num(near * (0.5 + 0.5 * self.songs.mood_confidence[items]))
        return worth

    def mood_distances(self, name: str, users: Ints, items: Ints) -> Floats:
        """Half the summed difference between what is looked for and an item's mood: 0-1, NaN where either is unknown.

        `items` go with the users: a column of each user's items, or a row of items for all.
        """
        wanted = self._moods[name]
        wanted = wanted if len(wanted) == 1 else wanted[users]
        given = self.songs.moods[items]
        return np.asarray(sum(np.abs(wanted[:, None, mood] - given[..., mood]) for mood in range(wanted.shape[1])) / 2)

    # --- why

    def reasons(self, name: str, chosen: Chosen) -> dict[str, Reason]:
        """Reasons of the rows by kind, the strongest kind first."""
        users, items = chosen.users, chosen.items
        nobody = np.full(len(users), -1)
        found: dict[str, Reason] = {}
        if name == "from_matches":
            found["match"] = self._by_match(users, items)
        elif name == "rediscover":
            found["plays"] = Reason(nobody, _where_held(self.heard.plays, users, items))
            found["days_ago"] = Reason(nobody, _where_held(self.heard.days_ago, users, items))
        elif name != "for_you":
            found["mood"] = Reason(nobody, self.mood_distances(name, users, items[:, None]).ravel())
        likes = _where_held(self.heard.verdicts, users, items)
        found["liked"] = Reason(nobody, np.where(likes > 0, 1.0, np.nan))
        artists = self.songs.artists[items]
        found["artist"] = Reason(artists, _where_held(self._artist_plays, users, artists))
        of = self._population
        held = _held(self.weights)
        for kind, told_by in (("session", of.told_by_session), ("sound", of.told_by_sound)):
            found[kind] = _strongest_in_blocks(told_by, held, items, users)
        shares = _adding_up((self._tastes @ of.genres).tocsr())
        found["genre"] = _strongest_in_blocks(of.has_genre, shares, items, users)
        listeners = of.listeners[items]
        found["listeners"] = Reason(nobody, np.where(listeners > 0, listeners, np.nan))
        found["popularity"] = Reason(nobody, self.songs.popularity[items])
        return found

    def _by_match(self, users: Ints, items: Ints) -> Reason:
        """The match who adds most to a row, with the score of the match."""
        strongest = _strongest_in_blocks(self._tastes.T.tocsr(), self.heard.matches, items, users)
        is_known = strongest.places >= 0
        values = np.full(len(users), np.nan)
        values[is_known] = _where_held(self.heard.matches, users[is_known], strongest.places[is_known])
        return Reason(strongest.places, values)


def _chosen(users: Ints, rows: Ints, items: Ints, scores: Floats, ranks: Ints) -> Chosen:
    return Chosen(users[rows], items, np.clip(np.round(scores, SCORE_DIGITS), 0, 1), ranks)


def _of_the_highest(values: Floats, size: int) -> Sparse:
    """1 where one of the highest of a row stands that are above 0."""
    if values.shape[1] <= size:
        return csr_array((values > 0).astype(float))
    columns = np.argpartition(-values, size - 1, axis=1)[:, :size]
    rows = np.repeat(np.arange(len(values)), size)
    kept = np.take_along_axis(values, columns, axis=1).ravel() > 0
    return csr_array((np.ones(kept.sum()), (rows[kept], columns.ravel()[kept])), shape=values.shape)


def _heaviest(matrix: Sparse, size: int) -> Sparse:
    """The highest values of each row, of equal ones the first."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((matrix.indices, -np.round(matrix.data, SCORE_DIGITS), rows))
    kept = order[places_within(rows[order]) < size]
    return csr_array((matrix.data[kept], (rows[kept], matrix.indices[kept])), shape=matrix.shape)


def _of_sign(matrix: Sparse, sign: int) -> Sparse:
    """The values of a sign, as positive ones."""
    found = matrix.copy()
    found.data = np.maximum(sign * found.data, 0)
    found.eliminate_zeros()
    return found


def _held(matrix: Sparse) -> Sparse:
    """1 where something is stored."""
    held = matrix.copy()
    held.data = np.ones_like(held.data, dtype=float)
    return held


def _of_the_most(matrix: Sparse) -> Sparse:
    """Rows as shares of their highest value."""
    return scaled(matrix, rows=1 / np.maximum(matrix.max(axis=1).toarray().ravel(), 1e-12))


def _adding_up(matrix: Sparse) -> Sparse:
    """Rows that add up to 1."""
    return scaled(matrix, rows=1 / np.maximum(np.asarray(matrix.sum(axis=1)).ravel(), 1e-12))


def _deviations(values: Floats) -> Floats:
    """Columns as deviations from their mean, 0 where one of a row is unknown; NaN where all of it are."""
    is_known = ~np.isnan(values)
    counts = np.maximum(is_known.sum(axis=0), 1)
    apart = values - np.nansum(values, axis=0) / counts
    spread = np.sqrt(np.nansum(apart**2, axis=0) / counts)
    is_unknown = np.isnan(values).all(axis=1, keepdims=True)
    return np.where(is_unknown, np.nan, np.nan_to_num(apart / np.maximum(spread, 1e-6)))


def _means(weights: Sparse, rows: Floats) -> Floats:
    """Weighted means of the rows that are known; NaN where none is."""
    total = weights @ (~np.isnan(rows).any(axis=1)).astype(float)
    means: Floats = (weights @ np.nan_to_num(rows)) / np.maximum(total, 1e-12)[:, None]
    return np.where(total[:, None] > 0, means, np.nan)


def _likeness(left: Floats, right: Floats) -> Floats:
    """exp of minus half the mean squared difference, of all rows with all rows; 0 where either is unknown."""
    one, other = np.nan_to_num(left), np.nan_to_num(right)
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None, :] - 2 * one @ other.T
    found: Floats = np.exp(-0.5 * np.maximum(squares, 0) / left.shape[1])
    found[np.isnan(left).any(axis=1)] = 0
    found[:, np.isnan(right).any(axis=1)] = 0
    return found


def _where_held(matrix: Sparse, rows: Ints, columns: Ints) -> Floats:
    """The stored values at these places, NaN where none is."""
    if not len(rows):
        return np.empty(0)
    found = np.asarray(matrix[rows, columns]).ravel().astype(float)
    return np.where(found != 0, found, np.nan)


def _strongest_in_blocks(left: Sparse, right: Sparse, left_rows: Ints, right_rows: Ints) -> Reason:
    """Of the products of two rows, entry by entry, the greatest and its column; ties go to the first column."""
    places, values = np.full(len(left_rows), -1), np.full(len(left_rows), np.nan)
    for low in range(0, len(left_rows), REASON_ROWS):
        here = slice(low, low + REASON_ROWS)
        product = left[left_rows[here]].multiply(right[right_rows[here]]).tocoo()
        order = np.lexsort((product.col, -np.round(product.data, SCORE_DIGITS), product.row))
        rows, columns, data = product.row[order], product.col[order], product.data[order]
        is_first = places_within(rows) == 0
        places[low + rows[is_first]] = columns[is_first]
        values[low + rows[is_first]] = data[is_first]
    return Reason(places, values)
