"""Ids are pure functions of their parts."""

from __future__ import annotations

import hashlib

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from transformations.ids import (
    ID_LENGTH,
    artist_id_of_name,
    hashed,
    names_key,
    track_id_of_isrc,
    track_id_of_names,
    track_id_of_recording,
    track_id_of_spotify,
)


def test_an_id_is_the_md5_of_its_parts_in_order(spark: SparkSession) -> None:
    row = spark.range(1).select(hashed(F.lit("a"), F.lit(1), F.lit(None)).alias("id")).first()
    assert row["id"] == hashlib.md5(b"a\x1f1\x1f").hexdigest()
    assert len(row["id"]) == ID_LENGTH


def test_parts_neither_run_together_nor_shift_over_a_null(spark: SparkSession) -> None:
    ids = spark.range(1).select(
        hashed(F.lit("ab"), F.lit("c")),
        hashed(F.lit("a"), F.lit("bc")),
        hashed(F.lit(None), F.lit("a")),
        hashed(F.lit("a"), F.lit(None)),
        hashed(F.lit("a")),
    )
    assert len(set(ids.first())) == 5


def test_ids_of_kinds_differ_though_their_words_are_the_same(spark: SparkSession) -> None:
    word = F.lit("spotify")
    ids = spark.range(1).select(
        track_id_of_spotify(word),
        track_id_of_isrc(word),
        track_id_of_recording(word),
        track_id_of_names(word),
        artist_id_of_name(word),
        hashed(word),
    )
    assert len(set(ids.first())) == 6


def test_a_key_of_names_keeps_artist_and_title_apart(spark: SparkSession) -> None:
    keys = spark.range(1).select(
        names_key(F.lit("Daft Punk"), F.lit("One More Time")), names_key(F.lit("Daft"), F.lit("Punk One More Time"))
    )
    assert list(keys.first()) == ["Daft Punk\x1fOne More Time", "Daft\x1fPunk One More Time"]
