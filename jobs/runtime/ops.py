"""The ops tables: what ran, how far it read, what was refused, who is here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.runtime.frames import local_frame
from jobs.runtime.lake import Lake, Stamp
from jobs.runtime.quality import VIOLATIONS
from schemas.catalog import contract_of
from schemas.contract import Contract
from transformations.ids import hashed

MESSAGE_LENGTH = 2_000
NAMES_OF_PEOPLE = ("user_name", "display_name", "source_user", "credential")  # never in quarantine


@dataclass
class Outcome:
    """What a stage did, as it goes into ops.runs."""

    stage: str
    status: str = "ok"
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    tables: list[str] = field(default_factory=list)
    rows_written: int = 0
    quarantined: int = 0
    messages: list[str] = field(default_factory=list)


def new_run_id() -> str:
    """A sortable id that begins with the UTC start."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")


def bookmarks(lake: Lake) -> dict[tuple[str, str], int]:
    """The newest version per (consumer, input) that ops.bookmarks knows."""
    newest = lake.read("ops.bookmarks").groupBy("consumer", "input").agg(F.max_by("version", "run_id").alias("version"))
    return {(row["consumer"], row["input"]): row["version"] for row in newest.collect()}


def record_stage(
    lake: Lake, run_id: str, as_of_date: date, outcome: Outcome, moved: Mapping[tuple[str, str], int]
) -> None:
    """One row in ops.runs and the moved bookmarks, after the data is committed."""
    now = datetime.now(UTC)
    stamp = Stamp(f"{run_id}-{outcome.stage}-ops", as_of_date.isoformat())
    row = {
        "run_id": run_id,
        "stage": outcome.stage,
        "status": outcome.status,
        "as_of_date": as_of_date,
        "started_at": outcome.started_at,
        "ended_at": now,
        "tables_written_count": len(set(outcome.tables)),
        "rows_written_count": outcome.rows_written,
        "quarantined_count": outcome.quarantined,
        "message": "; ".join(outcome.messages)[:MESSAGE_LENGTH] or None,
    }
    append_rows(lake, "ops.runs", [row], stamp)
    if moved:
        rows = [
            {"consumer": consumer, "input": table, "run_id": run_id, "version": version, "moved_at": now}
            for (consumer, table), version in moved.items()
        ]
        append_rows(lake, "ops.bookmarks", rows, stamp)


def append_rows(lake: Lake, table: str, rows: list[dict[str, Any]], stamp: Stamp) -> None:
    """Append a few rows given as dictionaries with all columns of the contract."""
    lake.append(table, frame(lake, table, rows).coalesce(1), stamp)


def frame(lake: Lake, table: str, rows: list[dict[str, Any]]) -> DataFrame:
    """Rows given as dictionaries in the contract's shape."""
    contract = contract_of(table)
    return local_frame(lake.spark, [tuple(row[n] for n in contract.names) for row in rows], contract.struct())


def quarantined_rows(refused: DataFrame, contract: Contract, run_id: str) -> DataFrame:
    """Rows of a build that broke a rule, in the shape of ops.quarantine."""
    payload = F.to_json(F.struct(*[name for name in contract.names if name not in NAMES_OF_PEOPLE]))
    nothing = F.lit(None)
    return refused.select(
        hashed(F.lit(contract.table), payload).alias("record_id"),
        F.lit(run_id).alias("run_id"),
        F.lit(contract.table).alias("table"),
        F.lit("build").alias("source"),
        F.col(VIOLATIONS).alias("rules"),
        payload.alias("payload"),
        nothing.cast("string").alias("place"),
        nothing.cast("bigint").alias("record_length"),
        nothing.cast("string").alias("record_sha256"),
        (F.col("user_id") if "user_id" in contract.names else nothing.cast("string")).alias("user_id"),
        F.lit(datetime.now(UTC)).alias("quarantined_at"),
    )
