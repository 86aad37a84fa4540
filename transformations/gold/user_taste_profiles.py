"""Plays per track to what a listener likes; a listener in, a row out, whatever was heard.

The trap: sums of doubles depend on their order. Weights and features are whole numbers until the last division.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType

from schemas.gold.user_taste_profiles import GENRE, TOP_ARTIST
from schemas.vocab import SHARE_FEATURES
from transformations.gold.periods import counted_plays
from transformations.millionths import scaled

MIN_PLAYS = 10  # fewer say nothing about a taste
MIN_SOUND_TRACKS = 5  # tracks with a known sound
TOP_ARTISTS, TOP_GENRES = 50, 20
COUNT_POWER, RARITY_POWER = 0.5, 0.8  # those of transformations.ranking.matcher, which compares listeners
FEATURES = (*SHARE_FEATURES, "loudness_db", "tempo_bpm")
DAMPED_SCALE = 1_000  # damped plays in thousandths: their product with a feature in millionths stays far from overflow
POPULATION_SCALE = 1_000  # and so do the squares of means in thousandths
MOST_DEVIATIONS = 3.0


def build(
    *, user_tracks: DataFrame, user_artists: DataFrame, tracks: DataFrame, track_features: DataFrame, users: DataFrame
) -> DataFrame:
    """All sums of all listeners in: rarity and the mean listener are of the whole population."""
    heard = user_tracks.select("user_id", "track_id", counted_plays().alias("plays")).where("plays > 0")
    artists = user_artists.select("user_id", "artist_id", "artist_name", counted_plays().alias("plays"))
    rows = (
        users.select("user_id")
        .join(_artists(artists.where("plays > 0")), "user_id", "left")
        .join(_genres(heard, tracks), "user_id", "left")
        .join(_sounds(heard, track_features), "user_id", "left")
    )
    plays = F.coalesce(F.col("listen_count"), F.lit(0).cast("bigint"))
    status = F.when(plays < MIN_PLAYS, "too_few_plays").when(F.col("sound").isNull(), "no_features").otherwise("ok")
    return rows.select(
        "user_id",
        status.alias("status"),
        plays.alias("listen_count"),
        F.coalesce("artist_count", F.lit(0).cast("bigint")).alias("artist_count"),
        F.coalesce("top_artists", F.array().cast(ArrayType(TOP_ARTIST))).alias("top_artists"),
        F.coalesce("genres", F.array().cast(ArrayType(GENRE))).alias("genres"),
        F.when(status == "ok", F.col("sound")).alias("sound"),
    )


def _artists(artists: DataFrame) -> DataFrame:
    """Per listener: plays, artists, and the artists of most weight."""
    named = F.struct("artist_id", "artist_name", F.col("plays").alias("listen_count"), "weight")
    top = F.slice(_by_weight(F.collect_list(named), "artist_id"), 1, TOP_ARTISTS)
    ranked = F.transform(
        top,
        lambda one, place: F.struct(
            (place + 1).cast("int").alias("rank"),
            one.artist_id.alias("artist_id"),
            one.artist_name.alias("artist_name"),
            one.listen_count.alias("listen_count"),
            one.weight.alias("weight"),
        ),
    )
    return (
        _weighted(artists, "artist_id")
        .groupBy("user_id")
        .agg(F.sum("plays").alias("listen_count"), F.count("*").alias("artist_count"), ranked.alias("top_artists"))
    )


def _genres(heard: DataFrame, tracks: DataFrame) -> DataFrame:
    plays = (
        heard.join(tracks.select("track_id", F.explode("genres").alias("genre")), "track_id")
        .groupBy("user_id", "genre")
        .agg(F.sum("plays").alias("plays"))
    )
    named = F.struct("genre", F.col("plays").alias("listen_count"), "weight")
    top = F.slice(_by_weight(F.collect_list(named), "genre"), 1, TOP_GENRES)
    return _weighted(plays, "genre").groupBy("user_id").agg(top.alias("genres"))


def _weighted(plays: DataFrame, item: str) -> DataFrame:
    """Rows of a listener and an item with the item's share of the listener's weight."""
    listeners = plays.select("user_id").distinct().withColumn("listeners", F.count("*").over(_everybody()))
    holders = plays.groupBy(item).agg(F.count("*").alias("holders"))
    rarity = F.pow(F.log1p(F.col("listeners") / F.col("holders")), RARITY_POWER)
    own = plays.join(holders, item).join(listeners, "user_id")
    weighed = own.withColumn("_weight", scaled(F.pow("plays", F.lit(COUNT_POWER)) * rarity))
    total = F.sum("_weight").over(Window.partitionBy("user_id"))
    return weighed.withColumn("weight", F.col("_weight") / total)


def _by_weight(items: Column, name: str) -> Column:
    """Structs by weight, the heaviest first; ties by name."""
    keyed = F.transform(
        items, lambda one: F.struct((-one["weight"]).alias("_order"), one[name].alias("_name"), one.alias("_one"))
    )
    return F.transform(F.array_sort(keyed), lambda one: one["_one"])


def _sounds(heard: DataFrame, track_features: DataFrame) -> DataFrame:
    """Per listener with enough known tracks: the mean of every feature, and where it lies among the listeners'."""
    damped = F.round(F.pow("plays", F.lit(COUNT_POWER)) * DAMPED_SCALE).cast("bigint")
    known = track_features.where("valence IS NOT NULL AND energy IS NOT NULL").select("track_id", *FEATURES)
    tracks = heard.join(known, "track_id").withColumn("_damped", damped)
    means = (
        tracks.groupBy("user_id")
        .agg(F.count("*").alias("sound_tracks"), F.sum("plays").alias("plays"), *[_mean(name) for name in FEATURES])
        .where((F.col("sound_tracks") >= MIN_SOUND_TRACKS) & (F.col("plays") >= MIN_PLAYS))
    )
    sound = [
        F.struct(F.lit(name).alias("feature"), F.col(name).alias("raw"), _deviations(name).alias("normalised"))
        for name in FEATURES
    ]
    return means.select("user_id", F.array(*sound).alias("sound"))


def _mean(feature: str) -> Column:
    weight = F.when(F.col(feature).isNotNull(), F.col("_damped"))
    return (F.try_divide(F.sum(scaled(F.col(feature)) * weight), F.sum(weight)) / 1_000_000).alias(feature)


def _deviations(feature: str) -> Column:
    """How far from the mean listener, in standard deviations of listeners; 0 where all are alike."""
    value = F.round(F.col(feature) * POPULATION_SCALE).cast("bigint")
    mean = F.sum(value).over(_everybody()) / F.count(value).over(_everybody())
    variance = F.sum(value * value).over(_everybody()) / F.count(value).over(_everybody()) - mean * mean
    deviations = F.try_divide(value - mean, F.sqrt(F.greatest(variance, F.lit(0.0))))
    bounded = F.greatest(F.least(deviations, F.lit(MOST_DEVIATIONS)), F.lit(-MOST_DEVIATIONS))
    return F.when(F.col(feature).isNotNull(), F.coalesce(bounded, F.lit(0.0)))


def _everybody() -> WindowSpec:
    """All rows of one per listener."""
    return Window.partitionBy(F.lit(0))
