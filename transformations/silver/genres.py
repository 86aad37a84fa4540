"""The catalogue's tracks to the mean sound of each genre; a genre of few tracks leans on all."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.silver.features import ESTIMATED_FEATURES, LEADING
from transformations.silver.features import mean_of, shrunk, sound_sums

EVERYTHING = "*"
TRACKS_OF_PRIOR = 5.0  # so many tracks weigh as much as the population: the catalogue's genres have about 1,000


def build(*, catalogue_tracks: DataFrame) -> DataFrame:
    """A measured track counts in each of its genres and in `*`."""
    measured = catalogue_tracks.where(" AND ".join(f"{name} IS NOT NULL" for name in LEADING))
    counted = measured.withColumn("genre", F.explode(F.array_append(F.array_distinct("genres"), F.lit(EVERYTHING))))
    sums = counted.groupBy("genre").agg(F.count("*").alias("track_count"), *sound_sums(ESTIMATED_FEATURES))
    everything = sums.where(F.col("genre") == EVERYTHING).select(F.struct("*").alias("all"))
    return sums.crossJoin(F.broadcast(everything)).select(
        "genre",
        "track_count",
        *[
            F.when(F.col("genre") == EVERYTHING, mean_of(name))
            .otherwise(shrunk(name, mean_of(name, "all"), TRACKS_OF_PRIOR))
            .alias(name)
            for name in ESTIMATED_FEATURES
        ],
    )
