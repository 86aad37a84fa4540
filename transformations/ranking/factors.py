"""Implicit matrix factorisation by alternating least squares (Hu, Koren and Volinsky 2008), the normal equations solved
by conjugate gradients (Takács, Pilászy and Tikk 2011): all rows of a block at once, no loop over rows.

The trap: confidence is the weight itself, so weights belong on a scale of some units (log1p of a count).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from transformations.ranking.counts import Sparse

Singles = NDArray[np.float32]
GRADIENT_STEPS = 3
BLOCK_VALUES = 2_000_000  # stored values of a block of rows: bounds what stands in memory, times the factors


def factorise(weights: Sparse, *, factors: int, ridge: float, rounds: int, seed: int) -> tuple[Singles, Singles]:
    """Factors of the rows and of the columns; their product is near 1 where there is weight and near 0 elsewhere."""
    rng = np.random.default_rng(seed)
    of_rows, of_columns = (rng.random((size, factors), dtype=np.float32) * 0.01 for size in weights.shape)
    by_row = weights.astype(np.float32).tocsr()
    by_column = by_row.T.tocsr()
    for _ in range(rounds):
        of_rows = _solved(by_row, of_rows, of_columns, ridge)
        of_columns = _solved(by_column, of_columns, of_rows, ridge)
    return of_rows, of_columns


def _solved(weights: Sparse, start: Singles, other: Singles, ridge: float) -> Singles:
    gram = other.T @ other + ridge * np.eye(other.shape[1], dtype=np.float32)
    cuts = np.arange(BLOCK_VALUES, weights.nnz, BLOCK_VALUES)
    edges = np.unique(np.r_[0, np.searchsorted(weights.indptr, cuts), weights.shape[0]])
    blocks = [_solved_block(weights[low:high], start[low:high], other, gram) for low, high in pairwise(edges)]
    return np.concatenate(blocks)


def _solved_block(weights: Sparse, start: Singles, other: Singles, gram: Singles) -> Singles:
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    known = other[weights.indices]

    def applied(factors: Singles) -> Singles:
        extra = (weights.data - 1) * np.einsum("ij,ij->i", factors[rows], known)
        by_weight = csr_array((extra, weights.indices, weights.indptr), shape=weights.shape)
        product: Singles = factors @ gram + by_weight @ other
        return product

    found = start
    rest = weights @ other - applied(found)
    step, size = rest.copy(), (rest**2).sum(axis=1)
    for _ in range(GRADIENT_STEPS):
        moved = applied(step)
        length = size / np.maximum((step * moved).sum(axis=1), 1e-12)
        found = found + length[:, None] * step
        rest = rest - length[:, None] * moved
        shrunk = (rest**2).sum(axis=1)
        step, size = rest + (shrunk / np.maximum(size, 1e-12))[:, None] * step, shrunk
    return found
