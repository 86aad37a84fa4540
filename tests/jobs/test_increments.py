"""N incremental runs equal one full rebuild, whatever came in and in whichever order; a night without news is silent.

Seeds are fixed; `make soak` draws more of them.
"""

from __future__ import annotations

import os
import random
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from jobs.choices import block, set_privacy, unblock
from jobs.feedback import say
from jobs.identities import decide_pair, pairs
from jobs.moods import analyze, record
from jobs.people import UserSettings, set_users
from jobs.runtime.errors import TooLittleDataError, UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.settings import LakeSettings, ProfileSettings, RunSettings, Settings
from schemas.vocab import MOODS, VERDICTS
from tests import worlds
from tests.lakes import (
    GOLD,
    NOW,
    SILVER,
    business_rows,
    dead_tracks,
    import_catalogue,
    import_plays,
    run,
    store,
    store_features,
    store_scores,
    versions,
)
from transformations.gold.choices import DEFAULTS

SEEDS = range(int(os.environ.get("MOODLAKE_SEQUENCES", "5")))
USERS = ("ash", "birch", "cedar")
FIRST_PLAY = datetime(2026, 8, 1)  # noqa: DTZ001 (plays are written as naive UTC)
FIRST_NIGHT = date(2026, 10, 1)
OTHER_FEEDS = {
    "spotify_extended": ("bronze.spotify_export_plays", worlds.export_line),
    "spotify_account": ("bronze.spotify_export_plays", worlds.account_line),
    "spotify_api": ("bronze.spotify_plays", worlds.recent_play),
    "listenbrainz": ("bronze.listenbrainz_listens", worlds.listen),
}
ZONES = ("Asia/Tokyo", "America/New_York", "UTC")
OTHER_TITLES = ("{} - 2011 Remaster", "{} (Live)", "{} (A Subtitle)", "{}s Again", "Little {}", "{} Agaim")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """No step falls back to a full build because the world is small."""
    return Settings(lake=LakeSettings(root=str(tmp_path / "lake")), run=RunSettings(full_above_share=1.0))


