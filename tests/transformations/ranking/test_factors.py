"""Alternating least squares: what the gradient steps approach is the exact solution, and blocks change nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from transformations.ranking import factors
from transformations.ranking.factors import factorise

RIDGE = 0.5


def weights(seed: int = 3, *, shape: tuple[int, int] = (12, 9)) -> csr_array:
    rng = np.random.default_rng(seed)
    return csr_array(np.where(rng.random(shape) < 0.4, rng.integers(1, 6, shape), 0).astype(float))


def test_enough_gradient_steps_solve_the_normal_equations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factors, "GRADIENT_STEPS", 40)
    given = weights()
    of_rows, of_columns = factorise(given, factors=4, ridge=RIDGE, rounds=1, seed=1)
    # The columns were solved last, from the rows: (R'CR + ridge) c = R'C 1, with confidence 1 where nothing is known.
    for column, confidence in enumerate(given.T.toarray()):
        trust = np.where(confidence > 0, confidence, 1.0)
        system = of_rows.T @ (trust[:, None] * of_rows) + RIDGE * np.eye(4)
        assert of_columns[column] == pytest.approx(np.linalg.solve(system, of_rows.T @ confidence), abs=1e-4)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = factorise(weights(), factors=3, ridge=RIDGE, rounds=3, seed=1)
    monkeypatch.setattr(factors, "BLOCK_VALUES", 5)
    parts = factorise(weights(), factors=3, ridge=RIDGE, rounds=3, seed=1)
    for one, other in zip(whole, parts, strict=True):
        assert one == pytest.approx(other, rel=1e-3, abs=1e-4)


def test_two_scenes_are_told_apart() -> None:
    scenes = np.kron(np.eye(2), np.ones((6, 5))) * 5
    of_rows, of_columns = factorise(csr_array(scenes), factors=2, ridge=0.1, rounds=10, seed=0)
    told = of_rows @ of_columns.T
    assert told[scenes > 0].min() > 0.8
    assert np.abs(told[scenes == 0]).max() < 0.2
