"""The listeners: name, country and time zone."""

from __future__ import annotations

from schemas.contract import STRING, Column, Contract

CONTRACT = Contract(
    table="silver.users",
    doc="The listeners of the lake, with the time zone their local days follow.",
    grain="A listener.",
    key=("user_id",),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("user_name", STRING, "The name that imports and --user give"),
        Column("display_name", STRING, "What reports call the listener; the name where none was set"),
        Column("country", STRING, "ISO 3166-1 alpha-2 code", nullable=True),
        Column("time_zone", STRING, "IANA time zone, UTC where none was set"),
    ),
    personal_data="name",
)
