"""Nearest listeners out of the tables and why: symmetric, of parts that add up, from plays and from Spotify's lists.

Both engines are held to the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from schemas.gold.user_match_explanations import CONTRACT
from schemas.gold.user_mood_profiles import CONTRACT as USER_MOOD_PROFILES
from schemas.gold.user_taste_profiles import CONTRACT as USER_TASTE_PROFILES
from schemas.ops.privacy_settings import CONTRACT as PRIVACY_SETTINGS
from schemas.ops.user_blocks import CONTRACT as USER_BLOCKS
from schemas.silver.tracks import CONTRACT as TRACKS
from schemas.silver.user_artists import CONTRACT as USER_ARTISTS
from schemas.silver.user_top_items import CONTRACT as USER_TOP_ITEMS
from tests.rows import checked, make_rows
from transformations.gold import match_listeners, match_model
from transformations.gold.user_match_explanations import build, build_of_many, nearest
from transformations.gold.user_taste_profiles import FEATURES
from transformations.ids import artist_id_of_name
from transformations.names import artist_key, letters

Heard = dict[str, dict[str, int]]
Found = dict[tuple[str, str], dict[str, Any]]
SCENES: Heard = {
    "ann": {"ice": 30, "fog": 20, "hit": 9},
    "ben": {"ice": 12, "fog": 40, "hit": 3, "elk": 5, "ash": 7},
    "cid": {"sun": 25, "sea": 15, "hit": 8},
    "dee": {"sun": 18, "sea": 22},
    "eve": {"owl": 50},
}
GENRES = {"ice": ["dark"], "fog": ["dark"], "elk": ["bright"], "ash": ["dark"], "sun": ["bright"], "sea": ["bright"]}


@pytest.fixture(scope="module", params=["one process", "Spark"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def explained(
    spark: SparkSession,
    engine: str,
    heard: Heard,
    *,
    listed: list[dict[str, Any]] | None = None,
    profiles: dict[str, dict[str, Any]] | None = None,
    moods: dict[str, dict[str, Any]] | None = None,
    skipped: Heard | None = None,
    privacy: dict[str, dict[str, bool]] | None = None,
    blocks: tuple[tuple[str, str], ...] = (),
    genres: dict[str, list[str]] = GENRES,
) -> Found:
    """By listener and match; tests give what they are about."""
    sums = [
        {"user_id": user, "artist_id": name, "artist_name": name.title(), "listen_count": count, "skip_count": skips}
        for given, is_skipped in ((heard, False), (skipped or {}, True))
        for user, artists in given.items()
        for name, count in artists.items()
        for skips in ((count if is_skipped else 0),)
    ]
    names = {name for artists in heard.values() for name in artists} | genres.keys()
    tracks = ({"track_id": name, "artist_id": name, "genres": genres.get(name, [])} for name in sorted(names))
    of_listeners = {
        "user_artists": make_rows(spark, USER_ARTISTS, *sums),
        "user_top_items": make_rows(spark, USER_TOP_ITEMS, *(listed or [])),
        "privacy_settings": make_rows(
            spark,
            PRIVACY_SETTINGS,
            *({"user_id": user, "is_matched": True} | own for user, own in (privacy or {}).items()),
        ),
        "user_taste_profiles": make_rows(
            spark,
            USER_TASTE_PROFILES,
            *({"user_id": user, "status": "ok"} | one for user, one in (profiles or {}).items()),
        ),
        "user_mood_profiles": make_rows(
            spark,
            USER_MOOD_PROFILES,
            *({"user_id": user, "period": "all", "status": "ok"} | one for user, one in (moods or {}).items()),
        ),
    }
    known = make_rows(spark, TRACKS, *tracks)
    blocked = make_rows(spark, USER_BLOCKS, *({"user_id": one, "blocked_user_id": other} for one, other in blocks))
    if engine == "Spark":
        model = match_model.build(tracks=known, **of_listeners)
        population = match_model.read(match_model.artefact(model).toArrow())
        listeners = match_listeners.build(match_model=model, population=population, **of_listeners)
        everything = {"match_listeners": listeners, "touched": None, "previous": None}
        rows = build_of_many(nearest=nearest(user_blocks=blocked, **everything), **everything)
    else:
        rows = build(tracks=known, user_blocks=blocked, **of_listeners)
    return {(row["user_id"], row["match_user_id"]): row for row in checked(rows, CONTRACT)}


def mood(happy: float) -> dict[str, float]:
    return {"happy": happy, "angry": 0.1, "sad": 0.1, "relaxed": 0.8 - happy}


def sound(**normalised: float) -> list[tuple[str, float | None, float | None]]:
    return [(name, 0.5 + 0.1 * normalised.get(name, 0.0), normalised.get(name, 0.0)) for name in FEATURES]


def profile(*artists: str, tempo: tuple[float, float], **normalised: float) -> dict[str, Any]:
    return {
        "sound": sound(**normalised),
        "tempo": tempo,
        "genres": [("dark", 50, 0.7), (f"from {tempo[0]} bpm", 9, 0.3)],
        "top_artists": [
            (n, a, a.title(), 9, 0.1, f"{a}-{len(artists)}", f"{a} track") for n, a in enumerate(artists, 1)
        ],
        "recent_tracks": [("t", "A", f"latest of {artists[-1]}", datetime(2026, 9, 1))],  # noqa: DTZ001
    }


PROFILES = {
    "ann": profile("ice", "fog", "hit", tempo=(90.0, 120.0), energy=-1.0, valence=0.5),
    "ben": profile("ice", "hit", tempo=(100.0, 140.0), energy=-0.8, valence=0.4),
    "cid": profile("hit", "sun", "sea", tempo=(130.0, 150.0), energy=1.0, valence=-0.9),
}
MOODS = {"ann": mood(0.1), "ben": mood(0.2), "cid": mood(0.7), "dee": mood(0.6)}


@pytest.fixture(scope="module")
def scenes(spark: SparkSession, engine: str) -> Found:
    return explained(spark, engine, SCENES, profiles=PROFILES, moods=MOODS, skipped={"ann": {"ash": 4}})


def test_listeners_of_one_scene_are_nearest(scenes: Found) -> None:
    first = {user: match for (user, match), row in scenes.items() if row["summary"]["rank"] == 1}
    assert {user: first[user] for user in ("ann", "ben", "cid", "dee")} == {
        "ann": "ben",
        "ben": "ann",
        "cid": "dee",
        "dee": "cid",
    }
    assert scenes["ann", "ben"]["summary"]["shared_artists_count"] == 3
    assert scenes["ann", "ben"]["summary"]["basis"] == "plays"
    assert not [pair for pair in scenes if "eve" in pair]  # nobody shares the owl, and no mood is known


def test_a_pair_is_told_the_same_both_ways(scenes: Found) -> None:
    for (user, match), row in scenes.items():
        own, theirs = dict(row["summary"]), dict(scenes[match, user]["summary"])
        own.pop("rank"), theirs.pop("rank")
        assert own == theirs
        assert {one["artist_id"]: one["part"] for one in row["shared_artists"]} == {
            one["artist_id"]: one["part"] for one in scenes[match, user]["shared_artists"]
        }
    near = scenes["ann", "ben"]["summary"]
    assert min(near[name] for name in ("artist_affinity", "genre_overlap", "audio_affinity", "mood_affinity")) > 0.5
    assert near["parts"]["moods"] > 0 > scenes["ann", "cid"]["summary"]["parts"]["moods"]
    assert scenes["cid", "dee"]["summary"]["audio_affinity"] is None  # nothing is known of dee's sound


def test_the_parts_of_an_explanation_add_up_to_the_score(scenes: Found) -> None:
    for row in scenes.values():
        parts = row["summary"]["parts"]
        assert sum(parts.values()) == pytest.approx(row["summary"]["score"], abs=1e-8)
        of_artists = sum(one["part"] for one in row["shared_artists"]) + row["other_artists_part"]
        assert of_artists == pytest.approx(parts["artists"], abs=1e-8)
        of_sound = sum(one["part"] for one in row["audio_breakdown"] or [])
        assert of_sound == pytest.approx(parts["sound"], abs=1e-8)


def test_what_two_share_is_told_from_both_sides(scenes: Found, engine: str) -> None:
    row = scenes["ann", "ben"]
    artists = {one["artist_id"]: one for one in row["shared_artists"]}
    assert artists.keys() == {"ice", "fog", "hit"}
    assert [one["part"] for one in row["shared_artists"]] == sorted((a["part"] for a in artists.values()), reverse=True)
    ice = {name: artists["ice"][name] for name in ("artist_name", "rank", "match_rank")}
    assert ice == {"artist_name": "Ice", "rank": 1, "match_rank": 2}
    assert (artists["ice"]["listen_count"], artists["ice"]["match_listen_count"]) == (30, 12)
    assert row["shared_genres"] == [{"genre": "dark", "listen_count": 50, "match_listen_count": 50}]
    breakdown = {one["feature"]: one for one in row["audio_breakdown"]}
    assert breakdown.keys() == set(FEATURES)
    energy = breakdown["energy"]
    assert (energy["raw"], energy["match_raw"]) == pytest.approx((0.4, 0.42))
    if engine == "one process":  # Spark's works with means of its own
        assert (energy["normalised"], energy["match_normalised"]) == (-1.0, -0.8)
    assert energy["delta"] == pytest.approx(energy["normalised"] - energy["match_normalised"])
    assert energy["normalised"] < energy["match_normalised"] < 0
    assert energy["part"] > 0 == breakdown["tempo_bpm"]["part"]
    assert row["tempo"] == {
        "low_bpm": 90,
        "high_bpm": 120,
        "match_low_bpm": 100,
        "match_high_bpm": 140,
        "overlap_bpm": 20,
    }
    assert scenes["ann", "cid"]["tempo"]["overlap_bpm"] == 0
    assert (scenes["cid", "dee"]["tempo"], scenes["cid", "dee"]["audio_breakdown"]) == (None, None)


def test_what_two_could_talk_about(scenes: Found) -> None:
    tracks = {
        one["artist_id"]: (one["track_id"], one["match_track_id"]) for one in scenes["ann", "ben"]["icebreaker_tracks"]
    }
    assert tracks == {"ice": ("ice-3", "ice-2"), "hit": ("hit-3", "hit-2")}  # fog is not among ben's heaviest
    new = [one["artist_id"] for one in scenes["ann", "cid"]["suggestions_new_artists"]]
    assert set(new) == {"sun", "sea"}
    assert [one["artist_id"] for one in scenes["ann", "ben"]["suggestions_new_artists"]] == ["elk"]  # ash was skipped
    assert scenes["ann", "ben"]["recent_activity"] is None


def test_choices_hold_in_both_directions(spark: SparkSession, engine: str) -> None:
    """Recent plays are shown where both show theirs; who opted out, and who is blocked, stands nowhere."""
    shown = {"is_activity_shown": True}
    privacy = {"ann": shown, "ben": shown, "dee": {"is_matched": False}}
    found = explained(
        spark, engine, SCENES, profiles=PROFILES, privacy=privacy, blocks=(("cid", "ben"), ("ann", "cid"))
    )
    assert found.keys() == {("ann", "ben"), ("ben", "ann")}
    assert [[one["track_name"] for one in row["recent_activity"]] for row in found.values()] == [["latest of hit"]] * 2


def test_who_connected_today_matches_by_spotifys_lists(spark: SparkSession, engine: str) -> None:
    named = spark.createDataFrame([("The Ice",)], "name string")
    (row,) = named.select(artist_id_of_name(letters(artist_key(F.col("name"))))).collect()
    heard: Heard = {
        user: {row[0] if a == "ice" else a: n for a, n in artists.items()} for user, artists in SCENES.items()
    }
    new = {"user_id": "new", "time_range": "long_term", "entity": "artist", "rank": 1, "artist_names": ["ICE"]}
    listed = [new, {**new, "rank": 2, "entity": "track", "artist_names": ["Sun"]}, {**new, "time_range": "short_term"}]
    found = explained(spark, engine, heard, listed=listed)
    assert {match for user, match in found if user == "new"} == {"ann", "ben"}
    first = found["new", "ann"]
    assert (first["summary"]["basis"], first["summary"]["rank"]) == ("both", 1)
    (ice,) = first["shared_artists"]
    assert (ice["listen_count"], ice["match_listen_count"], ice["rank"], ice["match_rank"]) == (0, 30, 1, 1)


def test_nobody_to_match(spark: SparkSession, engine: str) -> None:
    assert explained(spark, engine, {}) == {}
    assert explained(spark, engine, {"ann": {"ice": 5}}) == {}


def test_artists_without_a_genre_match(spark: SparkSession, engine: str) -> None:
    found = explained(spark, engine, SCENES, genres={})
    assert {("ann", "ben"), ("ben", "ann")} <= found.keys()
    assert found["ann", "ben"]["summary"]["genre_overlap"] == 0
