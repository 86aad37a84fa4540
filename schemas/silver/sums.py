"""The partial sums that gold adds up, as columns shared by the three tables of them."""

from __future__ import annotations

from schemas.contract import LONG, TIMESTAMP, Between, Column

SUMS = (
    Column("listen_count", LONG, "Plays, skipped ones included"),
    Column("skip_count", LONG, "Plays that were skipped; gold counts listen_count - skip_count"),
    Column("ms_played", LONG, "Time played where known", nullable=True, unit="ms"),
    Column("first_played_at", TIMESTAMP, "Start of the first play", unit="UTC"),
    Column("last_played_at", TIMESTAMP, "Start of the last play", unit="UTC"),
)
SUM_CHECKS = (Between("listen_count", 1, None), Between("skip_count", 0, None), Between("ms_played", 0, None))
