"""Rows for tests, built from the contracts: valid by default, so a test names only the values it is about.

Moments go in as naive UTC and come out as text, so that no test depends on the machine's time zone.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructType,
    TimestampType,
)

from jobs.groups import conformed
from jobs.runtime.quality import VIOLATIONS, with_violations
from schemas.contract import Between, Column, Contract, Matches, OneOf, SumsTo

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
# Words that the contracts' patterns take, tried in order; `{n}` is the number of the row.
SAMPLES = ("{n:022d}", "{n:032x}", "{n:064x}", "DE", "spotify_extended", "lastfm_1k", "listenbrainz", "csv:diary")


def make_rows(spark: SparkSession, contract: Contract, *overrides: dict[str, Any]) -> DataFrame:
    """One row per dict: its values, nulls where null is allowed, else valid ones; key columns differ by row."""
    for given in overrides:
        unknown = sorted(set(given) - set(contract.names))
        if unknown:
            raise ValueError(f"{contract.table} has no column {', '.join(unknown)}")
    rows = [
        tuple(_stored(given[c.name] if c.name in given else _default(contract, c, n)) for c in contract.columns)
        for n, given in enumerate(overrides)
    ]
    return spark.createDataFrame(rows, contract.struct())


def empty(spark: SparkSession, contract: Contract) -> DataFrame:
    """The table without a row."""
    return make_rows(spark, contract)


def fetched(spark: SparkSession, *records: Any, **owner: str | None) -> DataFrame:
    """Records as the job that fetches them hands them over; `owner` is their user_id or track_key, if any."""
    columns = ", ".join(["payload string", *[f"{name} string" for name in owner], "_row long"])
    return spark.createDataFrame([(json.dumps(r), *owner.values(), n) for n, r in enumerate(records)], columns)


def imported(events: DataFrame, run_id: str = "run-1") -> DataFrame:
    """Events of a bronze build as the jobs that import and fetch store them."""
    return events.drop("_row", VIOLATIONS).withColumns(
        {"_run_id": F.lit(run_id), "_ingested_at": F.lit("2024-01-02 00:00:00").cast("timestamp")}
    )


def checked(rows: DataFrame, contract: Contract) -> list[dict[str, Any]]:
    """The rows in order of their key, moments as text; they must keep their contract and not repeat a key."""
    collected = values(with_violations(conformed(rows, contract), contract))
    broken = [row for row in collected if row.pop(VIOLATIONS)]
    assert not broken, f"rows that break {contract.table}: {broken}"
    keys = [tuple(str(row[name]) for name in contract.key) for row in collected]
    assert len(set(keys)) == len(keys), f"{contract.table} repeats a key"
    return [row for _, row in sorted(zip(keys, collected, strict=True), key=lambda pair: pair[0])]


def values(rows: DataFrame) -> list[dict[str, Any]]:
    """The rows as plain values in the order given, moments as text."""
    shown = [
        F.col(f.name).cast("string").alias(f.name) if isinstance(f.dataType, TimestampType) else F.col(f.name)
        for f in rows.schema
    ]
    return [row.asDict(recursive=True) for row in rows.select(*shown).collect()]


def _stored(value: Any) -> Any:
    """Spark reads a naive moment in the machine's time zone: say that it is UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _default(contract: Contract, column: Column, n: int) -> Any:
    if column.nullable:
        return None
    number = n if column.name in contract.key else 0
    for check in contract.row_checks:
        match check:
            case OneOf(column=column.name):
                return check.values[number % len(check.values)]
            case Matches(column=column.name):
                return _sample(check.pattern, number)
            case SumsTo() if column.name in check.columns:
                return check.total / len(check.columns)
            case Between(column=column.name):
                bound = check.low if check.low is not None else min(check.high or 0, 0)
                return _of_type(column, n=number, start=bound)
    return _of_type(column, n=number)


def _sample(pattern: str, n: int) -> str:
    for sample in SAMPLES:
        if re.search(pattern, sample.format(n=n)):
            return sample.format(n=n)
    raise ValueError(f"no sample matches {pattern}: add one to SAMPLES in tests/rows.py")


def _of_type(column: Column, *, n: int, start: float = 0) -> Any:
    match column.type:
        case StringType():
            return f"{column.name}-{n}" if n else column.name
        case BooleanType():
            return False
        case DateType():
            return date(2024, 1, 1) + timedelta(days=n)
        case TimestampType():
            return NOON + timedelta(minutes=n)
        case IntegerType() | LongType():
            return int(start) + n
        case DoubleType() | DecimalType():
            return float(start)
        case ArrayType():
            return [] if isinstance(column.type.elementType, StructType) else [column.name]
        case MapType():
            return {}
        case StructType():
            return None
    raise ValueError(f"{column.name}: no default for {column.type.simpleString()}")
