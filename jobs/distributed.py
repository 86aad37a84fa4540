"""Lists of listeners too many for one process: what all of them tell is fitted first, then blocks of them are scored.

Spark's ALS gives factors of listeners and songs, by which candidates are found; the linear model is fitted on a sample
by the driver, with the whole catalogue, and goes to the workers with it. The trap: sums of ALS depend on the order of
rows, so these are sorted, which its own shuffle undoes beyond one block: the last candidates may then differ between
runs. Factors only choose what is scored, never a score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.runtime.frames import local_frame
from schemas.gold.recommendations import CONTRACT
from transformations.gold.pruned_lists import (
    Catalogue,
    catalogue_of,
    catalogue_rows,
    heard_songs,
    listener_rows,
    lists_of,
    population_of,
    taste_id,
)
from transformations.gold.recommendations import Request, nightly, of_mood
from transformations.ranking.recommender import fitted_of

FACTORS, ROUNDS, RIDGE, CONFIDENCE = 32, 8, 0.1, 2.0
FACTOR_DIGITS = 4
BLOCK_ROWS = 500_000  # of what ALS learns from: a block of it is a task
TASK_LISTENERS = 1_000  # of a task, which holds their rows at once
FACTORS_SCHEMA = "taste_id int, factors array<float>"
Keep = Callable[[DataFrame], DataFrame]


def recommendations(spark: SparkSession, keep: Keep, *, as_of_date: date, **inputs: DataFrame) -> DataFrame:
    """What `transformations.gold.recommendations.build` makes, of any number of listeners: at most 50 rows a listener
    and list. `keep` keeps rows that are used several times until the table is written."""
    return _recommended(spark, nightly(as_of_date), inputs, keep)


def for_mood(
    spark: SparkSession,
    user_id: str,
    mood: Mapping[str, float],
    size: int,
    *,
    inputs: Mapping[str, DataFrame],
    as_of_date: date,
) -> DataFrame:
    """The list `custom` of one listener for any mood vector, where there are many listeners."""
    return _recommended(spark, of_mood(user_id, mood, size, as_of_date), inputs, DataFrame.persist)


def _recommended(spark: SparkSession, request: Request, inputs: Mapping[str, DataFrame], keep: Keep) -> DataFrame:
    known = catalogue_rows(inputs, request).toArrow().to_pandas()
    library, by_session, by_sound = catalogue_of(known, request)
    users = inputs["users"].select("user_id").union(inputs["user_tracks"].select("user_id")).distinct().count()
    if not len(library.tracks) or not users:
        return local_frame(spark, [], CONTRACT.struct())
    songs = pa.table({"track_id": pa.array(library.track_ids, pa.string()), "place": library.places.astype(np.int32)})
    heard = keep(heard_songs(inputs, spark.createDataFrame(songs), request))
    counted = heard.where("weight > 0").groupBy("place").count().toArrow()
    listeners = np.zeros(len(library.tracks))
    listeners[counted["place"].to_numpy()] = counted["count"].to_numpy()
    population = population_of(
        library,
        by_session,
        by_sound,
        listeners=listeners,
        users=users,
        sample=_sample(spark, heard, request),
    )
    factors = _factors(spark, heard, len(library.tracks), request)
    rows = listener_rows(inputs, heard, factors.of_listeners, request)
    catalogue = Catalogue(library, population, by_session, by_sound, factors.of_songs)
    tasks = 1 if request.user_id is not None else -(-users // TASK_LISTENERS)
    return lists_of(rows.repartition(tasks, "user_id"), catalogue, request)


def _sample(spark: SparkSession, heard: DataFrame, request: Request) -> pd.DataFrame:
    """What those play on whom one process would fit its linear model, too."""
    played = heard.where("weight > 0").select("user_id", "place", "weight")
    fans = np.sort(played.select("user_id").distinct().toArrow()["user_id"].to_numpy().astype(str))
    some = pa.table({"user_id": pa.array(fans[fitted_of(len(fans), request.seed)], pa.string())})
    found: pd.DataFrame = (
        played.join(F.broadcast(spark.createDataFrame(some)), "user_id", "left_semi").toArrow().to_pandas()
    )
    return found


@dataclass(frozen=True)
class _Factors:
    of_listeners: DataFrame
    of_songs: NDArray[np.float32]


def _factors(spark: SparkSession, heard: DataFrame, songs: int, request: Request) -> _Factors:
    """Factors of listeners by `taste_id` and of songs by place; for one listener who asks, nobody's."""
    of_songs = np.zeros((songs, FACTORS), dtype=np.float32)
    nobody = spark.createDataFrame([], FACTORS_SCHEMA)
    rated = heard.where("weight > 0").selectExpr(
        f"{taste_id()} AS taste_id", "place", "float(ln(1 + weight)) AS rating"
    )
    count = 0 if request.user_id is not None else rated.count()
    if not count:
        return _Factors(nobody, of_songs)
    blocks = -(-count // BLOCK_ROWS)
    als = ALS(
        rank=FACTORS,
        maxIter=ROUNDS,
        regParam=RIDGE,
        alpha=CONFIDENCE,
        implicitPrefs=True,
        seed=request.seed,
        numUserBlocks=blocks,
        numItemBlocks=blocks,
        userCol="taste_id",
        itemCol="place",
        ratingCol="rating",
    )
    fitted = als.fit(rated.repartition(blocks, "taste_id").sortWithinPartitions("taste_id", "place"))
    learnt = fitted.itemFactors.toArrow()
    features = learnt["features"].combine_chunks().flatten().to_numpy().reshape(-1, FACTORS)
    of_songs[learnt["id"].to_numpy()] = np.round(features, FACTOR_DIGITS)
    rounded = F.transform("features", lambda one: F.round(one, FACTOR_DIGITS)).alias("factors")
    return _Factors(fitted.userFactors.select(F.col("id").alias("taste_id"), rounded), of_songs)
