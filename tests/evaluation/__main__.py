"""`python -m tests.evaluation`: measure on the shared data, print, and write the page."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from tests.evaluation.lakes import closed_lakes
from tests.evaluation.page import page
from tests.evaluation.sections import SECTIONS, measured

PROJECT = Path(__file__).resolve().parents[2]
SHARED = PROJECT.parent / "shared" / "data"
ALL_MET, GATE_MISSED, NO_DATA = 0, 1, 2
EXAMPLES = """examples:
  python -m tests.evaluation                          all sections, writes docs/quality.md (minutes)
  python -m tests.evaluation --only D                 mood from sound alone; the page stays as it is
  python -m tests.evaluation --only M --write         its section of the page anew; the others stay as they are
  python -m tests.evaluation --shared /data/shared --out /tmp/quality.md
  make evaluate EVALUATE="--only H"

Exit codes: 0 all gates met, 1 a gate was missed, 2 the shared data is not here (or a wrong call).
"""


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    os.environ["MOODLAKE_IGNORE_DOTENV"] = "1"
    shared = Path(options.shared)
    if not shared.is_dir():
        print(
            f"the shared data is not at {shared}: nothing was measured, {options.out} stays as it is", file=sys.stderr
        )
        return NO_DATA
    found = {}
    with closed_lakes():
        for letter in options.only:
            started = time.monotonic()
            found[letter] = measured(letter, shared)
            print(f"{letter} measured in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    print(page(found))
    if options.write or len(found) == len(SECTIONS):
        out = Path(options.out)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page(found, out.read_text(encoding="utf-8") if out.exists() else ""), encoding="utf-8")
    missed = [gate for section in found.values() for gate in section.gates if not gate.is_met]
    for gate in missed:
        print(f"NOT MET: {gate.what}: {gate.measured}, {gate.bound}", file=sys.stderr)
    return GATE_MISSED if missed else ALL_MET


def _options(arguments: list[str] | None) -> argparse.Namespace:
    told = ", ".join(f"{letter} ({module})" for letter, module in SECTIONS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.evaluation",
        description="Quality of the project's own code on real data, beside baselines.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", type=_letters, default=",".join(SECTIONS), metavar="SECTION", help=f"of {told}; with commas between"
    )
    parser.add_argument("--write", action="store_true", help="write some sections too; a run of all is always written")
    parser.add_argument("--shared", default=str(SHARED), help="the folder of shared data (default ../shared/data)")
    parser.add_argument(
        "--out", default=str(PROJECT / "docs" / "quality.md"), help="the page (default docs/quality.md)"
    )
    return parser.parse_args(arguments)


def _letters(text: str) -> list[str]:
    chosen = {part.strip().upper() for part in text.split(",")}
    if unknown := sorted(chosen - set(SECTIONS)):
        raise argparse.ArgumentTypeError(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    return [letter for letter in SECTIONS if letter in chosen]


if __name__ == "__main__":
    sys.exit(main())
