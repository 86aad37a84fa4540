"""Who listens like whom: every pair of listeners exactly, or those of like direction; the nearest and their score.

A listener is a sparse vector of artists and short dense vectors (of who shares their artists, of genres, of sound, of
mood), and affinity the weighted sum of their products. Hubs, near to everybody, are held back by dividing through how
near a listener's nearest are (as CSLS does, but in proportion, so that nothing in common stays nothing); listeners of
few plays are shrunk. Both are factors of a listener, so the score is symmetric and the sum of its parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, eigh
from scipy.sparse import csr_array

from transformations.ranking.counts import Bools, Floats, Ints, Sparse, damped, holders, logs, scaled, unit_rows

COUNT_POWER = 0.5  # of an artist's plays: a listener's obsessions weigh, but do not rule
RARITY_POWER = 0.8  # of log(listeners / listeners of the artist): hits weigh little
DIMENSIONS = 32  # of the dense vectors made of sparse ones
# What a kind counts. The first three were chosen by what finds the other half of a listener, and friends; no data at
# hand tells how much alike listeners of one sound or mood are beyond that, so those two decide between near equals.
WEIGHTS = {"artists": 0.8, "neighbours": 0.1, "genres": 0.1, "sound": 0.05, "moods": 0.05}
HUB_NEIGHBOURS = 5
HUB_USERS = 4_000  # whose nearness says who is a hub: all, or a sample of so many
HUB_FLOOR = 0.01  # of a listener's nearness, so that one near to nobody is not drawn to all
SHRINKAGE = 10.0  # plays at which a listener counts half
DENSE_SIZE = 2_000  # of listeners or of what is counted, up to which those are worked out from all products
BASIS_ROUNDS, SPARE_DIMENSIONS = 20, 16  # beyond that; of fewer rounds evaluation C tells
SHORTEST = 1e-6  # length of a vector; below it is nothing but rounding
HIT_SHARE, MOST_HITS = 0.05, 256  # artists of so many listeners are multiplied as dense columns, which is cheaper
CELL_KINDS = ("neighbours", "genres")  # by which listeners are near enough to be compared
# Of 20,000 simulated listeners 99 % of the nearest 50 are found with 2,400 comparisons each; in hetrec2011, where 60 to
# a cell make 32 cells of 1,892 listeners, 98 % with three fifths of all. Shared rare artists find 89 % with 960, and
# 89 % with two fifths.
CELL_USERS, CELLS_OF_USER, CELL_ROUNDS = 125, 4, 5
BLOCK_USERS = 500
BLOCK_PAIRS = 5_000  # few enough to stay near the processor
STRIDE = 64  # columns of which the largest entry is looked at before the rows are
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Pairs:
    """Rows: a listener, the one matched (both as rows of the counts), rank from 1, score in 0-1 and its parts.

    A part is its kind's weight times `factors` times the kind's affinity, which is the product of two vectors: so what
    an entry of the vectors (an artist, a feature) adds to the score is weight times factor times the two entries.
    """

    users: Ints
    matches: Ints
    ranks: Ints
    scores: Floats
    parts: Mapping[str, Floats]  # they add up to the score
    affinities: Mapping[str, Floats]  # by kind, up to 1; below 0 where two differ in opposite ways
    factors: Floats


class Matcher:
    """Listeners by their vectors. `plays` is how much each listened; `weights` say what a kind of vector counts.

    The vectors are of length 1, or 0 where nothing is known of a listener.
    """

    def __init__(
        self,
        artists: Sparse,
        dense: Mapping[str, Floats],
        plays: Floats,
        *,
        weights: Mapping[str, float] = WEIGHTS,
        seed: int = 0,
    ) -> None:
        size = artists.shape[0]
        self._kinds: dict[str, Sparse | Floats] = {"artists": artists, **dense}
        self._weights = {name: weights[name] for name in self._kinds}
        roots = {name: np.sqrt(weights[name]) for name in self._kinds}
        is_hit = _hits(artists)
        weighed = (artists * roots["artists"]).astype(np.float32).tocsc()
        self._sparse = weighed[:, np.flatnonzero(~is_hit)].tocsr()
        columns = [dense[name] * roots[name] for name in dense]
        hits = weighed[:, np.flatnonzero(is_hit)].toarray()
        self._dense = np.hstack([hits, *columns], dtype=np.float32, casting="same_kind")
        sample = np.arange(size)
        if size > HUB_USERS:
            sample = np.sort(np.random.default_rng(seed).choice(size, HUB_USERS, replace=False))
        self._levels = np.sqrt(plays / (plays + SHRINKAGE) / (self._nearness(sample) + HUB_FLOOR))
        self._sparse = scaled(self._sparse, rows=self._levels.astype(np.float32))
        self._dense *= self._levels[:, None].astype(np.float32)

    @classmethod
    def of(
        cls,
        counts: Sparse,
        labels: Sparse | None = None,
        *,
        further: Mapping[str, Floats] | None = None,
        seed: int = 0,
    ) -> Matcher:
        """The matcher of users x artists, with what is known of the artists (artists x labels) and further vectors."""
        artists = artist_vectors(counts)
        dense = {"neighbours": directions(artists, seed=seed)}
        if labels is not None and labels.nnz:
            dense["genres"] = directions(genre_vectors(counts, labels), seed=seed)
        return cls(artists, dense | dict(further or {}), np.asarray(counts.sum(axis=1)).ravel(), seed=seed)

    @property
    def vectors(self) -> Mapping[str, Sparse | Floats]:
        """What listeners are compared by, of length 1 or 0, by kind."""
        return self._kinds

    @property
    def weights(self) -> Mapping[str, float]:
        """What each kind counts."""
        return self._weights

    def iter_affinities(self, users: Ints) -> Iterator[tuple[Ints, Singles]]:
        """Blocks of the users: how near each is to every listener, in the order of the scores; 0 to themselves.

        What is not above 0 is no match.
        """
        for low, found in self._blocks(users, np.arange(self._sparse.shape[0])):
            block = users[low : low + BLOCK_USERS]
            found[np.arange(len(block)), block] = 0
            yield block, found

    def top(self, size: int, *, barred: Sparse | None = None) -> Pairs:
        """The nearest `size` of every listener; `barred` pairs (a symmetric matrix) are left out."""
        users, matches = [], []
        for block, found in self.iter_affinities(np.arange(self._sparse.shape[0])):
            if barred is not None:
                found[barred[block].nonzero()] = 0
            places, nearest = largest_of_rows(found, size)
            users.append(block[places])
            matches.append(nearest)
        return self.scored(np.concatenate(users), np.concatenate(matches))

    def top_in_cells(self, size: int, *, barred: Sparse | None = None, seed: int = 0) -> Pairs:
        """As `top`, but each listener is compared only with those of the cells nearest to their directions.

        The scores are those of `top`; a list may lack some that it has. Work grows with the listeners, not with pairs.
        """
        best = _Best.of(self._sparse.shape[0], size)
        places = np.hstack([self._kinds[name] for name in CELL_KINDS if name in self._kinds])
        for members in cells(places, seed=seed):
            for low, found in self._blocks(members, members):
                block = members[low : low + BLOCK_USERS]
                found[np.arange(len(block)), np.arange(low, low + len(block))] = 0
                if barred is not None:
                    found[barred[block][:, members].nonzero()] = 0
                rows, columns = largest_of_rows(found, size)
                best.add(block, rows, members[columns], found[rows, columns])
        return self.scored(*best.pairs())

    def scored(self, users: Ints, matches: Ints) -> Pairs:
        """The pairs, ranked within each user by score, then by the match; those with nothing in common are left out."""
        levels = self._levels[users] * self._levels[matches]
        affinities = {name: _row_products(vectors, users, matches) for name, vectors in self._kinds.items()}
        affinity = np.sum([self._weights[name] * levels * found for name, found in affinities.items()], axis=0)
        is_match = affinity > SHORTEST
        order = np.lexsort((matches, -affinity, users))
        order = order[is_match[order]]
        users, matches, affinity, levels = users[order], matches[order], affinity[order], levels[order]
        affinities, factors = {name: found[order] for name, found in affinities.items()}, levels / (1 + affinity)
        firsts = np.flatnonzero(np.r_[True, users[1:] != users[:-1]]) if len(users) else np.empty(0, dtype=np.int64)
        sizes = np.diff(np.r_[firsts, len(users)])
        return Pairs(
            users,
            matches,
            np.arange(len(users)) - np.repeat(firsts, sizes) + 1,
            affinity / (1 + affinity),
            {name: self._weights[name] * factors * found for name, found in affinities.items()},
            affinities,
            factors,
        )

    def _nearness(self, sample: Ints) -> Floats:
        """How near a listener's nearest of the sample are, on average."""
        kept = min(HUB_NEIGHBOURS, max(len(sample) - 1, 1))
        users = np.arange(self._sparse.shape[0])
        places = np.full(len(users), -1)
        places[sample] = np.arange(len(sample))
        nearness = np.empty(len(users))
        for low, found in self._blocks(users, sample):
            own = places[low : low + BLOCK_USERS]
            rows = np.flatnonzero(own >= 0)
            found[rows, own[rows]] = 0
            nearest = np.partition(found, found.shape[1] - kept, axis=1)[:, -kept:]
            nearness[low : low + BLOCK_USERS] = np.maximum(nearest.mean(axis=1, dtype=float), 0)
        return nearness

    def _blocks(self, users: Ints, others: Ints) -> Iterator[tuple[int, Singles]]:
        """Where a block of the users begins, and the products of its vectors with those of the others."""
        columns, other = self._sparse[others].T.tocsr(), self._dense[others]
        for low in range(0, len(users), BLOCK_USERS):
            block = users[low : low + BLOCK_USERS]
            found = (self._sparse[block] @ columns).toarray()
            blas.sgemm(1, other.T, self._dense[block].T, beta=1, c=found.T, trans_a=True, overwrite_c=True)
            yield low, found


