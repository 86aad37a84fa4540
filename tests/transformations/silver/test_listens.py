"""Plays become listens: repeats collapse, skips and local days are told, silence ends a session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from schemas.silver.listens import CONTRACT
from schemas.silver.plays import CONTRACT as PLAYS
from schemas.silver.track_identities import CONTRACT as TRACK_IDENTITIES
from schemas.silver.tracks import CONTRACT as TRACKS
from schemas.silver.user_loved_tracks import CONTRACT as USER_LOVED_TRACKS
from schemas.silver.users import CONTRACT as USERS
from tests.rows import checked, make_rows
from transformations.silver.listens import build

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
USER_ZONES = {"u1": "UTC", "u2": "America/New_York", "u3": "Asia/Tokyo"}


def play(event_id: str, minutes: float = 0, **given: Any) -> dict[str, Any]:
    """A play so many minutes after noon, of listener u1 and track t1 unless said otherwise."""
    at = NOON + timedelta(minutes=minutes)
    return {"event_id": event_id, "event_at": at, "user_id": "u1", "source_track_key": "k1", **given}


def built(
    spark: SparkSession,
    *plays: dict[str, Any],
    track_ms: int | None = None,
    loved: tuple[tuple[str, str, str], ...] = (),
) -> DataFrame:
    feeds = ("spotify_extended", "csv:diary", "lastfm")
    identities = [{"source": feed, "source_track_key": f"k{n}", "track_id": f"t{n}"} for feed in feeds for n in (1, 2)]
    return build(
        plays=make_rows(spark, PLAYS, *plays),
        track_identities=make_rows(spark, TRACK_IDENTITIES, *identities),
        tracks=make_rows(spark, TRACKS, {"track_id": "t1", "duration_ms": track_ms}, {"track_id": "t2"}),
        users=make_rows(spark, USERS, *({"user_id": u, "time_zone": zone} for u, zone in USER_ZONES.items())),
        user_loved_tracks=make_rows(
            spark,
            USER_LOVED_TRACKS,
            *({"user_id": user, "artist_name": artist, "track_name": title} for user, artist, title in loved),
        ),
    )


def listens(spark: SparkSession, *plays: dict[str, Any], track_ms: int | None = None) -> list[dict[str, Any]]:
    return checked(built(spark, *plays, track_ms=track_ms), CONTRACT)


def test_a_play_is_a_listen_with_its_track(spark: SparkSession) -> None:
    (listen,) = listens(spark, play("e1", ms_played=200_000, album_name="LP", is_loved=True), track_ms=210_000)
    shown = ("listen_id", "track_id", "played_at", "album_name", "ms_played", "duration_ms", "is_loved", "session_id")
    assert tuple(listen[name] for name in shown) == (
        "e1",
        "t1",
        "2024-01-01 12:00:00",
        "LP",
        200_000,
        210_000,
        True,
        "e1",
    )
    assert (listen["merged_sources"], listen["record_count"], listen["is_skipped"]) == (["spotify_extended"], 1, False)


def test_no_plays_give_no_listens(spark: SparkSession) -> None:
    assert listens(spark) == []


def test_records_alike_collapse_to_the_smallest_id_and_are_counted(spark: SparkSession) -> None:
    other = {"u": play("e5", user_id="u2"), "feed": play("e6", source="csv:diary"), "title": play("e7", track_name="x")}
    got = listens(spark, play("e3"), play("e2"), play("e4", ms_played=1), *other.values(), play("e8", 1))
    assert [(listen["listen_id"], listen["record_count"]) for listen in got] == [
        ("e2", 3),
        ("e5", 1),
        ("e6", 1),
        ("e7", 1),
        ("e8", 1),
    ]


def test_skipped_is_under_30_s_or_half_of_a_shorter_track(spark: SparkSession) -> None:
    # (ms played, length of the track) to is_skipped
    cases = {
        (29_999, 200_000): True,
        (30_000, 200_000): False,
        (19_999, 40_000): True,
        (20_000, 40_000): False,
        (0, 200_000): True,
        (29_999, None): True,
        (30_000, None): False,
        (None, 200_000): None,
        (None, None): None,
    }
    plays = [play(f"e{n}", n, ms_played=ms, duration_ms=length) for n, (ms, length) in enumerate(cases)]
    assert [listen["is_skipped"] for listen in listens(spark, *plays)] == list(cases.values())


def test_the_length_is_the_feeds_else_the_tracks(spark: SparkSession) -> None:
    got = listens(
        spark, play("e1", ms_played=15_000, duration_ms=100_000), play("e2", 1, ms_played=15_000), track_ms=20_000
    )
    assert [(listen["duration_ms"], listen["is_skipped"]) for listen in got] == [(100_000, True), (20_000, False)]


def test_thirty_minutes_of_silence_after_the_end_begin_a_session(spark: SparkSession) -> None:
    plays = (
        play("a1", 0, ms_played=600_000),  # ends at 10
        play("a2", 39.9),
        play("b1", 70),  # a2 is of unknown length: 30.1 minutes after its start
        play("b2", 71, ms_played=3_600_000),  # ends at 131
        play("b3", 160),
        play("z1", 39, user_id="u2"),  # another listener, another session
    )
    sessions = {listen["listen_id"]: listen["session_id"] for listen in listens(spark, *plays)}
    assert sessions == {"a1": "a1", "a2": "a1", "b1": "b1", "b2": "b1", "b3": "b1", "z1": "z1"}


def test_a_session_spans_feeds_and_days(spark: SparkSession) -> None:
    got = listens(spark, play("e1", 11.9 * 60), play("e2", 12.2 * 60, source="csv:diary"))
    assert {listen["session_id"] for listen in got} == {"e1"}
    assert len({listen["listen_date"] for listen in got}) == 2


def test_overlapping_plays_are_no_silence(spark: SparkSession) -> None:
    got = listens(spark, play("e1", 0, ms_played=3_600_000), play("e2", 5, ms_played=60_000))
    assert {listen["session_id"] for listen in got} == {"e1"}


def test_a_long_play_that_spans_a_short_one_is_no_silence(spark: SparkSession) -> None:
    mix, scrobble, after = play("e1", 0, ms_played=3_600_000), play("e2", 5, source="csv:diary"), play("e3", 60)
    assert {listen["session_id"] for listen in listens(spark, mix, scrobble, after)} == {"e1"}


def test_a_day_is_the_listeners_own(spark: SparkSession) -> None:
    late = datetime(2024, 3, 10, 23, 30, tzinfo=UTC)
    early = datetime(2024, 3, 10, 3, 30, tzinfo=UTC)
    plays = [play(f"{u}-{n}", user_id=u, event_at=at) for u in USER_ZONES for n, at in enumerate((early, late))]
    assert {listen["listen_id"]: str(listen["listen_date"]) for listen in listens(spark, *plays)} == {
        "u1-0": "2024-03-10",
        "u1-1": "2024-03-10",
        "u2-0": "2024-03-09",
        "u2-1": "2024-03-10",
        "u3-0": "2024-03-10",
        "u3-1": "2024-03-11",
    }


def test_the_list_of_loved_tracks_decides_and_where_it_is_silent_the_record(spark: SparkSession) -> None:
    song = {"source": "lastfm", "artist_name": "Björk", "track_name": "Jóga"}
    plays = (
        play("e1", 0, **song, is_loved=False),
        play("e2", 1, **song),
        play("e3", 2, **{**song, "track_name": "joga"}, is_loved=True),
        play("e4", 3, **{**song, "artist_name": "Bjork"}, is_loved=False),
        play("e5", 4, **{**song, "user_id": "u2"}),
        play("e6", 5, **{**song, "source": "csv:diary"}),
    )
    got = checked(built(spark, *plays, loved=(("u1", "Björk", "Jóga"), ("u1", "Nobody", "Jóga"))), CONTRACT)
    assert [listen["is_loved"] for listen in got] == [True, True, True, False, None, None]


def test_of_records_that_differ_one_that_says_yes_is_enough(spark: SparkSession) -> None:
    plays = (
        play("e1", is_loved=False, is_streamable=None),
        play("e2", is_loved=True, is_streamable=False),
        play("e3", is_loved=None, is_streamable=True),
        play("f1", 1, is_loved=None, is_streamable=False),
        play("f2", 1, is_loved=False, is_streamable=None),
    )
    got = listens(spark, *plays)
    assert [(listen["is_loved"], listen["is_streamable"]) for listen in got] == [(True, True), (False, False)]


def test_the_order_of_records_does_not_matter(spark: SparkSession) -> None:
    plays = [play(f"e{n}", n % 3, ms_played=n) for n in range(6)]
    assert_df_equality(built(spark, *plays), built(spark, *reversed(plays)), ignore_row_order=True)
