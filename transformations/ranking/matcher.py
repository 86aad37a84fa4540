"""Who listens like whom: the nearest of some listeners among some others, and their score.

A listener is a sparse vector of artists and short dense vectors (of who shares their artists, of genres, of sound, of
mood), and affinity the weighted sum of their products. Hubs, near to everybody, are held back by dividing through how
near a listener's nearest are (as CSLS does, but in proportion, so that nothing in common stays nothing); listeners of
few plays are shrunk. Both are factors of a listener, so the score is symmetric and the sum of its parts. What makes
vectors of plays is known of the artists (`Artists`), of all listeners there are or of a sample that stands for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, eigh
from scipy.sparse import csr_array, vstack

from transformations.ranking.counts import Bools, Floats, Ints, Sparse, damped, holders, logs, scaled, unit_rows

COUNT_POWER = 0.5  # of an artist's plays: a listener's obsessions weigh, but do not rule
RARITY_POWER = 0.8  # of log(listeners / listeners of the artist): hits weigh little
DIMENSIONS = 32  # of the dense vectors made of sparse ones
# What a kind counts. The first three were chosen by what finds the other half of a listener, and friends; no data at
# hand tells how much alike listeners of one sound or mood are beyond that, so those two decide between near equals.
WEIGHTS = {"artists": 0.8, "neighbours": 0.1, "genres": 0.1, "sound": 0.05, "moods": 0.05}
HUB_NEIGHBOURS = 5
HUB_USERS = 4_000  # whose nearness says who is a hub: all, or a sample of so many
HUB_SPARE = 3  # nearest that are looked at besides: single precision may confuse the last
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

    def part(self, rows: slice | Ints) -> Pairs:
        """Some of the rows."""
        return Pairs(
            self.users[rows],
            self.matches[rows],
            self.ranks[rows],
            self.scores[rows],
            {name: found[rows] for name, found in self.parts.items()},
            {name: found[rows] for name, found in self.affinities.items()},
            self.factors[rows],
        )


@dataclass(frozen=True)
class Artists:
    """What of a population turns plays of artists into vectors: how rare each artist is, and where it leads.

    `neighbours` and `genres` are artists by main directions; `genres` is None where no genre is known.
    """

    rarity: Floats
    neighbours: Floats
    genres: Floats | None

    @classmethod
    def of(
        cls, counts: Sparse, labels: Sparse | None = None, *, rarity: Floats | None = None, seed: int = 0
    ) -> Artists:
        """From users x artists and artists x labels; `rarity` is given where the users are a sample."""
        rarity = rarities(holders(counts), counts.shape[0]) if rarity is None else rarity
        neighbours = basis(artist_vectors(counts, rarity), seed=seed)
        if labels is None or not labels.nnz:
            return cls(rarity, neighbours, None)
        return cls(rarity, neighbours, genre_directions(counts, labels, seed=seed))

    def vectors(self, counts: Sparse) -> tuple[Sparse, dict[str, Floats]]:
        """Those of users x artists: sparse ones of the artists, and dense ones by kind, of length 1 or 0."""
        artists = artist_vectors(counts, self.rarity)
        dense = {"neighbours": dense_units(artists @ self.neighbours)}
        if self.genres is not None:
            dense["genres"] = dense_units(logs(counts) @ self.genres)
        return artists, dense


class Matcher:
    """Listeners by their vectors. `plays` is how much each listened; `weights` say what a kind of vector counts.

    The vectors are of length 1, or 0 where nothing is known of a listener. `levels`, which hold back hubs and listeners
    of few plays, are given, or worked out by `sample` (ascending), or by one that is drawn.
    """

    def __init__(
        self,
        artists: Sparse,
        dense: Mapping[str, Floats],
        plays: Floats,
        *,
        weights: Mapping[str, float] = WEIGHTS,
        levels: Floats | None = None,
        sample: Ints | None = None,
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
        if levels is None:
            if sample is None:
                sample = np.sort(np.random.default_rng(seed).permutation(size)[:HUB_USERS])
            own = np.full(size, -1)
            own[sample] = np.arange(len(sample))
            levels = levels_of(plays, self._nearness(np.arange(size), sample, own))
        self._levels = levels
        self._sparse = scaled(self._sparse, rows=self._levels.astype(np.float32))
        self._dense *= self._levels[:, None].astype(np.float32)

    @classmethod
    def of(
        cls,
        counts: Sparse,
        labels: Sparse | None = None,
        *,
        further: Mapping[str, Floats] | None = None,
        sample: Ints | None = None,
        seed: int = 0,
    ) -> Matcher:
        """The matcher of users x artists, with what is known of the artists (artists x labels) and further vectors."""
        artists, dense = Artists.of(counts, labels, seed=seed).vectors(counts)
        plays = np.asarray(counts.sum(axis=1)).ravel()
        return cls(artists, dense | dict(further or {}), plays, sample=sample, seed=seed)

    @classmethod
    def levels_among(
        cls,
        vectors: tuple[Sparse, Mapping[str, Floats]],
        plays: Floats,
        sample: tuple[Sparse, Mapping[str, Floats]],
        own: Ints,
    ) -> Floats:
        """Levels of listeners by a sample of others, over the same artists; `own` is a listener's place in it, or -1.

        They are a function of a listener's own vectors and the sample, to the last bit.
        """
        users, others = np.arange(len(own)), np.arange(sample[0].shape[0]) + len(own)
        dense = {name: np.vstack([found, sample[1][name]]) for name, found in vectors[1].items()}
        both = cls(vstack([vectors[0], sample[0]]).tocsr(), dense, plays, levels=np.ones(len(own) + len(others)))
        return levels_of(plays, both._nearness(users, others, own))

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

    def top(
        self, size: int, *, barred: Sparse | None = None, users: Ints | None = None, others: Ints | None = None
    ) -> Pairs:
        """The nearest `size` of every listener, or of `users` among `others`, both ascending; pairs `barred` (a
        symmetric matrix) are left out.
        """
        everybody = np.arange(self._sparse.shape[0])
        users, others = (everybody if some is None else some for some in (users, others))
        lists = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))]
        for low, found in self._blocks(users, others):
            block = users[low : low + BLOCK_USERS]
            rows, columns = _same(block, others)
            found[rows, columns] = 0
            if barred is not None:
                found[barred[block][:, others].nonzero()] = 0
            places, nearest = largest_of_rows(found, size)
            lists.append((block[places], others[nearest]))
        return self.scored(*(np.concatenate(side) for side in zip(*lists, strict=True)))

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

    def _nearness(self, users: Ints, sample: Ints, own: Ints) -> Floats:
        """How near the users' nearest of the sample are, on average; `own` are their own places in it, or -1."""
        kept = min(HUB_NEIGHBOURS, max(len(sample) - 1, 1))
        looked_at = min(kept + HUB_SPARE, len(sample))
        nearness = np.empty(len(users))
        for low, found in self._blocks(users, sample):
            block = slice(low, low + BLOCK_USERS)
            rows = np.flatnonzero(own[block] >= 0)
            found[rows, own[block][rows]] = 0
            columns = np.argpartition(found, found.shape[1] - looked_at, axis=1)[:, -looked_at:]
            near = self._affinities(np.repeat(users[block], looked_at), sample[columns.ravel()])
            near = near.reshape(columns.shape)
            near[columns == own[block][:, None]] = 0
            nearness[block] = np.maximum(np.sort(near, axis=1)[:, -kept:].mean(axis=1), 0)
        return nearness

    def _affinities(self, users: Ints, others: Ints) -> Floats:
        """Of pairs, before levels."""
        found: Floats = np.sum(
            [self._weights[name] * _row_products(vectors, users, others) for name, vectors in self._kinds.items()],
            axis=0,
        )
        return found

    def _blocks(self, users: Ints, others: Ints) -> Iterator[tuple[int, Singles]]:
        """Where a block of the users begins, and the products of its vectors with those of the others."""
        columns, other = self._sparse[others].T.tocsr(), self._dense[others]
        for low in range(0, len(users), BLOCK_USERS):
            block = users[low : low + BLOCK_USERS]
            found = (self._sparse[block] @ columns).toarray()
            blas.sgemm(1, other.T, self._dense[block].T, beta=1, c=found.T, trans_a=True, overwrite_c=True)
            yield low, found


