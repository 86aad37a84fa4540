"""Links held out of listeners, what rankings find of them, and the plain methods that stand beside ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array

from tests.evaluation.sections import Gate
from transformations.ranking.counts import Counts, Floats, Ints, Sparse, holders, logs, scaled, unit_rows
from transformations.ranking.factors import factorise

SEEDS = (0, 1, 2)
OTHER_SEEDS = (3, 4, 5)  # looked at by nobody while the ranker was tuned
HELD_OUT, LEAST_LINKS = 0.2, 10  # of the links of each listener who has so many
LONG, SHORT = 20, 10
HEADER = ("method", "recall@10", "recall@20", "nDCG@10", "coverage@20")


@dataclass(frozen=True)
class Found:
    """What a ranking finds: means over listeners; coverage is the share of all items that stand in anybody's list."""

    recall_10: float
    recall_20: float
    ndcg_10: float
    coverage_20: float


@dataclass(frozen=True)
class Split:
    """Training rows as the table of sums has them, their counts, and the links held out."""

    training: pd.DataFrame
    counts: Counts
    held_out: pd.DataFrame
    items: int  # in all links, held out or not

    @property
    def reachable(self) -> float:
        """The share of held-out links whose item some training listener has."""
        return float(np.isin(self.held_out["item_id"], self.counts.items).mean())


def split(links: pd.DataFrame, seed: int) -> Split:
    """`links` are (user_id, item_id, play_count); the held-out share of each listener is drawn by the seed."""
    users, codes = np.unique(links["user_id"], return_inverse=True)
    sizes = np.bincount(codes)
    order = np.lexsort((np.random.default_rng(seed).random(len(links)), codes))
    places = np.empty(len(links), dtype=np.int64)
    places[order] = np.arange(len(links)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    wanted = np.where(sizes >= LEAST_LINKS, np.round(sizes * HELD_OUT), 0)
    is_held = places < wanted[codes]
    training = links[~is_held]
    counts = Counts.of(training["user_id"], training["item_id"], training["play_count"])
    assert len(counts.users) == len(users)
    return Split(training, counts, links[is_held], links["item_id"].nunique())


def found(of: Split, lists: Ints) -> Found:
    """`lists` are users x 20 columns of the counts, best first; held-out links out of reach count as missed."""
    users = np.searchsorted(of.counts.users, of.held_out["user_id"])
    items = np.searchsorted(of.counts.items, of.held_out["item_id"]).clip(max=len(of.counts.items) - 1)
    is_known = of.counts.items[items] == of.held_out["item_id"].to_numpy()
    wanted = np.bincount(users, minlength=len(of.counts.users))
    links = csr_array((np.ones(is_known.sum()), (users[is_known], items[is_known])), shape=of.counts.matrix.shape)
    judged = np.flatnonzero(wanted)
    hits = np.take_along_axis(links[judged].toarray() > 0, lists[judged], axis=1)
    gains = 1 / np.log2(np.arange(2, SHORT + 2))
    ideal = np.cumsum(gains)[np.minimum(wanted[judged], SHORT) - 1]
    return Found(
        float((hits[:, :SHORT].sum(axis=1) / wanted[judged]).mean()),
        float((hits.sum(axis=1) / wanted[judged]).mean()),
        float(((hits[:, :SHORT] * gains).sum(axis=1) / ideal).mean()),
        len(np.unique(lists[judged])) / of.items,
    )


def lists_of(scores: Floats, counts: Counts) -> Ints:
    """The 20 best of each user by dense scores, without what the user has."""
    scores = scores.copy()
    scores[counts.matrix.nonzero()] = -np.inf
    best = np.argpartition(-scores, LONG, axis=1)[:, :LONG]
    return np.take_along_axis(best, np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1), axis=1)


def mean(of: list[Found]) -> Found:
    return Found(*(float(np.mean([getattr(one, name) for one in of])) for name in Found.__dataclass_fields__))


def popularity(counts: Counts) -> Floats:
    return np.tile(holders(counts.matrix), (len(counts.users), 1))


def item_neighbours(counts: Counts, *, is_cosine: bool) -> Floats:
    """Items by their common listeners, all neighbours; over the root of both items' weights where it is the cosine."""
    weights = logs(counts.matrix)
    columns = weights
    if is_cosine:
        columns = scaled(weights, columns=1 / np.sqrt(np.asarray(weights.multiply(weights).sum(axis=0))))
    near = (columns.T @ columns).tocsr()
    near.setdiag(0)
    dense: Floats = (weights @ near).toarray()
    return dense


def ease(weights: Sparse, ridge: float) -> Floats:
    """EASE (Steck 2019), solved through users."""
    dense: Floats = weights.toarray()
    system = (weights @ weights.T).toarray()
    system[np.diag_indices_from(system)] += ridge
    solved = cho_solve(cho_factor(system), dense)
    return dense - ridge * solved / (1 - (dense * solved).sum(axis=0))


def implicit_als(weights: Sparse, *, factors: int, ridge: float, rounds: int) -> Floats:
    users, items = factorise(weights, factors=factors, ridge=ridge, rounds=rounds, seed=0)
    return users @ items.T


def back_off(counts: Counts, artists: Sparse) -> Floats:
    """P(artist given user) x P(track given artist); `artists` are tracks by artists."""
    listened = holders(counts.matrix)
    of_user = unit_sums(counts.matrix @ artists)
    of_artist = unit_sums(scaled(artists, rows=listened).T.tocsr())
    dense: Floats = (of_user @ of_artist).toarray()
    return dense


def unit_sums(matrix: Sparse) -> Sparse:
    """Rows that add up to 1."""
    return scaled(matrix, rows=1 / np.asarray(matrix.sum(axis=1)))


Method = Callable[[Split], Ints]


def measured(methods: dict[str, Method], splits: list[Split]) -> dict[str, Found]:
    """Every method on every split; means over the splits."""
    return {name: mean([found(one, method(one)) for one in splits]) for name, method in methods.items()}


def cells(of: Found) -> tuple[str, ...]:
    return tuple(told(value) for value in (of.recall_10, of.recall_20, of.ndcg_10, of.coverage_20))


def rows_of(figures: dict[str, Found], others: Found) -> tuple[tuple[str, ...], ...]:
    """The table of a ranking under HEADER; `others` are ours on the seeds that nobody looked at."""
    named = [*figures.items(), (f"ours, seeds {', '.join(map(str, OTHER_SEEDS))}", others)]
    return tuple((name, *cells(one)) for name, one in named)


def gates_of(best: Found, *, recall: tuple[float, float], ndcg: tuple[float, float]) -> tuple[Gate, ...]:
    """The gates of a ranking; each figure has its least and its goal."""
    judged = (("recall@10", best.recall_10, recall), ("nDCG@10", best.ndcg_10, ndcg))
    return tuple(
        Gate(name, f"at least {f'{least:g}'.removeprefix('0')} (goal {told(goal)})", told(value), value >= least)
        for name, value, (least, goal) in judged
    )


def told(value: float) -> str:
    return f"{value:.4f}".removeprefix("0")


def normalised(counts: Counts) -> Sparse:
    """log1p of the plays, each user of length 1."""
    return unit_rows(logs(counts.matrix))
