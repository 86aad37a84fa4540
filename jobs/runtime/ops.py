"""The ops tables: what ran, how far it read, what was refused, who is here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.runtime.frames import local_frame
from jobs.runtime.lake import CHANGE, Lake, Stamp
from jobs.runtime.quality import VIOLATIONS
from schemas.catalog import contract_of
from schemas.contract import Contract
from transformations.ids import hashed

MESSAGE_LENGTH = 2_000
# Neither is ever in quarantine.
NAMES_OF_PEOPLE = ("user_name", "display_name", "source_user", "credential")
OWN_WORDS = ("note",)


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
    """The moved bookmarks and, last, one row in ops.runs: where a bookmark fails, the stage has no row yet."""
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
    if moved:
        rows = [
            {"consumer": consumer, "input": table, "run_id": run_id, "version": version, "moved_at": now}
            for (consumer, table), version in moved.items()
        ]
        append_rows(lake, "ops.bookmarks", rows, stamp)
    append_rows(lake, "ops.runs", [row], stamp)


def append_rows(lake: Lake, table: str, rows: list[dict[str, Any]], stamp: Stamp) -> None:
    """Append a few rows given as dictionaries with all columns of the contract."""
    lake.append(table, frame(lake, table, rows).coalesce(1), stamp)


def change_rows(lake: Lake, table: str, rows: list[dict[str, Any]], *, doing: str, change: str = "update") -> None:
    """Put a few rows in the place of those of the same key, or `delete` these: one commit of one table, so that a
    crash leaves all or nothing."""
    now = datetime.now(UTC)
    stamp = Stamp(f"{new_run_id()}-{doing}", now.date().isoformat())
    built = frame(lake, table, rows).coalesce(1)
    if lake.exists(table):
        lake.merge(table, built.withColumn(CHANGE, F.lit(change)), stamp)
    elif change != "delete":
        lake.append(table, built, stamp)


def frame(lake: Lake, table: str, rows: list[dict[str, Any]]) -> DataFrame:
    """Rows given as dictionaries in the contract's shape."""
    contract = contract_of(table)
    return local_frame(lake.spark, [tuple(row[n] for n in contract.names) for row in rows], contract.struct())


def refused_rows(
    refused: DataFrame,
    *,
    table: str,
    source: str,
    run_id: str,
    rules: Column,
    at: datetime,
    user_id: Column | None = None,
    payload: Column | None = None,
    place: Column | None = None,
    length: Column | None = None,
    sha256: Column | None = None,
) -> DataFrame:
    """Refused records in the shape of ops.quarantine: whole, or by place, length and hash where they are no payload."""
    text = F.lit(None).cast("string")
    owner = text if user_id is None else user_id
    content = [payload] if payload is not None else [one for one in (place, sha256) if one is not None]
    return refused.select(
        hashed(F.lit(table), F.lit(source), owner, *content).alias("record_id"),
        F.lit(run_id).alias("run_id"),
        F.lit(table).alias("table"),
        F.lit(source).alias("source"),
        rules.alias("rules"),
        (text if payload is None else payload).alias("payload"),
        (text if place is None else place).alias("place"),
        (text if length is None else length).cast("bigint").alias("record_length"),
        (text if sha256 is None else sha256).alias("record_sha256"),
        owner.alias("user_id"),
        F.lit(at).alias("quarantined_at"),
    )


def whose(rows: DataFrame) -> Column | None:
    """The column that says whose a row is, None where rows are nobody's."""
    return F.col("user_id") if "user_id" in rows.columns else None


def quarantined_rows(refused: DataFrame, contract: Contract, run_id: str) -> DataFrame:
    """Rows of a build that broke a rule, in the shape of ops.quarantine."""
    return refused_rows(
        refused,
        table=contract.table,
        source="build",
        run_id=run_id,
        rules=F.col(VIOLATIONS),
        at=datetime.now(UTC),
        user_id=whose(refused),
        payload=F.to_json(F.struct(*[name for name in contract.names if name not in (*NAMES_OF_PEOPLE, *OWN_WORDS)])),
    )
