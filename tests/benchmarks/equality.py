"""Whether two engines made the same table: counts and checksums over every business column.

Exact columns go into one checksum of whole rows, so that a value in the wrong row is seen. Doubles are summed plainly
and weighted by their row's key, and may differ in the last digits: the engines' exp() does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import duckdb
from pyspark.sql.types import DoubleType, MapType, TimestampType

from schemas.catalog import contract_of
from tests.benchmarks.delta_files import rows_of

TOLERANCE = 1e-9  # relative; sums of ten million doubles in another order
KEY_WEIGHTS = 997


@dataclass(frozen=True)
class Comparison:
    """One table's summaries by engine; `differences` names what is not equal."""

    table: str
    row_count: int
    compared: int
    differences: tuple[str, ...]


def compare(root: str, out: str, tables: list[str]) -> list[Comparison]:
    """Compare our tables under `root` with DuckDB's Parquet files under `out`."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return [_compared(connection, root, out, table) for table in tables]


def _compared(connection: duckdb.DuckDBPyConnection, root: str, out: str, table: str) -> Comparison:
    contract = contract_of(table)
    theirs = f"SELECT * FROM read_parquet('{out}/{contract.name}.parquet')"
    summaries = [_summary(connection, rows, table) for rows in (rows_of(root, table), theirs)]
    differences = tuple(
        f"{name}: ours {mine}, DuckDB {other}"
        for (name, mine), other in zip(summaries[0].items(), summaries[1].values(), strict=True)
        if not _alike(mine, other)
    )
    return Comparison(table, int(summaries[0]["rows"] or 0), len(summaries[0]), differences)


def _summary(connection: duckdb.DuckDBPyConnection, rows: str, table: str) -> dict[str, float | int | None]:
    contract = contract_of(table)
    exact, doubles = [], []
    for name in contract.business_columns:
        kind = contract.column(name).type
        if isinstance(kind, DoubleType):
            doubles.append(name)
        elif isinstance(kind, TimestampType):
            exact.append(f"epoch_us({name})")
        elif isinstance(kind, MapType):
            exact.append(f"{name}::VARCHAR")
        else:
            exact.append(name)
    key = ", ".join(contract.key)
    wanted = {
        "rows": "count(*)",
        "keys": f"count(DISTINCT ({key}))",
        "rows' checksum": f"sum(hash({', '.join(exact)}))",
    }
    for expression in exact:
        wanted[f"values of {expression}"] = f"count({expression})"
        wanted[f"checksum of {expression}"] = f"sum(hash({expression}))"
    for name in doubles:
        wanted[f"values of {name}"] = f"count({name})"
        wanted[f"sum of {name}"] = f"sum({name})"
        wanted[f"sum of {name} by key"] = f"sum({name} * (hash({key}) % {KEY_WEIGHTS}))"
    found = connection.execute(f"SELECT {', '.join(wanted.values())} FROM ({rows})").fetchone()
    return dict(zip(wanted, found or (), strict=True))


def _alike(mine: float | int | None, other: float | int | None) -> bool:
    if isinstance(mine, float) and isinstance(other, float):
        return math.isclose(mine, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return mine == other
