"""What the machine lacks or a call gets wrong ends in one line that says what to do, with the right exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake

from jobs.cli import explained
from jobs.runtime.errors import JarsError
from jobs.runtime.jars import JARS, jar_paths
from jobs.runtime.lock import writer_lock
from tests.commands import Called, call, clean_machine

ROOT = Path(__file__).resolve().parents[2]
VERBS = (
    "run", "build", "backfill", "import", "ingest", "demo", "status", "check", "docs", "users", "accounts", "auth",
    "queue", "beatport", "train", "mood", "privacy", "feedback", "matches", "recommend",
)  # fmt: skip
Run = Callable[..., Called]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A verb in process, with settings beside."""
    clean_machine(monkeypatch, tmp_path)
    monkeypatch.setenv("LAKE__ROOT", str(tmp_path / "lake"))

    def called(*arguments: str, **environment: str) -> Called:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return call(capsys, *arguments)

    return called


def start(tmp_path: Path, *arguments: str) -> Called:
    """A verb in a process of its own, as a person and a scheduler start it."""
    ended = subprocess.run(
        [sys.executable, "run_ingestion.py", *arguments],
        env={**os.environ, "LAKE__ROOT": str(tmp_path / "lake"), "MOODLAKE_IGNORE_DOTENV": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Called(ended.returncode, ended.stdout, ended.stderr)


def fake_java(folder: Path, version: str) -> Path:
    """A JAVA_HOME whose java only tells a version."""
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    return folder


@pytest.mark.parametrize(("version", "told"), [("1.8.0_392", "Java 8 is too old"), ("11.0.22", "Java 11 is too old")])
def test_an_old_java_is_told(run: Run, tmp_path: Path, version: str, told: str) -> None:
    home = fake_java(tmp_path / "jdk", version)
    result = run("status", JAVA_HOME=str(home))
    assert result.code == 1
    assert told in result.complaint
    assert "JAVA_HOME" in result.err


def test_a_missing_java_is_told(run: Run, tmp_path: Path) -> None:
    result = run("status", JAVA_HOME=str(tmp_path / "nowhere"))
    assert result.code == 1
    assert "Java was not found" in result.complaint


def test_too_little_space_is_told_before_spark_starts(run: Run) -> None:
    result = run("run", LAKE__MIN_FREE_BYTES=str(10**18))
    assert result.code == 1
    assert "free some space" in result.complaint


def test_a_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    with writer_lock(str(tmp_path / "lake"), "import csv"):
        result = start(tmp_path, "run")
    assert result.code == 1
    assert f"process {os.getpid()} (`import csv`" in result.complaint


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
    result = start(tmp_path, "status")
    assert result.code == 1
    assert "format 99" in result.complaint
    assert "update Moodlake" in result.err


@pytest.mark.spark
def test_reading_makes_no_lake(tmp_path: Path) -> None:
    result = start(tmp_path, "status")
    assert result.code == 1
    assert "there is no lake at" in result.complaint
    assert "LAKE__ROOT" in result.err
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
        (("mood", "record", "--user", "ash"), "at least one of --happy"),
        (("mood", "record", "--user", "ash", "--sad", "1.5"), "--sad"),
        (("mood", "record", "--user", "ash", "--sad", "nan"), "--sad"),
        (("mood", "record", "--user", "ash", "--sad", "1", "--at", "yesterday"), "--at 'yesterday'"),
        (("mood", "record", "--happy", "1"), "--user"),
        (("mood", "analyze", "--user", "ash", "--last", "0"), "--last"),
        (("mood", "statistics", "--user", "ash", "--period", "1d"), "one of all, 365d"),
        (("privacy", "set", "ash"), "choose one at least"),
        (("feedback", "A - B", "--user", "ash"), "one of --like, --dislike, --clear"),
        (("feedback", "A - B", "--user", "ash", "--like", "--dislike"), "one of --like, --dislike, --clear"),
        (("feedback", "--user", "ash", "--like"), "without a track"),
        (("users", "block", "ash"), "OTHER"),
        (("recommend", "--user", "ash", "--mood", "joyful=1"), "--mood 'joyful=1'"),
        (("recommend", "--user", "ash", "--engine", "remote"), "by mood alone"),
        (("recommend", "--mood", "sad"), "--user"),
        (("train", "mood"), "--labels"),
        (("train", "mood", "--labels", "no-such.csv"), "no-such.csv cannot be read"),
        (("train", "mood", "--labels", "pyproject.toml"), "no column Artist, Song, Emotion"),
    ],
)
def test_a_wrong_call_exits_with_2(run: Run, arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert result.code == 2
    assert told in result.err


def test_a_mistyped_setting_is_named(run: Run) -> None:
    result = run("status", LAKE__ROOTT="x")
    assert result.code == 2
    assert "LAKE__ROOTT" in result.complaint


def test_help_lists_every_verb(run: Run) -> None:
    told = run("--help")
    assert told.code == 0
    assert all(verb in told.out for verb in VERBS)


def test_a_full_disk_and_memory_are_explained() -> None:
    assert "disk is full" in (explained(OSError(28, "No space left on device")) or "")
    assert "SPARK__DRIVER_MEMORY" in (explained(RuntimeError("java.lang.OutOfMemoryError: heap")) or "")
    assert explained(RuntimeError("something else")) is None


@pytest.mark.spark
def test_a_failed_check_exits_with_1(tmp_path: Path) -> None:
    """The exit code is what a scheduler goes by: a broken check must not look green."""
    plays = tmp_path / "plays.csv"
    plays.write_text("user_id,played_at,artist_name,track_name\nash,2024-01-01T10:00:00Z,A,B\n")
    assert start(tmp_path, "import", "csv", str(plays)).code == 0
    accounts = tmp_path / "lake" / "ops" / "accounts"
    twice = DeltaTable(str(accounts)).to_pyarrow_table()
    write_deltalake(str(accounts), twice, mode="append")
    failed = start(tmp_path, "run", "--as-of", "2024-01-02")
    assert failed.code == 1
    assert "silver.users/duplicate_keys" in failed.out
    assert start(tmp_path, "check", "--as-of", "2024-01-02").code == 1
