"""The command line called in process: a verb's exit code and what it wrote, with settings as a `.env` gives them."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest
import structlog

from jobs.cli import main
from jobs.runtime.settings import setting_names

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@dataclass(frozen=True)
class Called:
    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line that a failure ends in."""
        (line,) = self.err.strip().splitlines()
        return line


def call(capsys: pytest.CaptureFixture[str], *arguments: str, typed: str | io.TextIOBase = "") -> Called:
    """`run_ingestion.py ARGUMENTS` with `typed` on standard input, which is no terminal."""
    capsys.readouterr()
    source = io.StringIO(typed) if isinstance(typed, str) else typed
    argv = patch.object(sys, "argv", ["run_ingestion.py", *arguments])
    stdin = patch.object(sys, "stdin", source)
    with argv, stdin, _own_logs(), pytest.raises(SystemExit) as ended:
        main()
    written = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return Called(ended.value.code, written.out, written.err)


def clean_machine(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """No settings, proxies, tokens or credentials of Kaggle; a wide terminal."""
    for name in (*setting_names(), *PROXIES, *map(str.upper, PROXIES)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("COLUMNS", "200")
    for service in ("SPOTIFY", "BEATPORT"):
        monkeypatch.setenv(f"{service}_TOKEN_FILE", str(home / f".{service.lower()}_tokens.json"))


@contextmanager
def _own_logs() -> Iterator[None]:
    """A verb sets up logs to the standard error of its test."""
    before = structlog.get_config()
    try:
        yield
    finally:
        structlog.configure(**before)
