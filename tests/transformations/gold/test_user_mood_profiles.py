"""Every listener has a row for every period, and its status says why one is empty."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from schemas.gold.user_mood_profiles import CONTRACT
from schemas.silver.mood_entries import CONTRACT as MOOD_ENTRIES
from schemas.silver.track_features import CONTRACT as TRACK_FEATURES
from schemas.silver.track_moods import CONTRACT as TRACK_MOODS
from schemas.silver.user_track_days import CONTRACT as USER_TRACK_DAYS
from schemas.silver.users import CONTRACT as USERS
from schemas.vocab import MOODS, PERIOD_DAYS, PERIODS
from tests.rows import checked, make_rows
from transformations.gold.periods import CURRENT_DAYS
from transformations.gold.user_mood_profiles import build

AS_OF = date(2024, 6, 30)
Day = tuple[str, str, int, int, int]  # listener, track, age in days, plays, of them skipped
Entry = tuple[str, str, int, str]  # listener, mood, age in days, origin
Profile = dict[str, Any]


def profiles(
    spark: SparkSession,
    *days: Day,
    users: tuple[str, ...] = ("u1",),
    entries: tuple[Entry, ...] = (),
    half_life: float = 7.0,
) -> dict[tuple[str, str], Profile]:
    """Profiles by listener and period of a world of four tracks: happy, sad, estimated (sad) and unknown."""
    sums = [
        {
            "user_id": user,
            "track_id": track,
            "listen_date": AS_OF - timedelta(days=age),
            "listen_count": plays,
            "skip_count": skips,
        }
        for user, track, age, plays, skips in days
    ]
    sound = {"happy": (0.9, 0.8, "kaggle"), "sad": (0.1, 0.2, "kaggle"), "estimated": (0.1, 0.2, "genre")}
    features = [
        {"track_id": track, "valence": valence, "energy": energy, "feature_source": source}
        for track, (valence, energy, source) in {**sound, "unknown": (None, None, "none")}.items()
    ]
    feels = {"happy": (1.0, 0.0, 0.0, 0.0), "sad": (0.0, 0.0, 1.0, 0.0), "estimated": (0.0, 0.0, 1.0, 0.0)}
    moods = [
        {"track_id": track, **dict(zip(MOODS, shares, strict=True))}
        for track, shares in {**feels, "unknown": (None,) * 4}.items()
    ]
    said = [
        {
            "user_id": user,
            "mood_date": AS_OF - timedelta(days=age),
            "origin": origin,
            **{name: float(name == mood) for name in MOODS},
        }
        for user, mood, age, origin in entries
    ]
    rows = build(
        user_track_days=make_rows(spark, USER_TRACK_DAYS, *sums),
        track_features=make_rows(spark, TRACK_FEATURES, *features),
        track_moods=make_rows(spark, TRACK_MOODS, *moods),
        mood_entries=make_rows(spark, MOOD_ENTRIES, *said),
        users=make_rows(spark, USERS, *({"user_id": user} for user in users)),
        as_of_date=AS_OF,
        current_half_life_days=half_life,
    )
    return {(row["user_id"], row["period"]): row for row in checked(rows, CONTRACT)}


def test_shares_are_means_over_plays(spark: SparkSession) -> None:
    got = profiles(spark, ("u1", "happy", 0, 9, 0), ("u1", "sad", 0, 1, 0), ("u1", "sad", 1, 2, 0))
    assert {period for _, period in got} == set(PERIODS)
    for period in ("all", "365d", "90d", "30d", "7d"):
        profile = got["u1", period]
        assert (profile["status"], profile["dominant_mood"], profile["listen_count"]) == ("ok", "happy", 12)
        assert [profile[mood] for mood in MOODS] == pytest.approx([0.75, 0, 0.25, 0])
        assert profile["valence_mean"] == pytest.approx((9 * 0.9 + 3 * 0.1) / 12)
        assert profile["energy_mean"] == pytest.approx((9 * 0.8 + 3 * 0.2) / 12)
        assert (profile["measured_share"], profile["as_of_date"]) == (1.0, AS_OF)


def test_a_listener_without_plays_has_every_period_too(spark: SparkSession) -> None:
    got = profiles(spark, users=("u1", "u2"))
    assert set(got) == {(user, period) for user in ("u1", "u2") for period in PERIODS}
    for profile in got.values():
        assert (profile["status"], profile["listen_count"], profile["measured_share"]) == ("too_few_plays", 0, None)
        assert {profile[name] for name in (*MOODS, "dominant_mood", "valence_mean", "energy_mean")} == {None}


def test_no_listeners_give_no_profiles(spark: SparkSession) -> None:
    assert profiles(spark, ("gone", "happy", 0, 20, 0), users=()) == {}


def test_statuses_and_shares_at_their_limits(spark: SparkSession) -> None:
    got = profiles(
        spark,
        ("nine", "happy", 0, 9, 0),
        ("ten", "happy", 0, 10, 0),
        ("skips", "happy", 0, 12, 3),
        ("four", "happy", 0, 4, 0),
        ("four", "unknown", 0, 6, 0),
        ("five", "happy", 0, 5, 0),
        ("five", "unknown", 0, 5, 0),
        ("half", "estimated", 0, 10, 0),
        ("half", "happy", 0, 10, 0),
        ("absent", "no such track", 0, 10, 0),
        users=("nine", "ten", "skips", "four", "five", "half", "absent"),
    )
    shown = ("status", "listen_count", "happy", "measured_share")
    assert {user: tuple(got[user, "all"][name] for name in shown) for user, p in got if p == "all"} == {
        "nine": ("too_few_plays", 9, None, 1.0),
        "ten": ("ok", 10, 1.0, 1.0),
        "skips": ("too_few_plays", 9, None, 1.0),
        "four": ("no_features", 10, None, 0.4),
        "five": ("ok", 10, 1.0, 0.5),
        "half": ("ok", 20, 0.5, 0.5),
        "absent": ("no_features", 10, None, 0.0),
    }


def test_a_reported_mood_counts_as_ten_plays(spark: SparkSession) -> None:
    got = profiles(
        spark,
        ("u1", "happy", 0, 30, 0),
        ("some", "unknown", 0, 12, 0),
        users=("u1", "some", "alone", "read"),
        entries=(
            ("u1", "sad", 0, "manual"),
            ("u1", "sad", 40, "manual"),
            ("some", "relaxed", 0, "manual"),
            ("alone", "angry", 0, "manual"),
            ("read", "angry", 0, "recent_listens"),
        ),
    )
    shown = ("status", "dominant_mood", "listen_count", "entry_count", "measured_share")
    assert {user: tuple(got[user, "all"][name] for name in shown) for user, period in got if period == "all"} == {
        "u1": ("ok", "happy", 30, 2, 1.0),
        "some": ("ok", "relaxed", 12, 1, 0.0),
        "alone": ("ok", "angry", 0, 1, None),
        "read": ("too_few_plays", None, 0, 0, None),
    }
    assert [got["u1", "all"][mood] for mood in MOODS] == pytest.approx([30 / 50, 0, 20 / 50, 0])
    assert [got["u1", "30d"][mood] for mood in MOODS] == pytest.approx([30 / 40, 0, 10 / 40, 0])
    assert got["u1", "all"]["valence_mean"] == pytest.approx(0.9)
    assert (got["alone", "all"]["valence_mean"], got["alone", "all"]["angry"]) == (None, 1.0)


def test_reported_moods_decay_in_current_as_plays_do(spark: SparkSession) -> None:
    for half_life, share in ((7.0, 1 / 3), (14.0, 0.5**0.5 / (1 + 0.5**0.5))):
        got = profiles(spark, ("u1", "happy", 0, 10, 0), entries=(("u1", "sad", 7, "manual"),), half_life=half_life)
        assert got["u1", "current"]["sad"] == pytest.approx(share, abs=1e-3)
        assert (got["u1", "current"]["listen_count"], got["u1", "current"]["entry_count"]) == (10, 1)


def test_a_profile_of_old_days_alone_is_whole_at_the_shortest_half_life(spark: SparkSession) -> None:
    got = profiles(spark, ("u1", "happy", 27, 10, 0), half_life=1.0)["u1", "current"]
    assert (got["status"], got["happy"], got["measured_share"]) == ("ok", 1.0, 1.0)


def test_a_play_exactly_as_many_days_old_as_the_period_is_out(spark: SparkSession) -> None:
    edges = {**PERIOD_DAYS, "current": CURRENT_DAYS}
    days = [(f"{side}-{p}", "happy", n - (side == "in"), 10, 0) for p, n in edges.items() for side in ("in", "out")]
    got = profiles(spark, *days, ("future", "happy", -1, 10, 0), users=(*(day[0] for day in days), "future"))
    for period in edges:
        assert (got[f"in-{period}", period]["listen_count"], got[f"in-{period}", period]["status"]) == (10, "ok")
        assert got[f"out-{period}", period]["listen_count"] == 0
        assert got[f"out-{period}", "all"]["listen_count"] == 10
    assert {got["future", period]["listen_count"] for period in PERIODS} == {0}


def test_current_weighs_a_week_ago_half(spark: SparkSession) -> None:
    got = profiles(spark, ("u1", "happy", 0, 10, 0), ("u1", "sad", 7, 10, 0))
    assert got["u1", "30d"]["happy"] == pytest.approx(1 / 2)
    assert got["u1", "current"]["happy"] == pytest.approx(2 / 3)
    assert got["u1", "current"]["valence_mean"] == pytest.approx((2 * 0.9 + 0.1) / 3)
    assert got["u1", "current"]["listen_count"] == 20
