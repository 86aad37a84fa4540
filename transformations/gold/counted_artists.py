"""Plays and Spotify's top lists to how much a listener has of each artist: what is compared where listeners are.

The trap: an artist who was only ever skipped has a row too, of no plays: such a one is not new to the listener.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transformations.gold.periods import counted_plays
from transformations.ids import artist_id_of_name
from transformations.names import artist_letters

# Plays that the first of a list counts, the k-th a k-th of it; in fractions of which sums are exact in any order.
TOP_ITEM_PLAYS = {"short_term": 3, "medium_term": 6, "long_term": 12}
FRACTION = 1_024


def listed_artists(user_top_items: DataFrame) -> DataFrame:
    """user_id, artist_id, artist_name and the plays that a place on a list counts; a row per list."""
    first = " ".join(f"WHEN '{name}' THEN {plays}" for name, plays in TOP_ITEM_PLAYS.items())
    return user_top_items.where("entity = 'artist' AND get(artist_names, 0) IS NOT NULL").select(
        "user_id",
        artist_id_of_name(artist_letters(F.col("artist_names")[0])).alias("artist_id"),
        F.col("artist_names")[0].alias("artist_name"),
        F.expr(f"greatest(round(CASE time_range {first} END * {FRACTION} / rank), 1D) / {FRACTION}").alias("plays"),
    )


def counted_artists(user_artists: DataFrame, user_top_items: DataFrame, privacy_settings: DataFrame) -> DataFrame:
    """Per listener who is matched, and artist: `count`, of which `plays` were heard, its name, whether it is listed.

    What does not count is there with a count of 0.
    """
    own = ["user_id", "artist_id", "artist_name"]
    heard = user_artists.select(*own, counted_plays().cast("double").alias("plays"), F.lit(0.0).alias("listed"))
    listed = listed_artists(user_top_items).select(*own, F.lit(0.0).alias("plays"), F.col("plays").alias("listed"))
    unmatched = privacy_settings.where("NOT is_matched").select("user_id")
    return (
        heard.unionByName(listed)
        .join(F.broadcast(unmatched), "user_id", "left_anti")
        .groupBy("user_id", "artist_id")
        .agg(
            F.min(_where_counted(F.col("artist_name"))).alias("artist_name"),
            F.sum(F.col("plays") + F.col("listed")).alias("count"),
            F.sum("plays").alias("plays"),
            F.bool_or(F.col("listed") > 0).alias("is_listed"),
        )
    )


def genres_of_artists(tracks: DataFrame) -> DataFrame:
    """artist_id, genre and how many `tracks` of the artist have it."""
    genres = tracks.selectExpr("artist_id", "explode(genres) AS genre")
    return genres.groupBy("artist_id", "genre").agg(F.count("*").alias("tracks"))


def _where_counted(name: Column) -> Column:
    return F.when((F.col("plays") > 0) | (F.col("listed") > 0), name)
