"""Weights hold hits and obsessions back, the sound is set against the mean listener, every listener has a row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession

from schemas.gold.user_taste_profiles import CONTRACT
from schemas.silver.track_features import CONTRACT as TRACK_FEATURES
from schemas.silver.tracks import CONTRACT as TRACKS
from schemas.silver.user_tracks import CONTRACT as USER_TRACKS
from schemas.silver.users import CONTRACT as USERS
from tests.rows import checked, make_rows
from transformations.gold.user_taste_profiles import MIN_PLAYS, MIN_SOUND_TRACKS, build

LISTENERS = ("ann", "ben", "cid", "dee", "eve")
SOUND = {"valence": 0.5, "energy": 0.5, "danceability": 0.4, "tempo_bpm": 120.0}


def plays(user: str, artist: str, count: int, *, tracks: int = 1, skips: int = 0) -> list[dict[str, Any]]:
    return [
        {"user_id": user, "track_id": f"{artist}-{n}", "listen_count": count + skips, "skip_count": skips}
        for n in range(tracks)
    ]


def profiles(
    spark: SparkSession,
    heard: list[dict[str, Any]],
    *,
    genres: dict[str, list[str]] | None = None,
    sounds: dict[str, dict[str, float]] | None = None,
) -> dict[str, dict[str, Any]]:
    """Profiles of the listeners; a track's artist is what stands before its number."""
    names = sorted({row["track_id"] for row in heard})
    artist = {name: name.rsplit("-", 1)[0] for name in names}
    known = {name: SOUND | (sounds or {}).get(artist[name], {}) for name in names}
    of_names = [
        {
            "track_id": name,
            "track_name": name.upper(),
            "artist_id": artist[name],
            "artist_names": [artist[name].title(), "Guest"],
            "genres": (genres or {}).get(artist[name], []),
        }
        for name in names
    ]
    rows = build(
        user_tracks=make_rows(spark, USER_TRACKS, *heard),
        tracks=make_rows(spark, TRACKS, *of_names),
        track_features=make_rows(spark, TRACK_FEATURES, *({"track_id": n, **known[n]} for n in names)),
        users=make_rows(spark, USERS, *({"user_id": user} for user in LISTENERS)),
    )
    return {row["user_id"]: row for row in checked(rows, CONTRACT)}


def test_a_hit_weighs_less_than_what_is_rare(spark: SparkSession) -> None:
    heard = [row for user in LISTENERS for row in plays(user, "hit", 20)] + plays("ann", "rare", 20)
    ann = profiles(spark, heard)["ann"]
    assert [artist["artist_id"] for artist in ann["top_artists"]] == ["rare", "hit"]
    assert [artist["rank"] for artist in ann["top_artists"]] == [1, 2]
    assert ann["top_artists"][0]["artist_name"] == "Rare"
    assert sum(artist["weight"] for artist in ann["top_artists"]) == pytest.approx(1)
    assert (ann["listen_count"], ann["artist_count"]) == (40, 2)
    assert (ann["top_artists"][0]["track_id"], ann["top_artists"][0]["track_name"]) == ("rare-0", "RARE-0")


def test_an_obsession_does_not_rule(spark: SparkSession) -> None:
    ann = profiles(spark, [*plays("ann", "obsession", 400), *plays("ann", "other", 4)])["ann"]
    weights = {artist["artist_id"]: artist["weight"] for artist in ann["top_artists"]}
    assert weights["obsession"] == pytest.approx(10 * weights["other"], rel=1e-5)


def test_a_play_counts_for_every_genre_of_its_track(spark: SparkSession) -> None:
    heard = [*plays("ann", "one", 9), *plays("ann", "two", 4), *plays("ben", "two", 5)]
    ann = profiles(spark, heard, genres={"one": ["folk", "rock"], "two": ["rock"]})["ann"]
    assert {genre["genre"]: genre["listen_count"] for genre in ann["genres"]} == {"folk": 9, "rock": 13}
    assert ann["genres"][0]["genre"] == "folk"  # rock is everybody's
    assert sum(genre["weight"] for genre in ann["genres"]) == pytest.approx(1)


