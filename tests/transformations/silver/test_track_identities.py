"""Keys are matched by Spotify id, exact names, normalised names; folding plays in batches gives what one pass gives."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chispa import assert_df_equality
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from schemas.ops.identity_reviews import CONTRACT as REVIEWS
from schemas.silver.catalogue_tracks import CONTRACT as CATALOGUE_TRACKS
from schemas.silver.plays import CONTRACT as PLAYS
from schemas.silver.spotify_tracks import CONTRACT as SPOTIFY_TRACKS
from schemas.silver.track_identities import CONTRACT
from tests.rows import checked, empty, make_rows
from transformations.silver.catalogue_tracks import ADDED, recordings
from transformations.silver.track_identities import build, evidence, said

FIRST = datetime(2024, 1, 1, 12, tzinfo=UTC)
A, B, C = "A" * 22, "B" * 22, "C" * 22


def catalogue(spark: SparkSession, *tracks: tuple[str, str, str, int | None]) -> DataFrame:
    """Tracks of (spotify id, artists joined by ;, title, popularity), each of a length of its own; their track id is
    `t-` and the id's first letter."""
    rows = make_rows(
        spark,
        CATALOGUE_TRACKS,
        *(
            {
                "spotify_id": i,
                "artist_names": [name for name in artists.split(";") if name],
                "track_name": title,
                "popularity": p,
                "duration_ms": 100_000 + 10_000 * n,
            }
            for n, (i, artists, title, p) in enumerate(tracks)
        ),
    )
    return recordings(rows.drop(*ADDED)).withColumn("track_id", F.concat(F.lit("t-"), F.left("spotify_id", F.lit(1))))


def heard(spark: SparkSession, *plays: tuple[str, str] | dict[str, Any]) -> DataFrame:
    """Plays of (artist, title), a minute apart, keyed by their names; dicts override columns."""
    rows = []
    for n, play in enumerate(plays):
        named = {} if isinstance(play, dict) else {"artist_name": play[0], "track_name": play[1]}
        key = play.get("source_track_key", f"k{n}") if isinstance(play, dict) else "|".join(play)
        given = play if isinstance(play, dict) else named
        rows.append({"event_at": FIRST + timedelta(minutes=n), "source_track_key": key, **given})
    return make_rows(spark, PLAYS, *rows)


def identities(
    spark: SparkSession, plays: DataFrame, catalogue_tracks: DataFrame, *reviews: tuple[str, str, str]
) -> list[dict[str, Any]]:
    return checked(decided(plays, catalogue_tracks, empty(spark, CONTRACT), *reviews), CONTRACT)


def decided(
    plays: DataFrame,
    catalogue_tracks: DataFrame,
    previous: DataFrame,
    *reviews: tuple[str, str, str],
    answers: Mapping[str, str] | None = None,
) -> DataFrame:
    """The build; reviews are (names id, the catalogue's names id, decision), answers ISRCs by Spotify id."""
    answered = [{"track_key": spotify_id, "isrc": isrc} for spotify_id, isrc in (answers or {}).items()]
    told = [dict(zip(("names_id", "catalogue_names_id", "decision"), review, strict=True)) for review in reviews]
    spotify_tracks = make_rows(plays.sparkSession, SPOTIFY_TRACKS, *answered)
    return build(
        evidence=evidence(said=said(plays=plays), previous=previous, spotify_tracks=spotify_tracks),
        catalogue_tracks=catalogue_tracks,
        spotify_tracks=spotify_tracks,
        identity_reviews=make_rows(plays.sparkSession, REVIEWS, *told),
    )


def refold(*, plays: DataFrame, catalogue_tracks: DataFrame, previous: DataFrame) -> DataFrame:
    return decided(plays, catalogue_tracks, previous)


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


def test_every_artist_is_matched_and_all_as_one(spark: SparkSession) -> None:
    tracks = catalogue(spark, (A, "Main;Guest", "Song", 1))
    names = ("Main", "Guest", "Main & Guest", "Other")
    got = identities(spark, heard(spark, *((name, "Song") for name in names)), tracks)
    assert {row["artist_name"]: row["match_method"] for row in got} == {
        "Main": "exact",
        "Guest": "normalised",
        "Main & Guest": "normalised",
        "Other": "none",
    }


def test_feeds_keep_their_own_keys(spark: SparkSession) -> None:
    one = {"source_track_key": "k", "artist_name": "x", "track_name": "y"}
    got = identities(
        spark, heard(spark, {**one, "source": "csv:a"}, {**one, "source": "csv:b"}), empty(spark, CATALOGUE_TRACKS)
    )
    assert [row["source"] for row in got] == ["csv:a", "csv:b"]
    assert got[0]["track_id"] == got[1]["track_id"]


