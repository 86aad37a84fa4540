"""How a listener felt on each local day."""

from __future__ import annotations

from schemas.contract import DATE, LONG, STRING, Between, Column, Contract, References
from schemas.silver.moods import MOOD_CHECKS, MOOD_COLUMNS

CONTRACT = Contract(
    table="gold.user_mood_days",
    doc="How a listener felt on each local day: mean of the four moods over the plays that counted.",
    grain="A listener and a local day with at least one play that was not skipped.",
    key=("user_id", "mood_date"),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("mood_date", DATE, "Day in the listener's time zone"),
        *MOOD_COLUMNS,
        Column("listen_count", LONG, "Plays of the day that were not skipped"),
        Column("entry_count", LONG, "Moods the listener reported that day"),
    ),
    checks=(
        *MOOD_CHECKS,
        Between("listen_count", 0, None),
        Between("entry_count", 0, None),
        References("user_id", "silver.users", "user_id"),
    ),
    clustering=("mood_date",),
    personal_data="pseudonymous",
)
