"""Sections to one Markdown page: printed after a run, and written as docs/quality.md.

Some sections take minutes, so a page can take the place of single ones in the page that was written before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tests.evaluation.sections import Gate, Section

INTRODUCTION = """# Quality

Written by `make evaluate` from runs on the shared data, with fixed seeds: the same data and code give the same page,
but for the seconds of M and N. Ours is the project's own code; baselines are what plain methods reach under the same
protocol.
"""
GATES = ("section", "figure", "bound", "measured", "")
OF_A_SECTION = re.compile(r"^(?=## [A-Z]\. )", re.MULTILINE)
OF_A_GATE = re.compile(r"^\| ([A-Z]) \| .*\n", re.MULTILINE)


def page(sections: Mapping[str, Section], before: str = "") -> str:
    """The page of the sections, gates first, then in the order of their letters.

    Sections that only `before`, an earlier page, has stay as they are there.
    """
    introduction, *texts = OF_A_SECTION.split(before)
    written = {text[len("## ")]: text for text in texts}
    gates = dict.fromkeys(written, "")
    for line in OF_A_GATE.finditer(introduction):
        gates[line[1]] += line[0]
    for letter, section in sections.items():
        written[letter] = _section(letter, section)
        gates[letter] = "".join(_line(_of_gate(letter, gate)) for gate in section.gates)
    parts = [INTRODUCTION]
    if told := "".join(gates[letter] for letter in sorted(gates)):
        parts.append(f"## Gates\n\n{_table(GATES, ())}{told}")
    parts += [written[letter].rstrip("\n") + "\n" for letter in sorted(written)]
    return "\n".join(parts)


def _of_gate(letter: str, gate: Gate) -> tuple[str, ...]:
    return (letter, gate.what, gate.bound, gate.measured, "met" if gate.is_met else "**not met**")


def _section(letter: str, section: Section) -> str:
    text = f"## {letter}. {section.title}\n\n{section.how}\n\n{_table(section.header, section.rows)}"
    return text + "".join(f"\n{note}\n" for note in section.notes)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(_line(cells) for cells in (header, tuple("---" for _ in header), *rows))


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |\n"
