"""What a reader yields, kept as Parquet in the lake's staging: records to import, and what could not be read.

Files may be larger than memory, and so may what is broken in them: both are written away as they come. Listeners'
names are replaced by pseudonyms before anything is written.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from clients.exports.reading import Chunk, Reject
from jobs.runtime import ops
from jobs.runtime.files import is_local, local_path
from jobs.runtime.lake import Lake

SPOOL_FILE_ROWS = 500_000
SPOOL_FILE_BYTES = 64 << 20  # in memory: records of a few columns are small, payloads may be megabytes each
USER_COLUMNS = ("user_id", "user")  # as the readers name a file's own listener column


class Spool:
    """Chunks of a reader as Parquet files under `folder`.

    `user` is the listener of records that name none. With `known_columns` other columns are dropped and missing ones
    are null: an unknown column of a person's file may hold anything. Where records are `of_listeners` a column that
    names one becomes `user_id`; a catalogue's is a column like any other.
    """

    def __init__(
        self,
        lake: Lake,
        folder: str,
        user: str | None,
        known_columns: tuple[str, ...] = (),
        *,
        of_listeners: bool = True,
    ) -> None:
        self.lake = lake
        self.known_columns = known_columns
        self.user_columns = USER_COLUMNS if of_listeners else ()
        self.user = user
        self.user_ids: dict[str, str] = {}
        self.skipped: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.row_count = 0
        self._records = ColumnFiles(lake, f"{folder}/records")
        self._rejects = ColumnFiles(lake, f"{folder}/rejects")

    def add(self, chunk: Chunk) -> None:
        """Take over a chunk's rows, rejects and counts."""
        self.skipped.update(chunk.skipped)
        if chunk.rejects:
            self.rejected.update(reject.rule for reject in chunk.rejects)
            self._rejects.add(_reject_table(chunk.rejects))
        if not chunk.rows:
            return
        columns = dict(zip(chunk.columns, map(list, zip(*chunk.rows, strict=True)), strict=True))
        named = next((columns.pop(name) for name in self.user_columns if name in columns), None)
        nothing: list[str | None] = [None] * len(chunk.rows)
        if self.known_columns:
            columns = {name: columns.get(name, nothing) for name in self.known_columns}
        if named is not None or self.user is not None:
            columns["user_id"] = [self._user_id(name) for name in named or nothing]
        arrays = {name: pa.array(values, pa.string()) for name, values in columns.items()}
        first = self.row_count
        arrays["_row"] = pa.array(range(first, first + len(chunk.rows)), pa.int64())
        self.row_count += len(chunk.rows)
        self._records.add(pa.table(arrays))

    def close(self) -> None:
        """Write what is still in memory."""
        self._records.flush()
        self._rejects.flush()

    def records(self) -> DataFrame | None:
        """The records, in the columns of the reader, with `user_id` and `_row`; None where there is not one."""
        return self._records.rows()

    def rejects(self, table: str, feed: str, import_id: str) -> DataFrame | None:
        """What could not be read, in the shape of ops.quarantine: place, length and hash, and the listener that the
        caller gave; None where all could."""
        rows = self._rejects.rows()
        if rows is None:
            return None
        return ops.refused_rows(
            rows,
            table=table,
            source=feed,
            run_id=import_id,
            rules=F.array("rule"),
            at=datetime.now(UTC),
            user_id=F.lit(self.lake.pseudonym(self.user)) if self.user else None,
            place=F.col("place"),
            length=F.col("length"),
            sha256=F.col("sha256"),
        )

    def _user_id(self, name: str | None) -> str | None:
        """The pseudonym of the name that the record gives, else of the listener that the caller gave."""
        known = (name or "").strip() or self.user
        if known is None:
            return None
        if known not in self.user_ids:
            self.user_ids[known] = self.lake.pseudonym(known)
        return self.user_ids[known]


class ColumnFiles:
    """Tables of one shape, written to a folder in files of many rows; little is held in memory, whatever their size."""

    def __init__(self, lake: Lake, folder: str) -> None:
        self._lake = lake
        self._folder = folder
        self._pending: list[pa.Table] = []
        self._pending_rows = self._pending_bytes = 0
        self._count = 0

    def add(self, table: pa.Table) -> None:
        self._pending.append(table)
        self._pending_rows += table.num_rows
        self._pending_bytes += table.nbytes
        if self._pending_rows >= SPOOL_FILE_ROWS or self._pending_bytes >= SPOOL_FILE_BYTES:
            self.flush()

    def flush(self) -> None:
        if not self._pending:
            return
        path = f"{self._folder}/part-{self._count:05d}.parquet"
        if is_local(path):  # straight to its place: the system's temporary folder may be in memory
            local_path(path).parent.mkdir(parents=True, exist_ok=True)
            self._write(local_path(path))
        else:
            with tempfile.TemporaryDirectory(prefix="moodlake-") as here:
                self._write(Path(here, "spool.parquet"))
                self._lake.files.take_in(f"{here}/spool.parquet", path)
        self._count += 1
        self._pending, self._pending_rows, self._pending_bytes = [], 0, 0

    def _write(self, path: Path) -> None:
        tables = pa.concat_tables(self._pending)
        pq.write_table(tables, path, compression="lz4", row_group_size=SPOOL_FILE_ROWS // 8)

    def rows(self) -> DataFrame | None:
        return self._lake.spark.read.parquet(self._folder) if self._count else None


def _reject_table(rejects: Sequence[Reject]) -> pa.Table:
    return pa.table(
        {
            "place": pa.array([reject.where for reject in rejects], pa.string()),
            "rule": pa.array([reject.rule for reject in rejects], pa.string()),
            "length": pa.array([reject.length for reject in rejects], pa.int64()),
            "sha256": pa.array([reject.sha256 for reject in rejects], pa.string()),
        }
    )
