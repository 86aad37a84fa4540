"""Plays become listens: what several feeds saw is one, skips and local days are told, silence ends a session."""

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
    """Key `k1` is of track t1 and named as song s1, `k12` of track t1 and named as s2."""
    feeds = {(play.get("source", "spotify_extended"), play["source_track_key"]) for play in plays}
    identities = [
        {
            "source": feed,
            "source_track_key": key,
            "track_id": f"t{key[1:2]}",
            "song_key": f"s{key[2:3] if key[2:3].isdigit() else key[1:2]}",
        }
        for feed, key in sorted(feeds)
    ]
    return build(
        plays=make_rows(spark, PLAYS, *({"source": "spotify_extended", **play} for play in plays)),
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
    others = (play("e5", user_id="u2"), play("e7", track_name="x"), play("e8", 1))
    got = listens(spark, play("e3"), play("e2"), play("e4", ms_played=1), *others)
    assert [(listen["listen_id"], listen["record_count"]) for listen in got] == [
        ("e2", 3),
        ("e5", 1),
        ("e7", 1),
        ("e8", 1),
    ]
    assert [member["event_id"] for member in got[0]["members"]] == ["e2", "e3", "e4"]
    assert {listen["members"] is None for listen in got[1:]} == {True}


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
        play("e6", 9, **{**song, "source": "csv:diary"}),
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


def seen(event_id: str, feed: str, seconds: float = 0, **given: Any) -> dict[str, Any]:
    """A record of a play of song 1, so many seconds after noon by the clock of its feed; the song lasts 200 s."""
    return play(event_id, seconds / 60, source=feed, artist_name="A", track_name="B", **given)


def groups(spark: SparkSession, *plays: dict[str, Any], track_ms: int | None = 200_000) -> list[str]:
    """The event ids of each listen, run together."""
    got = listens(spark, *plays, track_ms=track_ms)
    return ["".join(member["event_id"] for member in x["members"] or [{"event_id": x["listen_id"]}]) for x in got]


def test_one_play_seen_by_every_feed_is_one_listen_with_the_best_of_each(spark: SparkSession) -> None:
    records = (
        seen("c", "spotify_extended", 0.4, ms_played=199_000, source_track_key="k1-id"),
        seen("b", "spotify_account", -58, ms_played=199_000, source_track_key="k1-x"),
        seen("d", "spotify_api", 199.5, duration_ms=200_500, album_name="LP", source_track_key="k1-id"),
        seen("a", "lastfm", 9, is_loved=True, album_name="L.P.", source_track_key="k1-x"),
        seen("e", "listenbrainz", -3, duration_ms=200_000, source_track_key="k1-y"),
        seen("f", "lastfm_1k", 4, source_track_key="k1-y"),
        seen("g", "csv:other", 21, source_track_key="k1-y"),
    )
    (listen,) = listens(spark, *records)
    shown = ("listen_id", "source", "played_at", "source_track_key", "album_name", "ms_played", "duration_ms")
    assert tuple(listen[name] for name in shown) == (
        "a",
        "spotify_extended",
        "2024-01-01 12:00:00.4",
        "k1-id",
        "LP",
        199_000,
        200_500,
    )
    assert (listen["is_loved"], listen["is_streamable"], listen["record_count"]) == (True, None, 7)
    assert listen["merged_sources"] == sorted(record["source"] for record in records)
    assert [member["event_id"] for member in listen["members"]] == list("abcdefg")
    assert listen["session_id"] == "a"


def test_songs_are_the_same_by_track_or_by_name(spark: SparkSession) -> None:
    ext, scrobble = seen("a", "spotify_extended", ms_played=200_000), seen("b", "lastfm", 3)
    assert groups(spark, ext, scrobble) == ["ab"]
    assert groups(spark, ext, {**scrobble, "source_track_key": "k2"}) == ["a", "b"]
    assert groups(spark, ext, {**scrobble, "source_track_key": "k12"}) == ["ab"]
    assert groups(spark, ext, {**scrobble, "source_track_key": "k21"}) == ["ab"]
    # Named as one song with a track, which another name shares.
    assert groups(
        spark, ext, {**scrobble, "source_track_key": "k21"}, seen("c", "listenbrainz", 1, source_track_key="k23")
    ) == ["abc"]


def test_a_skip_is_told_by_the_length_that_any_feed_knows(spark: SparkSession) -> None:
    knows, does_not = (
        seen("a", "spotify_extended", ms_played=27_000, duration_ms=50_000),
        seen("b", "spotify_account", ms_played=27_000),
    )
    assert groups(spark, knows, does_not, track_ms=None) == ["ab"]
    assert groups(spark, {**knows, "duration_ms": None}, {**does_not, "ms_played": 31_000}, track_ms=None) == ["a", "b"]


def test_the_apis_stamp_may_be_either_end_and_lies_within_the_song(spark: SparkSession) -> None:
    for stamp, expected in ((0, ["ab"]), (200, ["ab"]), (90, ["ab"]), (-130, ["a", "b"]), (420, ["a", "b"])):
        api = seen("b", "spotify_api", stamp, duration_ms=200_000)
        assert groups(spark, seen("a", "lastfm"), api) == expected, stamp
        assert groups(spark, seen("a", "spotify_extended", ms_played=200_000), api) == expected, stamp


def test_repeats_survive_in_their_order(spark: SparkSession) -> None:
    exported = [seen(f"e{n}", "spotify_extended", 201 * n, ms_played=200_000) for n in range(4)]
    api = [seen(f"f{n}", "spotify_api", 201 * n + 200.1) for n in range(4)]
    late = [seen(f"g{n}", "lastfm", 201 * n + 40) for n in range(4)]
    assert groups(spark, *exported, *api, *late) == [f"e{n}f{n}g{n}" for n in range(4)]


def test_of_fewer_repeats_each_goes_to_the_nearest_and_no_two_to_one(spark: SparkSession) -> None:
    exported = [seen(f"e{n}", "spotify_extended", 60 * n, ms_played=59_000) for n in range(4)]
    assert groups(spark, *exported, seen("f", "lastfm", 125)) == ["e0", "e1", "e2f", "e3"]
    assert groups(spark, *exported, seen("f0", "lastfm", 100), seen("f1", "lastfm", 140)) == [
        "e0",
        "e1",
        "e2f0",
        "e3f1",
    ]
    assert groups(spark, *exported, seen("f0", "lastfm", 170), seen("f1", "lastfm", 200)) == [
        "e0",
        "e1",
        "e2f0",
        "e3f1",
    ]


def test_what_was_hardly_heard_is_no_scrobble(spark: SparkSession) -> None:
    skipped, heard = seen("a", "spotify_extended", ms_played=3_000), seen("b", "spotify_extended", 5, ms_played=200_000)
    begun = seen("c", "spotify_extended", 1, ms_played=40_000)
    assert groups(spark, skipped, heard, seen("s", "lastfm", 1)) == ["a", "bs"]
    assert groups(spark, begun, seen("d", "spotify_extended", 43, ms_played=200_000), seen("s", "lastfm", 15)) == [
        "c",
        "ds",
    ]
    account = [seen("x", "spotify_account", -20, ms_played=3_000), seen("y", "spotify_account", -35, ms_played=200_000)]
    assert groups(spark, skipped, heard, *account) == ["ax", "by"]


def test_a_feed_is_not_merged_with_itself(spark: SparkSession) -> None:
    assert groups(spark, seen("a", "lastfm"), seen("b", "lastfm", 3)) == ["a", "b"]
    assert groups(spark, seen("a", "csv:diary"), seen("b", "csv:diary", 3), seen("c", "lastfm", 3)) == ["a", "bc"]


def test_what_the_api_told_again_at_a_later_fetch_is_one_play(spark: SparkSession) -> None:
    first = seen("b", "spotify_api", fetched_in="r1")
    for apart, expected in ((12, ["ab"]), (200, ["ab"]), (100, ["a", "b"]), (201, ["a", "b"])):
        again = seen("a", "spotify_api", apart, fetched_in="r2")
        assert groups(spark, first, again) == expected, apart
        assert groups(spark, first, {**again, "fetched_in": "r1"}) == ["a", "b"], apart
    (listen,) = listens(
        spark, first, seen("a", "spotify_api", 200, fetched_in="r2"), seen("c", "lastfm", 2), track_ms=200_000
    )
    assert (listen["listen_id"], listen["record_count"], listen["source"]) == ("a", 3, "lastfm")


def test_fetches_of_the_api_have_each_their_plays(spark: SparkSession) -> None:
    """A play broken off, then the song twice; the last is of another fetch, and the first was no scrobble."""
    api = [
        seen(event, "spotify_api", at, fetched_in=run)
        for event, at, run in (("a", 60, "r1"), ("b", 261, "r1"), ("c", 462, "r2"))
    ]
    assert groups(spark, *api, seen("l", "lastfm", 61), seen("m", "lastfm", 262)) == ["a", "bl", "cm"]


def test_who_does_not_meet_the_best_stamp_may_meet_another(spark: SparkSession) -> None:
    """Both scrobblers were fed by one clock that was 75 s fast."""
    exported, api = seen("a", "spotify_extended", ms_played=200_000), seen("b", "spotify_api", 200)
    scrobbles = [seen("c", "lastfm", 75), seen("d", "listenbrainz", 75)]
    assert groups(spark, exported, *scrobbles) == ["a", "cd"]
    assert groups(spark, exported, api, *scrobbles) == ["ab", "cd"]


def test_without_any_length_five_minutes_are_taken(spark: SparkSession) -> None:
    scrobble = seen("a", "lastfm")
    assert groups(spark, scrobble, seen("b", "spotify_api", 290), track_ms=None) == ["ab"]
    assert groups(spark, scrobble, seen("b", "spotify_api", 600), track_ms=None) == ["a", "b"]
    assert groups(spark, scrobble, seen("b", "spotify_api", 600, duration_ms=2**63 - 1)) == ["ab"]


def test_nothing_is_merged_over_a_silence(spark: SparkSession) -> None:
    mix = seen("b", "spotify_api", 3_600, duration_ms=3_600_000)
    assert groups(spark, seen("a", "lastfm"), mix) == ["a", "b"]
    (before, _) = listens(spark, seen("a", "lastfm"), mix)
    assert before["session_id"] == "a"


def test_merged_listens_do_not_depend_on_the_order_of_records(spark: SparkSession) -> None:
    feeds = ("spotify_extended", "spotify_api", "lastfm", "listenbrainz", "csv:diary")
    plays = [
        seen(f"e{n}{feed}", feed, 40 * n + 7 * len(feed))
        for n in range(6)
        for feed in feeds
        if (n, feed[0]) != (3, "l")
    ]
    assert_df_equality(built(spark, *plays), built(spark, *reversed(plays)), ignore_row_order=True)
