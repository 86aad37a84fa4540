"""Nearest listeners out of the tables: symmetric, of parts, from plays and from Spotify's lists."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from schemas.gold.user_matches import CONTRACT
from schemas.gold.user_mood_profiles import CONTRACT as USER_MOOD_PROFILES
from schemas.gold.user_taste_profiles import CONTRACT as USER_TASTE_PROFILES
from schemas.silver.tracks import CONTRACT as TRACKS
from schemas.silver.user_artists import CONTRACT as USER_ARTISTS
from schemas.silver.user_top_items import CONTRACT as USER_TOP_ITEMS
from schemas.silver.user_tracks import CONTRACT as USER_TRACKS
from tests.rows import checked, make_rows
from transformations.gold.user_matches import build

Heard = dict[str, dict[str, int]]
SCENES: Heard = {
    "ann": {"ice": 30, "fog": 20, "hit": 9},
    "ben": {"ice": 12, "fog": 40, "hit": 3},
    "cid": {"sun": 25, "sea": 15, "hit": 8},
    "dee": {"sun": 18, "sea": 22},
    "eve": {"owl": 50},
}


def matches(
    spark: SparkSession,
    heard: Heard,
    *,
    genres: dict[str, list[str]] | None = None,
    listed: list[dict[str, Any]] | None = None,
    sounds: dict[str, dict[str, float]] | None = None,
    moods: dict[str, dict[str, float]] | None = None,
    skipped: Heard | None = None,
) -> dict[tuple[str, str], dict[str, Any]]:
    sums = [
        {"user_id": user, "artist_id": artist, "listen_count": count, "skip_count": 0}
        for user, artists in heard.items()
        for artist, count in artists.items()
    ]
    sums += [
        {"user_id": user, "artist_id": artist, "listen_count": count, "skip_count": count}
        for user, artists in (skipped or {}).items()
        for artist, count in artists.items()
    ]
    artists = sorted({row["artist_id"] for row in sums})
    profiles = [
        {"user_id": user, "status": "ok", "sound": [(name, 0.0, value) for name, value in values.items()]}
        for user, values in (sounds or {}).items()
    ]
    rows = build(
        user_artists=make_rows(spark, USER_ARTISTS, *sums),
        user_tracks=make_rows(
            spark, USER_TRACKS, *({"user_id": r["user_id"], "track_id": r["artist_id"]} for r in sums)
        ),
        user_top_items=make_rows(spark, USER_TOP_ITEMS, *(listed or [])),
        tracks=make_rows(
            spark,
            TRACKS,
            *({"track_id": name, "artist_id": name, "genres": (genres or {}).get(name, [])} for name in artists),
        ),
        user_taste_profiles=make_rows(spark, USER_TASTE_PROFILES, *profiles),
        user_mood_profiles=make_rows(
            spark,
            USER_MOOD_PROFILES,
            *({"user_id": user, "period": "all"} | one for user, one in (moods or {}).items()),
        ),
    )
    return {(row["user_id"], row["match_user_id"]): row for row in checked(rows, CONTRACT)}


def mood(happy: float) -> dict[str, Any]:
    return {"status": "ok", "happy": happy, "angry": 0.1, "sad": 0.1, "relaxed": 0.8 - happy}


def test_listeners_of_one_scene_are_nearest(spark: SparkSession) -> None:
    found = matches(spark, SCENES)
    first = {user: match for (user, match), row in found.items() if row["rank"] == 1}
    assert first == {"ann": "ben", "ben": "ann", "cid": "dee", "dee": "cid"}
    assert not [pair for pair in found if "eve" in pair]  # nobody shares the owl
    assert found["ann", "ben"]["shared_artists_count"] == 3
    assert found["ann", "ben"]["basis"] == "plays"


def test_a_pair_is_told_the_same_both_ways_and_its_parts_add_up(spark: SparkSession) -> None:
    found = matches(
        spark,
        SCENES,
        genres={"ice": ["dark"], "fog": ["dark"], "sun": ["bright"], "sea": ["bright"]},
        sounds={"ann": {"energy": -1.0, "valence": 0.5}, "ben": {"energy": -0.8}, "cid": {"energy": 1.0}},
        moods={"ann": mood(0.1), "ben": mood(0.2), "cid": mood(0.7), "dee": mood(0.6)},
    )
    for (user, match), row in found.items():
        other = found[match, user]
        assert {k: v for k, v in row.items() if k not in ("user_id", "match_user_id", "rank")} == {
            k: v for k, v in other.items() if k not in ("user_id", "match_user_id", "rank")
        }
        assert sum(row["parts"].values()) == pytest.approx(row["score"], abs=1e-12)
    near = found["ann", "ben"]
    assert min(near[name] for name in ("artist_affinity", "genre_overlap", "audio_affinity", "mood_affinity")) > 0.5
    assert near["parts"]["moods"] > 0 > found["ann", "cid"]["parts"]["moods"]
    assert found["cid", "dee"]["audio_affinity"] is None  # nothing is known of dee's sound


def test_ranks_are_dense_from_one(spark: SparkSession) -> None:
    heard = {f"u{n:02d}": {"all": 5, f"a{n % 4}": 9, f"b{n % 7}": 3} for n in range(60)}
    found = matches(spark, heard)
    for user in heard:
        own = sorted((row["rank"], -row["score"]) for (name, _), row in found.items() if name == user)
        assert [rank for rank, _ in own] == list(range(1, 51))
        assert own == sorted(own, key=lambda pair: pair[1])


def test_who_connected_today_matches_by_spotifys_lists(spark: SparkSession) -> None:
    from pyspark.sql import functions as F

    from transformations.ids import artist_id_of_name
    from transformations.names import artist_key

    (row,) = (
        spark.createDataFrame([("The Ice",)], "name string")
        .select(artist_id_of_name(artist_key(F.col("name"))))
        .collect()
    )
    ice = row[0]
    heard: Heard = {user: {ice if a == "ice" else a: n for a, n in artists.items()} for user, artists in SCENES.items()}
    new = {"time_range": "long_term", "entity": "artist", "rank": 1, "name": "ICE", "artist_names": ["ICE"]}
    found = matches(
        spark,
        heard,
        listed=[
            {"user_id": "new", **new},
            {"user_id": "new", **new, "rank": 2, "entity": "track", "artist_names": ["Sun"]},
        ],
    )
    assert {match for user, match in found if user == "new"} >= {"ann", "ben"}
    assert found["new", "ann"]["basis"] == "both"
    assert found["new", "ann"]["rank"] == 1


def test_what_was_skipped_is_not_shared(spark: SparkSession) -> None:
    assert matches(spark, {"ann": {"ice": 5}}, skipped={"ben": {"ice": 7}}) == {}


def test_nobody_to_match(spark: SparkSession) -> None:
    assert matches(spark, {}) == {}
    assert matches(spark, {"ann": {"ice": 5}}) == {}
