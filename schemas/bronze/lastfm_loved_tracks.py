"""Tracks that Last.fm users love."""

from __future__ import annotations

from schemas.bronze.stream import EVENT_ID, PAYLOAD, TECHNICAL, USER_ID, event_at
from schemas.contract import Contract, OneOf

CONTRACT = Contract(
    table="bronze.lastfm_loved_tracks",
    doc="The loved tracks of Last.fm accounts, as the last fetch found them; what is no longer loved is gone.",
    grain="A listener and a loved track, by artist and title as written.",
    key=("event_id",),
    columns=(
        EVENT_ID,
        USER_ID,
        event_at("Since when it is loved (date.uts); null where that is missing or before 2000", nullable=True),
        PAYLOAD,
        *TECHNICAL,
    ),
    checks=(OneOf("_source", ("lastfm",)),),
    clustering=("user_id",),
    personal_data="pseudonymous",
)
