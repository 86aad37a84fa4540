"""Rows to a matrix: ids in order, whatever the order of the rows."""

from __future__ import annotations

import numpy as np
import pytest

from transformations.ranking.counts import Counts, unit_rows


def test_the_order_of_rows_does_not_matter() -> None:
    rows = [("u2", "b", 1.0), ("u1", "c", 2.0), ("u1", "a", 3.0), ("u1", "a", 4.0)]
    one, other = (Counts.of(*zip(*given, strict=True)) for given in (rows, rows[::-1]))
    assert list(one.users) == ["u1", "u2"]
    assert list(one.items) == ["a", "b", "c"]
    assert one.matrix.toarray().tolist() == [[7, 0, 2], [0, 1, 0]]
    assert (one.matrix != other.matrix).nnz == 0


def test_a_weight_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="not positive"):
        Counts.of(["u"], ["a"], [0])


def test_labels_are_of_items_that_are_counted() -> None:
    counts = Counts.of(["u", "u"], ["a", "c"], [1, 1])
    labels = counts.labels(["c", "b", "z", "a", "c"], ["rock", "pop", "pop", "folk", "rock"], [1, 1, 1, 2, 3])
    assert labels.toarray().tolist() == [[2, 0], [0, 4]]  # folk, rock; pop is of nobody


def test_rows_have_length_one_or_none() -> None:
    counts = Counts.of(["u", "u", "v"], ["a", "b", "b"], [3, 4, 9])
    assert unit_rows(counts.matrix).toarray() == pytest.approx(np.array([[0.6, 0.8], [0, 1]]))
    assert unit_rows(counts.matrix * 0).toarray().tolist() == [[0, 0], [0, 0]]
