"""Which track is meant by what a person types, and the last word on it."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from jobs.feedback import print_said, said_by, say, track_of
from jobs.runtime.errors import UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.settings import LakeSettings, Settings
from tests import worlds
from tests.lakes import SILVER, import_catalogue, import_plays, run, with_tables_of

NIGHT = date(2026, 10, 1)
SPOTIFY_ID = worlds.spotify_id(1)
NOW = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def world(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("heard")
    settings = Settings(lake=LakeSettings(root=str(folder / "lake")))
    lake = Lake(spark, settings.lake)
    songs = [worlds.Song("Björk", "Jóga", SPOTIFY_ID), worlds.Song("A", "Twice", worlds.spotify_id(2))]
    songs += [worlds.Song("A", "Twice", worlds.spotify_id(3)), worlds.Song("A;B", "Twice", worlds.spotify_id(4))]
    import_catalogue(lake, settings, folder, songs)
    heard_only = worlds.Play("ash", datetime(2026, 9, 1), worlds.Song("Z", "Fog", None))  # noqa: DTZ001
    import_plays(lake, settings, folder, [heard_only])
    run(lake, settings, NIGHT, only=SILVER)
    return folder / "lake"


@pytest.fixture
def heard(world: Path, lake: Lake, settings: Settings) -> Lake:
    return with_tables_of(world, lake, settings)


def test_a_track_is_found_by_what_a_person_has_of_it(heard: Lake) -> None:
    (joga,) = heard.read("silver.tracks").where(f"spotify_id = '{SPOTIFY_ID}'").collect()
    for text in (
        SPOTIFY_ID,
        f"spotify:track:{SPOTIFY_ID}",
        f" https://open.spotify.com/intl-de/track/{SPOTIFY_ID}?si=x ",
        joga["track_id"],
        "bjork - Joga",
        "BJÖRK – Jóga (feat. Guest)",
    ):
        found = track_of(heard, text)
        assert (found.track_id, str(found)) == (joga["track_id"], "Björk - Jóga")


def test_every_id_of_a_recording_means_its_track(heard: Lake) -> None:
    one, other = (track_of(heard, worlds.spotify_id(number)) for number in (2, 3))
    assert one == other


def test_what_the_lake_has_not_or_twice_is_told(heard: Lake) -> None:
    for text in ("nothing", "Björk - Hunter", worlds.spotify_id(9), "0" * 32, ""):
        with pytest.raises(UsageError, match="the lake has no track"):
            track_of(heard, text)
    with pytest.raises(UsageError, match=r"several tracks are called so.*; .* A - Twice"):
        track_of(heard, "A - Twice")


def test_the_last_word_is_in_silver_the_next_night(heard: Lake, settings: Settings) -> None:
    def verdicts() -> list[bool]:
        run(heard, settings, NIGHT, only=SILVER)
        return [row["is_liked"] for row in heard.read("silver.track_feedback").collect()]

    words = [("like", True), ("like", False), ("dislike", True)]
    for minute, (verdict, is_news) in enumerate(words):
        assert say(heard, "ash", SPOTIFY_ID, verdict, now=NOW + timedelta(minutes=minute))[1] is is_news
    assert verdicts() == [False]
    assert [(str(track), is_liked) for track, is_liked in said_by(heard, "ash")] == [("Björk - Jóga", False)]
    console = Console(file=io.StringIO(), width=200)
    print_said("ash", said_by(heard, "ash"), console)
    print_said("[birch]", [], console)
    assert console.file.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "ash does not want to hear Björk - Jóga",
        "[birch] said nothing of any track yet.",
    ]
    assert say(heard, "ash", SPOTIFY_ID, "none", now=NOW + timedelta(hours=1))[1] is True
    assert verdicts() == []
    assert said_by(heard, "ash") == []
    assert say(heard, "ash", SPOTIFY_ID, "none", now=NOW + timedelta(hours=2))[1] is False
    assert heard.read("bronze.track_feedback").count() == 3


def test_strangers_and_other_words_are_refused(heard: Lake) -> None:
    with pytest.raises(UsageError, match="users list"):
        say(heard, "nobody", SPOTIFY_ID, "like")
    with pytest.raises(UsageError, match="users list"):
        said_by(heard, "nobody")
    with pytest.raises(UsageError, match="known: like, dislike, none"):
        say(heard, "ash", SPOTIFY_ID, "love")
    assert not heard.exists("bronze.track_feedback")
