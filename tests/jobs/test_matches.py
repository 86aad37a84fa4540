"""Matches told to a person, and what a choice does to them: at once when shown, the same night in the tables."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from jobs.choices import block, set_privacy, unblock
from jobs.matches import PART_WORDS, matches_of, print_explanation, print_matches
from jobs.people import UserSettings, set_users
from jobs.runtime.errors import TooLittleDataError, UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.settings import LakeSettings, Settings
from schemas.gold.user_matches import PARTS
from tests import worlds
from tests.lakes import GOLD, business_rows, import_catalogue, import_plays, run, with_tables_of

NIGHT = date(2026, 10, 1)
TABLES = ("gold.user_match_explanations", "gold.user_matches")
HEARD = {"ash": "aab", "birch": "abbc", "cedar": "acc", "[elm]": "d"}


@pytest.fixture(scope="module")
def world(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three who share artists, each four tracks of an artist many times; and one who shares nothing."""
    folder = tmp_path_factory.mktemp("heard")
    settings = Settings(lake=LakeSettings(root=str(folder / "lake")))
    lake = Lake(spark, settings.lake)
    songs = {
        name: [
            worlds.Song(f"Artist {name}", f"Song {name}{n}", worlds.spotify_id(10 * ord(name) + n), valence=0.2 * n)
            for n in range(4)
        ]
        for name in "abcd"
    }
    first = datetime(2026, 9, 1)  # noqa: DTZ001
    plays = [
        worlds.Play(user, first + timedelta(hours=12 * place + 3 * n), song)
        for user, artists in HEARD.items()
        for place, artist in enumerate(artists)
        for n, song in enumerate(songs[artist])
    ]
    import_catalogue(lake, settings, folder, [song for own in songs.values() for song in own])
    import_plays(lake, settings, folder, plays)
    run(lake, settings, NIGHT)
    return folder / "lake"


@pytest.fixture
def heard(world: Path, lake: Lake, settings: Settings) -> Lake:
    return with_tables_of(world, lake, settings)


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def told(console: Console) -> str:
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def pairs(lake: Lake, table: str) -> set[tuple[str, str]]:
    names = {row["user_id"]: row["user_name"] for row in lake.read("ops.accounts").collect()}
    rows = lake.read(table).select("user_id", "match_user_id").collect()
    return {(names[row[0]], names[row[1]]) for row in rows}


def test_choices_hold_at_once_and_the_same_night_in_both_directions(heard: Lake, settings: Settings) -> None:
    assert set(PART_WORDS) == set(PARTS.names)
    everybody = pairs(heard, TABLES[0])
    assert everybody == {(a, b) for a in ("ash", "birch", "cedar") for b in ("ash", "birch", "cedar") if a != b}

    block(heard, "birch", "ash")
    set_privacy(heard, "cedar", {"is_activity_shown": True})
    assert {m.user_id for m in matches_of(heard, "ash")} == {heard.pseudonym("cedar")}
    with pytest.raises(TooLittleDataError, match="one of the two does not want to meet"):
        print_explanation(heard, "ash", "birch", Console(file=io.StringIO()))
    run(heard, settings, NIGHT, only=GOLD)
    assert [pairs(heard, table) for table in TABLES] == [everybody - {("ash", "birch"), ("birch", "ash")}] * 2
    (first,) = heard.read(TABLES[1]).where(f"user_id = '{heard.pseudonym('ash')}'").collect()
    assert first["rank"] == 1

    unblock(heard, "birch", "ash")
    set_privacy(heard, "cedar", {"is_matched": False})
    run(heard, settings, NIGHT, only=GOLD)
    assert [pairs(heard, table) for table in TABLES] == [{("ash", "birch"), ("birch", "ash")}] * 2
    with pytest.raises(TooLittleDataError, match="cedar wants no matches; `privacy set cedar --matched`"):
        matches_of(heard, "cedar")
    incremental = business_rows(heard, NIGHT)
    run(heard, settings, NIGHT, full=True, only=GOLD)
    assert business_rows(heard, NIGHT) == incremental


