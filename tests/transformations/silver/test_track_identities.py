"""Keys are matched by Spotify id, exact names, normalised names; folding plays in batches gives what one pass gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from chispa import assert_df_equality
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from schemas.silver.catalogue_tracks import CONTRACT as CATALOGUE_TRACKS
from schemas.silver.plays import CONTRACT as PLAYS
from schemas.silver.track_identities import CONTRACT
from tests.rows import checked, empty, make_rows
from transformations.silver.track_identities import build

FIRST = datetime(2024, 1, 1, 12, tzinfo=UTC)
A, B, C = "A" * 22, "B" * 22, "C" * 22


def catalogue(spark: SparkSession, *tracks: tuple[str, str, str, int | None]) -> DataFrame:
    """Tracks of (spotify id, artist, title, popularity); their track id is `t-` and the id's first letter."""
    return make_rows(
        spark,
        CATALOGUE_TRACKS,
        *(
            {"spotify_id": i, "track_id": f"t-{i[0]}", "artist_names": [artist], "track_name": title, "popularity": p}
            for i, artist, title, p in tracks
        ),
    )


def heard(spark: SparkSession, *plays: tuple[str, str] | dict[str, Any]) -> DataFrame:
    """Plays of (artist, title), a minute apart, keyed by their names; dicts override columns."""
    rows = []
    for n, play in enumerate(plays):
        named = {} if isinstance(play, dict) else {"artist_name": play[0], "track_name": play[1]}
        key = play.get("source_track_key", f"k{n}") if isinstance(play, dict) else "|".join(play)
        given = play if isinstance(play, dict) else named
        rows.append({"event_at": FIRST + timedelta(minutes=n), "source_track_key": key, **given})
    return make_rows(spark, PLAYS, *rows)


def identities(spark: SparkSession, plays: DataFrame, catalogue_tracks: DataFrame) -> list[dict[str, Any]]:
    rows = build(plays=plays, catalogue_tracks=catalogue_tracks, previous=empty(spark, CONTRACT))
    return checked(rows, CONTRACT)


def test_methods_in_order_with_their_scores(spark: SparkSession) -> None:
    tracks = catalogue(spark, (A, "Johnny Cash", "Hurt", 50), (B, "The Beatles", "Help!", 50), (C, "Björk", "Jóga", 9))
    plays = heard(
        spark,
        {"source_track_key": "1", "spotify_id": A, "artist_name": "Björk", "track_name": "Jóga"},
        {"source_track_key": "2", "artist_name": "johnny cash ", "track_name": "HURT"},
        {"source_track_key": "3", "artist_name": "Beatles", "track_name": "Help - Remastered 2009"},
        {"source_track_key": "4", "artist_name": "Nobody", "track_name": "Hurt"},
        {"source_track_key": "5", "spotify_id": "D" * 22, "artist_name": "Bjork", "track_name": "Joga"},
    )
    got = identities(spark, plays, tracks)
    assert [(row["track_id"], row["match_method"], row["match_score"]) for row in got if row["track_id"][1] == "-"] == [
        ("t-A", "spotify_id", 1.0),
        ("t-A", "exact", 0.98),
        ("t-B", "normalised", 0.95),
        ("t-C", "normalised", 0.95),
    ]
    none = got[3]
    assert (none["match_method"], none["match_score"], none["replaced_by"]) == ("none", 1.0, None)
    assert none["track_id"] == none["own_track_id"]
    for row in (got[1], got[2], got[4]):
        assert row["replaced_by"] == row["track_id"] != row["own_track_id"]


def test_no_plays_give_no_identities(spark: SparkSession) -> None:
    assert identities(spark, empty(spark, PLAYS), catalogue(spark, (A, "a", "b", 1))) == []


def test_an_empty_catalogue_leaves_all_heard_only_and_one_track_a_normalised_name(spark: SparkSession) -> None:
    plays = heard(spark, ("The Beatles", "Help!"), ("beatles", "help"), ("Beatles", "Help! - Live"))
    got = identities(spark, plays, empty(spark, CATALOGUE_TRACKS))
    assert {row["match_method"] for row in got} == {"none"}
    assert len({row["track_id"] for row in got}) == 2


def test_the_most_popular_candidate_wins_then_the_first_id_and_keys_never_fan_out(spark: SparkSession) -> None:
    tracks = catalogue(
        spark, (A, "x", "Song", None), (B, "x", "Song", 3), (C, "x", "Song", 60), ("D" * 22, "x", "Song", 60)
    )
    (row,) = identities(spark, heard(spark, ("x", "Song"), ("x", "Song")), tracks)
    assert (row["track_id"], row["named_at"]) == ("t-C", "2024-01-01 12:01:00")


def test_the_main_artist_is_matched(spark: SparkSession) -> None:
    tracks = make_rows(
        spark,
        CATALOGUE_TRACKS,
        {"spotify_id": A, "track_id": "t-A", "artist_names": ["Main", "Guest"], "track_name": "Song"},
    )
    got = identities(spark, heard(spark, ("Main", "Song"), ("Guest", "Song")), tracks)
    assert {row["artist_name"]: row["match_method"] for row in got} == {"Main": "exact", "Guest": "none"}


