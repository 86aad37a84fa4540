"""Killed with -9 at any point of an import or a run, the next run ends with the tables of an undisturbed one.

Two points are always met, the others are drawn by a fixed seed; MOODLAKE_KILLS draws more of them (`make soak`).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.runtime.lake import Lake
from jobs.runtime.settings import LakeSettings, Settings
from tests import worlds
from tests.lakes import business_rows, import_catalogue, import_plays, run

ROOT = Path(__file__).resolve().parents[2]
NIGHT = date(2026, 10, 1)
KILLS = int(os.environ.get("MOODLAKE_KILLS", "1"))
IMPORT_STEPS, RUN_STEPS = 14, 80  # steps that a process of this small world takes; a later number kills nothing
JOURNAL_WRITTEN = 2  # of the first group of a run: it is decided, and nothing of it is committed
FOLDER_HALF_GONE = 13  # of an import: all is committed, the journal is gone, and so is half of the staged rows
POINTS = [
    ("run", JOURNAL_WRITTEN),
    ("import", FOLDER_HALF_GONE),
    *(
        (verb, random.Random(seed + 1).randrange(1, IMPORT_STEPS if verb == "import" else RUN_STEPS))
        for seed in range(KILLS)
        for verb in (("run", "import", "run")[seed % 3],)
    ),
]


SONGS = worlds.songs(15, seed=11)
PLAYS = worlds.plays(SONGS, users=("ash", "birch"), first=datetime(2026, 9, 1), days=20, count=80, seed=11)  # noqa: DTZ001


@pytest.fixture(scope="module")
def calm(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The lake that nothing disturbed; read only."""
    folder = tmp_path_factory.mktemp("calm")
    settings = Settings(lake=LakeSettings(root=str(folder / "lake")))
    lake = Lake(spark, settings.lake)
    import_catalogue(lake, settings, folder, SONGS)
    import_plays(lake, settings, folder, PLAYS)
    run(lake, settings, NIGHT)
    return lake


def command(lake: Lake, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "LAKE__ROOT": lake.root,
        "PYTHONPATH": str(ROOT),
        "SPARK__MASTER": "local[1]",
        "SPARK__DRIVER_MEMORY": "1g",
        "MOODLAKE_IGNORE_DOTENV": "1",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.mark.parametrize(("verb", "point"), POINTS)
def test_the_next_run_repairs_a_kill(
    lake: Lake, settings: Settings, tmp_path: Path, calm: Lake, verb: str, point: int
) -> None:
    lake.files.write_text(f"{lake.root}/_lake.json", calm.files.read_text(f"{calm.root}/_lake.json"))
    lake = Lake(lake.spark, settings.lake)  # whose listeners have the same pseudonyms
    path = worlds.write_plays(tmp_path / "killed.csv", PLAYS)
    import_catalogue(lake, settings, tmp_path, SONGS)
    if verb == "run":
        import_plays(lake, settings, tmp_path, PLAYS)
    call = ["import", "csv", str(path), "--label", "diary"] if verb == "import" else ["run", "--as-of", str(NIGHT)]
    killed = command(lake, "tests/jobs/killed_process.py", str(point), *call)
    assert killed.returncode == -signal.SIGKILL, f"point {point} was not met: {killed.stdout[-400:]}"

    import_plays(lake, settings, tmp_path, PLAYS)
    run(lake, settings, NIGHT)

    assert business_rows(lake, NIGHT) == business_rows(calm, NIGHT)
    assert lake.read("bronze.file_listens").count() == calm.read("bronze.file_listens").count()
    for account in lake.read("ops.imports").collect():
        parts = (account[f"{part}_count"] for part in ("stored", "duplicate", "skipped", "quarantined"))
        assert account["attempted_count"] == sum(parts)