@dataclass(frozen=True)
class _Best:
    """The nearest of each listener that were found so far, -1 where there are fewer."""

    matches: Ints
    values: Singles

    @classmethod
    def of(cls, users: int, size: int) -> _Best:
        return cls(np.full((users, size), -1), np.zeros((users, size), dtype=np.float32))

    def add(self, users: Ints, rows: Ints, matches: Ints, values: Singles) -> None:
        """Matches of some listeners, by their row among these; one that is there already stays once."""
        size = self.matches.shape[1]
        ranks = np.arange(len(rows)) - np.searchsorted(rows, rows)
        matches_both = np.full((len(users), 2 * size), -1)
        values_both = np.zeros((len(users), 2 * size), dtype=np.float32)
        matches_both[:, :size], values_both[:, :size] = self.matches[users], self.values[users]
        matches_both[rows, size + ranks], values_both[rows, size + ranks] = matches, values
        order = np.argsort(matches_both, axis=1, kind="stable")
        matches_both = np.take_along_axis(matches_both, order, axis=1)
        values_both = np.take_along_axis(values_both, order, axis=1)
        values_both[:, 1:][matches_both[:, 1:] == matches_both[:, :-1]] = 0
        kept = np.argsort(-values_both, axis=1, kind="stable")[:, :size]
        self.matches[users] = np.take_along_axis(matches_both, kept, axis=1)
        self.values[users] = np.take_along_axis(values_both, kept, axis=1)

    def pairs(self) -> tuple[Ints, Ints]:
        users, places = (self.values > 0).nonzero()
        return users, self.matches[users, places]


