"""Moods by name: what is stored of a report, what the latest plays sound like, and what a person is told."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from jobs.moods import (
    added_up,
    analyze,
    given_moods,
    print_current,
    print_recorded,
    print_statistics,
    record,
)
from jobs.people import UserSettings, set_users
from jobs.runtime.errors import TooLittleDataError, UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.settings import LakeSettings, Settings
from schemas.vocab import MOODS
from tests import worlds
from tests.lakes import import_catalogue, import_plays, run, with_tables_of

NOW = datetime(2026, 10, 1, 20, 15, 30, 500, tzinfo=UTC)
NIGHT = date(2026, 10, 1)


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


@pytest.fixture(scope="module")
def world(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ash heard a happy song 12 times on Thursday evening and a sad one twice, an unknown one last; birch one song."""
    folder = tmp_path_factory.mktemp("heard")
    settings = Settings(lake=LakeSettings(root=str(folder / "lake")))
    lake = Lake(spark, settings.lake)
    happy = worlds.Song("A", "Sun", worlds.spotify_id(1), valence=0.95, energy=0.8)
    sad = worlds.Song("A", "Rain", worlds.spotify_id(2), valence=0.05, energy=0.1)
    unknown = worlds.Song("Z", "Fog", None)
    evening = datetime(2026, 10, 1, 18)  # noqa: DTZ001
    songs = [sad] * 2 + [happy] * 12 + [unknown] * 3
    plays = [worlds.Play("ash", evening + timedelta(minutes=5 * n), song) for n, song in enumerate(songs)]
    plays += [worlds.Play("ash", evening + timedelta(minutes=100), sad, 5_000), worlds.Play("birch", evening, sad)]
    import_catalogue(lake, settings, folder, [happy, sad])
    import_plays(lake, settings, folder, plays)
    run(lake, settings, NIGHT)
    return folder / "lake"


@pytest.fixture
def heard(world: Path, lake: Lake, settings: Settings) -> Lake:
    return with_tables_of(world, lake, settings)


def told(console: Console) -> str:
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def entry(lake: Lake) -> Any:
    (row,) = lake.read("bronze.mood_entries").collect()
    return row


