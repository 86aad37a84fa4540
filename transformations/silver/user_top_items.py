"""Spotify's ranked lists to one row a listener, list and rank."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

FIELDS = """
    entity string, time_range string, rank string,
    item struct<
        id: string, name: string, popularity: string, genres: array<string>, artists: array<struct<name: string>>
    >
"""


def build(*, spotify_top_items: DataFrame) -> DataFrame:
    """An item in, a row out."""
    rows = spotify_top_items.select("user_id", F.from_json("payload", FIELDS).alias("row"))
    entity, name = F.rtrim("row.entity", F.lit("s")), F.trim("row.item.name")  # artists, tracks: as they are asked for
    artists = F.transform("row.item.artists", lambda artist: F.trim(artist["name"]))
    return rows.select(
        "user_id",
        F.col("row.time_range").alias("time_range"),
        entity.alias("entity"),
        F.col("row.rank").try_cast("int").alias("rank"),
        F.col("row.item.id").alias("spotify_id"),
        name.alias("name"),
        F.when(entity == "artist", F.array(name)).otherwise(_present(artists)).alias("artist_names"),
        F.array_sort(_present(F.col("row.item.genres"))).alias("genres"),
        F.col("row.item.popularity").try_cast("int").alias("popularity"),
    )


def _present(texts: Column) -> Column:
    return F.coalesce(F.array_compact(texts), F.array().cast("array<string>"))
