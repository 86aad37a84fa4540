"""The best items of each user out of scores that come in blocks, a few at most of a group (the tracks of an artist).

The trap: what is kept of a block must leave room for every group that another block has too.
"""

from __future__ import annotations

import numpy as np

from transformations.ranking.counts import Floats, Ints
from transformations.ranking.recommender import AnyScores, best_of_rows


class BestItems:
    """Filled block by block; `groups` of the items ascend, so that those of a group stand beside one another."""

    def __init__(self, users: int, size: int, groups: Ints, *, of_a_group: int, block_items: int) -> None:
        blocks = -(-max(len(groups), 1) // block_items)
        self._groups, self._size, self._of_a_group = groups, size, of_a_group
        width = size + of_a_group * (blocks - 1)  # a group that two blocks share may be kept twice over
        self._items = np.full((users, width), -1)
        self._scores = np.full((users, width), -np.inf)

    def offer(self, here: slice, items: Ints, scores: Floats) -> None:
        """Scores of the users `here` by these items, which ascend; -inf is never kept. The scores are used up."""
        if not len(items):
            return
        groups = self._groups[items]
        starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
        lengths = np.diff(np.r_[starts, len(groups)])
        columns, rows = np.arange(len(groups)), np.arange(len(scores))[:, None]
        kept, best = [self._items[here]], [self._scores[here]]
        for _ in range(min(self._of_a_group, int(lengths.max()))):
            highest = np.maximum.reduceat(scores, starts, axis=1)
            is_highest = scores == np.repeat(highest, lengths, axis=1)
            first = np.minimum.reduceat(np.where(is_highest, columns, len(columns)), starts, axis=1)
            kept.append(items[first])
            best.append(highest)
            scores[rows, first] = -np.inf
        width = self._items.shape[1]
        found = best_of_rows(np.hstack(kept), np.hstack(best), width)
        self._items[here], self._scores[here] = _padded(*found, width)

    def ranked(self) -> tuple[Ints, Ints, Floats, Ints]:
        """Users, items, scores and ranks from 1, a row each, by user and rank."""
        users, places = np.nonzero(np.isfinite(self._scores))
        items, scores = self._items[users, places], self._scores[users, places]
        return _limited(users, items, scores, self._size, groups=self._groups, of_a_group=self._of_a_group)


def ranked(
    users: Ints, items: Ints, scores: Floats, size: int, *, groups: Ints, of_a_group: int
) -> tuple[Ints, Ints, Floats, Ints]:
    """The best of rows in any order, as `BestItems.ranked` has them; -inf is never kept, the first item wins a tie."""
    kept = np.flatnonzero(np.isfinite(scores))
    kept = kept[np.lexsort((items[kept], -scores[kept], users[kept]))]
    return _limited(users[kept], items[kept], scores[kept], size, groups=groups, of_a_group=of_a_group)


def _limited(
    users: Ints, items: Ints, scores: Floats, size: int, *, groups: Ints, of_a_group: int
) -> tuple[Ints, Ints, Floats, Ints]:
    """Of rows by user, best first, a few of a group and `size` of a user; and their ranks."""
    is_kept = places_within(users, groups[items]) < of_a_group
    users, items, scores = users[is_kept], items[is_kept], scores[is_kept]
    ranks = places_within(users) + 1
    is_kept = ranks <= size
    return users[is_kept], items[is_kept], scores[is_kept], ranks[is_kept]


def places_within(*keys: Ints) -> Ints:
    """The place of each row, from 0, among those before it that have the same keys."""
    if not len(keys[0]):
        return np.empty(0, dtype=np.int64)
    order = np.lexsort(keys[::-1])  # stable: rows of the same keys keep their order
    in_order = [key[order] for key in keys]
    is_first = np.r_[True, np.any([key[1:] != key[:-1] for key in in_order], axis=0)]
    counted = np.arange(len(order))
    places = np.empty(len(order), dtype=np.int64)
    places[order] = counted - np.maximum.accumulate(np.where(is_first, counted, 0))
    return places


def _padded(items: Ints, scores: AnyScores, width: int) -> tuple[Ints, AnyScores]:
    missing = ((0, 0), (0, width - items.shape[1]))
    return np.pad(items, missing, constant_values=-1), np.pad(scores, missing, constant_values=-np.inf)
