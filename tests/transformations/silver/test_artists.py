"""An artist's tracks and spellings come together, whatever the order."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

from schemas.silver.artists import CONTRACT
from schemas.silver.track_identities import CONTRACT as TRACK_IDENTITIES
from schemas.silver.tracks import CONTRACT as TRACKS
from tests.rows import checked, make_rows
from transformations.silver.artists import build


def artists(
    spark: SparkSession, tracks: tuple[dict[str, Any], ...], *identities: dict[str, Any]
) -> list[dict[str, Any]]:
    rows = build(
        tracks=make_rows(spark, TRACKS, *tracks), track_identities=make_rows(spark, TRACK_IDENTITIES, *identities)
    )
    return checked(rows, CONTRACT)


def test_tracks_and_spellings_of_an_artist_come_together(spark: SparkSession) -> None:
    catalogue = {"artist_id": "a", "artist_names": ["Björk", "Guest"], "genres": ["pop"], "is_catalogue": True}
    heard = {"artist_id": "a", "artist_names": ["BJÖRK"], "genres": ["folk", "pop"]}
    loud = [{**catalogue, "artist_names": ["BJORK"]}, *[{**heard, "genres": []}] * 3]
    (artist,) = artists(spark, (heard, *loud, catalogue, catalogue), {"artist_id": "a", "artist_name": "bjork"})
    assert artist == {
        "artist_id": "a",
        "artist_name": "Björk",
        "spellings": ["BJORK", "BJÖRK", "Björk", "bjork"],
        "is_catalogue": True,
        "genres": ["folk", "pop"],
        "track_count": 7,
    }


def test_an_artist_that_plays_alone_credit_has_no_track(spark: SparkSession) -> None:
    (artist,) = artists(spark, (), {"artist_id": "a", "artist_name": "Guest", "is_artist_known": True})
    assert (artist["artist_name"], artist["is_catalogue"], artist["track_count"]) == ("Guest", True, 0)


def test_nothing_gives_nothing_and_repeats_do_not_fan_out(spark: SparkSession) -> None:
    assert artists(spark, ()) == []
    twice = {"artist_id": "a", "artist_name": "x"}
    assert len(artists(spark, (), twice, twice)) == 1
