"""Coverage per listener and for all; `*` counts a track once however many hear it."""

from __future__ import annotations

from datetime import date
from typing import Any

from pyspark.sql import SparkSession

from schemas.gold.feature_coverage import CONTRACT
from schemas.silver.track_features import CONTRACT as TRACK_FEATURES
from schemas.silver.user_tracks import CONTRACT as USER_TRACKS
from tests.rows import checked, make_rows
from transformations.gold.feature_coverage import build

AS_OF = date(2024, 6, 30)
SOURCES = {"t1": "kaggle", "t2": "kaggle", "t3": "none", "t4": "genre", "unheard": "kaggle"}


def coverage(spark: SparkSession, *heard: tuple[str, str, int]) -> list[dict[str, Any]]:
    rows = build(
        user_tracks=make_rows(
            spark, USER_TRACKS, *({"user_id": u, "track_id": t, "listen_count": n} for u, t, n in heard)
        ),
        track_features=make_rows(
            spark, TRACK_FEATURES, *({"track_id": t, "feature_source": s} for t, s in SOURCES.items())
        ),
        as_of_date=AS_OF,
    )
    return checked(rows, CONTRACT)


def test_listens_and_distinct_tracks_by_source(spark: SparkSession) -> None:
    everyone, first, second = coverage(
        spark, ("u1", "t1", 5), ("u1", "t2", 1), ("u1", "t3", 2), ("u2", "t1", 7), ("u2", "t4", 1)
    )
    assert first == {
        "run_date": AS_OF,
        "user_id": "u1",
        "listen_count": 8,
        "covered_listen_count": 6,
        "track_count": 3,
        "covered_track_count": 2,
        "listens_by_source": {"kaggle": 6, "none": 2},
        "tracks_by_source": {"kaggle": 2, "none": 1},
    }
    assert (second["user_id"], second["listens_by_source"]) == ("u2", {"genre": 1, "kaggle": 7})
    assert everyone["user_id"] == "*"
    assert everyone["tracks_by_source"] == {"genre": 1, "kaggle": 2, "none": 1}
    assert everyone["listens_by_source"] == {"genre": 1, "kaggle": 13, "none": 2}
    assert (everyone["track_count"], everyone["covered_track_count"]) == (4, 3)
    assert (everyone["listen_count"], everyone["covered_listen_count"]) == (16, 14)


def test_a_listener_of_uncovered_tracks_alone_is_covered_by_nothing(spark: SparkSession) -> None:
    for row in coverage(spark, ("u1", "t3", 2)):
        assert (row["listen_count"], row["covered_listen_count"], row["covered_track_count"]) == (2, 0, 0)


def test_nothing_heard_gives_no_rows(spark: SparkSession) -> None:
    assert coverage(spark) == []
