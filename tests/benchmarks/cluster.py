"""A Spark cluster of two workers on this machine.

The trap: a local session has no workers. `local-cluster` starts two, each a JVM with Python workers of its own, and
what they are sent has to travel.
"""

from __future__ import annotations

import os
from pathlib import Path

import pyspark
from pyspark.sql import SparkSession

from jobs.runtime.settings import load_settings
from jobs.runtime.spark import COMPILED, open_session

CLUSTER = "local-cluster[2,1,2048]"  # workers, cores of each, MB of each


def cluster(out: str) -> SparkSession:
    """A session of it. Workers write under SPARK_HOME: one of our own in `out`, which leads to PySpark's."""
    home, own = Path(pyspark.__file__).parent, Path(out) / "spark-home"
    own.mkdir(parents=True)
    for part in home.iterdir():
        (own / part.name).symlink_to(part)
    os.environ["SPARK_HOME"] = str(own)
    settings = load_settings().spark.model_copy(update={"master": CLUSTER, "driver_memory": "2g"})
    loopback = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    sizes = {"spark.executor.memory": "1536m"}
    return open_session(settings, overrides={**COMPILED, **loopback, **sizes})
