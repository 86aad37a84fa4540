"""The top 50 of each kind and period, ties in an order that never depends on the input's."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from schemas.gold.listening_stats import CONTRACT
from schemas.silver.tracks import CONTRACT as TRACKS
from schemas.silver.user_track_days import CONTRACT as USER_TRACK_DAYS
from tests.rows import checked, make_rows
from transformations.gold.listening_stats import PERIODS, build

AS_OF = date(2024, 6, 30)
SONGS = (
    {"track_id": "t1", "artist_id": "a1", "artist_names": ["A"], "track_name": "One", "genres": ["pop", "soul"]},
    {"track_id": "t2", "artist_id": "a1", "artist_names": ["A"], "track_name": "Two", "genres": ["pop"]},
    {"track_id": "t3", "artist_id": "a2", "artist_names": ["B"], "track_name": "Three", "genres": []},
)


def day(track: str, plays: int = 1, *, age: int = 0, **given: Any) -> dict[str, Any]:
    """A day of listener u1; its plays are not skipped unless said otherwise."""
    heard = AS_OF - timedelta(days=age)
    return {"user_id": "u1", "track_id": track, "listen_date": heard, "listen_count": plays, "skip_count": 0, **given}


def stats(spark: SparkSession, *days: dict[str, Any], songs: tuple[dict[str, Any], ...] = SONGS) -> DataFrame:
    return build(
        user_track_days=make_rows(spark, USER_TRACK_DAYS, *days),
        tracks=make_rows(spark, TRACKS, *songs),
        as_of_date=AS_OF,
    )


def ranking(rows: list[dict[str, Any]], entity: str, period: str = "all") -> list[tuple[str, int]]:
    """Names and plays in the order of rank, which must run from 1 without a gap."""
    chosen = sorted((r for r in rows if (r["entity"], r["period"]) == (entity, period)), key=lambda r: r["rank"])
    assert [row["rank"] for row in chosen] == list(range(1, len(chosen) + 1))
    return [(row["name"], row["listen_count"]) for row in chosen]


def test_tracks_artists_and_genres_add_up(spark: SparkSession) -> None:
    rows = checked(stats(spark, day("t1", 2), day("t1", 1, age=3), day("t2", 1), day("t3", 9)), CONTRACT)
    for period in PERIODS:
        assert ranking(rows, "track", period) == [("Three", 9), ("One", 3), ("Two", 1)]
        assert ranking(rows, "artist", period) == [("B", 9), ("A", 4)]
    assert ranking(rows, "genre") == [("pop", 4), ("soul", 3)]
    assert ranking(rows, "album") == []
    shown = {(row["entity"], row["entity_id"], row["artist_name"]) for row in rows}
    assert {("track", "t1", "A"), ("artist", "a1", None), ("genre", "pop", None)} <= shown
    assert {row["as_of_date"] for row in rows} == {AS_OF}


def test_an_album_is_an_artists_own(spark: SparkSession) -> None:
    songs = tuple({**song, "album_name": "Greatest Hits"} for song in SONGS)
    rows = checked(stats(spark, day("t1", 2), day("t2", 1), day("t3", 2), songs=songs), CONTRACT)
    albums = [(row["artist_name"], row["listen_count"]) for row in rows if row["entity"] == "album"]
    assert sorted(set(albums)) == [("A", 3), ("B", 2)]


def test_skipped_plays_count_for_time_alone(spark: SparkSession) -> None:
    days = (day("t1", 5, skip_count=4, ms_played=100), day("t2", 2, ms_played=50), day("t3", 3, skip_count=3))
    rows = checked(stats(spark, *days), CONTRACT)
    assert ranking(rows, "track") == [("Two", 2), ("One", 1)]
    assert {row["ms_played"] for row in rows if row["name"] == "One"} == {100}


def test_periods_end_at_their_edges(spark: SparkSession) -> None:
    rows = checked(stats(spark, day("t1", age=7), day("t2", age=6), day("t3", age=-1)), CONTRACT)
    assert ranking(rows, "track", "7d") == [("Two", 1)]
    assert ranking(rows, "track", "30d") == ranking(rows, "track", "all") == [("One", 1), ("Two", 1)]


def test_ties_go_by_time_then_id_and_unknown_time_is_last(spark: SparkSession) -> None:
    days = (day("t1"), day("t2", ms_played=5), day("t3", ms_played=9), day("t4", ms_played=5))
    songs = (*SONGS, {**SONGS[0], "track_id": "t4", "track_name": "Four"})
    rows = checked(stats(spark, *days, songs=songs), CONTRACT)
    assert [name for name, _ in ranking(rows, "track")] == ["Three", "Two", "Four", "One"]


def test_fifty_stay_whatever_the_order_of_rows(spark: SparkSession) -> None:
    songs = tuple({"track_id": f"t{n:02d}", "track_name": f"Song {n:02d}", "genres": []} for n in range(52))
    days = [day(song["track_id"]) for song in songs]
    forth, back = stats(spark, *days, songs=songs), stats(spark, *reversed(days), songs=songs)
    assert [name for name, _ in ranking(checked(forth, CONTRACT), "track")] == [f"Song {n:02d}" for n in range(50)]
    assert_df_equality(forth.where("period = '7d'"), back.where("period = '7d'"), ignore_row_order=True)


def test_listeners_are_ranked_by_themselves(spark: SparkSession) -> None:
    rows = checked(stats(spark, day("t1", 5), day("t2", user_id="u2")), CONTRACT)
    assert {(row["user_id"], row["name"], row["rank"]) for row in rows if row["entity"] == "track"} == {
        ("u1", "One", 1),
        ("u2", "Two", 1),
    }


def test_no_days_give_no_stats(spark: SparkSession) -> None:
    assert checked(stats(spark), CONTRACT) == []
