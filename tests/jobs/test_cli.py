"""What the machine lacks or a call gets wrong ends in one line that says what to do, with the right exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake

from jobs.cli import explained
from jobs.runtime.errors import JarsError
from jobs.runtime.jars import JARS, jar_paths
from jobs.runtime.lock import writer_lock

ROOT = Path(__file__).resolve().parents[2]
VERBS = (
    "run", "build", "backfill", "import", "ingest", "demo", "status", "check", "docs", "users", "accounts", "auth",
    "queue", "beatport", "train",
)  # fmt: skip


def call(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "run_ingestion.py", *arguments],
        env={**os.environ, "LAKE__ROOT": str(tmp_path / "lake"), "MOODLAKE_IGNORE_DOTENV": "1", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def fake_java(folder: Path, version: str) -> Path:
    """A JAVA_HOME whose java only tells a version."""
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    return folder


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.mark.parametrize(("version", "told"), [("1.8.0_392", "Java 8 is too old"), ("11.0.22", "Java 11 is too old")])
def test_an_old_java_is_told(tmp_path: Path, version: str, told: str) -> None:
    home = fake_java(tmp_path / "jdk", version)
    result = call(tmp_path, "status", JAVA_HOME=str(home))
    assert result.returncode == 1
    assert told in one_line(result)
    assert "JAVA_HOME" in result.stderr


def test_a_missing_java_is_told(tmp_path: Path) -> None:
    result = call(tmp_path, "status", JAVA_HOME=str(tmp_path / "nowhere"))
    assert result.returncode == 1
    assert "Java was not found" in one_line(result)


def test_too_little_space_is_told_before_spark_starts(tmp_path: Path) -> None:
    result = call(tmp_path, "run", LAKE__MIN_FREE_BYTES=str(10**18))
    assert result.returncode == 1
    assert "free some space" in one_line(result)


def test_a_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    with writer_lock(str(tmp_path / "lake"), "import csv"):
        result = call(tmp_path, "run")
    assert result.returncode == 1
    assert f"process {os.getpid()} (`import csv`" in one_line(result)


def test_the_lock_goes_with_its_holder(tmp_path: Path) -> None:
    holder = (
        f"import os, signal\nfrom jobs.runtime.lock import writer_lock\n"
        f"with writer_lock({str(tmp_path / 'lake')!r}, 'run'):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", holder], cwd=ROOT, check=False, timeout=60)
    with writer_lock(str(tmp_path / "lake"), "run"):
        told = json.loads((tmp_path / "lake" / "_lock").read_text())
    assert told["pid"] == os.getpid()


@pytest.mark.spark
def test_a_newer_lake_is_told(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "_lake.json").write_text(json.dumps({"format": 99, "salt": "00"}))
    result = call(tmp_path, "status")
    assert result.returncode == 1
    assert "format 99" in one_line(result)
    assert "update Moodlake" in result.stderr


@pytest.mark.spark
def test_reading_makes_no_lake(tmp_path: Path) -> None:
    result = call(tmp_path, "status")
    assert result.returncode == 1
    assert "there is no lake at" in one_line(result)
    assert "LAKE__ROOT" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_missing_jars_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(JarsError, match="make setup"):
        jar_paths(tmp_path)
    assert len(jar_paths(ROOT / ".jars")) == len(JARS)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("import", "mp3", "x"), "known: spotify-extended"),
        (("import", "csv", "no-such-file.csv"), "no file or folder"),
        (("import", "csv", "no-such-file.csv", "--user", " "), "--user is blank"),
        (("import", "csv", "no-[red]-file"), "no-[red]-file"),
        (("build", "--stage", "platinum"), "the plan has silver, gold"),
        (("backfill",), "--from"),
        (("backfill", "--from", "2026-02-01", "--to", "2026-01-01"), "[from, to)"),
        (("run", "--as-of", "yesterday"), "YYYY-MM-DD"),
        (("train", "mood"), "--labels"),
        (("train", "mood", "--labels", "no-such.csv"), "no-such.csv cannot be read"),
        (("train", "mood", "--labels", "pyproject.toml"), "no column Artist, Song, Emotion"),
    ],
)
def test_a_wrong_call_exits_with_2(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    result = call(tmp_path, *arguments)
    assert result.returncode == 2
    assert told in result.stderr


def test_a_mistyped_setting_is_named(tmp_path: Path) -> None:
    result = call(tmp_path, "status", LAKE__ROOTT="x")
    assert result.returncode == 2
    assert "LAKE__ROOTT" in one_line(result)


def test_help_lists_every_verb(tmp_path: Path) -> None:
    told = call(tmp_path, "--help")
    assert told.returncode == 0
    assert all(verb in told.stdout for verb in VERBS)


def test_a_full_disk_and_memory_are_explained() -> None:
    assert "disk is full" in (explained(OSError(28, "No space left on device")) or "")
    assert "SPARK__DRIVER_MEMORY" in (explained(RuntimeError("java.lang.OutOfMemoryError: heap")) or "")
    assert explained(RuntimeError("something else")) is None


@pytest.mark.spark
def test_a_failed_check_exits_with_1(tmp_path: Path) -> None:
    """The exit code is what a scheduler goes by: a broken check must not look green."""
    plays = tmp_path / "plays.csv"
    plays.write_text("user_id,played_at,artist_name,track_name\nash,2024-01-01T10:00:00Z,A,B\n")
    assert call(tmp_path, "import", "csv", str(plays)).returncode == 0
    accounts = tmp_path / "lake" / "ops" / "accounts"
    twice = DeltaTable(str(accounts)).to_pyarrow_table()
    write_deltalake(str(accounts), twice, mode="append")
    failed = call(tmp_path, "run", "--as-of", "2024-01-02")
    assert failed.returncode == 1
    assert "silver.users/duplicate_keys" in failed.stdout
    assert call(tmp_path, "check", "--as-of", "2024-01-02").returncode == 1
