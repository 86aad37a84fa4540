"""What a change of the catalogue makes the identities decide anew, and nothing else."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
import structlog

from jobs.runtime.lake import Lake
from jobs.runtime.logs import configure_logs
from jobs.runtime.settings import LakeSettings, LogSettings, RunSettings, Settings
from tests import worlds
from tests.lakes import SILVER, import_catalogue, import_plays, run

FIRST_NIGHT = date(2026, 10, 1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """No step falls back to a full build because the world is small."""
    return Settings(lake=LakeSettings(root=str(tmp_path / "lake")), run=RunSettings(full_above_share=1.0))


def test_a_new_catalogue_artist_decides_only_its_block_anew(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    heard = [worlds.Song(f"Artist {n}", "Song", None) for n in range(12)] + [
        worlds.Song("Cristian Castro", "Azul", None)
    ]
    day = datetime(2026, 9, 1)  # noqa: DTZ001
    import_plays(lake, settings, tmp_path, [worlds.Play("ash", day, song) for song in heard])
    run(lake, settings, FIRST_NIGHT, only=SILVER)
    import_catalogue(lake, settings, tmp_path, [worlds.Song("Christian Castro", "Azul", worlds.spotify_id(1))])
    configure_logs(LogSettings(level="INFO"))  # tests are quiet, and what is filtered is not captured
    with structlog.testing.capture_logs() as logs:
        run(lake, settings, FIRST_NIGHT, only=SILVER)
    configure_logs(LogSettings(level="ERROR"))
    assert [entry["keys"] for entry in logs if entry["event"] == "decided anew"] == [1]
    methods = {row["artist_name"]: row["match_method"] for row in lake.read("silver.track_identities").collect()}
    assert methods.pop("Cristian Castro") == "letters"
    assert set(methods.values()) == {"none"}