@pytest.mark.parametrize(
    ("moods", "complaint"),
    [
        ({}, "at least one"),
        ({"happy": 0.0}, "at least one"),
        ({"sad": 1.1}, "from 0 to 1"),
        ({"sad": -0.1}, "from 0 to 1"),
        ({"sad": float("nan")}, "from 0 to 1"),
    ],
)
def test_moods_are_numbers_from_0_to_1_and_not_all_0(moods: dict[str, float], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        given_moods(moods)


def test_what_is_not_said_is_0() -> None:
    assert given_moods({"sad": 0.4, "happy": None}) == {"happy": 0.0, "angry": 0.0, "sad": 0.4, "relaxed": 0.0}


def test_hours_are_added_up_to_shares() -> None:
    hour = {"listen_count": 2, "mood_listen_count": 1, "entry_count": 0, **dict.fromkeys(MOODS, 0)}
    row = added_up([hour, {**hour, "happy": 3_000_000}, {**hour, "sad": 1_000_000, "entry_count": 1}])
    assert (row["listen_count"], row["entry_count"], row["happy"], row["sad"]) == (6, 1, 0.75, 0.25)
    assert {added_up([])[mood] for mood in MOODS} == {None}


def test_a_report_is_stored_once_and_corrected_by_its_moment(heard: Lake, console: Console) -> None:
    first = record(heard, " ash ", {"happy": 0.6, "relaxed": 0.3}, note=" first snow ", now=NOW)
    assert first.recorded_at == NOW.replace(microsecond=0)
    assert first.shares == pytest.approx({"happy": 2 / 3, "angry": 0, "sad": 0, "relaxed": 1 / 3})
    row = entry(heard)
    assert (row["user_id"], row["note"], row["_source"]) == (heard.pseudonym("ash"), "first snow", "manual")
    assert "snow" not in row["payload"]

    before = heard.version("bronze.mood_entries")
    again = record(heard, "ash", {"happy": 0.6, "relaxed": 0.3}, note="first snow", at=first.recorded_at, now=NOW)
    assert (again.is_new, heard.version("bronze.mood_entries")) == (False, before)
    corrected = record(heard, "ash", {"sad": 1}, at=first.recorded_at, now=NOW)
    assert (corrected.is_new, entry(heard)["note"]) == (True, None)
    print_recorded(first, "[ash]", console)
    print_recorded(again, "ash", console)
    assert told(console).splitlines() == [
        "[ash] at 2026-10-01T20:15:30Z: happy 67%, relaxed 33%",
        "ash at 2026-10-01T20:15:30Z: happy 67%, relaxed 33% (as it stood already)",
    ]


def test_a_moment_without_an_offset_is_the_listeners(heard: Lake) -> None:
    set_users(heard, [UserSettings("ash", time_zone="Asia/Tokyo")])
    local = datetime(2026, 9, 30, 23)  # noqa: DTZ001
    assert record(heard, "ash", {"sad": 1}, at=local, now=NOW).recorded_at == datetime(2026, 9, 30, 14, tzinfo=UTC)
    with_offset = local.replace(tzinfo=timezone(timedelta(hours=1)))
    assert record(heard, "ash", {"sad": 1}, at=with_offset, now=NOW).recorded_at.hour == 22


def test_what_cannot_be_is_refused_and_nothing_is_stored(heard: Lake) -> None:
    set_users(heard, [UserSettings("birch", time_zone="Asia/Tokyo")])
    for user, given, complaint in (
        ("nobody", {}, "users list"),
        ("ash", {"at": NOW + timedelta(minutes=6)}, "a moment that was.* it is 2026-10-01 20:15 in UTC"),
        ("birch", {"at": datetime(1, 1, 1)}, "a moment that was, from 2000 on"),  # noqa: DTZ001
        ("ash", {"at": datetime(1970, 1, 1, tzinfo=UTC)}, "a moment that was"),
        ("ash", {"note": "x" * 2_001}, "2,001 characters"),
    ):
        with pytest.raises(UsageError, match=complaint):
            record(heard, user, {"sad": 1}, now=NOW, **given)
    assert not heard.exists("bronze.mood_entries")


def test_recent_plays_become_an_entry_that_moves_no_mood(heard: Lake, settings: Settings) -> None:
    def moods() -> list[Any]:
        rows = heard.read("gold.user_mood_days").unionByName(
            heard.read("gold.user_mood_profiles").selectExpr(
                "user_id", "as_of_date AS mood_date", *MOODS, "listen_count", "entry_count"
            )
        )
        return sorted(map(str, rows.collect()))

    before = moods()
    latest = analyze(heard, "ash", last=8, now=NOW)
    assert latest.listen_count == 5  # of the eight latest, not skipped, three are unknown
    whole = analyze(heard, "ash", last=50, now=NOW + timedelta(minutes=1))
    assert whole.listen_count == 14
    assert whole.shares["sad"] > latest.shares["sad"]
    assert sum(whole.shares.values()) == pytest.approx(1)
    run(heard, settings, NIGHT)
    rows = heard.read("silver.mood_entries").orderBy("recorded_at").collect()
    assert [(row["origin"], row["listen_count"]) for row in rows] == [("recent_listens", 5), ("recent_listens", 14)]
    assert rows[1]["sad"] == pytest.approx(whole.shares["sad"])
    assert moods() == before


def test_too_few_plays_make_no_entry_and_say_why(heard: Lake) -> None:
    with pytest.raises(
        TooLittleDataError, match="of the last 50 plays the lake has 1, 1 of them with a known mood, and at least 5"
    ):
        analyze(heard, "birch", now=NOW)
    with pytest.raises(TooLittleDataError, match="of the last 3 plays the lake has 3, 0 of them"):
        analyze(heard, "ash", last=3, now=NOW)


def test_current_tells_the_profile_or_why_there_is_none(heard: Lake, settings: Settings, console: Console) -> None:
    print_current(heard, "birch", console)
    assert "Nothing can be said yet: 1 play and 0 reported moods in the last 28 days" in told(console)
    record(heard, "birch", {"angry": 1}, at=NOW, now=NOW)
    print_current(heard, "birch", console)
    waiting = "Not in it yet, until the next night: 1 reported since."
    assert waiting in told(console)
    run(heard, settings, NIGHT)
    print_current(heard, "birch", console)
    assert "Mostly angry, from 1 play and 1 reported mood in the last 28 days. 100% of the plays" in told(console)
    assert told(console).count(waiting) == 1

    set_users(heard, [UserSettings("birch", time_zone="Asia/Tokyo")])  # where it is of a day that the run does not have
    run(heard, settings, NIGHT)
    print_current(heard, "birch", console)
    assert told(console).count(waiting) == 2


def test_statistics_are_by_the_listeners_clock(heard: Lake, settings: Settings, console: Console) -> None:
    set_users(heard, [UserSettings("ash", time_zone="Asia/Tokyo")])
    record(heard, "ash", {"angry": 1}, at=datetime(2026, 9, 28, 8), now=NOW)  # noqa: DTZ001
    run(heard, settings, NIGHT + timedelta(days=1))  # where it is Friday already
    print_statistics(heard, "ash", "all", console)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in told(console).splitlines() if "│" in line]
    by_first = {row[0]: row for row in rows}
    assert by_first["Friday"][5:] == ["17", "0", "happy"]
    assert by_first["Monday"][5:] == ["0", "1", "angry"]
    by_hour = {name: row[5:7] for name, row in by_first.items() if name.endswith(":00")}
    assert by_hour == {"03:00": ["12", "0"], "04:00": ["5", "0"], "08:00": ["0", "1"]}
    assert by_first["all"][5:] == ["17", "1", "angry"]  # what is surely felt outweighs what likely sounds so
    print_statistics(heard, "birch", "7d", console)
    assert "at least 10 plays are needed, a report counts 10" in told(console)


def test_without_a_night_there_is_nothing_to_show(
    lake: Lake, settings: Settings, tmp_path: Path, console: Console
) -> None:
    song = worlds.Song("A", "B", None)
    import_plays(lake, settings, tmp_path, [worlds.Play("ash", datetime(2026, 10, 1), song)])  # noqa: DTZ001
    for show in (lambda: print_current(lake, "ash", console), lambda: print_statistics(lake, "ash", "all", console)):
        with pytest.raises(TooLittleDataError, match=r"run_ingestion\.py run"):
            show()
    with pytest.raises(UsageError, match="users list"):
        print_current(lake, "nobody", console)
