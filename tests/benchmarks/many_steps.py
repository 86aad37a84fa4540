"""Matches by Spark on a cluster of two workers: the builds of the nightly plan, out of Parquet files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from schemas.gold.user_mood_profiles import CONTRACT as USER_MOOD_PROFILES
from schemas.gold.user_taste_profiles import CONTRACT as USER_TASTE_PROFILES
from schemas.ops.privacy_settings import CONTRACT as PRIVACY_SETTINGS
from schemas.ops.user_blocks import CONTRACT as USER_BLOCKS
from schemas.silver.user_top_items import CONTRACT as USER_TOP_ITEMS
from tests.benchmarks.cluster import cluster
from tests.benchmarks.measure import Marks, step_main
from tests.benchmarks.settings import MATCHES, SEED, TOUCHED_SHARE
from transformations.gold import match_listeners, match_model
from transformations.gold.user_match_explanations import build_of_many, nearest
from transformations.ranking.counts import Counts
from transformations.ranking.matcher import Matcher
from transformations.ranking.population import hub_sample

USERS_OF_A_PARTITION = 2_500
SAMPLE = 500  # listeners whose lists are compared with the exact ones
FIRST = 10  # of each list, told apart


def many(marks: Marks, *, folder: str, out: str) -> None:
    """A full build and a night in which some listeners changed; how much of the exact lists a sample of them has."""
    spark = cluster(out)
    given = _tables(spark, folder)
    users = given["user_artists"].select("user_id").distinct().count()
    spark.conf.set("spark.sql.shuffle.partitions", str(max(4, users // USERS_OF_A_PARTITION)))
    with marks.span("all"):
        with marks.span("model"):
            model = _kept(match_model.build(**given), f"{out}/model")
        population = match_model.read(match_model.artefact(model).toArrow())
        del given["tracks"]
        with marks.span("listeners"):
            listeners = _kept(
                match_listeners.build(match_model=model, population=population, **given), f"{out}/listeners"
            )
        with marks.span("nearest"):
            pairs = _nearest(spark, listeners, f"{out}/nearest")
        with marks.span("explained"):
            rows = _explained(listeners, pairs, f"{out}/explained")
    marks.facts.update(rows=rows.count(), found=_found(folder, rows))
    touched = listeners.where(f"pmod(xxhash64(user_id), 1000) < {1000 * TOUCHED_SHARE}").select("user_id")
    heard = given["user_artists"].join(touched, "user_id").withColumn("listen_count", F.col("listen_count") + 3)
    with marks.span("night"):
        changed = match_listeners.build(
            match_model=model,
            population=population,
            **{**given, "user_artists": heard.select(*given["user_artists"].columns)},
        )
        again = _kept(listeners.join(F.broadcast(touched), "user_id", "left_anti").unionByName(changed), f"{out}/again")
        few = {"touched": touched, "previous": rows}
        moved = _nearest(spark, again, f"{out}/moved", **few)
        _explained(again, moved, f"{out}/night", **few)
    marks.facts.update(users=users, touched=touched.count(), lists=moved.select("user_id").distinct().count())
    spark.stop()


def _nearest(spark: SparkSession, listeners: DataFrame, path: str, **few: DataFrame) -> DataFrame:
    blocks = spark.createDataFrame([], USER_BLOCKS.struct())
    given: dict[str, Any] = {"touched": None, "previous": None, **few}
    return _kept(nearest(match_listeners=listeners, user_blocks=blocks, **given), path)


def _explained(listeners: DataFrame, pairs: DataFrame, path: str, **few: DataFrame) -> DataFrame:
    given: dict[str, Any] = {"touched": None, "previous": None, **few}
    return _kept(build_of_many(nearest=pairs, match_listeners=listeners, **given), path)


def _kept(rows: DataFrame, path: str) -> DataFrame:
    rows.write.mode("overwrite").parquet(path)
    return rows.sparkSession.read.parquet(path)


def _found(folder: str, rows: DataFrame) -> dict[str, float]:
    """Which share of the exact lists of a sample, and of their first, is in the rows."""
    plays, genres = (pd.read_parquet(f"{folder}/{name}.parquet") for name in ("plays", "genres"))
    counts = Counts.of(plays["user_id"], plays["artist_id"], plays["listen_count"])
    labels = counts.labels(genres["artist_id"], genres["genre"], genres["tracks"])
    matcher = Matcher.of(counts.matrix, labels, sample=hub_sample(counts.users))
    chosen = np.random.default_rng(SEED).choice(len(counts.users), min(SAMPLE, len(counts.users)), replace=False)
    exact = matcher.top(MATCHES, users=np.sort(chosen))
    sample = rows.sparkSession.createDataFrame([(user,) for user in counts.users[chosen].tolist()], "user_id string")
    table = rows.join(F.broadcast(sample), "user_id").select("user_id", "match_user_id").toArrow()
    one, other = (np.searchsorted(counts.users, np.asarray(table[name])) for name in ("user_id", "match_user_id"))
    size = len(counts.users)
    is_found = np.isin(exact.users * size + exact.matches, one * size + other)
    return {"all": float(is_found.mean()), "first": float(is_found[exact.ranks <= FIRST].mean())}


def _tables(spark: SparkSession, folder: str) -> dict[str, DataFrame]:
    plays = spark.read.parquet(f"{folder}/plays.parquet")
    genres = spark.read.parquet(f"{folder}/genres.parquet")
    nothing = (USER_TOP_ITEMS, PRIVACY_SETTINGS, USER_TASTE_PROFILES, USER_MOOD_PROFILES)
    return {
        "user_artists": plays.selectExpr("*", "artist_id AS artist_name", "0L AS skip_count"),
        "tracks": genres.selectExpr("artist_id", "explode(array_repeat(array(genre), CAST(tracks AS INT))) AS genres"),
        **{contract.name: spark.createDataFrame([], contract.struct()) for contract in nothing},
    }


if __name__ == "__main__":
    step_main({"many": many})
