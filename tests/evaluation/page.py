"""Sections to one Markdown page: printed after a run, and written as docs/quality.md when all were run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.evaluation.sections import Gate, Section

INTRODUCTION = """# Quality

Written by `make evaluate` from a run on the shared data, with fixed seeds: the same data and code give the same page,
but for the seconds of M. Ours is the project's own code; baselines are what plain methods reach under the same
protocol.
"""


def page(sections: Mapping[str, Section]) -> str:
    """The page of the sections, gates first, then in the order of their letters."""
    sections = dict(sorted(sections.items()))
    gates = [(letter, gate) for letter, section in sections.items() for gate in section.gates]
    parts = [INTRODUCTION]
    if gates:
        parts.append("## Gates\n\n" + _gates(gates))
    parts += [_section(letter, section) for letter, section in sections.items()]
    return "\n".join(parts)


def _gates(gates: list[tuple[str, Gate]]) -> str:
    rows = [
        (letter, gate.what, gate.bound, gate.measured, "met" if gate.is_met else "**not met**")
        for letter, gate in gates
    ]
    return _table(("section", "figure", "bound", "measured", ""), rows)


def _section(letter: str, section: Section) -> str:
    text = f"## {letter}. {section.title}\n\n{section.how}\n\n{_table(section.header, section.rows)}"
    return text + "".join(f"\n{note}\n" for note in section.notes)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
