"""The sample world gets into a lake by imports and over HTTP, once, and leaves nobody to be asked for."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from jobs.accounts import connections
from jobs.demo import fill_with_sample_world
from jobs.runtime.lake import Lake
from jobs.runtime.settings import Settings
from tests.lakes import SILVER, run


def test_a_small_sample_world(lake: Lake, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "of this machine's owner")
    monkeypatch.setenv("BEATPORT_USERNAME", "this machine's owner")
    told = io.StringIO()

    def fill() -> None:
        console = Console(file=told, width=200)
        fill_with_sample_world(lake, settings, tmp_path / "sample", 7, console, listeners=8, days=20)

    fill()
    assert connections(lake) == []
    assert lake.is_sample
    run(lake, settings, datetime.now(UTC).date())
    sources = {row["source"] for row in lake.read("silver.listens").select("source").distinct().collect()}
    assert "spotify_api" in sources
    assert len(sources) > 3, "exports are missing"
    profiles = lake.read("gold.user_mood_profiles").where("period = 'all' AND status = 'ok'")
    assert profiles.count() > 4

    plays = lake.read("silver.listens").count()
    fill()
    run(lake, settings, datetime.now(UTC).date(), only=SILVER)
    assert lake.read("silver.listens").count() == plays
    assert told.getvalue().count("accounts connected") == 2
