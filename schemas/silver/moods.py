"""The four moods as columns, shared by every table that carries them."""

from __future__ import annotations

from schemas.contract import DOUBLE, Between, Check, Column, SumsTo
from schemas.vocab import MOODS

MOOD_COLUMNS = tuple(
    Column(mood, DOUBLE, f"Probability or share of {mood}, 0-1; the four sum to 1 or are null together", nullable=True)
    for mood in MOODS
)
MOOD_CHECKS: tuple[Check, ...] = (*(Between(mood, 0, 1) for mood in MOODS), SumsTo(MOODS, 1.0))