def test_a_heard_only_key_found_later_is_replaced_and_keeps_its_own_id(spark: SparkSession) -> None:
    before = refold(
        plays=heard(spark, ("x", "Song")),
        catalogue_tracks=empty(spark, CATALOGUE_TRACKS),
        previous=empty(spark, CONTRACT),
    )
    after = refold(plays=empty(spark, PLAYS), catalogue_tracks=catalogue(spark, (A, "X", "Song", 1)), previous=before)
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
    everything = refold(plays=plays, catalogue_tracks=tracks, previous=empty(spark, CONTRACT))
    assert {row["track_name"] for row in checked(everything, CONTRACT)} == {"Other", "Song"}
    for order in ((2, 1, 0), (1, 0, 2)):
        folded = empty(spark, CONTRACT)
        for batch in order:
            rows = refold(plays=plays.where(f"batch = {batch}"), catalogue_tracks=tracks, previous=folded)
            folded = spark.createDataFrame(rows.collect(), CONTRACT.struct())
        assert_df_equality(folded, everything, ignore_row_order=True, ignore_nullable=True, ignore_metadata=True)


def test_the_same_plays_again_change_nothing(spark: SparkSession) -> None:
    tracks, plays = catalogue(spark, (A, "x", "Song", 1)), heard(spark, ("x", "Song"), ("y", "Song"))
    once = refold(plays=plays, catalogue_tracks=tracks, previous=empty(spark, CONTRACT))
    twice = refold(plays=plays, catalogue_tracks=tracks, previous=once)
    assert_df_equality(twice, once, ignore_row_order=True, ignore_nullable=True)


def test_a_play_that_comes_again_says_what_it_says_now(spark: SparkSession) -> None:
    tracks = empty(spark, CATALOGUE_TRACKS)
    latest = {"event_id": "e2", "source_track_key": "k", "album_name": "Zoo", "event_at": FIRST + timedelta(minutes=1)}
    earlier = {"event_id": "e1", "source_track_key": "k", "album_name": "Early", "event_at": FIRST}
    before = refold(
        plays=make_rows(spark, PLAYS, earlier, latest), catalogue_tracks=tracks, previous=empty(spark, CONTRACT)
    )
    again = make_rows(spark, PLAYS, {**latest, "album_name": None}, {**earlier, "album_name": "Other"})
    (row,) = checked(refold(plays=again, catalogue_tracks=tracks, previous=before), CONTRACT)
    assert (row["album_name"], row["named_event_id"]) == (None, "e2")


def test_a_catalogue_track_without_an_artist_stops_nothing(spark: SparkSession) -> None:
    tracks = catalogue(spark, (A, "", "Song", 1))
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


