"""Items a user has not, ranked: an item-based linear model with what is known of the items, blended with factors.

The model is EASE (Steck 2019): each item is told by the others, its own weight left out, under a ridge. What is known
of items (genres of an artist, the artist of a track) joins as further rows, so that items of one artist tell one
another even where no listener has both. It is solved through users, of whom there are fewer than items: the inverse
of M + X'X, with M the ridge plus the products of the label rows, comes by the Woodbury identity from a users x users
system.
The trap: held-out items must not be in the counts, and their labels neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array, issparse

from transformations.ranking.counts import Floats, Ints, Sparse, damped, holders, logs, scaled, unit_rows
from transformations.ranking.factors import factorise

MAX_FITTED_USERS = 5_000  # the system is users x users: beyond, a sample is fitted and all are scored by it
MAX_LABELS = 500  # of labels that items share; the most given. Labels of which an item has one at most need no limit
BLOCK_ITEMS = 4_000
BLOCK_USERS = 2_000
FACTORS, FACTOR_RIDGE, FACTOR_ROUNDS = 64, 30.0, 12
Scores = NDArray[np.float32]
AnyScores = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Recipe:
    """How a kind of item is read. Tuned on splits of other seeds than those that the evaluation measures.

    `damping` is the power of a count, `rarity` how far hits are held back (power of the number of listeners), `ridge`
    in units of the mean weight of a user (1), `label_weight` what labels count beside listeners, `label_evenness` 0
    where each item of a label counts alike and 1 where each label does; `factor_weight` the share of the factors.
    """

    damping: float
    rarity: float
    ridge: float
    label_weight: float
    label_evenness: float
    factor_weight: float


ARTISTS = Recipe(damping=0.2, rarity=0.25, ridge=2.0, label_weight=0.3, label_evenness=0.5, factor_weight=0.3)
TRACKS = Recipe(damping=0.2, rarity=0.0, ridge=0.5, label_weight=0.15, label_evenness=0.0, factor_weight=0.0)


@dataclass(frozen=True)
class Ranked:
    """Users by places: the item (column of the counts) and its score in 0-1; -1 and 0 where nothing is left.

    A score of .5 is given to what is expected as strongly as the user's own items are on average.
    """

    items: Ints
    scores: Floats


class Recommender:
    """Fitted on users x items; `labels` are items x labels with how often a label was given."""

    def __init__(self, counts: Sparse, recipe: Recipe, *, labels: Sparse | None = None, seed: int = 0) -> None:
        self.counts = counts.tocsr()
        self._recipe = recipe
        self._rarity = np.maximum(holders(self.counts), 1.0) ** -recipe.rarity
        weights = _weighed(self.counts, recipe, self._rarity)
        self._level = float(np.sqrt(weights.shape[0] / max(float((weights.data**2).sum()), 1e-12)))
        self._weights = weights * self._level
        self._typical = _row_means(self._weights)
        self._fitted = fitted_of(self.counts.shape[0], seed)
        self._prior = _Prior(recipe.ridge, _label_rows(labels, recipe, columns=self._rarity * self._level))
        fitted = self._weights[self._fitted]
        system = self._prior.products(fitted, fitted)
        system[np.diag_indices_from(system)] += 1
        self._system = cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
        self._factors: tuple[Scores, Scores] | None = None
        if recipe.factor_weight:
            self._factors = factorise(
                logs(self.counts), factors=FACTORS, ridge=FACTOR_RIDGE, rounds=FACTOR_ROUNDS, seed=seed
            )

    def iter_scores(self, users: Ints) -> Iterator[tuple[slice, slice, Scores]]:
        """Blocks of the users (as places in what was given) and of items, in order: what each user may be expected to
        give each item, those that they have included."""
        everything = self._weights.tocsc()
        for block, solved, precision in self._iter_solved():
            columns = everything[:, block].tocsr()
            for low in range(0, len(users), BLOCK_USERS):
                here = slice(low, min(low + BLOCK_USERS, len(users)))
                scores = columns[users[here]].toarray() - self._told(users[here], block, solved) / precision
                if self._factors is not None:
                    of_users, of_items = self._factors
                    shares = of_users[users[here]] @ of_items[block].T * np.sqrt(self._rarity[block])
                    scores += self._recipe.factor_weight * self._typical[users[here], None] * shares
                yield here, block, scores.astype(np.float32)

    def iter_shares(self, users: Ints) -> Iterator[tuple[slice, slice, Floats]]:
        """As `iter_scores`, in 0-1: .5 is what is expected as strongly as the user's own items are on average."""
        for here, block, scores in self.iter_scores(users):
            yield here, block, _as_shares(scores, self._typical[users[here]])

    def top(self, users: Ints, size: int) -> Ranked:
        """The best `size` items that each user has not; equal scores in the order of the columns."""
        width = min(size, self.counts.shape[1])
        found = np.full((len(users), width), -1)
        best = np.full((len(users), width), -np.inf, dtype=np.float32)
        had = self.counts.tocsc()
        for here, block, scores in self.iter_scores(users):
            scores[had[:, block].tocsr()[users[here]].nonzero()] = -np.inf
            items = np.broadcast_to(np.arange(block.start, block.stop), scores.shape)
            found[here], best[here] = best_of_rows(
                np.hstack([found[here], items]), np.hstack([best[here], scores]), width
            )
        is_left = best > 0
        return Ranked(np.where(is_left, found, -1), _as_shares(np.where(is_left, best, 0), self._typical[users]))

    def by_itself(self) -> LinearModel:
        """The model without the users that it scores. Raises ValueError where factors are a part of it: they are of
        its own users."""
        if self._factors is not None:
            raise ValueError("a ranker with factors scores its own users only")
        fitted = self._weights[self._fitted].tocsc()
        return LinearModel(
            recipe=self._recipe,
            rarity=self._rarity,
            level=self._level,
            prior=self._prior,
            fitted=fitted,
            fitted_labels=(fitted @ self._prior.labels.T).tocsr(),
            system=self._system,
            precision=np.concatenate([np.empty(0), *(precision for _, _, precision in self._iter_solved())]),
        )

    def _iter_solved(self) -> Iterator[tuple[slice, Floats, Floats]]:
        """Blocks of items: the fitted users' weights times the inverse, and the diagonal of the inverse."""
        for block, reach in self._prior.iter_reach(self._weights[self._fitted]):
            solved = cho_solve(self._system, reach, check_finite=False)
            yield block, solved, self._prior.diagonal(block) - (reach * solved).sum(axis=0)

    def _told(self, users: Ints, block: slice, solved: Floats) -> Floats:
        """The users' weights times the inverse: of those fitted it is in `solved`, of others worked out from it."""
        places = np.searchsorted(self._fitted, users).clip(max=len(self._fitted) - 1)
        is_fitted = self._fitted[places] == users
        if is_fitted.all():
            found: Floats = solved[places]
            return found
        told = np.empty((len(users), block.stop - block.start))
        told[is_fitted] = solved[places[is_fitted]]
        others = self._weights[users[~is_fitted]]
        products = self._prior.products(others, self._weights[self._fitted])
        told[~is_fitted] = self._prior.reach(others, block) - products @ solved
        return told


