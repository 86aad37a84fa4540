"""Top items are a row a rank, artists and tracks in one shape."""

from __future__ import annotations

import json
from typing import Any

from pyspark.sql import SparkSession

from schemas.bronze.spotify_top_items import CONTRACT as SPOTIFY_TOP_ITEMS
from schemas.silver.user_top_items import CONTRACT
from tests.rows import checked, make_rows
from transformations.silver.user_top_items import build

ARTIST = {"id": "a1", "name": " Björk ", "genres": ["trip hop", "art pop"], "popularity": 70}
TRACK = {"id": "t1", "name": "Jóga", "artists": [{"name": "Björk"}, {"name": "Guest"}], "album": {"name": "Homogenic"}}


def items(spark: SparkSession, *records: tuple[str, str, int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Records of (entity, range, rank, item), all of listener u1."""
    payloads = [
        json.dumps({"entity": entity, "time_range": span, "rank": rank, "item": item})
        for entity, span, rank, item in records
    ]
    rows = make_rows(spark, SPOTIFY_TOP_ITEMS, *({"user_id": "u1", "payload": payload} for payload in payloads))
    return checked(build(spotify_top_items=rows), CONTRACT)


def test_artists_and_tracks_come_in_one_shape(spark: SparkSession) -> None:
    got = items(spark, ("tracks", "short_term", 1, TRACK), ("artists", "short_term", 1, ARTIST))
    shown = ("entity", "rank", "spotify_id", "name", "artist_names", "genres", "popularity")
    assert [tuple(row[name] for name in shown) for row in got] == [
        ("artist", 1, "a1", "Björk", ["Björk"], ["art pop", "trip hop"], 70),
        ("track", 1, "t1", "Jóga", ["Björk", "Guest"], [], None),
    ]


def test_no_items_give_none(spark: SparkSession) -> None:
    assert items(spark) == []


def test_an_artist_without_genres_or_popularity_is_kept(spark: SparkSession) -> None:
    (row,) = items(spark, ("artists", "long_term", 50, {"id": "a1", "name": "x", "genres": None}))
    assert (row["time_range"], row["rank"], row["genres"], row["popularity"]) == ("long_term", 50, [], None)
