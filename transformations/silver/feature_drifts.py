"""Features of a service and of the catalogue to how far they are apart, on the tracks that both have.

The trap: every new track moves the mean a little, and a correction that moved with it would build all features anew
every night. So a correction goes in steps, and `silver.track_features` looks at nothing else here.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.silver.features import ESTIMATED_FEATURES
from transformations.millionths import SCALE, scaled

SOURCE = "reccobeats"  # Spotify's own values are what the catalogue holds
FEWEST_TRACKS = 50  # of fewer a mean says little: its error is a seventh of the spread
# From where on a mean difference is large, in the feature's unit: a fifth of most features' spread in the catalogue.
LARGE = dict.fromkeys(ESTIMATED_FEATURES, 0.05) | {"loudness_db": 1.0, "tempo_bpm": 5.0}
STEPS = 5  # of a correction, in what is large


def build(*, service_features: DataFrame, catalogue_tracks: DataFrame) -> DataFrame:
    """A row per feature that the service has of a track of the catalogue; one asked for by ISRC is none of it."""
    theirs = service_features.where(F.col("source") == SOURCE).select(
        F.col("track_key").alias("spotify_id"), F.struct(*ESTIMATED_FEATURES).alias("theirs")
    )
    both = theirs.join(catalogue_tracks.select("spotify_id", F.struct(*ESTIMATED_FEATURES).alias("ours")), "spotify_id")
    pairs = [
        F.struct(
            F.lit(name).alias("feature"),
            F.lit(LARGE[name]).alias("large"),
            (scaled(F.col(f"theirs.{name}")) - scaled(F.col(f"ours.{name}"))).alias("difference"),
        )
        for name in ESTIMATED_FEATURES
    ]
    square = F.col("difference").cast("decimal(19,0)") * F.col("difference").cast("decimal(19,0)")
    sums = (
        both.select(F.explode(F.array(*pairs)).alias("pair"))
        .select("pair.*")
        .where("difference IS NOT NULL")
        .groupBy("feature", "large")
        .agg(
            F.count("*").alias("track_count"),
            (F.sum("difference") / F.count("*")).alias("mean"),
            (F.sum(square).cast("double") / F.count("*")).alias("mean_square"),
        )
    )
    told = sums.select(
        F.lit(SOURCE).alias("source"),
        "feature",
        "large",
        "track_count",
        (F.col("mean") / SCALE).alias("difference_mean"),
        (F.sqrt(F.greatest(F.col("mean_square") - F.col("mean") * F.col("mean"), F.lit(0.0))) / SCALE).alias(
            "difference_spread"
        ),
    )
    status = told.withColumn("status", _status())
    return status.withColumn("correction", F.when(F.col("status") == "corrected", _in_steps()).otherwise(0.0)).drop(
        "large"
    )


def _status() -> Column:
    """Steady is a mean of at least the spread: without it the mean square of the difference is at most half."""
    size = F.abs("difference_mean")
    return (
        F.when(F.col("track_count") < FEWEST_TRACKS, "too_few")
        .when(size < F.col("large"), "even")
        .when(size >= F.col("difference_spread"), "corrected")
        .otherwise("flagged")
    )


def _in_steps() -> Column:
    return F.round(F.col("difference_mean") / F.col("large") * STEPS) * F.col("large") / STEPS