@dataclass(frozen=True)
class LinearModel:
    """What was fitted, apart from whom it scores: anybody by their own counts, as if they had been among those given.

    The system is solved by user, not by item: a few items of few users then cost no more than these.
    """

    recipe: Recipe
    rarity: Floats
    level: float
    prior: _Prior
    fitted: Sparse  # users by items
    fitted_labels: Sparse  # users by labels
    system: tuple[Floats, bool]
    precision: Floats

    def shares(self, counts: Sparse, items: Ints) -> Floats:
        """Rows of the counts by items, 0-1, as `Recommender.iter_shares` has them."""
        weights = _weighed(counts, self.recipe, self.rarity) * self.level
        by_solved, by_label = weights @ self.prior.solved.T, weights @ self.prior.labels.T
        products = _dense(weights @ self.fitted.T) - _dense(by_solved @ self.fitted_labels.T)
        told_by = cho_solve(self.system, products.T / self.prior.ridge, check_finite=False)
        of_items = _dense(weights.tocsc()[:, items])
        of_labels = _dense(by_label).T - self.fitted_labels.T @ told_by
        direct = of_items - (self.fitted[:, items].T @ told_by).T
        told = (direct - (self.prior.solved[:, items].T @ of_labels).T) / self.prior.ridge
        scores = (of_items - told / self.precision[items]).astype(np.float32)
        return _as_shares(scores, _row_means(weights))