def levels_of(plays: Floats, nearness: Floats) -> Floats:
    """What a listener's affinities are multiplied with: less for hubs, and for listeners of few plays."""
    levels: Floats = np.sqrt(plays / (plays + SHRINKAGE) / (nearness + HUB_FLOOR))
    return levels


def cell_middles(places: Floats, cells: int, *, seed: int = 0) -> Floats:
    """Middles of so many groups of listeners who lie near each other: k-means by direction."""
    users = len(places)
    points = places.astype(np.float32)
    middles = points[np.random.default_rng(seed).choice(users, min(cells, users), replace=False)]
    for _ in range(CELL_ROUNDS):
        nearest = np.concatenate([near.argmax(axis=1) for near in _near_middles(points, middles)])
        sums = (
            csr_array((np.ones(users, np.float32), (nearest, np.arange(users))), shape=(len(middles), users)) @ points
        )
        middles = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), SHORTEST)
    return middles.astype(float)


def cells_of(places: Floats, middles: Floats) -> Ints:
    """Listeners by the cells that they are in, ascending: the CELLS_OF_USER of the nearest middles."""
    kept = min(CELLS_OF_USER, len(middles))
    found = [np.argpartition(near, near.shape[1] - kept, axis=1)[:, -kept:] for near in _near_middles(places, middles)]
    return np.sort(np.concatenate(found), axis=1)


