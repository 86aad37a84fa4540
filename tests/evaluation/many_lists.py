"""N, recommendations of many: what Spark's engine finds of the exact lists, what it costs, and what a million would.

The trap: as with M, seconds are of this machine, and of an idle one only.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.cases import Entry, listed
from tests.benchmarks.report import LISTS, LISTS_HEADER, lists_drawn_on, lists_row
from tests.evaluation.many_matches import found_gate, say
from tests.evaluation.sections import Section

POPULATIONS = (25_000, 50_000)
SAMPLE = 500  # listeners whose lists are compared with those of one process


def measure(shared: Path) -> Section:  # noqa: ARG001 (listeners are simulated)
    with tempfile.TemporaryDirectory() as folder:
        entries = [listed(users, Path(folder), say, SAMPLE) for users in POPULATIONS]
    return section(entries)


def section(entries: list[Entry]) -> Section:
    least = min(min(entry["pruned"]["facts"]["first_found"].values()) for entry in entries)
    return Section(
        title="Recommendations of many",
        how=f"{LISTS} Found is measured on {SAMPLE} listeners.",
        header=LISTS_HEADER,
        rows=tuple(lists_row(entry) for entry in entries),
        gates=(found_gate("recommendations", least),),
        notes=(lists_drawn_on(entries),),
    )
