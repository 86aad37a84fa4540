"""Small files beside the tables (markers, journals, Delta's log), local or on an object store, through Hadoop's API."""

from __future__ import annotations

from dataclasses import dataclass
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
        return self._jvm.org.apache.hadoop.fs.Path(path)

    def _system(self, path: str) -> Any:
        return self._path(path).getFileSystem(self.spark.sparkContext._jsc.hadoopConfiguration())

    @property
    def _jvm(self) -> Any:
        jvm = self.spark.sparkContext._jvm
        assert jvm is not None, "Spark is not running"
        return jvm
