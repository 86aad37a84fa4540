"""N incremental runs equal one full rebuild, whatever came in and in whichever order; a night without news is silent.

Seeds are fixed; `make soak` draws more of them.
"""

from __future__ import annotations

import os
import random
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from jobs.people import UserSettings, set_users
from jobs.runtime.lake import Lake
from jobs.runtime.settings import LakeSettings, RunSettings, Settings
from tests import worlds
from tests.lakes import business_rows, import_catalogue, import_plays, run, versions

SEEDS = range(int(os.environ.get("MOODLAKE_SEQUENCES", "5")))
USERS = ("ash", "birch", "cedar")
FIRST_PLAY = datetime(2026, 8, 1)  # noqa: DTZ001 (plays are written as naive UTC)
FIRST_NIGHT = date(2026, 10, 1)
ZONES = ("Asia/Tokyo", "America/New_York", "UTC")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """No step falls back to a full build because the world is small."""
    return Settings(lake=LakeSettings(root=str(tmp_path / "lake")), run=RunSettings(full_above_share=1.0))


@pytest.mark.parametrize("seed", SEEDS)
def test_increments_equal_a_rebuild(lake: Lake, settings: Settings, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    songs = worlds.songs(30, seed=seed)
    plays = worlds.plays(songs, users=USERS, first=FIRST_PLAY, days=60, count=150, seed=seed)
    night = FIRST_NIGHT

    def some_plays() -> None:
        import_plays(lake, settings, tmp_path, rng.sample(plays, rng.randrange(1, 60)))

    def some_catalogue() -> None:
        import_catalogue(lake, settings, tmp_path, rng.sample(songs, rng.randrange(5, 30)))

    def a_time_zone() -> None:
        known = {row["user_name"] for row in lake.read("ops.accounts").collect()}
        if known:
            set_users(lake, [UserSettings(rng.choice(sorted(known)), time_zone=rng.choice(ZONES))])

    some_plays()
    for _ in range(2):
        for news in rng.sample((some_plays, some_plays, some_catalogue, a_time_zone), rng.choice((1, 2, 3))):
            news()
        run(lake, settings, night)
        night += timedelta(days=rng.choice((0, 1, 9)))

    run(lake, settings, night)
    incremental, before = business_rows(lake, night), versions(lake)

    again = run(lake, settings, night)
    assert versions(lake) == before
    assert [outcome.tables for outcome in again] == [[], []]

    run(lake, settings, night, full=True)
    rebuilt = business_rows(lake, night)
    assert incremental.keys() == rebuilt.keys()
    for table, rows in rebuilt.items():
        assert incremental[table] == rows, table


def test_a_late_play_is_in_tonights_gold_and_joins_two_sessions(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    song = worlds.Song("A", "B", worlds.spotify_id(1))
    at = datetime(2014, 5, 1, 12)  # noqa: DTZ001
    early, late = worlds.Play("ash", at, song), worlds.Play("ash", at + timedelta(minutes=50), song)
    import_catalogue(lake, settings, tmp_path, [song])
    import_plays(lake, settings, tmp_path, [early, late])
    run(lake, settings, FIRST_NIGHT)
    assert lake.read("silver.listens").select("session_id").distinct().count() == 2

    import_plays(lake, settings, tmp_path, [worlds.Play("ash", at + timedelta(minutes=25), song)])
    run(lake, settings, FIRST_NIGHT)

    assert lake.read("silver.listens").select("session_id").distinct().count() == 1
    (profile,) = lake.read("gold.user_mood_profiles").where("period = 'all'").collect()
    assert profile["listen_count"] == 3


def test_a_heard_track_found_in_a_later_catalogue_moves_everywhere(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    song = worlds.Song("Mía", "Señal (feat. Guest)", worlds.spotify_id(7), valence=0.9, energy=0.9)
    plays = [
        worlds.Play("ash", datetime(2026, 9, 1 + day), worlds.Song("mia", "Senal", None))  # noqa: DTZ001
        for day in range(12)
    ]
    import_plays(lake, settings, tmp_path, plays)
    run(lake, settings, FIRST_NIGHT)
    (heard_only,) = lake.read("silver.tracks").collect()

    import_catalogue(lake, settings, tmp_path, [song])
    run(lake, settings, FIRST_NIGHT)

    (found,) = lake.read("silver.tracks").collect()
    assert found["track_id"] != heard_only["track_id"]
    (identity,) = lake.read("silver.track_identities").collect()
    assert (identity["match_method"], identity["replaced_by"]) == ("normalised", found["track_id"])
    for table in ("silver.listens", "silver.enriched_listens", "silver.user_track_days", "silver.user_tracks"):
        assert {row["track_id"] for row in lake.read(table).collect()} == {found["track_id"]}, table
    (profile,) = lake.read("gold.user_mood_profiles").where("period = 'all'").collect()
    assert (profile["status"], profile["dominant_mood"]) == ("ok", "happy")
