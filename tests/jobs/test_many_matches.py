"""Matches of many: N nights equal a rebuild with the population pinned, and who leaves stands nowhere any more.

Many are more than four here, cells and lists are small, so that they matter. Seeds are fixed; `make soak` draws more.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.choices import block, set_privacy, unblock
from jobs.runtime.errors import UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.settings import LakeSettings, MatchSettings, RunSettings, Settings
from tests import worlds
from tests.lakes import GOLD, business_rows, import_catalogue, import_plays, run, versions, with_tables_of
from transformations.gold import user_match_explanations
from transformations.ranking import matcher, population

SEEDS = range(int(os.environ.get("MOODLAKE_SEQUENCES", "1")))
TABLES = ("gold.user_match_explanations", "gold.user_matches")
OF_MANY = ("gold.match_model", "gold.match_listeners")
USERS = tuple(f"user {n:02d}" for n in range(16))
NIGHT = date(2026, 10, 1)
FIRST_PLAY = datetime(2026, 8, 1)  # noqa: DTZ001 (plays are written as naive UTC)
LIST = 4
SONGS = worlds.songs(60, seed=5)
LATE = USERS[-2:]


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(population, "CELL_USERS", 4)
        patched.setattr(population, "HUB_USERS", 7)
        for module in (population, matcher):
            patched.setattr(module, "CELLS_OF_USER", 2)
        patched.setattr(user_match_explanations, "TOP", LIST)
        yield


def settings_in(folder: Path) -> Settings:
    """No step falls back to a full build because the world is small, and no growth moves the population."""
    return Settings(
        lake=LakeSettings(root=str(folder / "lake")),
        run=RunSettings(full_above_share=1.0),
        matches=MatchSettings(exact_up_to_users=4, refit_above_growth=5.0),
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture(scope="module")
def plays() -> list[worlds.Play]:
    """Of listeners of two scenes, some of whom share few songs."""
    return [
        play
        for scene in range(2)
        for play in worlds.plays(
            SONGS[25 * scene : 25 * scene + 35],
            users=USERS[scene::2],
            first=FIRST_PLAY,
            days=60,
            count=260,
            seed=scene,
        )
    ]


@pytest.fixture(scope="module")
def world(spark: SparkSession, plays: list[worlds.Play], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night over some plays of all but the last two, and a catalogue that knows most of the songs."""
    folder = tmp_path_factory.mktemp("many")
    settings = settings_in(folder)
    lake = Lake(spark, settings.lake)
    import_catalogue(lake, settings, folder, SONGS)
    early = [play for play in plays if play.user not in LATE]
    import_plays(lake, settings, folder, random.Random(0).sample(early, 300))
    run(lake, settings, NIGHT)
    return folder / "lake"


@pytest.fixture
def many(world: Path, lake: Lake, settings: Settings) -> Lake:
    return with_tables_of(world, lake, settings)


def version(lake: Lake) -> str:
    (row,) = lake.read("gold.match_model").where("kind = 'population'").collect()
    return str(row["id"])


def pairs(lake: Lake) -> set[tuple[str, str]]:
    names = {row["user_id"]: row["user_name"] for row in lake.read("ops.accounts").collect()}
    found = [
        {(names[row[0]], names[row[1]]) for row in lake.read(table).select("user_id", "match_user_id").collect()}
        for table in TABLES
    ]
    assert found[0] == found[1]
    return found[0]


def lists(lake: Lake) -> dict[str, list[dict[str, Any]]]:
    rows = [row.asDict(recursive=True) for row in lake.read("gold.user_matches").orderBy("user_id", "rank").collect()]
    return {user: [row for row in rows if row["user_id"] == user] for user in {row["user_id"] for row in rows}}


def run_in_full(lake: Lake, settings: Settings, night: date, *, only: tuple[str, ...] = ()) -> set[str]:
    """The tables that a night builds in full."""
    messages = [message for outcome in run(lake, settings, night, only=only) for message in outcome.messages]
    return {message.split(" in full: ")[0] for message in messages}


