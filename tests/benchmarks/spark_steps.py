"""Steps that need a JVM, each run in a new process: our imports, builds and nights, a bare Spark copy, sessions."""

from __future__ import annotations

import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from structlog.testing import capture_logs

from jobs.groups import Run
from jobs.importing import Request, import_file
from jobs.people import UserSettings, set_users
from jobs.runner import execute
from jobs.runtime import spark as ours
from jobs.runtime.lake import Lake
from jobs.runtime.ops import new_run_id
from jobs.runtime.settings import PROJECT, LakeSettings, Settings, load_settings
from tests.benchmarks.measure import Marks, step_main
from tests.benchmarks.settings import LABEL, MERGE_ROWS, MERGE_TABLE_ROWS, MERGES, WARM_MERGES


def prepare(marks: Marks, *, root: str, catalogue: str, history: str, zones: dict[str, str]) -> None:
    """A lake with the catalogue and the whole history in bronze."""
    settings, lake = _lake(root)
    import_file(lake, settings, Request("kaggle-tracks", Path(catalogue)))
    with marks.span("history"):
        report = import_file(lake, settings, Request("csv", Path(history), label=LABEL))
    marks.facts["rows"] = report.stored
    set_users(lake, [UserSettings(user, time_zone=zone) for user, zone in zones.items()])


def imports(marks: Marks, *, first: str, second: str, file: str) -> None:
    """Import one file into two copies of a lake: in the new JVM, then warm; then again, when all is there."""
    settings, lake = _lake(first)
    request = Request("csv", Path(file), label=LABEL)
    with marks.span("new_jvm"):
        import_file(lake, settings, request)
    lake = _with_root(lake.spark, settings, second)
    with marks.span("warm"):
        report = import_file(lake, settings, request)
    with marks.span("again"):
        again = import_file(lake, settings, request)
    if again.stored:
        raise AssertionError(f"the second import of a file stored {again.stored} rows")
    marks.facts.update(attempted=report.attempted, stored=report.stored, duplicate=report.duplicate)


def bare_copy(marks: Marks, *, file: str, out: str) -> None:
    """The csv file to a Delta table and nothing else, under our profile."""
    settings = load_settings()
    session = _session(settings)
    schema = "user_id string, played_at timestamp, artist_name string, track_name string, album_name string, " + (
        "ms_played bigint, spotify_id string"
    )
    for name in ("new_jvm", "warm"):
        with marks.span(name):
            rows = session.read.csv(file, header=True, schema=schema)
            rows.write.format("delta").mode("overwrite").save(f"{out}-{name}")


def build(marks: Marks, *, root: str, as_of: str, again: bool) -> None:
    """The full build in the new JVM, and once more when it is warm if asked for."""
    settings, lake = _lake(root)
    for name in ("new_jvm", "warm")[: 2 if again else 1]:
        with marks.span(name):
            _run(lake, settings, as_of, full=True)
    marks.facts["bronze_bytes"] = lake.files.size(lake.path("bronze.file_listens"))


def night_import(marks: Marks, *, root: str, file: str) -> None:
    """One more day's listens, in a new JVM."""
    settings, lake = _lake(root)
    with marks.span("import_new_jvm"):
        report = import_file(lake, settings, Request("csv", Path(file), label=LABEL))
    marks.facts.update(stored=report.stored, listeners=report.listeners)


def night(marks: Marks, *, root: str, as_of: str, next_file: str, next_as_of: str) -> None:
    """The night in a new JVM; a run with nothing new; the next day's import and night when the JVM is warm."""
    settings, lake = _lake(root)
    with marks.span("night_new_jvm"):
        marks.facts["first"] = _run(lake, settings, as_of)
    with marks.span("nothing_new"):
        marks.facts["nothing_new"] = _run(lake, settings, as_of)
    with marks.span("import_warm"):
        import_file(lake, settings, Request("csv", Path(next_file), label=LABEL))
    with marks.span("night_warm"):
        marks.facts["second"] = _run(lake, settings, next_as_of)


def identity(marks: Marks, *, root: str, catalogue: str, names: str, new_names: str, as_of: str) -> None:
    """All names resolved, then a night's new ones: seconds of the table's own build, and pairs of titles compared."""
    settings, lake = _lake(root)
    import_file(lake, settings, Request("kaggle-tracks", Path(catalogue)))
    for name, file in (("full", names), ("night", new_names)):
        report = import_file(lake, settings, Request("csv", Path(file), label=LABEL))
        with capture_logs() as logs, marks.span(name):
            execute(lake, settings, Run(new_run_id(), date.fromisoformat(as_of)), only=("silver",))
        identities = lake.read("silver.track_identities")
        anew = identities
        if name == "night":
            (decided,) = (entry["keys"] for entry in logs if entry["event"] == "decided anew")
            newest = identities.agg(F.max("named_at")).collect()[0][0]
            fresh = identities.where(F.col("named_at") == newest).select("names_id").distinct()
            anew = identities.join(fresh, "names_id", "left_semi")  # names alone link these keys
            if anew.count() != decided:
                raise AssertionError(f"{decided} keys were decided anew, {anew.count()} are linked with new names")
        (pairs,) = anew.agg(F.sum("compared_count")).collect()[0]
        (seconds,) = (e["seconds"] for e in logs if e["event"] == "built" and e["table"] == "silver.track_identities")
        marks.facts[name] = {"names": report.stored, "pairs": pairs, "seconds": seconds}


