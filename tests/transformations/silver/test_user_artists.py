"""Sums of tracks add up by main artist, each track to one artist."""

from __future__ import annotations

from pyspark.sql import SparkSession

from schemas.silver.tracks import CONTRACT as TRACKS
from schemas.silver.user_artists import CONTRACT
from schemas.silver.user_tracks import CONTRACT as USER_TRACKS
from tests.rows import checked, empty, make_rows
from transformations.silver.user_artists import build

TRACK_ROWS = (
    {"track_id": "t1", "artist_id": "a1", "artist_names": ["bjork", "a2's name"]},
    {"track_id": "t2", "artist_id": "a1", "artist_names": ["Björk"]},
    {"track_id": "t3", "artist_id": "a2", "artist_names": ["Other"]},
    {"track_id": "t4", "artist_id": "a3", "artist_names": ["Unheard"]},
)


def test_tracks_add_up_to_their_main_artist_under_one_spelling(spark: SparkSession) -> None:
    heard = (
        {"user_id": "u1", "track_id": "t1", "listen_count": 2, "skip_count": 1, "ms_played": 10},
        {"user_id": "u1", "track_id": "t2", "listen_count": 3},
        {"user_id": "u1", "track_id": "t3", "listen_count": 4},
        {"user_id": "u2", "track_id": "t2", "listen_count": 5},
    )
    rows = build(user_tracks=make_rows(spark, USER_TRACKS, *heard), tracks=make_rows(spark, TRACKS, *TRACK_ROWS))
    shown = ("user_id", "artist_id", "artist_name", "track_count", "listen_count", "skip_count", "ms_played")
    assert [tuple(row[name] for name in shown) for row in checked(rows, CONTRACT)] == [
        ("u1", "a1", "Björk", 2, 5, 1, 10),
        ("u1", "a2", "Other", 1, 4, 0, None),
        ("u2", "a1", "Björk", 1, 5, 0, None),
    ]


def test_nothing_heard_gives_no_artists(spark: SparkSession) -> None:
    rows = build(user_tracks=empty(spark, USER_TRACKS), tracks=make_rows(spark, TRACKS, *TRACK_ROWS))
    assert checked(rows, CONTRACT) == []
