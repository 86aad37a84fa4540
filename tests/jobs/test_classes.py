"""An archive of classes is used where it is of this Java and this PySpark, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.runtime.classes import archive_path, java_options, make
from jobs.runtime.settings import SparkSettings, absolute_path
from jobs.runtime.spark import check_java


def test_an_archive_is_of_one_java(tmp_path: Path) -> None:
    assert archive_path(tmp_path, "17.0.15") == archive_path(tmp_path, "17.0.15")
    assert archive_path(tmp_path, "17.0.15") != archive_path(tmp_path, "21.0.1")


def test_without_an_archive_there_is_no_option(tmp_path: Path) -> None:
    archive_path(tmp_path, "21.0.1").write_bytes(b"classes")
    assert java_options(tmp_path, "17.0.15") == ""


def test_an_archive_is_mapped(tmp_path: Path) -> None:
    path = archive_path(tmp_path, "17.0.15")
    path.write_bytes(b"classes")
    assert f"-XX:SharedArchiveFile={path} " in java_options(tmp_path, "17.0.15")


def test_one_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    path = archive_path(tmp_path, check_java())
    path.write_bytes(b"made before")
    make(tmp_path)
    assert path.read_bytes() == b"made before"


def test_where_none_can_be_made_it_is_said_and_not_tried_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stale = archive_path(tmp_path, "another")
    stale.touch()
    make(tmp_path)
    path = archive_path(tmp_path, check_java())
    assert "Delta's JARs are missing" in capfd.readouterr().out
    assert java_options(tmp_path, check_java()) == ""
    assert list(tmp_path.iterdir()) == [path]
    make(tmp_path)
    assert capfd.readouterr().out == ""


@pytest.mark.spark
def test_a_session_maps_what_set_up_made(spark: SparkSession) -> None:
    path = archive_path(absolute_path(SparkSettings().jars_dir), check_java())
    if not java_options(path.parent, check_java()):
        pytest.skip("this Java keeps no classes: `make setup` said why")
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    pid = jvm.java.lang.ProcessHandle.current().pid()
    assert str(path) in Path(f"/proc/{pid}/maps").read_text()
