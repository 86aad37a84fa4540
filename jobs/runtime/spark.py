"""The Spark session: built once at the edge, tuned for small tables on few cores, on loopback only.

`make bench` compares the choices.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

from jobs.runtime.classes import java_options as classes_options
from jobs.runtime.errors import JavaError
from jobs.runtime.jars import jar_paths
from jobs.runtime.settings import SparkSettings, absolute_path

MIN_JAVA = 17
LOOPBACK = "127.0.0.1"
LOG_CONFIG = Path(__file__).with_name("log4j2.properties")

# Delta reads a table's state in 50 tasks and Spark shuffles in 200 by default: for tables of a few files on two
# cores that is all overhead. The runner raises the shuffle partitions for large builds.
SMALL_TABLES = {
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "64",
    "spark.databricks.delta.stalenessLimit": "0",
    "spark.sql.autoBroadcastJoinThreshold": "32m",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # Each sort and each hash table takes a page at once. By default a page is up to 64 MB, so that a task of a few
    # rows with many of them ran out of memory.
    "spark.buffer.pageSize": "2m",
    # Java's own lower case: to load ICU's took a second of each process's first query.
    "spark.sql.icu.caseMappings.enabled": "false",
}
QUIET = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.eventLog.enabled": "false",
    # Nor does anybody look at the jobs that ran, of which Spark keeps a thousand with their plans.
    "spark.ui.retainedJobs": "20",
    "spark.ui.retainedStages": "20",
    "spark.ui.retainedTasks": "200",
    "spark.sql.ui.retainedExecutions": "20",
    # Plans are described for a listener that is not there: in small jobs that was a sixth of the driver's time.
    "spark.sql.ui.explainMode": "simple",
    "spark.sql.maxPlanStringLength": "0",
    # Every call that makes a column would tell the JVM its line of Python: that was half of all calls to the JVM, and
    # about a tenth of a night.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.sql.catalogImplementation": "in-memory",
}
DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Files are named by content of the log alone; outside readers need no Spark feature.
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # A MERGE reads what a run has staged, files that nobody changes, or rows of the driver: no need to copy them first.
    "spark.databricks.delta.merge.materializeSource": "none",
}
# Queries over little data are run as they are planned: to compile each and to plan it again between its stages costs
# more than it saves. `tune` chooses.
INTERPRETED = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
COMPILED = {
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "FALLBACK",
}
LITTLE_BYTES = 8_000_000  # of what a group of tables or an import reads: a night over less took a quarter less time
LANGUAGE = "-Duser.language=en"  # or lower case, and with it ids of artists, would be the machine's
# All compilers: the first alone starts a second sooner and plans queries a third slower ever after.
JAVA_OPTIONS = f"-XX:+UseParallelGC -Xss4m {LANGUAGE}"
# The classes of the JVM that make columns. Each use of a column would look its class up, through all JARs where no
# package is named, and then the method: half of all calls to the JVM, and a third of the time to plan silver.listens.
COLUMN_MAKERS = (
    "functions",
    "org.apache.spark.sql.functions",
    "PythonUtils",
    "PythonSQLUtils",
    "org.apache.spark.sql.api.python.PythonSQLUtils",
)


def check_java() -> str:
    """The version of the Java that Spark will use. Raises JavaError where it is missing or too old."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    advice = f"Spark needs Java {MIN_JAVA} or newer: install it and put it on PATH, or set JAVA_HOME"
    if java is None or not Path(java).exists():
        where = "JAVA_HOME has no bin/java" if home else "no java on PATH"
        raise JavaError(f"Java was not found ({where}). {advice}.")
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        raise JavaError(f"{java} does not run. {advice}.") from None
    match = re.search(r'version "((?:1\.)?(\d+)[^"]*)"', told.stderr + told.stdout)
    if match is None:
        raise JavaError(f"{java} does not tell its version. {advice}.")
    if int(match.group(2)) < MIN_JAVA:
        raise JavaError(f"Java {match.group(2)} is too old. {advice}.")
    return match.group(1)


def open_session(
    settings: SparkSettings, *, overrides: Mapping[str, str] | None = None, java_options: str | None = None
) -> SparkSession:
    """Start Spark with Delta; `overrides` go over the options, `java_options` are taken in place of the archive of
    classes. Raises JavaError, JarsError."""
    java, folder = check_java(), absolute_path(settings.jars_dir)
    jars = jar_paths(folder)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    # PySpark gives and takes moments in the process's own zone: with UTC there is one zone everywhere.
    os.environ["TZ"] = "UTC"
    time.tzset()
    is_local = settings.master.startswith("local")
    if is_local:
        os.environ["SPARK_LOCAL_IP"] = LOOPBACK
    classes = classes_options(folder, java) if java_options is None else java_options
    options = {
        **SMALL_TABLES,
        **QUIET,
        **DELTA,
        "spark.jars": ",".join(str(jar) for jar in jars),
        "spark.driver.memory": settings.driver_memory,
        "spark.executor.extraJavaOptions": LANGUAGE,
        "spark.driver.extraJavaOptions": f"{JAVA_OPTIONS} -Dlog4j2.configurationFile={LOG_CONFIG.as_uri()} {classes}",
    }
    if is_local:
        options["spark.driver.bindAddress"] = LOOPBACK
        options["spark.driver.host"] = LOOPBACK
    if settings.local_dir:
        options["spark.local.dir"] = settings.local_dir
    options |= overrides or {}
    builder = SparkSession.builder.appName("moodlake").master(settings.master)
    for name, value in options.items():
        builder = builder.config(name, value)
    with _launch_noise_kept():
        spark = builder.getOrCreate()
    for name in set(COLUMN_MAKERS) - vars(spark._jvm).keys():
        setattr(spark._jvm, name, _KnownClass(getattr(spark._jvm, name)))
    return spark


class _KnownClass:
    """A class of the JVM, of which each method is looked up once."""

    def __init__(self, found: Any) -> None:
        self._found = found

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._found, name)
        setattr(self, name, method)
        return method


def tune(spark: SparkSession, input_bytes: int) -> None:
    """Compile the session's queries from here on, or interpret them, by the size of what they read."""
    for name, value in (INTERPRETED if input_bytes <= LITTLE_BYTES else COMPILED).items():
        spark.conf.set(name, value)


def tuned_like(session: SparkSession, other: SparkSession) -> SparkSession:
    """The session, compiling or interpreting as the other one does."""
    for name in COMPILED:
        session.conf.set(name, str(other.conf.get(name)))
    return session


@contextmanager
def _launch_noise_kept() -> Iterator[None]:
    """Keep what the JVM says on standard error away from the terminal; if it does not start, tell its last words.

    The JVM inherits the descriptor for life. What fails later reaches Python as an exception all the same.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as noise:
        os.dup2(noise.fileno(), 2)
        try:
            yield
        except PySparkRuntimeError as error:
            noise.seek(0)
            last_words = noise.read().decode("utf-8", "replace").strip().splitlines()[-1:]
            raise JavaError(f"Spark did not start: {' '.join(last_words) or error}") from None
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
