"""M, matches of many: what Spark's engine finds of the exact lists, what it costs, and what a million would.

The trap: seconds are of this machine, and of an idle one only; what is found is of the code.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.cases import Entry, many
from tests.benchmarks.report import MANY, MANY_HEADER, many_drawn_on, many_row
from tests.evaluation.sections import Gate, Section
from tests.evaluation.splits import told

POPULATIONS = (25_000, 50_000, 100_000)
LEAST_FOUND = 0.95  # of the first of each list: the places below are near ties


def measure(shared: Path) -> Section:  # noqa: ARG001 (listeners are simulated)
    with tempfile.TemporaryDirectory() as folder:
        entries = [many(users, Path(folder), say) for users in POPULATIONS]
    return section(entries)


def section(entries: list[Entry]) -> Section:
    least = min(entry["facts"]["found"]["first"] for entry in entries)
    return Section(
        title="Matches of many",
        how=MANY,
        header=MANY_HEADER,
        rows=tuple(many_row(entry) for entry in entries),
        gates=(found_gate("lists", least),),
        notes=(many_drawn_on(entries),),
    )


def found_gate(what: str, least: float) -> Gate:
    """Of the first of each list the share that has to be found, where it is least."""
    bound = f"at least {told(LEAST_FOUND)}"
    return Gate(f"found of the first 10 of exact {what}", bound, told(least), least >= LEAST_FOUND)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
