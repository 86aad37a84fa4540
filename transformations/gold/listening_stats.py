"""Sums per day to the top artists, tracks, albums and genres of a listener, per period.

Plays are summed per listener and track for all periods in one pass, and each sum is then handed to every entity that
the track belongs to. Rows are laid out by listener once: all sums and ranks after that stay where they are.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from schemas.vocab import PERIOD_DAYS
from transformations.gold.periods import counted_plays, is_in_period
from transformations.ids import hashed

TOP = 50
ENTITIES = "array<struct<entity: string, entity_id: string, name: string, artist_name: string>>"
PERIODS = ("all", *PERIOD_DAYS)


def build(*, user_track_days: DataFrame, tracks: DataFrame, as_of_date: date) -> DataFrame:
    """Days of a listener in, at most 50 rows per period and kind of entity out; a track counts for each genre."""
    sums = [f"{kind}_{period}" for kind in ("plays", "ms") for period in PERIODS]
    by_track = (
        user_track_days.repartition("user_id")
        .groupBy("user_id", "track_id")
        .agg(
            *[_plays_in(period, as_of_date) for period in PERIODS],
            *[_ms_in(period, as_of_date) for period in PERIODS],
        )
    )
    by_entity = (
        by_track.join(tracks.select("track_id", _entities().alias("entities")), "track_id")
        .select("user_id", F.inline("entities"), *sums)
        .groupBy("user_id", "entity", "entity_id")
        .agg(F.min("name").alias("name"), F.min("artist_name").alias("artist_name"), *[F.sum(s).alias(s) for s in sums])
    )
    return _top(by_entity).withColumn("as_of_date", F.lit(as_of_date))


def _entities() -> Column:
    """What a play of the track counts for: its artist, itself, its album where known, and each of its genres."""
    artist = F.get("artist_names", F.lit(0))
    album_id = hashed(F.lit("album"), F.col("artist_id"), F.col("album_name"))
    album = _entity("album", album_id, F.col("album_name"), artist)
    return F.concat(
        F.array(
            _entity("artist", F.col("artist_id"), artist, _no_text()),
            _entity("track", F.col("track_id"), F.col("track_name"), artist),
        ),
        F.when(F.col("album_name").isNotNull(), F.array(album)).otherwise(F.array().cast(ENTITIES)),
        F.transform("genres", lambda genre: _entity("genre", genre, genre, _no_text())),
    )


def _entity(kind: str, entity_id: Column, name: Column, artist_name: Column) -> Column:
    return F.struct(
        F.lit(kind).alias("entity"), entity_id.alias("entity_id"), name.alias("name"), artist_name.alias("artist_name")
    )


def _no_text() -> Column:
    return F.lit(None).cast("string")


def _plays_in(period: str, as_of_date: date) -> Column:
    in_period = is_in_period(period, F.col("listen_date"), as_of_date)
    return F.sum(F.when(in_period, counted_plays()).otherwise(F.lit(0))).alias(f"plays_{period}")


def _ms_in(period: str, as_of_date: date) -> Column:
    in_period = is_in_period(period, F.col("listen_date"), as_of_date)
    return F.sum(F.when(in_period, F.col("ms_played"))).alias(f"ms_{period}")


def _top(by_entity: DataFrame) -> DataFrame:
    per_period = [
        F.struct(
            F.lit(period).alias("period"),
            F.col(f"plays_{period}").alias("listen_count"),
            F.col(f"ms_{period}").alias("ms_played"),
        )
        for period in PERIODS
    ]
    named = ("user_id", "entity", "entity_id", "name", "artist_name")
    played = by_entity.select(*named, F.inline(F.array(*per_period))).where("listen_count > 0")
    most_played = Window.partitionBy("user_id", "period", "entity").orderBy(
        F.col("listen_count").desc(), F.col("ms_played").desc_nulls_last(), "entity_id"
    )
    return (
        played.withColumn("rank", F.row_number().over(most_played))
        .where(F.col("rank") <= TOP)
        .select("user_id", "period", "entity", "rank", "entity_id", "name", "artist_name", "listen_count", "ms_played")
    )