def test_matches_and_their_reasons_are_told_or_why_there_are_none(
    heard: Lake, settings: Settings, console: Console
) -> None:
    print_matches(heard, " ash ", console)
    lines = [line.split() for line in told(console).splitlines() if line.endswith("plays  ")]
    assert [line[0] for line in lines] == ["1", "2"]
    assert {line[1] for line in lines} == {heard.pseudonym(name)[:8] for name in ("birch", "cedar")}
    nearest = lines[0][1]
    assert "Little to go by: nobody has 3 artists in common yet." in told(console)
    print_matches(heard, "ash", console, limit=1, min_shared=2)
    assert "1 more, with fewer than 2 artists in common: --min-shared 0 shows them." in told(console)
    narrow = Console(file=io.StringIO(), width=80)
    print_matches(heard, "ash", narrow, min_shared=0)
    assert "…" not in told(narrow)
    for other in ("birch", "cedar"):  # a name does not tell who stands behind a pseudonym
        with pytest.raises(TooLittleDataError, match="not among the 2 matches"):
            print_explanation(heard, "ash", other, console)

    for user in ("ash", "birch"):
        set_privacy(heard, user, {"is_name_shown": True, "is_activity_shown": True})
    set_users(heard, [UserSettings("birch", display_name="[B]", country="DE")])
    run(heard, settings, NIGHT)
    (german,) = [match for match in matches_of(heard, "ash") if match.country == "DE"]
    assert german.who == "[B]"
    print_matches(heard, "ash", console, country="FR")
    assert "None of the nearest listeners is what you asked for." in told(console)
    shown = len(told(console))
    print_matches(heard, "ash", console, country="DE", period="30d")
    assert "[B]" in told(console)[shown:]
    with pytest.raises(UsageError, match="`privacy set cedar --activity`"):
        print_matches(heard, "cedar", console, period="7d")

    shown = len(told(console))
    print_explanation(heard, "ash", "birch", console)
    why = told(console)[shown:]
    assert f"ash and [B]: rank {german.row['rank']}, score {german.row['score']:.3f}, worked out from plays" in why
    assert "Artist a" in why
    assert "Tempo: mostly 120-120 bpm" in why
    assert "New for ash: Artist c" in why
    assert "To talk about Artist a: " in why
    assert "Played last by [B]: Artist c - Song c3 (2026-09-02)" in why
    set_privacy(heard, "birch", {"is_activity_shown": False})
    shown = len(told(console))
    print_explanation(heard, "ash", nearest, console)
    print_explanation(heard, "ash", "2", console)
    assert "Played last" not in told(console)[shown:]

    with pytest.raises(TooLittleDataError, match=r"nobody here listens like \[elm\] yet"):
        print_matches(heard, "[elm]", console)
    for user, other in (("nobody", "ash"), ("ash", "nobody")):
        with pytest.raises(UsageError, match="users list"):
            print_explanation(heard, user, other, console)
    for other in ("[elm]", "7", "ash"):
        with pytest.raises(TooLittleDataError, match="not among the 2 matches"):
            print_explanation(heard, "ash", other, console)
    with pytest.raises(UsageError, match="two capital letters"):
        print_matches(heard, "ash", console, country="de")
    with pytest.raises(UsageError, match="365d, 90d, 30d, 7d"):
        print_matches(heard, "ash", console, period="all")


def test_without_a_night_there_are_no_matches(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    song = worlds.Song("A", "B", None)
    import_plays(lake, settings, tmp_path, [worlds.Play("ash", datetime(2026, 10, 1), song)])  # noqa: DTZ001
    with pytest.raises(TooLittleDataError, match=r"run_ingestion\.py run"):
        matches_of(lake, "ash")
