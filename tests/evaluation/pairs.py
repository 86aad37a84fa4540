"""`python -m tests.evaluation.pairs`: write pairs of names for a judge, with neither method nor score."""

from __future__ import annotations

import argparse
import csv
import os
import sys
from pathlib import Path

from tests.evaluation.__main__ import NO_DATA, SHARED
from tests.evaluation.lakes import closed_lakes
from tests.evaluation.same_song import PER_METHOD, VERDICTS, decided, histories, sample

EXAMPLES = f"""examples:
  python -m tests.evaluation.pairs --out /tmp/pairs.csv

The judge says of every row whether both are the same song (another version of one song is the same song too).
The verdicts go to tests/evaluation/{VERDICTS.name}, with the columns hash and verdict (same or different), no names.
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.evaluation.pairs",
        description=f"{PER_METHOD} accepted pairs of each method and as many near misses, shuffled by a fixed seed.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", required=True, help="the csv to write; it holds names, so keep it out of the project")
    parser.add_argument("--shared", default=str(SHARED), help="the folder of shared data (default ../shared/data)")
    options = parser.parse_args(arguments)
    os.environ["MOODLAKE_IGNORE_DOTENV"] = "1"
    shared = Path(options.shared)
    if not shared.is_dir():
        print(f"the shared data is not at {shared}", file=sys.stderr)
        return NO_DATA
    with closed_lakes():
        _, pairs = decided(shared, histories(shared))
    with open(options.out, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("hash", "artist_a", "title_a", "artist_b", "title_b"))
        drawn = sample(pairs)
        writer.writerows((pair.hash, *pair.heard, *pair.catalogue) for pair in drawn)
    print(f"wrote {len(drawn)} pairs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