def methods(rows: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    return {row["track_name"]: (row["match_method"], row["track_id"][:3]) for row in rows}


def test_names_that_differ_are_accepted_by_rule(spark: SparkSession) -> None:
    tracks = catalogue(
        spark,
        (A, "The Artists", "Right Here Waiting", 1),
        (B, "The Artists", "Heroes (We Could Be)", 1),
        (C, "The Artists", "She Loves You So Much", 1),
        ("D" * 22, "The Artists", "Nocturnal Waltz No. 2", 1),
        ("E" * 22, "The Artists", "Cemetery Gates", 1),
    )
    titles = (
        "RightHere Waiting",
        "Heroes",
        "Cemetary Gates",
        "He Loves You So Much",
        "Nocturnal Waltz No. 3",
        "Nothing",
    )
    got = methods(identities(spark, heard(spark, *(("Artists", title) for title in titles)), tracks))
    assert got["RightHere Waiting"] == ("letters", "t-A")
    assert got["Heroes"] == ("subtitle", "t-B")
    assert got["Cemetary Gates"] == ("similar", "t-E")
    assert {got[title][0] for title in titles[3:]} == {"artist"}


def test_near_misses_are_kept_for_review(spark: SparkSession) -> None:
    tracks = catalogue(spark, (A, "Artists", "She Loves You So Much", 1), (B, "Artists", "Waltz No. 2", 1))
    near, far = identities(spark, heard(spark, ("Artists", "He Loves You So Much"), ("Artists", "Waltz No. 3")), tracks)
    assert (near["near_track_id"], near["compared_count"], near["near_score"] > 0.9) == ("t-A", 2, True)
    assert (far["near_track_id"], far["near_names_id"], far["near_score"]) == (None, None, None)


def test_a_review_merges_and_splits(spark: SparkSession) -> None:
    tracks = catalogue(spark, (A, "Artists", "She Loves You So Much", 1))
    plays = heard(spark, ("Artists", "He Loves You So Much"), ("Artists", "She Loves You So Much!"))
    near, same = identities(spark, plays, tracks)
    ours = near["near_names_id"]
    assert (same["match_method"], same["names_id"]) == ("normalised", ours)
    accepted, _ = identities(spark, plays, tracks, (near["names_id"], ours, "accept"))
    assert (accepted["match_method"], accepted["track_id"], accepted["near_track_id"]) == ("reviewed", "t-A", None)
    refused, split = identities(spark, plays, tracks, (near["names_id"], ours, "reject"), (ours, ours, "reject"))
    assert (refused["match_method"], refused["near_track_id"]) == ("artist", None)
    assert split["track_id"] == split["own_track_id"] != "t-A"


def test_other_versions_are_linked_with_their_work_and_stay_apart(spark: SparkSession) -> None:
    tracks = catalogue(spark, (A, "Artists", "Hurt", 1), (B, "Artists", "Hurt - Remix", 50))
    titles = ("Hurt (Live)", "Hurt (Karaoke Version)", "Hurt (Cover)", "Hurt - 2011 Remaster")
    got = {row["track_name"]: row for row in identities(spark, heard(spark, *(("Artists", t) for t in titles)), tracks)}
    live = got["Hurt (Live)"]
    assert (live["match_method"], live["version"], live["track_id"]) == ("version", "live", live["own_track_id"])
    assert live["related_track_id"] in ("t-A", "t-B")
    assert len({row["work_id"] for row in got.values()}) == 1
    assert (got["Hurt (Karaoke Version)"]["match_method"], got["Hurt (Cover)"]["match_method"]) == ("artist", "version")
    assert got["Hurt - 2011 Remaster"]["track_id"] == "t-A"


def test_artists_are_found_but_for_a_typo_and_never_by_likeness_alone(spark: SparkSession) -> None:
    tracks = catalogue(
        spark, (A, "Cristian Castro", "Azul", 1), (B, "Led Zeppelin", "Kashmir", 1), (C, "Hank Williams", "Kaw-Liga", 1)
    )
    names = {
        "Christian Castro": "Azul",
        "Lez Zeppelin": "Kashmir",
        "Led Zeppelin Tribute": "Kashmir",
        "Hank Williams, Jr.": "Kaw-Liga",
        "Hank Williams III": "Kaw-Liga",
    }
    got = {row["artist_name"]: row for row in identities(spark, heard(spark, *names.items()), tracks)}
    found = got.pop("Christian Castro")
    assert (found["track_id"], found["match_method"], round(found["match_score"], 4)) == ("t-A", "letters", 0.9118)
    assert {row["match_method"] for row in got.values()} == {"none"}
    assert not any(row["is_artist_known"] for row in got.values())


def test_keys_that_share_an_id_or_names_are_one_track(spark: SparkSession) -> None:
    isrc, mbid = "GBAWA9700010", "0" * 8 + "-0000-0000-0000-" + "0" * 12
    plays = heard(
        spark,
        {"source_track_key": "1", "artist_name": "宇多田", "track_name": "光", "isrc": isrc, "spotify_id": A},
        {"source_track_key": "2", "artist_name": "Utada", "track_name": "Hikari", "isrc": isrc},
        {"source_track_key": "3", "artist_name": "utada", "track_name": "hikari"},
        {"source_track_key": "4", "artist_name": "UTADA", "track_name": "Hikari", "recording_mbid": mbid},
        {"source_track_key": "5", "artist_name": "Hikki", "track_name": "Light", "recording_mbid": mbid},
        {"source_track_key": "6", "artist_name": "Other", "track_name": "Light"},
    )
    nothing = identities(spark, plays, empty(spark, CATALOGUE_TRACKS))
    assert len({row["track_id"] for row in nothing[:5]}) == 1
    assert nothing[5]["track_id"] != nothing[0]["track_id"]
    found = identities(spark, plays, catalogue(spark, (B, "Utada", "Hikari", 1)))
    assert [(row["match_method"], row["track_id"]) for row in found[:5]] == [
        ("isrc", "t-B"),
        ("exact", "t-B"),
        ("exact", "t-B"),
        ("exact", "t-B"),
        ("recording_mbid", "t-B"),
    ]


def test_isrcs_of_spotifys_answers_link_keys_and_lead_to_the_catalogue(spark: SparkSession) -> None:
    isrc = "GBAWA9700010"
    plays = heard(
        spark,
        {"source_track_key": "1", "artist_name": "Utada", "track_name": "Hikari", "spotify_id": A},
        {"source_track_key": "2", "artist_name": "宇多田", "track_name": "光", "isrc": isrc},
        {"source_track_key": "3", "artist_name": "Hikki", "track_name": "Light", "spotify_id": B},
    )

    def found(tracks: DataFrame, answers: dict[str, str]) -> list[tuple[str, str | None, str]]:
        rows = checked(decided(plays, tracks, empty(spark, CONTRACT), answers=answers), CONTRACT)
        return [(row["match_method"], row["linked_isrc"], row["track_id"]) for row in rows]

    unanswered = found(empty(spark, CATALOGUE_TRACKS), {})
    assert len({track for _, _, track in unanswered}) == 3
    linked = found(empty(spark, CATALOGUE_TRACKS), {A: isrc, B: isrc})
    assert {(method, told) for method, told, _ in linked} == {("none", isrc)}
    assert len({track for _, _, track in linked}) == 1
    # What nobody heard by its id is known by the answer about it; an id of the catalogue goes before an ISRC.
    tracks = catalogue(spark, (B, "Others", "Other", 1), (C, "Some", "Thing", 1))
    assert found(tracks, {A: "GBAWA9700011", C: isrc})[1:] == [("isrc", isrc, "t-C"), ("spotify_id", None, "t-B")]
