"""Beatport's tracks are typed, whatever an endpoint leaves out."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from pyspark.sql import SparkSession

from schemas.bronze.beatport_tracks import CONTRACT as BEATPORT_TRACKS
from schemas.silver.beatport_tracks import CONTRACT
from tests.rows import checked, make_rows
from transformations.silver.beatport_tracks import build

TRACK: dict[str, Any] = {
    "id": 3001,
    "name": "Midnight Circuit",
    "mix_name": "Original Mix",
    "artists": [{"id": 101, "name": "Synthwave Runner"}, {"id": 102, "name": " "}],
    "remixers": [],
    "length_ms": 420_000,
    "bpm": 126,
    "key": {"name": "A Minor", "camelot_number": 8, "camelot_letter": "A"},
    "genre": {"id": 5, "name": "House"},
    "sub_genre": {"name": "Melodic"},
    "isrc": "gbkqu2149001",
    "publish_date": "2024-03-15",
    "sample_url": "https://geo-samples.beatport.com/track/x.mp3",
    "release": {
        "id": 4001,
        "name": "Neon Dreams EP",
        "label": {"id": 201, "name": "Future Sounds"},
        "catalog_number": "FS042",
        "image": {"uri": "https://geo-media.beatport.com/image/neon-dreams.jpg"},
    },
}


def tracks(spark: SparkSession, *payloads: dict[str, Any]) -> list[dict[str, Any]]:
    rows = make_rows(spark, BEATPORT_TRACKS, *({"payload": json.dumps(payload)} for payload in payloads))
    return checked(build(beatport_tracks=rows), CONTRACT)


def test_a_track_is_typed(spark: SparkSession) -> None:
    (row,) = tracks(spark, TRACK)
    assert row == {
        "beatport_id": "3001",
        "track_name": "Midnight Circuit",
        "mix_name": "Original Mix",
        "full_title": "Midnight Circuit (Original Mix)",
        "artist_names": ["Synthwave Runner"],
        "remixers": [],
        "tempo_bpm": 126.0,
        "key_name": "A Minor",
        "camelot": "8A",
        "genre": "House",
        "sub_genre": "Melodic",
        "label": "Future Sounds",
        "catalogue_number": "FS042",
        "isrc": "GBKQU2149001",
        "duration_ms": 420_000,
        "release_date": date(2024, 3, 15),
        "preview_url": "https://geo-samples.beatport.com/track/x.mp3",
        "image_url": "https://geo-media.beatport.com/image/neon-dreams.jpg",
    }


def test_no_items_give_no_tracks(spark: SparkSession) -> None:
    assert tracks(spark) == []


def test_what_is_absent_is_null(spark: SparkSession) -> None:
    bare, zeros = tracks(spark, {"id": 1, "name": "x"}, {"id": 2, "name": "x", "bpm": 0, "length_ms": 0, "key": None})
    assert (bare["full_title"], bare["artist_names"], bare["remixers"]) == ("x", [], [])
    lists = ("beatport_id", "track_name", "full_title", "artist_names", "remixers")
    assert {row[name] for row in (bare, zeros) for name in row if name not in lists} == {None}


def test_the_tracks_own_catalogue_number_comes_first(spark: SparkSession) -> None:
    (row,) = tracks(spark, {**TRACK, "catalog_number": "FS042-R"})
    assert row["catalogue_number"] == "FS042-R"
