"""Steps of recommendations, each in a new JVM: lists by one process, and by two workers out of candidates."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import distributed
from jobs.plan import STEPS
from jobs.runtime.settings import load_settings
from jobs.runtime.spark import open_session
from tests.benchmarks.cluster import cluster
from tests.benchmarks.measure import Marks, step_main
from tests.benchmarks.settings import END
from transformations.gold.recommendations import build

FIRST = 10  # of each list, told apart
INPUTS = next(step for step in STEPS if step.table == "gold.recommendations").reads


def exact(marks: Marks, *, folder: str, out: str, sample: int | None = None) -> None:
    """The build of the night up to RECOMMENDATIONS__EXACT_UP_TO_USERS listeners, of all or so many of them."""
    spark = open_session(load_settings().spark)
    inputs = _inputs(spark, folder)
    if sample is not None:
        inputs["users"] = inputs["users"].orderBy(F.xxhash64("user_id")).limit(sample)
    with marks.span("all"):
        build(**inputs, as_of_date=END).write.mode("overwrite").parquet(f"{out}/exact")
    marks.facts["rows"] = spark.read.parquet(f"{out}/exact").count()


def pruned(marks: Marks, *, folder: str, out: str) -> None:
    """The build of the night beyond; `found` are shares of the exact lists (which `exact` wrote) that it has."""
    spark = cluster(out)
    with marks.span("all"):
        with marks.span("fit"):
            made = distributed.recommendations(spark, DataFrame.persist, as_of_date=END, **_inputs(spark, folder))
        with marks.span("lists"):
            made.write.mode("overwrite").parquet(f"{out}/pruned")
    lists = spark.read.parquet(f"{out}/pruned").select("user_id", "list", "track_id", F.lit(1).alias("is_found"))
    expected = spark.read.parquet(f"{out}/exact").select("user_id", "list", "rank", "track_id")
    share = F.avg(F.coalesce("is_found", F.lit(0)))
    found = expected.join(lists, ["user_id", "list", "track_id"], "left")
    by_list = {row["list"]: row["share"] for row in found.groupBy("list").agg(share.alias("share")).collect()}
    first = found.where(F.col("rank") <= FIRST).groupBy("list").agg(share.alias("share")).collect()
    marks.facts.update(
        rows=lists.count(),
        found=by_list,
        first_found={row["list"]: row["share"] for row in first},
        plays=spark.read.parquet(f"{folder}/user_tracks.parquet").count(),
    )
    spark.stop()


def _inputs(spark: SparkSession, folder: str) -> dict[str, DataFrame]:
    names = [table.split(".")[1] for table in INPUTS]
    return {name: spark.read.parquet(str(Path(folder) / f"{name}.parquet")) for name in names}


if __name__ == "__main__":
    step_main({"exact": exact, "pruned": pruned})
