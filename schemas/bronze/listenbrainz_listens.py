"""Listens of a ListenBrainz export or API page."""

from __future__ import annotations

from schemas.bronze.stream import EVENT_ID, PAYLOAD, TECHNICAL, USER_ID, event_at
from schemas.contract import Contract, Matches

CONTRACT = Contract(
    table="bronze.listenbrainz_listens",
    doc="Listens of a ListenBrainz export or API page.",
    grain="A listen as ListenBrainz states it; exact repeats are not stored again.",
    key=("event_id",),
    columns=(
        EVENT_ID,
        USER_ID,
        event_at("Start of the listen (listened_at)"),
        PAYLOAD,
        *TECHNICAL,
    ),
    checks=(Matches("_source", r"^(listenbrainz)$"),),
    clustering=("event_at",),
    personal_data="pseudonymous",
)
