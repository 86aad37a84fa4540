"""The Parquet files that a Delta table consists of now, so that DuckDB reads the very bytes that Spark wrote."""

from __future__ import annotations

from pathlib import Path

from deltalake import DeltaTable


def files_of(root: str, table: str) -> list[str]:
    """Paths of the table's live files; empty where there is no table."""
    path = Path(root, *table.split("."))
    if not (path / "_delta_log").exists():
        return []
    return [uri.removeprefix("file://") for uri in DeltaTable(str(path)).file_uris()]


def rows_of(root: str, table: str) -> str:
    """A query over the table's rows. Raises FileNotFoundError where the table has no file."""
    files = files_of(root, table)
    if not files:
        raise FileNotFoundError(f"{table} has no rows")
    return f"SELECT * FROM read_parquet({files!r})"