@pytest.mark.parametrize("seed", SEEDS)
def test_nights_equal_a_rebuild(
    many: Lake, settings: Settings, tmp_path: Path, plays: list[worlds.Play], seed: int
) -> None:
    lake, rng = many, random.Random(seed)
    in_full: list[str] = []
    night = NIGHT
    for _ in range(2):
        night += timedelta(days=rng.choice((0, 1)))
        for user in rng.sample(USERS, 3):
            own = [play for play in plays if play.user == user]
            import_plays(lake, settings, tmp_path, rng.sample(own, min(len(own), rng.randrange(1, 12))))
        known = sorted(row["user_name"] for row in lake.read("ops.accounts").collect())
        set_privacy(lake, rng.choice(known), {"is_matched": rng.random() < 0.4})
        set_privacy(lake, rng.choice(known), {"is_activity_shown": rng.random() < 0.7})
        with suppress(UsageError):  # nobody blocks themselves
            rng.choice((block, block, unblock))(lake, rng.choice(known), rng.choice(known))
        in_full += run_in_full(lake, settings, night)

    incremental, before, model = business_rows(lake, night), versions(lake), version(lake)
    for own in lists(lake).values():
        assert [row["rank"] for row in own] == list(range(1, len(own) + 1))
        assert len(own) <= LIST
    assert [outcome.tables for outcome in run(lake, settings, night)] == [[], []]
    assert versions(lake) == before
    run(lake, settings, night, full=True, only=GOLD)
    assert version(lake) == model
    rebuilt = business_rows(lake, night)
    assert incremental.keys() == rebuilt.keys()
    for table, rows in rebuilt.items():
        assert incremental[table] == rows, table
    assert in_full.count("gold.match_model") == in_full.count(TABLES[0]) < 2  # a refit where one of the sample left


def test_choices_hold_the_same_night_and_few_listeners_need_no_model(many: Lake, settings: Settings) -> None:
    lake, settings = many, settings.model_copy(update={"run": RunSettings()})
    everybody, model = pairs(lake), version(lake)
    sample = {row["id"] for row in lake.read("gold.match_model").where("kind = 'listener'").collect()}
    one, other = next(pair for pair in sorted(everybody) if pair[::-1] in everybody)
    out = next(user for user in USERS if lake.pseudonym(user) not in sample and user not in (one, other))
    block(lake, one, other)
    set_privacy(lake, out, {"is_matched": False})
    in_full = run_in_full(lake, settings, NIGHT + timedelta(days=1), only=GOLD)
    assert "gold.user_mood_profiles" in in_full  # all of them have moved with the date, and few of them here
    # Of so few listeners most may have a new rank somewhere: then gold.user_matches is written whole.
    assert not in_full & {*OF_MANY, "gold.user_match_explanations"}
    left = pairs(lake)
    assert not {(one, other), (other, one)} & left
    assert not [pair for pair in left if out in pair]
    full = {user for user, own in lists(lake).items() if len(own) == LIST}
    assert {lake.pseudonym(user) for user in (one, other)} <= full, "who lost a match was not given another"
    assert version(lake) == model

    of_sample = next(user for user in USERS if lake.pseudonym(user) in sample)
    set_privacy(lake, of_sample, {"is_matched": False})
    assert "gold.match_model" in run_in_full(lake, settings, NIGHT + timedelta(days=1), only=GOLD)
    assert version(lake) != model
    named = {row["user_id"] for table in TABLES for row in lake.read(table).collect()}
    named |= {row["id"] for row in lake.read("gold.match_model").collect()}
    assert lake.pseudonym(of_sample) not in named

    few = settings.model_copy(update={"matches": MatchSettings(exact_up_to_users=100)})
    assert TABLES[0] in run_in_full(lake, few, NIGHT + timedelta(days=1), only=GOLD)
    assert [lake.read(table).count() for table in OF_MANY] == [0, 0]
    assert [outcome.tables for outcome in run(lake, few, NIGHT + timedelta(days=1), only=GOLD)] == [[]]


def test_a_population_that_has_grown_is_fitted_anew(
    many: Lake, settings: Settings, tmp_path: Path, plays: list[worlds.Play]
) -> None:
    lake, (one, other) = many, LATE
    by_a_tenth = settings.model_copy(update={"matches": MatchSettings(exact_up_to_users=4, refit_above_growth=0.1)})
    run(lake, by_a_tenth, NIGHT, only=GOLD)
    first = version(lake)
    import_plays(lake, by_a_tenth, tmp_path, [play for play in plays if play.user == one])
    run(lake, by_a_tenth, NIGHT)
    assert version(lake) == first
    assert lake.pseudonym(one) in lists(lake)
    import_plays(lake, by_a_tenth, tmp_path, [play for play in plays if play.user == other])
    _, gold = run(lake, by_a_tenth, NIGHT)
    assert any(m.startswith("gold.match_model in full: 16 listeners are compared") for m in gold.messages)
    assert version(lake) != first
