"""The two engines of the benchmark make the same tables; nothing is measured here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.duckdb_build import tables
from tests.benchmarks.settings import END

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.spark
def test_duckdb_and_the_project_build_the_same_tables(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--only", "build", "--sizes", "5k", "--repeat", "1"]
    places = ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "page.md")]
    run = subprocess.run(
        [*command, *places],
        cwd=PROJECT,
        env={**os.environ, "MOODLAKE_IGNORE_DOTENV": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert f"{len(tables(END))} tables" in (tmp_path / "page.md").read_text()
