"""What is spooled leaves memory by rows and by bytes, and goes straight to a local lake."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs import spool
from jobs.runtime.lake import Lake
from jobs.spool import ColumnFiles

NO_LAKE = cast(Lake, None)  # a local folder needs none


def test_large_records_are_written_before_there_are_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "SPOOL_FILE_BYTES", 1_000)
    files = ColumnFiles(NO_LAKE, f"{tmp_path}/records")
    for number in range(5):
        files.add(pa.table({"payload": [str(number) * 600]}))
    files.flush()
    written = sorted((tmp_path / "records").iterdir())
    assert [pq.read_metadata(path).num_rows for path in written] == [2, 2, 1]


def test_nothing_spooled_is_no_file(tmp_path: Path) -> None:
    files = ColumnFiles(NO_LAKE, f"{tmp_path}/records")
    files.flush()
    assert files.rows() is None
    assert list(tmp_path.iterdir()) == []
