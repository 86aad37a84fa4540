"""Moods that listeners reported, or had read from what they heard last."""

from __future__ import annotations

from schemas.bronze.stream import EVENT_ID, PAYLOAD, TECHNICAL, USER_ID, event_at
from schemas.contract import STRING, Column, Contract, OneOf
from schemas.vocab import ENTRY_ORIGINS

CONTRACT = Contract(
    table="bronze.mood_entries",
    doc="How listeners said that they feel (`mood record`), and how what they heard last sounds (`mood analyze`).",
    grain="A listener, a moment and an origin; the payload is {happy, angry, sad, relaxed, listen_count}.",
    key=("event_id",),
    columns=(
        EVENT_ID,
        USER_ID,
        event_at("The moment that the mood is of"),
        PAYLOAD,
        Column("note", STRING, "What the listener wrote beside it", nullable=True),
        *TECHNICAL,
    ),
    checks=(OneOf("_source", ENTRY_ORIGINS),),
    clustering=("user_id",),
    personal_data="own_words",
)
