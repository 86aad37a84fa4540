"""Rows of a table of sums (a listener, an item, a weight) to a matrix, with ids in order.

The order of ids decides every tie and every seed, so nothing depends on the order in which rows came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Ids = NDArray[Any]
Sparse = Any  # scipy's arrays have no types


@dataclass(frozen=True)
class Counts:
    """Users by items; `users` and `items` are the ids of rows and columns in ascending order."""

    users: Ids
    items: Ids
    matrix: Sparse

    @classmethod
    def of(cls, user_ids: ArrayLike, item_ids: ArrayLike, weights: ArrayLike) -> Counts:
        """From rows of a table; weights of repeated pairs are added. Raises ValueError where one is not positive."""
        weights = np.asarray(weights, dtype=float)
        if not (weights > 0).all():
            raise ValueError("a weight is not positive")
        rows, users = _places(user_ids)
        columns, items = _places(item_ids)
        return cls(users, items, csr_array((weights, (rows, columns)), shape=(len(users), len(items))))

    def labels(self, item_ids: ArrayLike, labels: ArrayLike, weights: ArrayLike) -> Sparse:
        """What is known of the items (genres, tags, the artist of a track): items by labels, labels in ascending order.

        Rows of items that are not in the counts are left out.
        """
        given, weights = np.asarray(item_ids), np.asarray(weights, dtype=float)
        places = np.searchsorted(self.items, given).clip(max=len(self.items) - 1)
        is_known = self.items[places] == given
        names, columns = np.unique(np.asarray(labels)[is_known], return_inverse=True)
        return csr_array((weights[is_known], (places[is_known], columns)), shape=(len(self.items), len(names)))


def scaled(matrix: Sparse, *, rows: ArrayLike | None = None, columns: ArrayLike | None = None) -> Sparse:
    """The matrix with each row, each column or both times a factor."""
    found = matrix.tocsr()
    values = found.data
    if rows is not None:
        values = values * np.repeat(np.asarray(rows), np.diff(found.indptr))
    if columns is not None:
        values = values * np.asarray(columns)[found.indices]
    return csr_array((values, found.indices, found.indptr), shape=found.shape)


def damped(matrix: Sparse, power: float) -> Sparse:
    """The stored values to a power: below 1 it stops obsessions from ruling."""
    return csr_array((matrix.data**power, matrix.indices, matrix.indptr), shape=matrix.shape)


def logs(matrix: Sparse) -> Sparse:
    """log(1 + value) of the stored values."""
    return csr_array((np.log1p(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)


def unit_rows(matrix: Sparse, power: float = 1.0) -> Sparse:
    """Rows divided by their length; to a power of it where one is given. Empty rows stay empty."""
    lengths = np.sqrt(np.asarray(damped(matrix.tocsr(), 2).sum(axis=1)))
    return scaled(matrix, rows=np.where(lengths > 0, np.maximum(lengths, 1e-12) ** -power, 0))


def holders(matrix: Sparse) -> Floats:
    """How many rows have each column."""
    return np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(float)


def _places(ids: ArrayLike) -> tuple[NDArray[np.int32], Ids]:
    """The place of each id among the different ones in ascending order, and those."""
    places, different = pd.factorize(np.asarray(ids), sort=True)
    return places.astype(np.int32), different
