"""How a listener felt on each local day."""

from __future__ import annotations

from schemas.contract import DATE, LONG, STRING, Between, Column, Contract, References
from schemas.silver.moods import MOOD_CHECKS, MOOD_COLUMNS
from schemas.vocab import ENTRY_PLAYS

CONTRACT = Contract(
    table="gold.user_mood_days",
    doc="How a listener felt on each local day: mean of the four moods over the plays that counted and the moods that "
    f"the listener reported, each of which counts as {ENTRY_PLAYS} plays.",
    grain="A listener and a local day with a play that was not skipped or a reported mood.",
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
