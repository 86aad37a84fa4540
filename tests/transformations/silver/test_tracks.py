"""The catalogue's tracks and those only heard, one row each."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import SparkSession

from schemas.silver.catalogue_tracks import CONTRACT as CATALOGUE_TRACKS
from schemas.silver.pages import PAGE_FIELDS
from schemas.silver.spotify_tracks import CONTRACT as SPOTIFY_TRACKS
from schemas.silver.track_identities import CONTRACT as TRACK_IDENTITIES
from schemas.silver.tracks import CONTRACT
from tests.rows import checked, make_rows
from transformations.silver.tracks import build

A, B = "A" * 22, "B" * 22
OLD, NEW, NEWER = (datetime(year, 1, 1, tzinfo=UTC) for year in (2010, 2020, 2021))
IN_CATALOGUE = {
    "spotify_id": A,
    "track_id": "t1",
    "artist_names": ["Björk", "Guest"],
    "track_name": "Jóga",
    "album_name": "Homogenic",
    "duration_ms": 305_000,
    "genres": ["pop"],
    "popularity": 60,
    "is_representative": True,
    "artist_ids": ["artist-1"],
    "version": None,
    "work_id": "work-1",
}
SHARED = {name: value for name, value in IN_CATALOGUE.items() if name in CONTRACT.names}


def tracks(
    spark: SparkSession,
    catalogue: tuple[dict[str, Any], ...],
    *track_identities: dict[str, Any],
    spotify: tuple[dict[str, Any], ...] = (),
) -> list[dict[str, Any]]:
    rows = build(
        catalogue_tracks=make_rows(spark, CATALOGUE_TRACKS, *catalogue),
        spotify_tracks=make_rows(spark, SPOTIFY_TRACKS, *spotify),
        track_identities=make_rows(spark, TRACK_IDENTITIES, *track_identities),
    )
    return checked(rows, CONTRACT)


def test_a_catalogue_track_is_kept_unheard(spark: SparkSession) -> None:
    (track,) = tracks(spark, (IN_CATALOGUE,))
    assert {name: track[name] for name in SHARED} == SHARED
    assert (track["is_catalogue"], track["spotify_url"]) == (True, f"https://open.spotify.com/track/{A}")


def test_nothing_gives_nothing(spark: SparkSession) -> None:
    assert tracks(spark, ()) == []


def test_keys_of_one_track_do_not_fan_out_and_the_catalogue_names_it(spark: SparkSession) -> None:
    keys = (
        {"track_id": "t1", "artist_name": "bjork", "track_name": "joga", "isrc": "GBAWA9700010", "duration_ms": 1},
        {"track_id": "t1", "artist_name": "Bjørk", "track_name": "JOGA", "spotify_id": B, "album_name": "Other"},
    )
    (track,) = tracks(spark, (IN_CATALOGUE,), *keys)
    assert {name: track[name] for name in SHARED} == SHARED
    assert track["isrc"] == "GBAWA9700010"


def test_a_heard_only_track_is_kept_under_the_names_of_its_latest_play(spark: SparkSession) -> None:
    old = {
        "track_id": "t2",
        "artist_name": "beatles",
        "track_name": "help",
        "named_at": OLD,
    }
    new = {
        "track_id": "t2",
        "artist_name": "The Beatles",
        "track_name": "Help!",
        "named_at": NEW,
    }
    got = tracks(
        spark, (IN_CATALOGUE,), {**old, "duration_ms": 140_000, "spotify_id": B}, {**new, "album_name": "Help!"}
    )
    assert [track["track_id"] for track in got] == ["t1", "t2"]
    shown = ("artist_names", "track_name", "album_name", "duration_ms", "genres", "is_catalogue", "spotify_id")
    assert tuple(got[1][name] for name in shown) == (["The Beatles"], "Help!", "Help!", 140_000, [], False, B)


def test_a_catalogue_track_without_an_artist_stops_nothing(spark: SparkSession) -> None:
    got = tracks(spark, (IN_CATALOGUE, {"spotify_id": B, "track_id": "t2", "artist_names": []}))
    assert "t1" in [track["track_id"] for track in got]


ANSWER = {
    "track_key": B,
    "track_id": "t2",
    "artist_names": ["The Beatles", "Guest"],
    "artist_urls": ["p1", "p2"],
    "track_name": "Help! - Remastered",
    "album_name": "Help! (Remastered)",
    "release_date": date(1965, 8, 6),
    "duration_ms": 139_000,
    "is_explicit": False,
    "isrc": "GBAYE0601477",
    "album_thumbnail": "c640",
    "album_thumbnail_medium": "c64",
}


def test_spotify_says_more_of_a_heard_track_than_its_plays(spark: SparkSession) -> None:
    heard = {"track_id": "t2", "spotify_id": B, "artist_name": "beatles", "track_name": "help", "isrc": "GBAWA9700010"}
    (track,) = tracks(spark, (), {**heard, "album_name": "x", "duration_ms": 1}, spotify=(ANSWER,))
    assert {name: track[name] for name in ANSWER} == ANSWER
    assert (track["spotify_id"], track["is_catalogue"]) == (B, False)


def test_the_catalogue_comes_before_spotify_which_fills_what_it_lacks(spark: SparkSession) -> None:
    (track,) = tracks(spark, (IN_CATALOGUE,), spotify=({**ANSWER, "track_id": "t1", "track_key": A},))
    assert {name: track[name] for name in SHARED} == SHARED
    filled = ("release_date", "isrc", "artist_urls", "album_thumbnail")
    assert {name: track[name] for name in filled} == {name: ANSWER[name] for name in filled}


def test_an_answer_about_a_track_that_is_gone_makes_none(spark: SparkSession) -> None:
    assert [track["track_id"] for track in tracks(spark, (IN_CATALOGUE,), spotify=(ANSWER,))] == ["t1"]


def test_services_are_asked_by_spotify_id_else_by_isrc(spark: SparkSession) -> None:
    with_isrc = {"track_id": "t2", "isrc": "GBAWA9700010"}
    got = tracks(spark, (IN_CATALOGUE,), {**with_isrc, "track_id": "t1"}, with_isrc, {"track_id": "t3"})
    assert [track["track_key"] for track in got] == [A, "GBAWA9700010", None]


def test_pages_are_of_the_latest_scrobble_and_its_covers_stand_in_for_spotifys(spark: SparkSession) -> None:
    page = dict.fromkeys(PAGE_FIELDS)
    old = {"track_id": "t1", "lastfm": {**page, "url": "old", "extralarge": "x"}, "named_at": OLD}
    new = {"track_id": "t1", "lastfm": {**page, "url": "new", "small": "s", "artist_mbid": "m"}, "named_at": NEW}
    elsewhere = {"track_id": "t1", "named_at": NEWER}
    (track,) = tracks(spark, (IN_CATALOGUE,), old, new, elsewhere)
    shown = ("lastfm_url", "artist_mbids", "album_thumbnail", "album_thumbnail_small", "album_thumbnail_extralarge")
    assert tuple(track[name] for name in shown) == ("new", ["m"], "s", "s", None)
    answer = {**ANSWER, "track_id": "t1", "track_key": A}
    (asked,) = tracks(spark, (IN_CATALOGUE,), new, spotify=(answer,))
    assert (asked["lastfm_url"], asked["album_thumbnail"]) == ("new", "c640")


def test_ids_of_one_recording_are_one_track_with_the_genres_of_all(spark: SparkSession) -> None:
    other = {**IN_CATALOGUE, "spotify_id": B, "is_representative": False, "genres": ["folk", "pop"], "popularity": 80}
    (track,) = tracks(spark, (IN_CATALOGUE, other), {"track_id": "t1", "spotify_id": B})
    assert (track["spotify_id"], track["track_key"], track["genres"]) == (A, A, ["folk", "pop"])
    assert track["popularity"] == 80


def test_a_heard_only_track_keeps_its_version_and_work(spark: SparkSession) -> None:
    heard = {"track_id": "t2", "version": "live", "work_id": "work-1", "artist_id": "artist-2"}
    (track,) = tracks(spark, (), heard)
    assert (track["version"], track["work_id"], track["artist_id"]) == ("live", "work-1", "artist-2")