@pytest.mark.parametrize("seed", SEEDS)
def test_increments_equal_a_rebuild(lake: Lake, settings: Settings, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    songs = worlds.songs(30, seed=seed)
    plays = worlds.plays(songs, users=USERS, first=FIRST_PLAY, days=60, count=150, seed=seed)
    # Over and over, and around the silence that ends a session.
    plays += [replace(p, at=p.at + timedelta(seconds=s)) for p in rng.sample(plays, 25) for s in (205, 400, 1795, 1810)]
    # The same songs as others write them: editions, versions, subtitles, and titles that are nearly alike.
    plays += [_otherwise_titled(p, rng.choice(OTHER_TITLES)) for p in rng.sample(plays, 40)]

    def a_review() -> None:
        waiting = pairs(lake) + pairs(lake, accepted=True)
        for pair in rng.sample(waiting, min(3, len(waiting))):
            decide_pair(lake, pair.review_id, rng.choice(("accept", "reject")))

    def some_plays() -> None:
        import_plays(lake, settings, tmp_path, rng.sample(plays, rng.randrange(1, 60)))

    def some_catalogue() -> None:
        import_catalogue(lake, settings, tmp_path, rng.sample(songs, rng.randrange(5, 30)))

    def somebody() -> str:
        return rng.choice(sorted(row["user_name"] for row in lake.read("ops.accounts").collect()))

    def a_time_zone() -> None:
        set_users(lake, [UserSettings(somebody(), time_zone=rng.choice(ZONES))])

    def some_of_services() -> None:
        for user in rng.sample(USERS, 2):
            heard = [play for play in rng.sample(plays, 20) if play.user == user]
            scrobbles = [worlds.scrobble(p, loved=rng.random() < 0.5, album=rng.choice("xyz")) for p in heard]
            loved = [worlds.scrobble(p, loved=True, album="") for p in rng.sample(plays, 5)]
            of_user = {"user_id": lake.pseudonym(user)}
            store(lake, "bronze.lastfm_scrobbles", "lastfm", scrobbles, **of_user)
            store(lake, "bronze.spotify_plays", "spotify_api", [worlds.recent_play(p) for p in heard[:5]], **of_user)
            store(lake, "bronze.lastfm_loved_tracks", "lastfm", loved, snapshot=True, **of_user)
        for song in rng.sample([song for song in songs if song.spotify_id], 2):
            asked = {"track_key": str(song.spotify_id)}
            features = {"valence": rng.random(), "energy": rng.random(), "key": -1}
            store(lake, "bronze.spotify_tracks", "spotify", [worlds.spotify_track(song)], **asked)
            store(lake, "bronze.audio_features", rng.choice(("spotify", "reccobeats")), [features], **asked)

        for song in rng.sample(songs, 2):
            of_beatport = worlds.beatport_track(song, bpm=rng.randrange(90, 180))
            store(lake, "bronze.beatport_tracks", "beatport", [of_beatport])

    def some_lyrics() -> None:
        heard = lake.read("silver.track_identities").select("song_key").distinct().collect()
        keys = sorted(row["song_key"] for row in heard) or ["of a song that nobody heard yet"]
        for key in rng.sample(keys, min(5, len(keys))):
            scored = {"track_key": key, "lyrics_hash": str(rng.random()), "_source": rng.choice(("ai", "local"))}
            shares = [rng.random() for _ in MOODS]
            moods = dict.fromkeys(MOODS) if rng.random() < 0.3 else dict(zip(MOODS, shares, strict=True))
            total = sum(shares)
            store_scores(lake, scored | {mood: share and share / total for mood, share in moods.items()})

    def some_through_another_feed() -> None:
        """Mostly plays that other feeds have too, by clocks of their own; the API's stamps move between runs."""
        for user in USERS:
            feed, (table, told) = rng.choice(sorted(OTHER_FEEDS.items()))
            heard = [play for play in rng.sample(plays, 80) if play.user == user]
            records = [told(replace(p, at=p.at + timedelta(seconds=rng.randrange(-50, 200)))) for p in heard]
            if feed == "listenbrainz":  # with ISRCs of other songs, which Spotify's answers may have as well
                for record in records:
                    isrc = worlds.spotify_track(rng.choice(songs[:4]))["external_ids"]["isrc"]
                    record["track_metadata"].setdefault("additional_info", {})["isrc"] = rng.choice((isrc, None))
            store(lake, table, feed, records, run_id=f"run-{rng.randrange(3)}", user_id=lake.pseudonym(user))

    def some_moods() -> None:
        """Reported at any time of the two months, some anew at the same moment, and read from plays."""
        for _ in range(3):
            at = FIRST_PLAY + timedelta(days=7 * rng.randrange(12), hours=22)
            moods = {mood: rng.random() for mood in MOODS}
            record(lake, somebody(), moods, at=at, note=rng.choice((None, "x")), now=NOW)
        with suppress(TooLittleDataError):
            analyze(lake, somebody(), last=rng.randrange(5, 50), now=NOW + timedelta(days=rng.randrange(9)))

    def some_feedback() -> None:
        tracks = sorted(row["track_id"] for row in lake.read("silver.tracks").collect())
        for track in rng.sample(tracks, min(3, len(tracks))):
            say(lake, somebody(), track, rng.choice(VERDICTS))

    def some_choices() -> None:
        set_privacy(lake, somebody(), {rng.choice(sorted(DEFAULTS)): rng.random() < 0.5})
        with suppress(UsageError):  # nobody blocks themselves
            rng.choice((block, unblock))(lake, somebody(), somebody())

    some_plays()
    for night in (FIRST_NIGHT, FIRST_NIGHT + timedelta(days=rng.choice((0, 1, 9)))):
        choice = (
            some_plays,
            some_moods,
            some_feedback,
            some_choices,
            some_through_another_feed,
            some_catalogue,
            a_time_zone,
            some_of_services,
            some_lyrics,
            a_review,
        )
        for news in rng.sample(choice, rng.choice((1, 2, 3))):
            news()
        run(lake, settings, night)

    incremental, before = business_rows(lake, night), versions(lake)
    assert dead_tracks(lake) == {}

    again = run(lake, settings, night)
    assert versions(lake) == before
    assert [outcome.tables for outcome in again] == [[], []]

    run(lake, settings, night, full=True)
    rebuilt = business_rows(lake, night)
    assert incremental.keys() == rebuilt.keys()
    for table, rows in rebuilt.items():
        assert incremental[table] == rows, table


def _otherwise_titled(play: worlds.Play, title: str) -> worlds.Play:
    return replace(play, song=replace(play.song, title=title.format(play.song.title)))


def test_another_half_life_builds_the_profiles_anew_once(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    songs = [
        worlds.Song("A", n, worlds.spotify_id(i), valence=v, energy=v)
        for i, (n, v) in enumerate((("x", 0.9), ("y", 0.1)))
    ]
    days = [datetime(2026, 10, 1), datetime(2026, 9, 17)]  # noqa: DTZ001
    import_catalogue(lake, settings, tmp_path, songs)
    plays = [
        worlds.Play("ash", day + timedelta(minutes=10 * n), song)
        for song, day in zip(songs, days, strict=True)
        for n in range(10)
    ]
    import_plays(lake, settings, tmp_path, plays)
    run(lake, settings, FIRST_NIGHT)

    def happy() -> float:
        (row,) = lake.read("gold.user_mood_profiles").where("period = 'current'").collect()
        return float(row["happy"])

    by_a_week = happy()
    slower = settings.model_copy(update={"profile": ProfileSettings(current_half_life_days=14)})
    (gold,) = run(lake, slower, FIRST_NIGHT, only=GOLD)
    reason = "current_half_life_days is 14, the table was built by 7"
    assert f"gold.user_mood_profiles in full: {reason}" in gold.messages
    assert happy() < by_a_week
    assert [outcome.tables for outcome in run(lake, slower, FIRST_NIGHT, only=GOLD)] == [[]]


def test_a_drift_moves_features_when_its_correction_does_and_else_leaves_them(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    songs = [worlds.Song(f"A{n}", f"T{n}", worlds.spotify_id(n), valence=0.4) for n in range(60)]
    import_catalogue(lake, settings, tmp_path, songs)
    import_plays(lake, settings, tmp_path, [worlds.Play("ash", datetime(2026, 9, 1), songs[0])])  # noqa: DTZ001

    def answered(first: int, end: int) -> None:
        answers = {str(song.spotify_id): {"valence": 0.6, "energy": song.energy} for song in songs[first:end]}
        store_features(lake, "reccobeats", answers)

    def valence_and_drift() -> tuple[float, str, int]:
        (row,) = (
            lake.read("silver.track_features")
            .join(lake.read("silver.tracks"), "track_id")
            .where(f"spotify_id = '{songs[0].spotify_id}'")
            .collect()
        )
        (drift,) = lake.read("silver.feature_drifts").where("feature = 'valence'").collect()
        return row["valence"], drift["status"], drift["track_count"]

    answered(0, 1)
    run(lake, settings, FIRST_NIGHT, only=SILVER)
    assert valence_and_drift() == (0.6, "too_few", 1)
    answered(1, 50)
    run(lake, settings, FIRST_NIGHT, only=SILVER)
    assert valence_and_drift() == (pytest.approx(0.4), "corrected", 50)
    before = lake.version("silver.track_features")
    answered(50, 51)
    run(lake, settings, FIRST_NIGHT, only=SILVER)
    assert valence_and_drift() == (pytest.approx(0.4), "corrected", 51)
    assert before is not None
    changed = lake.read_changes("silver.track_features", before + 1, before + 1).select("track_id").distinct().count()
    assert changed == 1, "one more answer moved the features of other tracks"
    incremental = business_rows(lake, FIRST_NIGHT)
    run(lake, settings, FIRST_NIGHT, full=True, only=SILVER)
    assert business_rows(lake, FIRST_NIGHT) == incremental