# --- sessions

SERIAL_C1 = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xss4m"
MORE_PARTITIONS = {"spark.sql.shuffle.partitions": "16", "spark.databricks.delta.snapshotPartitions": "16"}


def session(marks: Marks, *, profile: str, out: str) -> None:
    """Start a session under a profile to its first answer, then MERGE until it is steady."""
    settings = load_settings()
    with marks.span("start"):
        spark = _profiled(settings, profile)
        spark.sql("SELECT 1").collect()
    path = f"{out}/table"
    rows = spark.range(MERGE_TABLE_ROWS).select(F.col("id"), F.rand(1).alias("x"), F.md5(F.col("id").cast("string")))
    rows.toDF("id", "x", "text").coalesce(1).write.format("delta").save(path)
    from delta.tables import DeltaTable

    seconds = []
    for number in range(MERGES):
        first = MERGE_TABLE_ROWS + number * MERGE_ROWS // 2 - MERGE_ROWS // 2  # half of them are there, half new
        changed = spark.range(first, first + MERGE_ROWS).select("id", F.rand(2).alias("x"), F.lit("new").alias("text"))
        began = time.monotonic()
        (
            DeltaTable.forPath(spark, path)
            .alias("t")
            .merge(changed.alias("s"), "t.id = s.id")
            .whenMatchedUpdateAll()
            .whenNotMatchedInsertAll()
            .execute()
        )
        seconds.append(time.monotonic() - began)
    now = time.monotonic()
    marks.spans["merge"] = (now - statistics.median(seconds[-WARM_MERGES:]), now)
    marks.spans["first_merge"] = (now - seconds[0], now)


def _profiled(settings: Settings, profile: str) -> SparkSession:
    if profile == "ours":
        return ours.open_session(settings.spark)
    ours.check_java()
    plain = {**ours.QUIET, **ours.DELTA}
    tuned = {**ours.SMALL_TABLES, **plain}
    options, java = {
        "defaults": (plain, ""),
        "defaults, C1 + SerialGC": (plain, SERIAL_C1),
        "ours with C1 + SerialGC": (tuned, SERIAL_C1),
        "ours with G1": (tuned, "-XX:+UseG1GC -Xss4m"),
        "ours with SerialGC": (tuned, "-XX:+UseSerialGC -Xss4m"),
        "ours with 16 partitions": ({**tuned, **MORE_PARTITIONS}, ours.JAVA_OPTIONS),
    }[profile]
    jars = ",".join(str(path) for path in ours.jar_paths(PROJECT / settings.spark.jars_dir))
    builder = SparkSession.builder.appName("bench").master(settings.spark.master)
    more = {
        "spark.jars": jars,
        "spark.driver.memory": settings.spark.driver_memory,
        "spark.driver.bindAddress": ours.LOOPBACK,
        "spark.driver.host": ours.LOOPBACK,
        "spark.local.dir": settings.spark.local_dir,
        "spark.driver.extraJavaOptions": f"{java} -Dlog4j2.configurationFile={ours.LOG_CONFIG.as_uri()}".strip(),
    }
    for name, value in {**options, **more}.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


# --- inside


def _session(settings: Settings) -> SparkSession:
    session = ours.open_session(settings.spark)
    session.sql("SELECT 1").collect()  # the first query's class loading belongs to the start
    return session


def _lake(root: str) -> tuple[Settings, Lake]:
    settings = load_settings()
    return settings, _with_root(_session(settings), settings, root)


def _with_root(spark: SparkSession, settings: Settings, root: str) -> Lake:
    return Lake(spark, LakeSettings(root=root, min_free_bytes=settings.lake.min_free_bytes))


def _run(lake: Lake, settings: Settings, as_of: str, *, full: bool = False) -> dict[str, Any]:
    outcomes = execute(lake, settings, Run(new_run_id(), date.fromisoformat(as_of), full))
    failed = [outcome for outcome in outcomes if outcome.status != "ok"]
    if failed:
        raise AssertionError(f"stage {failed[0].stage} {failed[0].status}: {'; '.join(failed[0].messages)}")
    return {
        "tables": sum(len(set(outcome.tables)) for outcome in outcomes),
        "rows_written": sum(outcome.rows_written for outcome in outcomes),
        "in_full": [message for outcome in outcomes for message in outcome.messages],
    }


if __name__ == "__main__":
    step_main(
        {
            "prepare": prepare,
            "imports": imports,
            "bare_copy": bare_copy,
            "build": build,
            "night_import": night_import,
            "night": night,
            "identity": identity,
            "session": session,
        }
    )
