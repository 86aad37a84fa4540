"""Models reach the build by name; a table made by other rules or another model is built in full, and all after it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import plan
from jobs.runtime.errors import ModelError
from jobs.runtime.lake import Lake
from jobs.runtime.models import Models
from jobs.runtime.settings import LakeSettings, ModelSettings, Settings
from schemas.models.mood_sound import MoodSound, read
from tests import worlds
from tests.lakes import SILVER, business_rows, import_catalogue, import_plays, run, with_tables_of

COMMITTED = Path(__file__).resolve().parents[2] / "data" / "models" / "mood_sound.json"
NIGHT = date(2026, 10, 1)
TABLE = "silver.track_moods"


def with_model(folder: Path, model: MoodSound) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "mood_sound.json").write_text(json.dumps({"version": model.version, **model.record()}))


@pytest.fixture
def committed() -> MoodSound:
    return read(json.loads(COMMITTED.read_text(encoding="utf-8")))


# --- reading


def test_the_default_folder_has_every_model_of_the_plan(committed: MoodSound) -> None:
    names = tuple({name for step in plan.STEPS for name in step.models})
    assert Models(ModelSettings()).of(names) == {"mood_sound": committed}


def test_a_missing_a_broken_and_a_changed_model_are_told(tmp_path: Path) -> None:
    def told(folder: Path) -> str:
        with pytest.raises(ModelError) as caught:
            Models(ModelSettings(dir=str(folder))).of(("mood_sound",))
        return str(caught.value)

    assert "mood_sound.json is not in" in told(tmp_path)
    (tmp_path / "mood_sound.json").write_text("{")
    assert "cannot be read" in told(tmp_path)
    changed: dict[str, Any] = json.loads(COMMITTED.read_text(encoding="utf-8"))
    changed["axes"][0]["intercept"] += 1
    (tmp_path / "mood_sound.json").write_text(json.dumps(changed))
    assert "changed by hand" in told(tmp_path)


# --- building


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(COMMITTED, folder)
    return Settings(lake=LakeSettings(root=str(tmp_path / "lake")), model=ModelSettings(dir=str(folder)))


@pytest.fixture(scope="module")
def world(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with a night behind it."""
    folder = tmp_path_factory.mktemp("built")
    settings = Settings(lake=LakeSettings(root=str(folder / "lake")))
    lake = Lake(spark, settings.lake)
    songs = worlds.songs(12, seed=5)
    first = datetime(2026, 9, 1)  # noqa: DTZ001
    import_catalogue(lake, settings, folder, songs)
    plays = worlds.plays(songs, users=("ash", "birch"), first=first, days=20, count=60, seed=5)
    import_plays(lake, settings, folder, plays)
    run(lake, settings, NIGHT)
    return folder / "lake"


@pytest.fixture
def built(world: Path, lake: Lake, settings: Settings) -> Lake:
    return with_tables_of(world, lake, settings)


def test_another_version_of_a_model_builds_its_table_and_what_hangs_on_it_anew(
    built: Lake, settings: Settings, tmp_path: Path, committed: MoodSound
) -> None:
    commit = built.last_commit(TABLE)
    assert commit is not None
    assert commit.models == {"mood_sound": committed.version}
    assert [outcome.tables for outcome in run(built, settings, NIGHT)] == [[], []]

    before = {table: built.version(table) for table in ("silver.track_features", "silver.listens")}
    pleasant, *others = committed.axes
    other = MoodSound(committed.scales, (replace(pleasant, intercept=pleasant.intercept + 1.0), *others))
    with_model(tmp_path / "models", other)
    silver, gold = run(built, settings, NIGHT)

    reason = f"mood_sound is {other.version}, the table was built by {committed.version}"
    assert f"{TABLE} in full: {reason}" in silver.messages
    assert {row["model_version"] for row in built.read(TABLE).collect()} == {other.version}
    assert {table: built.version(table) for table in before} == before
    assert "silver.enriched_listens" in silver.tables
    assert {"gold.user_mood_profiles", "gold.user_mood_days"} <= set(gold.tables)

    incremental = business_rows(built, NIGHT)
    assert [outcome.tables for outcome in run(built, settings, NIGHT)] == [[], []]
    run(built, settings, NIGHT, full=True)
    assert business_rows(built, NIGHT) == incremental


def test_raised_rules_build_the_table_in_full_once(
    built: Lake, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = tuple(replace(step, rules=2) if step.table == "silver.user_tracks" else step for step in plan.STEPS)
    monkeypatch.setattr(plan, "STEPS", steps)
    (silver,) = run(built, settings, NIGHT, only=SILVER)
    assert "silver.user_tracks in full: its rules are 2, the table was built by 1" in silver.messages
    commit = built.last_commit("silver.user_tracks")
    assert commit is not None
    assert commit.rules == 2
    assert [outcome.tables for outcome in run(built, settings, NIGHT, only=SILVER)] == [[]]


def test_a_commit_from_before_rules_and_models_counts_as_rules_1_without_a_model(
    built: Lake, settings: Settings, committed: MoodSound, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = built.version(TABLE)
    log = f"{built.path(TABLE)}/_delta_log/{newest:020d}.json"
    lines = built.files.read_text(log).splitlines()
    for place, line in enumerate(lines):
        if line.startswith('{"commitInfo"'):
            info = json.loads(line)
            told = json.loads(info["commitInfo"]["userMetadata"])
            del told["rules"], told["models"]
            info["commitInfo"]["userMetadata"] = json.dumps(told)
            lines[place] = json.dumps(info, separators=(",", ":"))
    built.files.write_text(log, "\n".join(lines))
    commit = built.last_commit(TABLE)
    assert commit is not None
    assert (commit.rules, commit.models) == (1, {})

    steps = tuple(replace(step, rules=1) if step.table == TABLE else step for step in plan.STEPS)
    monkeypatch.setattr(plan, "STEPS", steps)
    (silver,) = run(built, settings, NIGHT, only=SILVER)
    assert f"{TABLE} in full: mood_sound is {committed.version}, the table was built without it" in silver.messages
    assert not [message for message in silver.messages if message.startswith("silver.tracks in full")]
