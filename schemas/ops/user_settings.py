"""What listeners chose to be called, and where they live."""

from __future__ import annotations

from schemas.contract import STRING, TIMESTAMP, Column, Contract, Matches

CONTRACT = Contract(
    table="ops.user_settings",
    doc="Display name, country and time zone of a listener, as set with `users set`.",
    grain="A listener with settings.",
    key=("user_id",),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("display_name", STRING, "What reports call the listener", nullable=True),
        Column("country", STRING, "ISO 3166-1 alpha-2 code", nullable=True),
        Column("time_zone", STRING, "IANA time zone; local days and hours follow it, UTC where null", nullable=True),
        Column("updated_at", TIMESTAMP, "When it was last set", unit="UTC"),
    ),
    checks=(Matches("country", "^[A-Z]{2}$"),),
    personal_data="name",
    history=True,
)
