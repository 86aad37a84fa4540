"""The two engines of the benchmark make the same tables; nothing is measured here."""

from __future__ import annotations

from pathlib import Path

from jobs.importing import Request, import_file
from jobs.people import UserSettings, set_users
from jobs.runtime.lake import Lake
from jobs.runtime.settings import Settings
from tests.benchmarks import duckdb_build, duckdb_steps
from tests.benchmarks.equality import compare
from tests.benchmarks.measure import Marks
from tests.benchmarks.settings import END, LABEL, size_of
from tests.benchmarks.world import World
from tests.lakes import run


def test_duckdb_and_the_project_build_the_same_tables(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    world, out = World(size_of("5k"), tmp_path / "world"), str(tmp_path / "duckdb")
    import_file(lake, settings, Request("kaggle-tracks", world.catalogue))
    import_file(lake, settings, Request("csv", world.history, label=LABEL))
    set_users(lake, [UserSettings(user, time_zone=zone) for user, zone in world.zones().items()])
    run(lake, settings, END)
    duckdb_steps.build(Marks(), root=lake.root, out=out, as_of=str(END))
    found = compare(lake.root, out, list(duckdb_build.tables(END)))
    assert {one.table: one.differences for one in found if one.differences} == {}
