"""N, recommendations of many: what Spark's engine finds of the exact lists, what it costs, and what a million would.

The trap: as with M, seconds are of this machine, and of an idle one only.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.cases import Entry, listed
from tests.benchmarks.report import LISTS, LISTS_HEADER, lists_drawn_on, lists_row
from tests.evaluation.sections import Gate, Section
from tests.evaluation.splits import told

POPULATIONS = (25_000, 50_000)
SAMPLE = 500  # listeners whose lists are compared with those of one process
LEAST_FOUND = 0.95  # of the first of each list: the places below are near ties


def measure(shared: Path) -> Section:  # noqa: ARG001 (listeners are simulated)
    with tempfile.TemporaryDirectory() as folder:
        entries = [listed(users, Path(folder), _say, SAMPLE) for users in POPULATIONS]
    return section(entries)


def section(entries: list[Entry]) -> Section:
    least = min(min(entry["pruned"]["facts"]["first_found"].values()) for entry in entries)
    return Section(
        title="Recommendations of many",
        how=f"{LISTS} Found is measured on {SAMPLE} listeners.",
        header=LISTS_HEADER,
        rows=tuple(lists_row(entry) for entry in entries),
        gates=(
            Gate(
                "found of the first 10 of exact recommendations",
                f"at least {told(LEAST_FOUND)}",
                told(least),
                least >= LEAST_FOUND,
            ),
        ),
        notes=(lists_drawn_on(entries),),
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
