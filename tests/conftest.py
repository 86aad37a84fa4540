"""Shared fixtures: one Spark session per test process, a fresh lake per test, plays and catalogue rows to import."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["MOODLAKE_IGNORE_DOTENV"] = "1"
# Test processes share the cores: each with a thread of its own per core, small products took ten times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Great Expectations imports pyspark.sql.connect, which takes a main module without a file (a worker of xdist) for its
# own doctests and leaves by sys.exit(0).
if not hasattr(sys.modules["__main__"], "__file__"):
    sys.modules["__main__"].__file__ = __file__

from pyspark.sql import SparkSession

from jobs.runtime.lake import Lake
from jobs.runtime.logs import configure_logs
from jobs.runtime.settings import LakeSettings, LogSettings, Settings, SparkSettings
from jobs.runtime.spark import INTERPRETED, open_session, tune

# For a handful of rows, compiling a query takes longer than running it.
TINY_DATA = {
    **INTERPRETED,
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
}
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever asks for Spark, through any fixture, is marked so that `make test-fast` leaves it out."""
    for item in items:
        if "spark" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.spark)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    configure_logs(LogSettings(level="ERROR"))
    session = open_session(SparkSettings(master="local[1]", driver_memory="2g"), overrides=TINY_DATA)
    yield session
    session.stop()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(lake=LakeSettings(root=str(tmp_path / "lake")))


@pytest.fixture
def lake(spark: SparkSession, settings: Settings) -> Iterator[Lake]:
    yield Lake(spark, settings.lake)
    tune(spark, 0)  # a run over more data leaves the session compiling
    # Delta keeps what it knows of a table for an hour: the tables of hundreds of tests filled the heap.
    assert spark._jvm is not None
    getattr(spark._jvm, "org.apache.spark.sql.delta.DeltaLog").clearCache()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data beside the checkout; what needs it is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data (../shared/data) is not here")
    return SHARED_DATA
