"""What people chose holds in both directions, and follows a track that was replaced."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from schemas.ops.privacy_settings import CONTRACT as PRIVACY
from schemas.ops.user_blocks import CONTRACT as BLOCKS
from schemas.silver.catalogue_tracks import CONTRACT as CATALOGUE
from schemas.silver.track_feedback import CONTRACT as FEEDBACK
from schemas.silver.track_identities import CONTRACT as IDENTITIES
from schemas.silver.users import CONTRACT as USERS
from tests.rows import make_rows, values
from transformations.gold.choices import (
    DEFAULTS,
    blocked_pairs,
    both,
    matched_users,
    verdicts,
    with_choices,
    without_blocked,
)
from transformations.ids import track_id_of_spotify


def users(spark: SparkSession, *names: str) -> DataFrame:
    return make_rows(spark, USERS, *({"user_id": name} for name in names)).select("user_id")


def test_who_set_nothing_has_the_defaults_and_who_opted_out_is_not_matched(spark: SparkSession) -> None:
    chosen = make_rows(
        spark,
        PRIVACY,
        {"user_id": "out", "is_matched": False, "is_activity_shown": True},
        {"user_id": "shy", "is_matched": True},
    )
    everybody = users(spark, "new", "out", "shy")
    got = {row.pop("user_id"): row for row in values(with_choices(everybody, chosen))}
    assert got["new"] == DEFAULTS
    assert got["out"] == {"is_matched": False, "is_activity_shown": True, "is_name_shown": False}
    assert sorted(row["user_id"] for row in values(matched_users(everybody, chosen))) == ["new", "shy"]


def test_a_consent_needs_both_sides(spark: SparkSession) -> None:
    open_ones = [{"user_id": user, "is_activity_shown": True} for user in ("a", "b")]
    chosen = with_choices(users(spark, "a", "b", "c"), make_rows(spark, PRIVACY, *open_ones))
    pairs = chosen.alias("one").crossJoin(chosen.alias("other")).where(both("is_activity_shown", "one", "other"))
    assert sorted(tuple(row) for row in pairs.select("one.user_id", "other.user_id").collect()) == [
        ("a", "a"), ("a", "b"), ("b", "a"), ("b", "b"),
    ]  # fmt: skip


def test_a_block_holds_in_both_directions_once(spark: SparkSession) -> None:
    said = [("a", "b"), ("b", "a"), ("c", "a")]
    blocks = make_rows(spark, BLOCKS, *({"user_id": one, "blocked_user_id": other} for one, other in said))
    both_ways = {("a", "b"), ("b", "a"), ("a", "c"), ("c", "a")}
    found = [tuple(row) for row in blocked_pairs(blocks).collect()]
    assert (len(found), set(found)) == (4, both_ways)
    everybody = [(one, other) for one in "abc" for other in "abc" if one != other]
    pairs = spark.createDataFrame(everybody, "user_id string, match_user_id string")
    left = {tuple(row) for row in without_blocked(pairs, blocks).collect()}
    assert left == set(everybody) - both_ways == {("b", "c"), ("c", "b")}
    nothing = make_rows(spark, BLOCKS)
    assert without_blocked(pairs, nothing).count() == 6


def said(user: str, track: str, is_liked: bool, day: int) -> dict[str, Any]:
    return {"user_id": user, "track_id": track, "is_liked": is_liked, "said_at": datetime(2026, 11, day)}  # noqa: DTZ001


def test_words_follow_a_track_that_was_replaced(spark: SparkSession) -> None:
    identities = [
        {"source": "lastfm", "own_track_id": "old", "track_id": "new", "replaced_by": "new"},
        {"source": "listenbrainz", "own_track_id": "old", "track_id": "new", "replaced_by": "new"},
        {"source": "lastfm", "own_track_id": "half", "track_id": "new", "replaced_by": "new"},
        {"source": "listenbrainz", "own_track_id": "half", "track_id": "half"},
    ]
    words = [
        said("u1", "old", False, 1),
        said("u1", "new", True, 2),
        said("u2", "old", True, 3),
        said("u2", "new", False, 3),
        said("u3", "half", True, 1),
        said("u3", "nobody heard it", False, 1),
    ]
    nothing = make_rows(spark, CATALOGUE)
    got = verdicts(make_rows(spark, FEEDBACK, *words), make_rows(spark, IDENTITIES, *identities), nothing)
    assert {(row["user_id"], row["track_id"], row["is_liked"]) for row in values(got)} == {
        ("u1", "new", True),
        ("u2", "new", False),
        ("u3", "half", True),
        ("u3", "nobody heard it", False),
    }
    assert values(verdicts(make_rows(spark, FEEDBACK), make_rows(spark, IDENTITIES, *identities), nothing)) == []


def test_words_on_a_track_that_nobody_heard_follow_the_catalogue(spark: SparkSession) -> None:
    """A later catalogue has a lesser Spotify id of the recording: the track is minted from that now."""
    ids = spark.createDataFrame([("b",), ("a",)], "spotify_id string")
    (b, a) = [row[0] for row in ids.select(track_id_of_spotify(F.col("spotify_id"))).collect()]
    catalogue = make_rows(spark, CATALOGUE, {"spotify_id": "b", "track_id": a}, {"spotify_id": "a", "track_id": a})
    words = make_rows(spark, FEEDBACK, said("u1", b, False, 1), said("u2", a, True, 1))
    got = verdicts(words, make_rows(spark, IDENTITIES), catalogue)
    assert {(row["user_id"], row["track_id"], row["is_liked"]) for row in values(got)} == {
        ("u1", a, False),
        ("u2", a, True),
    }
