"""Beatport's tempo and key reach our tracks by ISRC, else by names that are of one version."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from schemas.silver.beatport_features import CONTRACT
from schemas.silver.beatport_tracks import CONTRACT as BEATPORT_TRACKS
from schemas.silver.track_identities import CONTRACT as TRACK_IDENTITIES
from schemas.silver.tracks import CONTRACT as TRACKS
from tests.rows import checked, make_rows
from transformations.ids import song_key_of_names
from transformations.names import artist_key, song_title_key
from transformations.silver.beatport_features import build

ISRC, OTHER_ISRC = "GBKQU2149001", "GBKQU2149002"
CIRCUIT = {"artist_names": ["Runner", "Guest"], "full_title": "Circuit (Original Mix)", "isrc": ISRC}
VALUES = {"tempo_bpm": 126.0, "camelot": "8A"}


def found(
    spark: SparkSession, beatport: tuple[dict[str, Any], ...], *tracks: tuple[str | None, str, str]
) -> list[dict[str, Any]]:
    """Features of tracks t0, t1, ... of these ISRCs, heard by these artists and titles."""
    ids = [f"t{n}" for n in range(len(tracks))]
    heard = make_rows(
        spark,
        TRACK_IDENTITIES,
        *(
            {"track_id": id_, "artist_name": artist, "track_name": title}
            for id_, (_, artist, title) in zip(ids, tracks, strict=True)
        ),
    )
    key = song_key_of_names(artist_key(F.col("artist_name")), song_title_key(F.col("track_name")))
    known = ({"track_id": id_, "isrc": isrc} for id_, (isrc, _, _) in zip(ids, tracks, strict=True))
    rows = build(
        beatport_tracks=make_rows(spark, BEATPORT_TRACKS, *({**VALUES, **given} for given in beatport)),
        tracks=make_rows(spark, TRACKS, *known),
        track_identities=heard.withColumn("song_key", key),
    )
    return checked(rows, CONTRACT)


def test_an_isrc_is_enough(spark: SparkSession) -> None:
    (row,) = found(spark, ({**CIRCUIT, "beatport_id": "3001"},), (ISRC, "somebody", "something"))
    assert row == {
        "track_id": "t0",
        "artist_id": "artist_id",
        "tempo_bpm": 126.0,
        "key": 9,
        "mode": 0,
        "beatport_id": "3001",
        "match_method": "isrc",
        "confidence": 0.95,
    }


@pytest.mark.parametrize(
    ("title", "is_same"),
    [
        ("Circuit", True),
        ("circuit - Original Mix", True),
        ("Circuit - Radio Edit", True),
        ("Circuit - Somebody Remix", False),
        ("Circuit - Extended Mix", False),
        ("Circuits", False),
    ],
)
def test_names_match_where_the_version_does(spark: SparkSession, title: str, is_same: bool) -> None:
    rows = found(spark, (CIRCUIT,), (None, "The Runner", title))
    assert [(row["match_method"], row["confidence"]) for row in rows] == [("names", 0.8)] * is_same


def test_an_isrc_goes_before_names_and_both_values_before_one(spark: SparkSession) -> None:
    offered = (
        {**CIRCUIT, "beatport_id": "1", "isrc": OTHER_ISRC},
        {**CIRCUIT, "beatport_id": "2", "camelot": None},
        {**CIRCUIT, "beatport_id": "4"},
        {**CIRCUIT, "beatport_id": "3"},
    )
    (row,) = found(spark, offered, (ISRC, "Runner", "Circuit"))
    assert (row["match_method"], row["beatport_id"]) == ("isrc", "3")


def test_no_match_and_nothing_to_say_give_no_row(spark: SparkSession) -> None:
    assert found(spark, (), (ISRC, "Runner", "Circuit")) == []
    assert found(spark, (CIRCUIT,)) == []
    assert found(spark, ({**CIRCUIT, "tempo_bpm": None, "camelot": None},), (ISRC, "Runner", "Circuit")) == []
    nameless = {**CIRCUIT, "isrc": None, "artist_names": []}
    assert found(spark, (nameless,), (None, "Runner", "Circuit")) == []


@pytest.mark.parametrize(
    ("camelot", "expected"),
    [("8B", (0, 1)), ("8A", (9, 0)), ("1A", (8, 0)), ("12B", (4, 1)), ("5A", (0, 0)), ("3B", (1, 1)), ("11B", (9, 1)),
     ("13A", (None, None)), ("A", (None, None)), (None, (None, None))],
)  # fmt: skip
def test_a_camelot_key_is_a_pitch_class_and_a_mode(
    spark: SparkSession, camelot: str | None, expected: tuple[int | None, int | None]
) -> None:
    (row,) = found(spark, ({**CIRCUIT, "camelot": camelot},), (ISRC, "Runner", "Circuit"))
    assert (row["key"], row["mode"]) == expected
