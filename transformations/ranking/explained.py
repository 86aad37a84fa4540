"""Why two listeners match: what they share, how much each of it adds to the score, and what is new to one of them.

All of it for many pairs at once: entries of sparse rows, the largest few of each pair kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from transformations.ranking.counts import Floats, Ints, Sparse, damped, holders, logs, scaled, unit_rows

CANDIDATES = 50  # of a match's heaviest artists, from which new ones are chosen
PRECISION = 6  # digits to which nearness of genres is told apart


@dataclass(frozen=True)
class Entries:
    """The largest entries of each pair, in order: the pair (its place), the item, the value."""

    places: Ints
    items: Ints
    values: Floats

    def offsets(self, size: int) -> NDArray[np.int32]:
        """Where the entries of each of `size` pairs begin, and where the last end."""
        return np.searchsorted(self.places, np.arange(size + 1)).astype(np.int32)


@dataclass(frozen=True)
class Lookup:
    """The entries of a sparse matrix by row and column, 0 where there is none."""

    keys: Ints
    values: Floats
    width: int

    @classmethod
    def of(cls, matrix: Sparse) -> Lookup:
        matrix = matrix.sorted_indices()
        rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
        return cls(rows * matrix.shape[1] + matrix.indices, matrix.data, matrix.shape[1])

    def at(self, rows: Ints, columns: Ints) -> Floats:
        if not len(self.keys):
            return np.zeros(len(rows))
        wanted = rows.astype(np.int64) * self.width + columns
        found = np.searchsorted(self.keys, wanted).clip(max=len(self.keys) - 1)
        return np.where(self.keys[found] == wanted, self.values[found], 0.0)


def largest(places: Ints, items: Ints, values: Floats, size: int, *, then_by: Floats | None = None) -> Entries:
    """Of each place the `size` entries of most value, ties by `then_by`, the most first, then by item."""
    ties = np.zeros(len(values)) if then_by is None else then_by
    order = np.lexsort((items, -ties, -values, places))
    places = places[order]
    is_kept = np.arange(len(places)) - np.searchsorted(places, places) < size
    return Entries(places[is_kept], items[order][is_kept], values[order][is_kept])


def shared(vectors: Sparse, users: Ints, matches: Ints, size: int) -> tuple[Entries, Ints]:
    """What both of each pair have, by the product of the two entries, and how much of it there is in all."""
    product = vectors[users].multiply(vectors[matches]).tocsr()
    counts = np.diff(product.indptr)
    places = np.repeat(np.arange(len(users)), counts)
    return largest(places, product.indices, product.data, size), counts


def ranks(counts: Sparse) -> Sparse:
    """The matrix with the rank of each entry in its row for its value: 1 is the most, ties go by column."""
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    order = np.lexsort((counts.indices, -counts.data, rows))
    found = np.empty(len(order))
    found[order] = np.arange(len(order)) - counts.indptr[rows[order]] + 1
    return csr_array((found, counts.indices, counts.indptr), shape=counts.shape)


def heaviest(vectors: Sparse, size: int) -> Sparse:
    """The matrix with the `size` largest entries of each row alone."""
    rows = np.repeat(np.arange(vectors.shape[0]), np.diff(vectors.indptr))
    kept = largest(rows, vectors.indices, vectors.data, size)
    return csr_array((kept.values, (kept.places, kept.items)), shape=vectors.shape)


def genre_weights(counts: Sparse, labels: Sparse) -> Sparse:
    """Artists by genres: how much of each an artist has, times how rare it is among the users of the counts."""
    spread = unit_rows(logs(labels))
    held = holders((damped(counts, 0) @ spread).tocsr())
    return scaled(spread, columns=np.log1p(counts.shape[0] / np.maximum(held, 1)))


@dataclass(frozen=True)
class News:
    """New artists for listeners, from the artists of others.

    `heaviest` are the others' artists of most weight, `held` all that a listener has, `listeners` and `artists` are
    vectors of genres, of length 1 or 0.
    """

    heaviest: Sparse
    held: Lookup
    listeners: Sparse
    artists: Sparse

    @classmethod
    def of(cls, counts: Sparse, vectors: Sparse, genres: Sparse, known: Sparse) -> News:
        """`genres` are those of `genre_weights`, `known` artists that a listener has though they do not count: those
        only ever skipped.
        """
        held = damped(counts, 0) + damped(known, 0)
        return cls(
            heaviest(vectors, CANDIDATES),
            Lookup.of(held.tocsr()),
            unit_rows((logs(counts) @ genres).tocsr()),
            unit_rows(genres),
        )

    def of_pairs(self, users: Ints, matches: Ints, size: int) -> Entries:
        """The match's artists that the listener does not have, those nearest to the listener's genres first."""
        offered = self.heaviest[matches].tocsr()
        places = np.repeat(np.arange(len(users)), np.diff(offered.indptr))
        is_new = self.held.at(users[places], offered.indices) == 0
        places, items, weights = places[is_new], offered.indices[is_new], offered.data[is_new]
        near = np.round(self._nearness(users[places], items), PRECISION)
        return largest(places, items, near, size, then_by=weights)

    def _nearness(self, users: Ints, items: Ints) -> Floats:
        """Of the genres of a listener and an artist, 0-1."""
        some, rows = np.unique(users, return_inverse=True)
        others, columns = np.unique(items, return_inverse=True)
        products: Floats = (self.listeners[some] @ self.artists[others].T).toarray()
        return products[rows, columns].clip(0, 1)
