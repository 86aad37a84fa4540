"""Delta's two JARs: fetched once at set-up by the Ivy inside PySpark, pinned by version and SHA-256.

`python -m jobs.runtime.jars` fetches what is missing; a run only looks whether they are there, and needs no network.
The trap: delta-spark 4.4.0 on PySpark 4.2.0 needs just these two, the other 31 that Ivy would bring are older copies of
what PySpark ships, so all others are excluded.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from jobs.runtime.errors import JarsError, MoodlakeError, UsageError
from jobs.runtime.settings import absolute_path, load_settings

JARS = {
    "io.delta:delta-spark_4.2_2.13:4.4.0": "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead",
    "io.delta:delta-storage:4.4.0": "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc",
}
EXCLUDED = (
    "io.delta:delta-kernel-api",
    "io.delta:delta-kernel-defaults",
    "io.delta:delta-kernel-unitycatalog",
    "io.unitycatalog:unitycatalog-client",
    "io.unitycatalog:unitycatalog-hadoop",
)


def folders() -> list[Path]:
    """Where commands look for the JARs: those that do not read .env (the demo, tests, bench), and those that do.

    A .env that cannot be read does not stand in the way of the demo: the command that reads it says what is wrong.
    """
    found = [load_settings(reads_dotenv=False)]
    with suppress(UsageError):
        found.append(load_settings())
    return list(dict.fromkeys(absolute_path(settings.spark.jars_dir) for settings in found))


def jar_paths(folder: Path) -> list[Path]:
    """The JARs in the folder. Raises JarsError where one is missing; hashes were checked when they were fetched."""
    paths = [folder / _file_name(coordinate) for coordinate in JARS]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise JarsError(f"Delta's JARs are missing ({', '.join(missing)}): run `make setup`")
    return paths


def fetch(folder: Path) -> None:
    """Fetch and verify the JARs; those already there and right are left alone. Raises JarsError."""
    wanted = {c: folder / _file_name(c) for c, sha in JARS.items() if not _is_right(folder / _file_name(c), sha)}
    if not wanted:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="moodlake-ivy-") as ivy:
        _resolve(Path(ivy), tuple(wanted))
        for coordinate, path in wanted.items():
            found = list(Path(ivy).glob(f"jars/*{_file_name(coordinate)}"))
            if not found:
                raise JarsError(f"{coordinate} could not be fetched: is Maven Central (or its mirror) in reach?")
            if not _is_right(found[0], JARS[coordinate]):
                raise JarsError(f"{coordinate} does not have the pinned SHA-256: do not use it, check the mirror")
            partial = path.with_suffix(".part")
            shutil.copyfile(found[0], partial)
            partial.replace(path)


def _resolve(ivy: Path, coordinates: tuple[str, ...]) -> None:
    """Let Spark's own resolver bring the JARs: it honours the Ivy settings and mirrors of the machine."""
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    from jobs.runtime.spark import check_java

    check_java()
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    try:
        session = (
            SparkSession.builder.master("local[1]")
            .config("spark.jars.packages", ",".join(coordinates))
            .config("spark.jars.excludes", ",".join(EXCLUDED))
            .config("spark.jars.ivy", str(ivy))
            .config("spark.ui.enabled", "false")
            .getOrCreate()
        )
    except PySparkRuntimeError:
        raise JarsError("Delta's JARs could not be fetched: is Maven Central (or its mirror) in reach?") from None
    session.stop()


def _file_name(coordinate: str) -> str:
    _, artifact, version = coordinate.split(":")
    return f"{artifact}-{version}.jar"


def _is_right(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


if __name__ == "__main__":
    from jobs.runtime import classes

    try:
        for folder in folders():
            fetch(folder)
            classes.make(folder)
    except MoodlakeError as error:
        sys.exit(f"moodlake: {error}")
