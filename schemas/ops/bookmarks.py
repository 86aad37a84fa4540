"""How far each consumer has read each of its inputs."""

from __future__ import annotations

from schemas.contract import LONG, STRING, TIMESTAMP, Column, Contract

CONTRACT = Contract(
    table="ops.bookmarks",
    doc="How far each table has read each of its inputs' change feeds; the newest row of a pair counts.",
    grain="A consumer, an input and a run that moved the bookmark.",
    key=("consumer", "input", "run_id"),
    columns=(
        Column("consumer", STRING, "The table that was built"),
        Column("input", STRING, "The table it read"),
        Column("run_id", STRING, "The run that read it"),
        Column("version", LONG, "The Delta version of the input that the consumer has seen"),
        Column("moved_at", TIMESTAMP, "When the bookmark moved", unit="UTC"),
    ),
    history=True,
)
