"""How far each stream has been fetched, and whether it may be asked again."""

from __future__ import annotations

from schemas.contract import STRING, TIMESTAMP, Column, Contract, OneOf
from schemas.vocab import SOURCE_STATUSES

CONTRACT = Contract(
    table="ops.source_states",
    doc="How far each stream of each connected account has been fetched, how the last attempt ended, and when a "
    "service that asked for a pause may be asked again.",
    grain="A stream of a source and of one connection; of what belongs to no account, a stream of a source.",
    key=("source", "stream", "connection_id"),
    columns=(
        Column("source", STRING, "The service"),
        Column("stream", STRING, "The bronze table that it fills"),
        Column("connection_id", STRING, "The connected account; empty for what belongs to no account"),
        Column("user_id", STRING, "Pseudonym of the listener; null for what belongs to no account", nullable=True),
        Column(
            "status",
            STRING,
            "ok, failed, waiting (not asked before retry_not_before), or closed (not offered to this application)",
        ),
        Column("watermark_at", TIMESTAMP, "Up to when all that the service has is stored", nullable=True, unit="UTC"),
        Column("retry_not_before", TIMESTAMP, "The service asked for a pause until then", nullable=True, unit="UTC"),
        Column("last_success_at", TIMESTAMP, "When it last ended well", nullable=True, unit="UTC"),
        Column(
            "message",
            STRING,
            "Class of the error; its words may hold names",
            nullable=True,
        ),
        Column("updated_at", TIMESTAMP, "When the row was written", unit="UTC"),
    ),
    checks=(OneOf("status", SOURCE_STATUSES),),
    personal_data="pseudonymous",
    history=True,
)