def test_the_sound_is_set_against_the_mean_listener(spark: SparkSession) -> None:
    heard = [row for user in LISTENERS[:3] for row in plays(user, user, 4, tracks=MIN_SOUND_TRACKS)]
    sounds = {"ann": {"valence": 0.2}, "ben": {"valence": 0.5}, "cid": {"valence": 0.8, "tempo_bpm": 180.0}}
    found = profiles(spark, heard, sounds=sounds)
    sound = {user: {one["feature"]: one for one in found[user]["sound"]} for user in LISTENERS[:3]}
    assert [sound[user]["valence"]["raw"] for user in sound] == pytest.approx([0.2, 0.5, 0.8])
    assert [sound[user]["valence"]["normalised"] for user in sound] == pytest.approx([-(1.5**0.5), 0, 1.5**0.5])
    assert sound["ann"]["energy"]["normalised"] == 0  # all alike
    assert sound["cid"]["tempo_bpm"]["raw"] == 180
    assert sound["cid"]["tempo_bpm"]["normalised"] == pytest.approx(2**0.5)
    assert found["cid"]["tempo"] == {"low_bpm": 180, "high_bpm": 180}
    assert (sound["ann"]["liveness"]["raw"], sound["ann"]["liveness"]["normalised"]) == (None, None)


def test_a_track_heard_more_weighs_more_but_not_as_much_more(spark: SparkSession) -> None:
    heard = [*plays("ann", "often", 16), *plays("ann", "seldom", 1, tracks=MIN_SOUND_TRACKS)]
    found = profiles(spark, heard, sounds={"often": {"valence": 1.0}, "seldom": {"valence": 0.0}})
    valence = next(one for one in found["ann"]["sound"] if one["feature"] == "valence")
    assert valence["raw"] == pytest.approx(4 / 9)


def test_the_middle_half_of_the_plays_says_the_usual_tempos(spark: SparkSession) -> None:
    heard = [*plays("ann", "slow", 1, tracks=4), *plays("ann", "mid", 4, tracks=4), *plays("ann", "fast", 1, tracks=4)]
    tempos = {"slow": 70.0, "mid": 120.0, "fast": 170.0}
    ann = profiles(spark, heard, sounds={name: {"tempo_bpm": tempo} for name, tempo in tempos.items()})["ann"]
    assert ann["tempo"] == {"low_bpm": 107.5, "high_bpm": 132.5}


def test_of_an_artist_the_track_played_most_and_of_all_the_latest(spark: SparkSession) -> None:
    heard = [*plays("ann", "one", 2, tracks=4), *plays("ann", "two", 1), *plays("ann", "skipped", 0, skips=3)]
    heard[2]["listen_count"] = 3
    days = (5, 9, 1, 7, 8, 30)
    for row, day in zip(heard, days, strict=True):
        row["last_played_at"] = datetime(2026, 9, day)  # noqa: DTZ001
    found = profiles(spark, heard)
    ann = found["ann"]
    assert {one["artist_id"]: one["track_id"] for one in ann["top_artists"]} == {"one": "one-2", "two": "two-0"}
    latest = [(one["track_id"], one["artist_name"], one["track_name"]) for one in ann["recent_tracks"]]
    assert latest == [
        (f"{name}", name[:3].title(), name.upper()) for name in ("one-1", "two-0", "one-3", "one-0", "one-2")
    ]
    assert ann["recent_tracks"][0]["last_played_at"].day == 9
    assert found["ben"]["recent_tracks"] == []


def test_every_listener_has_a_row_that_says_why_it_is_thin(spark: SparkSession) -> None:
    heard = [
        *plays("ann", "one", 2, tracks=MIN_SOUND_TRACKS),
        *plays("ben", "one", 1),
        *plays("cid", "one", 0, skips=9),
        *plays("dee", "mute", 2, tracks=MIN_SOUND_TRACKS),
    ]
    found = profiles(spark, heard, sounds={"mute": {"valence": None, "energy": None}})
    assert {user: row["status"] for user, row in found.items()} == {
        "ann": "ok",
        "ben": "too_few_plays",
        "cid": "too_few_plays",
        "dee": "no_features",
        "eve": "too_few_plays",
    }
    assert found["ann"]["listen_count"] == MIN_PLAYS
    assert (found["cid"]["listen_count"], found["cid"]["top_artists"], found["cid"]["sound"]) == (0, [], None)
    assert found["ann"]["tempo"]
    assert found["dee"]["tempo"] is None
    assert len(found["ben"]["top_artists"]) == 1


def test_no_plays_at_all(spark: SparkSession) -> None:
    found = profiles(spark, [])
    assert {row["status"] for row in found.values()} == {"too_few_plays"}
    assert all((row["top_artists"], row["genres"], row["sound"]) == ([], [], None) for row in found.values())
