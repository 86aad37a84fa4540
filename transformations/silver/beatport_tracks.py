"""Beatport's tracks to typed columns; nearly every field may be absent, by endpoint."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transformations.silver.spotify_tracks import ISRC, first_day

FIELDS = """
    id string, name string, mix_name string, bpm string, length_ms string, isrc string, publish_date string,
    catalog_number string, sample_url string,
    artists array<struct<name: string>>, remixers array<struct<name: string>>,
    key struct<name: string, camelot_number: string, camelot_letter: string>,
    genre struct<name: string>, sub_genre struct<name: string>,
    release struct<
        name: string, label: struct<name: string>, catalog_number: string, image: struct<uri: string>
    >
"""


def build(*, beatport_tracks: DataFrame) -> DataFrame:
    """An item in, a row out."""
    rows = beatport_tracks.select(F.from_json("payload", FIELDS).alias("row"))
    name, mix = _text("name"), _text("mix_name")
    isrc = F.upper(_text("isrc"))
    return rows.select(
        F.col("row.id").alias("beatport_id"),
        name.alias("track_name"),
        mix.alias("mix_name"),
        F.coalesce(F.concat(name, F.lit(" ("), mix, F.lit(")")), name).alias("full_title"),
        _names("artists").alias("artist_names"),
        _names("remixers").alias("remixers"),
        F.nullif(F.col("row.bpm").try_cast("double"), F.lit(0.0)).alias("tempo_bpm"),
        _text("key.name").alias("key_name"),
        F.concat(_text("key.camelot_number"), _text("key.camelot_letter")).alias("camelot"),
        _text("genre.name").alias("genre"),
        _text("sub_genre.name").alias("sub_genre"),
        _text("release.label.name").alias("label"),
        F.coalesce(_text("catalog_number"), _text("release.catalog_number")).alias("catalogue_number"),
        F.when(isrc.rlike(ISRC), isrc).alias("isrc"),
        F.nullif(F.col("row.length_ms").try_cast("bigint"), F.lit(0)).alias("duration_ms"),
        first_day(_text("publish_date")).alias("release_date"),
        _text("sample_url").alias("preview_url"),
        _text("release.image.uri").alias("image_url"),
    )


def _text(path: str) -> Column:
    return F.nullif(F.trim(f"row.{path}"), F.lit(""))


def _names(path: str) -> Column:
    names = F.transform(f"row.{path}", lambda person: F.nullif(F.trim(person["name"]), F.lit("")))
    return F.coalesce(F.array_compact(names), F.array().cast("array<string>"))
