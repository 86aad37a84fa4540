"""Small files beside the tables (markers, journals, Delta's log), local or on an object store, through Hadoop's API."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Files:
    """Reads and writes whole small text files under any path that Spark can reach."""

    spark: SparkSession

    def exists(self, path: str) -> bool:
        return bool(self._system(path).exists(self._path(path)))

    def names(self, folder: str) -> list[str]:
        """Names in a folder, sorted; empty where there is no such folder."""
        if is_local(folder):
            # Asked one by one through Hadoop, the names of a long log would be hundreds of calls to the JVM.
            path = local_path(folder)
            return sorted(name for name in os.listdir(path) if not _is_checksum(name)) if path.is_dir() else []
        if not self.exists(folder):
            return []
        return sorted(status.getPath().getName() for status in self._system(folder).listStatus(self._path(folder)))

    def size(self, folder: str) -> int:
        """Bytes under a folder."""
        return int(self._system(folder).getContentSummary(self._path(folder)).getLength())

    def read_text(self, path: str) -> str:
        stream = self._system(path).open(self._path(path))
        try:
            return bytes(stream.readAllBytes()).decode("utf-8")
        finally:
            stream.close()

    def write_text(self, path: str, text: str) -> None:
        """Never write a part: to a neighbour first, then renamed; a crash between leaves no file of that name."""
        partial = f"{path}.part"
        system = self._system(path)
        stream = system.create(self._path(partial), True)
        try:
            stream.write(bytearray(text, "utf-8"))
        finally:
            stream.close()
        system.delete(self._path(path), False)
        if not system.rename(self._path(partial), self._path(path)):
            raise OSError(f"could not write {path}")

    def take_in(self, local: str, path: str) -> None:
        """Move a local file to a path under the lake's root."""
        self._system(path).moveFromLocalFile(self._path(local), self._path(path))

    def delete(self, path: str) -> None:
        """Delete a file or a folder with all in it; nothing happens where there is none."""
        self._system(path).delete(self._path(path), True)

    def _path(self, path: str) -> Any:
        return self._path_class(path)

    def _system(self, path: str) -> Any:
        return self._path(path).getFileSystem(self._configuration)

    @cached_property
    def _path_class(self) -> Any:
        jvm = self.spark.sparkContext._jvm
        assert jvm is not None, "Spark is not running"
        # By its whole name: `jvm.org.apache` would look for a class at each dot.
        return getattr(jvm, "org.apache.hadoop.fs.Path")

    @cached_property
    def _configuration(self) -> Any:
        return self.spark.sparkContext._jsc.hadoopConfiguration()


def is_local(root: str) -> bool:
    return "://" not in root or root.startswith("file:")


def local_path(root: str) -> Path:
    return Path(root.removeprefix("file://"))


def _is_checksum(name: str) -> bool:
    """Hadoop writes its sums beside local files and hides them."""
    return name.startswith(".") and name.endswith(".crc")
