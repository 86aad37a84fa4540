"""Top artists and tracks of Spotify accounts."""

from __future__ import annotations

from schemas.bronze.stream import EVENT_ID, PAYLOAD, TECHNICAL, USER_ID, event_at
from schemas.contract import Contract, OneOf

CONTRACT = Contract(
    table="bronze.spotify_top_items",
    doc="Top artists and tracks of Spotify accounts over three ranges, as the last fetch found them.",
    grain="A listener, a list (entity and time range) and a rank; the payload is {entity, time_range, rank, item}.",
    key=("event_id",),
    columns=(
        EVENT_ID,
        USER_ID,
        event_at("Always null: the lists have no moment", nullable=True),
        PAYLOAD,
        *TECHNICAL,
    ),
    checks=(OneOf("_source", ("spotify_api",)),),
    clustering=("user_id",),
    personal_data="pseudonymous",
)