def cells(places: Floats, *, seed: int = 0) -> Iterator[Ints]:
    """Listeners in overlapping groups of those who lie near each other: each is in the CELLS_OF_USER nearest ones.

    Groups are those of k-means over listeners by direction, of CELL_USERS each on average before they overlap.
    """
    users = len(places)
    kept = min(CELLS_OF_USER, users)
    count = max(kept, users // CELL_USERS)
    points = places.astype(np.float32)
    middles = points[np.random.default_rng(seed).choice(users, count, replace=False)]
    for _ in range(CELL_ROUNDS):
        nearest = _nearest_cells(points, middles, 1)[:, 0]
        sums = csr_array((np.ones(users, np.float32), (nearest, np.arange(users))), shape=(count, users)) @ points
        middles = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), SHORTEST)
    nearest = _nearest_cells(points, middles, kept)
    order = np.argsort(nearest.ravel(), kind="stable")
    edges = np.searchsorted(nearest.ravel()[order], np.arange(count + 1))
    for low, high in pairwise(edges):
        if high > low:
            yield order[low:high] // kept


def _nearest_cells(points: Singles, middles: Singles, kept: int) -> Ints:
    found = np.empty((len(points), kept), dtype=np.int64)
    for low in range(0, len(points), BLOCK_PAIRS):
        near = points[low : low + BLOCK_PAIRS] @ middles.T
        if kept == 1:
            found[low : low + BLOCK_PAIRS, 0] = near.argmax(axis=1)
        else:
            found[low : low + BLOCK_PAIRS] = np.argpartition(near, near.shape[1] - kept, axis=1)[:, -kept:]
    return found


def artist_vectors(counts: Sparse) -> Sparse:
    """Users by artists: damped plays times how rare the artist is, of length 1. An artist of everybody still counts."""
    rarity = np.log1p(counts.shape[0] / np.maximum(holders(counts), 1)) ** RARITY_POWER
    return unit_rows(scaled(damped(counts, COUNT_POWER), columns=rarity))