class _Prior:
    """M, a ridge plus the products of the label rows, inverted: applied to weights, never written out."""

    def __init__(self, ridge: float, labels: Sparse) -> None:
        self.ridge, self.labels = ridge, labels
        products = (labels @ labels.T).tocsr()
        if products.nnz == np.count_nonzero(products.diagonal()):  # no item has two labels
            self.solved = scaled(labels, rows=1 / (ridge + products.diagonal())).tocsc()
        else:
            system = products.toarray()
            system[np.diag_indices_from(system)] += ridge
            self.solved = cho_solve(cho_factor(system, lower=True), labels.toarray(), check_finite=False)

    def products(self, left: Sparse, right: Sparse) -> Floats:
        """left M⁻¹ right'."""
        by_label = _dense(left @ self.solved.T)
        found: Floats = (left @ right.T).toarray() - by_label @ (right @ self.labels.T).toarray().T
        return found / self.ridge

    def iter_reach(self, weights: Sparse) -> Iterator[tuple[slice, Floats]]:
        """weights M⁻¹, by blocks of items."""
        for low in range(0, weights.shape[1], BLOCK_ITEMS):
            block = slice(low, min(low + BLOCK_ITEMS, weights.shape[1]))
            yield block, self.reach(weights, block)

    def reach(self, weights: Sparse, block: slice) -> Floats:
        """weights M⁻¹, for a block of items."""
        by_label = _dense((weights @ self.labels.T) @ self.solved[:, block])
        found: Floats = weights[:, block].toarray() - by_label
        return found / self.ridge

    def diagonal(self, block: slice) -> Floats:
        """The diagonal of M⁻¹."""
        found: Floats = 1 - np.asarray(self.labels[:, block].multiply(self.solved[:, block]).sum(axis=0))
        return found / self.ridge


def fitted_of(users: int, seed: int) -> Ints:
    """On whom of so many users, in the order of their ids, a model is fitted."""
    if users <= MAX_FITTED_USERS:
        return np.arange(users)
    return np.sort(np.random.default_rng(seed).choice(users, MAX_FITTED_USERS, replace=False))


def _weighed(counts: Sparse, recipe: Recipe, rarity: Floats) -> Sparse:
    return scaled(unit_rows(damped(counts.tocsr(), recipe.damping)), columns=rarity)


def _as_shares(scores: AnyScores, typical: Floats) -> Floats:
    ratios = np.maximum(scores, 0) / np.maximum(typical[:, None], 1e-12)
    shares: Floats = ratios / (1 + ratios)
    return shares


def _label_rows(labels: Sparse | None, recipe: Recipe, *, columns: Floats) -> Sparse:
    """Labels as rows over items, on the scale of the users'; no row where nothing is known."""
    if labels is None:
        return csr_array((0, len(columns)))
    rows = labels.T.tocsr()
    sizes = np.diff(rows.indptr)
    kept = np.flatnonzero(sizes >= 2)  # a label of one item tells nothing of others
    if holders(rows).max(initial=0) > 1 and len(kept) > MAX_LABELS:
        kept = np.sort(kept[np.argsort(-sizes[kept], kind="stable")[:MAX_LABELS]])
    rows = logs(rows[kept])
    return unit_rows(scaled(rows, columns=columns), recipe.label_evenness) * recipe.label_weight


def best_of_rows(items: Ints, scores: AnyScores, size: int) -> tuple[Ints, AnyScores]:
    """The best of each row, best first; columns come in ascending order, so of equal scores the first stays first."""
    if scores.shape[1] > size:
        kept = np.sort(np.argpartition(-scores, size - 1, axis=1)[:, :size], axis=1)
        items, scores = np.take_along_axis(items, kept, axis=1), np.take_along_axis(scores, kept, axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(items, order, axis=1), np.take_along_axis(scores, order, axis=1)


def _row_means(matrix: Sparse) -> Floats:
    found: Floats = np.asarray(matrix.sum(axis=1)).ravel() / np.maximum(np.diff(matrix.indptr), 1)
    return found


def _dense(matrix: Sparse) -> Floats:
    found: Floats = matrix.toarray() if issparse(matrix) else matrix
    return found