def test_feeds_keep_their_own_keys(spark: SparkSession) -> None:
    one = {"source_track_key": "k", "artist_name": "x", "track_name": "y"}
    got = identities(
        spark, heard(spark, {**one, "source": "csv:a"}, {**one, "source": "csv:b"}), empty(spark, CATALOGUE_TRACKS)
    )
    assert [row["source"] for row in got] == ["csv:a", "csv:b"]
    assert got[0]["track_id"] == got[1]["track_id"]


def test_a_heard_only_key_found_later_is_replaced_and_keeps_its_own_id(spark: SparkSession) -> None:
    before = build(
        plays=heard(spark, ("x", "Song")),
        catalogue_tracks=empty(spark, CATALOGUE_TRACKS),
        previous=empty(spark, CONTRACT),
    )
    after = build(plays=empty(spark, PLAYS), catalogue_tracks=catalogue(spark, (A, "X", "Song", 1)), previous=before)
    (old,), (new,) = checked(before, CONTRACT), checked(after, CONTRACT)
    assert (old["match_method"], old["replaced_by"]) == ("none", None)
    assert (new["match_method"], new["replaced_by"], new["track_id"]) == ("exact", "t-A", "t-A")
    assert new["own_track_id"] == old["own_track_id"] == old["track_id"]


def test_a_fold_in_any_order_equals_one_pass(spark: SparkSession) -> None:
    tracks = catalogue(spark, (A, "x", "Song", 1), (B, "x", "Other", 1))
    plays = heard(
        spark,
        {"source_track_key": "k", "artist_name": "x", "track_name": "Song", "isrc": "GBAWA9700010"},
        {"source_track_key": "k", "artist_name": "x", "track_name": "Other", "album_name": "LP"},
        # Two plays at one moment that disagree, so that a tie has to be broken.
        {
            "event_id": "0",
            "source_track_key": "k",
            "artist_name": "x",
            "track_name": "Zither",
            "event_at": FIRST + timedelta(minutes=1),
        },
        {"source_track_key": "l", "artist_name": "x", "track_name": "Song", "event_at": FIRST},
    ).withColumn("batch", _batch())
    everything = build(plays=plays, catalogue_tracks=tracks, previous=empty(spark, CONTRACT))
    assert {row["track_name"] for row in checked(everything, CONTRACT)} == {"Other", "Song"}
    for order in ((2, 1, 0), (1, 0, 2)):
        folded = empty(spark, CONTRACT)
        for batch in order:
            rows = build(plays=plays.where(f"batch = {batch}"), catalogue_tracks=tracks, previous=folded)
            folded = spark.createDataFrame(rows.collect(), CONTRACT.struct())
        assert_df_equality(folded, everything, ignore_row_order=True, ignore_nullable=True, ignore_metadata=True)


def test_the_same_plays_again_change_nothing(spark: SparkSession) -> None:
    tracks, plays = catalogue(spark, (A, "x", "Song", 1)), heard(spark, ("x", "Song"), ("y", "Song"))
    once = build(plays=plays, catalogue_tracks=tracks, previous=empty(spark, CONTRACT))
    twice = build(plays=plays, catalogue_tracks=tracks, previous=once)
    assert_df_equality(twice, once, ignore_row_order=True, ignore_nullable=True)


def test_a_play_that_comes_again_says_what_it_says_now(spark: SparkSession) -> None:
    tracks = empty(spark, CATALOGUE_TRACKS)
    latest = {"event_id": "e2", "source_track_key": "k", "album_name": "Zoo", "event_at": FIRST + timedelta(minutes=1)}
    earlier = {"event_id": "e1", "source_track_key": "k", "album_name": "Early", "event_at": FIRST}
    before = build(
        plays=make_rows(spark, PLAYS, earlier, latest), catalogue_tracks=tracks, previous=empty(spark, CONTRACT)
    )
    again = make_rows(spark, PLAYS, {**latest, "album_name": None}, {**earlier, "album_name": "Other"})
    (row,) = checked(build(plays=again, catalogue_tracks=tracks, previous=before), CONTRACT)
    assert (row["album_name"], row["named_event_id"]) == (None, "e2")


def test_a_catalogue_track_without_an_artist_stops_nothing(spark: SparkSession) -> None:
    tracks = make_rows(spark, CATALOGUE_TRACKS, {"spotify_id": A, "artist_names": []})
    assert len(identities(spark, heard(spark, ("x", "Song")), tracks)) == 1


def _batch() -> Column:
    first = F.when(F.col("track_name") == "Other", 0).when(F.col("track_name") == "Zither", 1)
    return first.otherwise(2)


def test_a_song_is_known_by_its_names_however_written_and_whatever_the_edition(spark: SparkSession) -> None:
    plays = heard(
        spark,
        ("The Beatles", "Help!"),
        ("beatles", "Help - Remastered 2009"),
        ("Beatles", "Help (Deluxe Edition)"),
        ("Beatles", "Help - Live"),
        ("Others", "Help!"),
    )
    keys = [row["song_key"] for row in identities(spark, plays, empty(spark, CATALOGUE_TRACKS))]
    assert len(set(keys)) == 3
    assert sorted(keys.count(key) for key in keys) == [1, 1, 3, 3, 3]
