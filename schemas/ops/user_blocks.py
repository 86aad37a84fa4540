"""Who does not want to meet whom."""

from __future__ import annotations

from schemas.contract import STRING, TIMESTAMP, Column, Contract, References

CONTRACT = Contract(
    table="ops.user_blocks",
    doc="Who does not want to meet whom, as set with `users block`; it holds in both directions.",
    grain="A listener and another whom they block.",
    key=("user_id", "blocked_user_id"),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener who blocks"),
        Column("blocked_user_id", STRING, "Pseudonym of the listener who is blocked"),
        Column("blocked_at", TIMESTAMP, "Since when", unit="UTC"),
    ),
    checks=(
        References("user_id", "ops.accounts", "user_id"),
        References("blocked_user_id", "ops.accounts", "user_id"),
    ),
    personal_data="pseudonymous",
    history=True,
)