def genre_vectors(counts: Sparse, labels: Sparse) -> Sparse:
    """Users by what is known of their artists, times how rare it is, of length 1; what is true of all says nothing.

    `labels` are artists by labels.
    """
    genres = (unit_rows(logs(counts)) @ unit_rows(logs(labels))).tocsr()
    rarity = np.log(genres.shape[0] / np.maximum(holders(genres), 1))
    return unit_rows(scaled(genres, columns=rarity))


def directions(vectors: Sparse, *, seed: int = 0) -> Floats:
    """The main directions of sparse vectors, of length 1: near without an entry in common where others have both."""
    found = vectors @ basis(vectors, seed=seed)
    units: Floats = found * _inverse(np.linalg.norm(found, axis=1, keepdims=True))
    return units


def basis(vectors: Sparse, *, seed: int = 0) -> Floats:
    """Items by main directions of users x items: what leads from a listener's vector to those."""
    size = min(vectors.shape)
    if size < 2:
        return np.zeros((vectors.shape[1], 0))
    if size > DENSE_SIZE:
        return _iterated_basis(vectors.astype(np.float32), seed)
    is_by_user = vectors.shape[0] <= vectors.shape[1]
    side = vectors if is_by_user else vectors.T.tocsr()
    strengths, found = eigh((side @ side.T).toarray(), subset_by_index=(max(0, size - DIMENSIONS), size - 1))
    lengths = np.sqrt(np.maximum(strengths, 0))
    items: Floats = (vectors.T @ found) * _inverse(lengths) if is_by_user else found
    return items


def _iterated_basis(vectors: Sparse, seed: int) -> Floats:
    """Of many listeners and items: block power iterations (Halko, Martinsson and Tropp 2011), and the best of them."""
    random = np.random.default_rng(seed)
    found = random.standard_normal((vectors.shape[1], DIMENSIONS + SPARE_DIMENSIONS)).astype(np.float32)
    across = vectors.T.tocsr()
    for _ in range(BASIS_ROUNDS):
        found, _ = np.linalg.qr(across @ (vectors @ found))
    left = (vectors @ found).astype(float)
    _, turned = eigh(left.T @ left)
    items: Floats = found.astype(float) @ turned[:, -DIMENSIONS:]
    return items


def largest_of_rows(values: Singles, size: int) -> tuple[Ints, Ints]:
    """Rows and columns of the `size` largest entries above 0 of each row; ties go by column.

    Most entries are compared once: the largest of every STRIDE columns give a bound that few others reach.
    """
    wide = values.shape[1] // STRIDE
    tops = values
    if wide > size:
        tops = values[:, : wide * STRIDE].reshape(len(values), STRIDE, wide).max(axis=1)
    kept = min(size, tops.shape[1])
    bounds = np.partition(tops, tops.shape[1] - kept, axis=1)[:, -kept]
    least = np.maximum(bounds, np.finfo(np.float32).tiny)
    rows, columns = divmod(np.flatnonzero(values >= least[:, None]), values.shape[1])
    order = np.lexsort((columns, -values[rows, columns], rows))
    rows, columns = rows[order], columns[order]
    is_kept = np.arange(len(rows)) - np.searchsorted(rows, rows) < size
    return rows[is_kept], columns[is_kept]


def _inverse(lengths: Floats) -> Floats:
    return np.where(lengths > SHORTEST, 1 / np.maximum(lengths, SHORTEST), 0)


def _hits(vectors: Sparse) -> Bools:
    """Whether an item is one of many listeners; of a bounded number, the most held."""
    held = holders(vectors)
    least = HIT_SHARE * vectors.shape[0]
    if len(held) > MOST_HITS:
        place = len(held) - MOST_HITS - 1
        least = max(least, float(np.partition(held, place)[place]))
    is_hit: Bools = held > least
    return is_hit


def _row_products(vectors: Sparse | Floats, left: Ints, right: Ints) -> Floats:
    """The product of each pair of rows; the same, to the last bit, the other way round."""
    found = np.empty(len(left))
    for low in range(0, len(left), BLOCK_PAIRS):
        block = slice(low, low + BLOCK_PAIRS)
        one, other = vectors[left[block]], vectors[right[block]]
        found[block] = np.einsum("ij,ij->i", one, other) if isinstance(one, np.ndarray) else (one * other).sum(axis=1)
    return found
