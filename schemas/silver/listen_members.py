"""Which listen each bronze play event became."""

from __future__ import annotations

from schemas.contract import DATE, STRING, Column, Contract, References

CONTRACT = Contract(
    table="silver.listen_members",
    doc="Which listen each bronze play event became; every event that entered silver.listens has one row.",
    grain="A bronze play event.",
    key=("event_id",),
    columns=(
        Column("event_id", STRING, "Id of the bronze event"),
        Column("listen_id", STRING, "The listen: the smallest event_id of its events"),
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("listen_date", DATE, "Day of the listen in the listener's time zone"),
    ),
    checks=(References("user_id", "silver.users", "user_id"),),
    clustering=("listen_date", "user_id"),
    personal_data="pseudonymous",
)
