"""The classes that Spark's JVM loads, as an archive beside Delta's JARs: made once at set-up, mapped by each start.

To read and check them anew was a fifth of the processor time of a short command. An archive is of one Java and one
set of JARs (JEP 350), so its name is their hash; where there is none, Spark starts without it.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyspark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PREFIX, SUFFIX = "classes-", ".jsa"
MAKE_SECONDS = 300
SILENT = "-Xlog:disable"  # the JVM warns on standard output of each class that it leaves out


def archive_path(folder: Path, java: str) -> Path:
    """Where the archive for a version of Java and the installed PySpark is, or would be."""
    jars = sorted((Path(pyspark.__file__).parent / "jars").glob("*.jar"))
    facts = [java, *(f"{jar} {jar.stat().st_size} {jar.stat().st_mtime_ns}" for jar in jars)]
    name = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    return folder / f"{PREFIX}{name}{SUFFIX}"


def java_options(folder: Path, java: str) -> str:
    """What makes the JVM use the archive; nothing where there is none."""
    path = archive_path(folder, java)
    return f"-XX:SharedArchiveFile={path} {SILENT}" if path.is_file() and path.stat().st_size else ""


def make(folder: Path) -> None:
    """Make the archive unless it is there, and remove those of another Java or PySpark.

    A process of its own does some of everything: its JVM writes the archive when it ends, and a process that has
    started a JVM cannot start another. Where no archive comes of it, an empty file says so and it is not tried again.
    Raises JavaError.
    """
    from jobs.runtime.spark import check_java

    path = archive_path(folder, check_java())
    if path.is_file():
        return
    print("keeping Spark's classes for quicker starts (once, about a minute)", flush=True)
    for stale in folder.glob(f"{PREFIX}*{SUFFIX}"):
        stale.unlink()
    with tempfile.TemporaryDirectory(prefix="moodlake-classes-", dir=folder) as scratch:
        fresh = Path(scratch) / path.name
        worker = [sys.executable, "-m", __name__, str(folder), str(fresh)]
        try:
            problem = subprocess.run(worker, capture_output=True, text=True, timeout=MAKE_SECONDS, check=False).stderr
        except subprocess.TimeoutExpired:
            problem = f"it took longer than {MAKE_SECONDS} s"
        if fresh.is_file():
            fresh.replace(path)
            return
    path.touch()
    why = (problem.strip() or "this Java keeps none").splitlines()[-1]
    print(f"went on without them, starts are slower ({why}); remove {path} to try again")


def _exercise(folder: Path, fresh: Path) -> None:
    """Start Spark, work, and let its JVM write what it loaded to `fresh`."""
    from jobs.runtime.settings import load_settings
    from jobs.runtime.spark import open_session

    given = {"master": "local[1]", "jars_dir": str(folder)}
    settings = load_settings(reads_dotenv=False).spark.model_copy(update=given)
    spark = open_session(settings, java_options=f"-XX:ArchiveClassesAtExit={fresh} {SILENT}")
    gateway = spark.sparkContext._gateway
    assert gateway is not None
    _work(spark, fresh.parent / "table")
    spark.stop()
    gateway.proc.stdin.close()  # at which the JVM ends
    gateway.proc.wait()


def _work(spark: SparkSession, table: Path) -> None:
    """What every command does: rows to a table and back, merged, joined, ranked and counted."""
    import pandas as pd
    from delta.tables import DeltaTable
    from pyspark.sql import functions as F

    told = pd.DataFrame({"id": ["a", "b", "c"], "payload": ['{"n": 1, "of": ["x", "y"]}'] * 3})
    payload = F.from_json("payload", "n INT, of ARRAY<STRING>").alias("payload")
    rows = spark.createDataFrame(told).select("id", payload, F.current_timestamp().alias("at"))
    rows.write.format("delta").option("delta.enableChangeDataFeed", "true").save(str(table))
    merged = DeltaTable.forPath(spark, str(table)).alias("old").merge(rows.alias("new"), "old.id = new.id")
    merged.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
    stored = spark.read.format("delta").load(str(table))
    feed = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", 0).load(str(table))
    place = "row_number() OVER (PARTITION BY id ORDER BY at DESC) AS place"
    joined = stored.join(feed.selectExpr("id", "_change_type", place), "id", "left").where("place = 1")
    counted = joined.selectExpr("id", "explode(payload.of) AS one", "lower(regexp_replace(id, '[b]', '')) AS name")
    counted.groupBy("one").agg(F.count("*"), F.collect_list("name")).orderBy("one").toPandas()
    counted.mapInPandas(lambda blocks: blocks, counted.schema).collect()


if __name__ == "__main__":
    _exercise(*map(Path, sys.argv[1:]))
