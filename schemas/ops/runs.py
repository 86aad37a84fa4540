"""What ran, when, and how it ended: one row per run and stage."""

from __future__ import annotations

from schemas.contract import DATE, LONG, STRING, TIMESTAMP, Column, Contract, OneOf
from schemas.vocab import RUN_STATUSES

CONTRACT = Contract(
    table="ops.runs",
    doc="What ran, when, and how it ended.",
    grain="A stage of a run.",
    key=("run_id", "stage"),
    columns=(
        Column("run_id", STRING, "The run, a sortable id that begins with its UTC start"),
        Column("stage", STRING, "The stage of the plan"),
        Column("status", STRING, "ok, failed, partial (some account or source was not fetched) or skipped"),
        Column("as_of_date", DATE, "The date the run's periods end on"),
        Column("started_at", TIMESTAMP, "When the stage began", unit="UTC"),
        Column("ended_at", TIMESTAMP, "When the stage ended", unit="UTC"),
        Column("tables_written_count", LONG, "Tables that got a new version"),
        Column("rows_written_count", LONG, "Rows inserted, updated or deleted"),
        Column("quarantined_count", LONG, "Rows that broke a rule and went to ops.quarantine"),
        Column("message", STRING, "Why it failed or did a full build, in a line", nullable=True),
    ),
    checks=(OneOf("status", RUN_STATUSES),),
    history=True,
)
