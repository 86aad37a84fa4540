"""What a section of the evaluation is, and which there are."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

# The letter by which people know a section, and its module.
SECTIONS = {
    "A": "unheard_artists",
    "B": "unheard_tracks",
    "C": "like_listeners",
    "D": "mood_from_sound",
    "E": "same_song",
    "F": "features_unknown",
    "G": "mood_from_words",
    "H": "catalogue_dirt",
    "I": "one_play",
    "J": "mood_lists",
    "K": "varied_lists",
    "L": "told_matches",
    "M": "many_matches",
    "N": "many_lists",
}


@dataclass(frozen=True)
class Gate:
    """A figure that has to hold: what it is, the bound in words, and what was measured."""

    what: str
    bound: str
    measured: str
    is_met: bool


@dataclass(frozen=True)
class Section:
    """One table of the page: baselines and ours under one protocol."""

    title: str
    how: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    gates: tuple[Gate, ...] = ()
    notes: tuple[str, ...] = ()


def measured(letter: str, shared: Path) -> Section:
    """Run a section on the folder of shared data."""
    module = importlib.import_module(f"tests.evaluation.{SECTIONS[letter]}")
    return cast(Section, module.measure(shared))
