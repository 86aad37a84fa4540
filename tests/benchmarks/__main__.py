"""`python -m tests.benchmarks`: measure, print, and write the page."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.cases import Bench, Entry, InequalityError
from tests.benchmarks.measure import StepError, load, machine
from tests.benchmarks.report import page
from tests.benchmarks.settings import CASES, Size, size_of

RESULTS = "results.json"
EXAMPLES = """examples:
  python -m tests.benchmarks                          all cases at 1m and 10m, writes docs/performance.md (hours)
  python -m tests.benchmarks --sizes 20k --out /tmp/p.md     a trial in minutes
  python -m tests.benchmarks --only build,night --sizes 1m,10m
  python -m tests.benchmarks --only deep               build and night of 10m listens of the users of 1m
  python -m tests.benchmarks --only session --repeat 5
  python -m tests.benchmarks --only matches --users 20k,50k
  python -m tests.benchmarks --only lists --users 5k
  python -m tests.benchmarks --only none              the page again, from the results that are kept
  make bench BENCH="--only import --sizes 1m"

Results of earlier runs in the same work folder stay on the page, each with its date; --fresh drops them.
The night compares the first size with each later one; `deep` does so with as many users as the first size has (a
longer history each). Figures mean something on an idle machine only.
"""


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the step at work ends too
    work = Path(options.work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    results = work / RESULTS
    kept: dict[str, Entry] = {}
    if results.exists() and not options.fresh:
        kept = json.loads(results.read_text())

    def keep(name: str, entry: Entry) -> None:
        kept[name] = {**entry, "measured_at": datetime.now(UTC).date().isoformat(), "load": busy}
        results.write_text(json.dumps(kept, indent=1))

    busy = round(load(), 2)
    kept["machine"] = machine()
    failed = ""
    try:
        Bench(work, options.sizes, options.users, options.repeat, _say, keep).run(options.only)
    except (InequalityError, StepError) as error:
        failed = str(error)
    finally:
        if not options.keep:
            _clean(work)
    text = page(kept)
    print(text)
    if failed:
        print(f"\nFAILED: {failed}", file=sys.stderr)
        return 1
    out = Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Speed and memory of imports, builds, nights and sessions, against bare Spark and DuckDB.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sizes", type=_sizes, default="1m,10m", help="listens, smallest first (default 1m,10m)")
    parser.add_argument(
        "--users", type=_users, default=[], help="of cases matches and many (default 50k), and lists (25k)"
    )
    parser.add_argument("--only", type=_cases, default=",".join(CASES), help=f"of {', '.join(CASES)}; or none")
    parser.add_argument("--out", default="docs/performance.md", help="the page (default docs/performance.md)")
    parser.add_argument("--work", default=".bench", help="lakes and results (default .bench, ignored by git)")
    parser.add_argument("--repeat", type=int, help="repeats, the best counts (default 3, above 2m listens 1)")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep generated data and bronze lakes for the next run; stale once the import has changed",
    )
    parser.add_argument("--fresh", action="store_true", help="forget the results of earlier runs")
    return parser.parse_args()


def _sizes(text: str) -> list[Size]:
    try:
        return sorted((size_of(part) for part in text.split(",")), key=lambda size: size.listens)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _users(text: str) -> list[int]:
    return [size.listens for size in _sizes(text)]


def _cases(text: str) -> list[str]:
    chosen = [part.strip() for part in text.split(",")]
    unknown = sorted(set(chosen) - {*CASES, "none"})
    if unknown:
        raise argparse.ArgumentTypeError(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}, or none")
    return [case for case in CASES if case in chosen]


def _say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


def _clean(work: Path) -> None:
    """Everything that a run made but the results; nothing else that may lie there."""
    for folder in work.iterdir():
        is_ours = folder.name in ("steps", "copies") or any(
            (folder / name).exists() for name in ("history.csv", "plays.parquet", "user_tracks.parquet")
        )
        if folder.is_dir() and is_ours:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
