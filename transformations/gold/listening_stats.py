"""Sums per day to the top artists, tracks, albums and genres of a listener, per period.

Plays are summed per listener and track for all periods in one pass; the other entities add those rows up.
"""

from __future__ import annotations

from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from schemas.vocab import PERIOD_DAYS
from transformations.gold.periods import counted_plays, is_in_period
from transformations.ids import hashed

TOP = 50
PERIODS = ("all", *PERIOD_DAYS)


def build(*, user_track_days: DataFrame, tracks: DataFrame, as_of_date: date) -> DataFrame:
    """Days of a listener in, at most 50 rows per period and kind of entity out; a track counts for each genre."""
    by_track = user_track_days.groupBy("user_id", "track_id").agg(
        *[_plays_in(period, as_of_date) for period in PERIODS],
        *[_ms_in(period, as_of_date) for period in PERIODS],
    )
    named = by_track.join(_names(tracks), "track_id")
    entities = {
        "artist": _summed(named, "artist_id", "artist_name", None),
        "track": _summed(named, "track_id", "track_name", "artist_name"),
        "album": _summed(named.where("album_id IS NOT NULL"), "album_id", "album_name", "artist_name"),
        "genre": _summed(named.withColumn("genre", F.explode("genres")), "genre", "genre", None),
    }
    tops = [_top(rows, entity) for entity, rows in entities.items()]
    return reduce(DataFrame.unionByName, tops).withColumn("as_of_date", F.lit(as_of_date))


def _names(tracks: DataFrame) -> DataFrame:
    return tracks.select(
        "track_id",
        "artist_id",
        F.get("artist_names", F.lit(0)).alias("artist_name"),
        "track_name",
        "album_name",
        F.when(F.col("album_name").isNotNull(), hashed(F.lit("album"), F.col("artist_id"), F.col("album_name"))).alias(
            "album_id"
        ),
        "genres",
    )


def _plays_in(period: str, as_of_date: date) -> Column:
    in_period = is_in_period(period, F.col("listen_date"), as_of_date)
    return F.sum(F.when(in_period, counted_plays()).otherwise(F.lit(0))).alias(f"plays_{period}")


def _ms_in(period: str, as_of_date: date) -> Column:
    in_period = is_in_period(period, F.col("listen_date"), as_of_date)
    return F.sum(F.when(in_period, F.col("ms_played"))).alias(f"ms_{period}")


def _summed(rows: DataFrame, entity_id: str, name: str, artist_name: str | None) -> DataFrame:
    """A row per listener and entity, its plays and time for every period beside each other."""
    artist = F.min(artist_name) if artist_name else F.lit(None).cast("string")
    return rows.groupBy("user_id", F.col(entity_id).alias("entity_id")).agg(
        F.min(name).alias("name"),
        artist.alias("artist_name"),
        *[F.sum(f"plays_{period}").alias(f"plays_{period}") for period in PERIODS],
        *[F.sum(f"ms_{period}").alias(f"ms_{period}") for period in PERIODS],
    )


def _top(rows: DataFrame, entity: str) -> DataFrame:
    per_period = [
        F.struct(
            F.lit(period).alias("period"),
            F.col(f"plays_{period}").alias("listen_count"),
            F.col(f"ms_{period}").alias("ms_played"),
        )
        for period in PERIODS
    ]
    played = rows.select("user_id", "entity_id", "name", "artist_name", F.inline(F.array(*per_period))).where(
        "listen_count > 0"
    )
    most_played = Window.partitionBy("user_id", "period").orderBy(
        F.col("listen_count").desc(), F.col("ms_played").desc_nulls_last(), "entity_id"
    )
    return (
        played.withColumn("rank", F.row_number().over(most_played))
        .where(F.col("rank") <= TOP)
        .select(
            "user_id",
            "period",
            F.lit(entity).alias("entity"),
            "rank",
            "entity_id",
            "name",
            "artist_name",
            "listen_count",
            "ms_played",
        )
    )
