"""Fill an empty lake with the sandbox's sample world, through the same imports that a person's files take."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from rich.console import Console

from jobs.importing import Request, import_file
from jobs.people import UserSettings, set_users
from jobs.runtime.lake import Lake
from jobs.runtime.settings import Settings
from sandbox.world import generate

SAMPLE_MARK = "sample"  # file in the lake's root that says its listeners are the sandbox's


def fill_with_sample_world(lake: Lake, settings: Settings, sample: Path, seed: int, console: Console) -> None:
    """Generate and import the world; a lake that holds a person's own history is left alone."""
    mark = f"{lake.root}/_{SAMPLE_MARK}"
    if lake.exists("ops.accounts") and not lake.files.exists(mark):
        console.print("This lake holds imported history of its own: no sample world is added.")
        return
    seed, end = _world_of(lake, mark, seed)
    world = generate(sample, seed=seed, end=end)
    stored = 0
    for number, entry in enumerate(world.imports, start=1):
        request = Request(entry.format, sample / entry.path, user=entry.user, label=entry.options.get("label", "file"))
        report = import_file(lake, settings, request)
        stored += report.stored
        console.print(
            f"[{number}/{len(world.imports)}] {entry.format}: {report.attempted:,} records, {report.stored:,} stored, "
            f"{report.duplicate:,} duplicate, {report.skipped.total():,} skipped, "
            f"{report.quarantined.total():,} quarantined",
            markup=False,
        )
    listeners = [UserSettings(x.name, x.display_name, x.country, x.time_zone) for x in world.listeners]
    known = {row["user_name"] for row in lake.read("ops.accounts").select("user_name").collect()}
    set_users(lake, [one for one in listeners if one.user in known])


def _world_of(lake: Lake, mark: str, seed: int) -> tuple[int, date]:
    """Seed and last day of the lake's world: a second demo imports the same world, so nothing twice."""
    if lake.files.exists(mark):
        told = json.loads(lake.files.read_text(mark))
        return told["seed"], date.fromisoformat(told["end"])
    end = datetime.now(UTC).date() - timedelta(days=1)
    lake.files.write_text(mark, json.dumps({"seed": seed, "end": end.isoformat()}))
    return seed, end
