"""How listeners said that they feel, and how what they heard last sounded."""

from __future__ import annotations

from dataclasses import replace

from schemas.contract import DATE, LONG, STRING, TIMESTAMP, Between, Column, Contract, OneOf, References
from schemas.silver.moods import MOOD_CHECKS, MOOD_COLUMNS
from schemas.vocab import ENTRY_ORIGINS

CONTRACT = Contract(
    table="silver.mood_entries",
    doc="How listeners said that they feel, and how what they heard last sounded. Only what they said is blended with "
    "the moods of plays: what was read from plays is in these already.",
    grain="A listener, a moment and an origin.",
    key=("entry_id",),
    columns=(
        Column("entry_id", STRING, "Hash of listener, moment and origin, the event_id of bronze; 32 hex digits"),
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("recorded_at", TIMESTAMP, "The moment that the mood is of", unit="UTC"),
        Column("mood_date", DATE, "Its day in the listener's time zone"),
        Column("origin", STRING, "manual (the listener said so) or recent_listens (read from what they heard last)"),
        *(
            replace(column, doc=f"Share of {column.name}, 0-1; the four sum to 1", nullable=False)
            for column in MOOD_COLUMNS
        ),
        Column("listen_count", LONG, "Plays that it was read from; null of a manual one", nullable=True),
        Column("note", STRING, "What the listener wrote beside it", nullable=True),
    ),
    checks=(
        *MOOD_CHECKS,
        OneOf("origin", ENTRY_ORIGINS),
        Between("listen_count", 1, None),
        References("user_id", "silver.users", "user_id"),
    ),
    clustering=("user_id",),
    personal_data="own_words",
)
