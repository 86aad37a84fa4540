"""Scrobbles of Last.fm accounts."""

from __future__ import annotations

from schemas.bronze.stream import EVENT_ID, PAYLOAD, TECHNICAL, USER_ID, event_at
from schemas.contract import Contract, OneOf

CONTRACT = Contract(
    table="bronze.lastfm_scrobbles",
    doc="Scrobbles of Last.fm accounts (extended rows: loved, MBIDs, images); a later state of one replaces it.",
    grain="A finished scrobble; what is playing now has no stamp and is not one.",
    key=("event_id",),
    columns=(
        EVENT_ID,
        USER_ID,
        event_at("Start of the play (date.uts, whole seconds)"),
        PAYLOAD,
        *TECHNICAL,
    ),
    checks=(OneOf("_source", ("lastfm",)),),
    clustering=("event_at",),
    personal_data="pseudonymous",
)