def _near_middles(points: NDArray[Any], middles: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for low in range(0, len(points), BLOCK_PAIRS):
        yield points[low : low + BLOCK_PAIRS] @ middles.T


def rarities(held: Floats, users: float) -> Floats:
    """How much an artist of so many listeners counts; one of everybody still does."""
    return np.log1p(users / np.maximum(held, 1)) ** RARITY_POWER


def artist_vectors(counts: Sparse, rarity: Floats) -> Sparse:
    """Users by artists: damped plays times how rare the artist is, of length 1."""
    return unit_rows(scaled(damped(counts, COUNT_POWER), columns=rarity))


def genre_directions(counts: Sparse, labels: Sparse, *, seed: int = 0) -> Floats:
    """Artists by the main directions of what is known of them (`labels`), times how rare it is among the users; what is
    true of all says nothing.
    """
    spread = unit_rows(logs(labels))
    genres = (unit_rows(logs(counts)) @ spread).tocsr()
    rarity = np.log(genres.shape[0] / np.maximum(holders(genres), 1))
    found: Floats = scaled(spread, columns=rarity) @ basis(unit_rows(scaled(genres, columns=rarity)), seed=seed)
    return found


def dense_units(vectors: Floats) -> Floats:
    """The vectors, of length 1; 0 where there is nothing but rounding."""
    units: Floats = vectors * _inverse(np.linalg.norm(vectors, axis=1, keepdims=True))
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


def _same(one: Ints, other: Ints) -> tuple[Ints, Ints]:
    """Where the same listener stands in both of two ascending lists."""
    _, rows, columns = np.intersect1d(one, other, assume_unique=True, return_indices=True)
    return rows, columns


def _row_products(vectors: Sparse | Floats, left: Ints, right: Ints) -> Floats:
    """The product of each pair of rows; the same, to the last bit, the other way round."""
    found = np.empty(len(left))
    for low in range(0, len(left), BLOCK_PAIRS):
        block = slice(low, low + BLOCK_PAIRS)
        one, other = vectors[left[block]], vectors[right[block]]
        found[block] = np.einsum("ij,ij->i", one, other) if isinstance(one, np.ndarray) else (one * other).sum(axis=1)
    return found
