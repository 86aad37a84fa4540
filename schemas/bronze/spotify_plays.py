"""Plays that Spotify lists as recently played."""

from __future__ import annotations

from schemas.bronze.stream import EVENT_ID, PAYLOAD, TECHNICAL, USER_ID, event_at
from schemas.contract import Contract, OneOf

CONTRACT = Contract(
    table="bronze.spotify_plays",
    doc="Plays that Spotify's API lists as recently played: plays of 30 s and more, no podcasts, about 50 in reach.",
    grain="A play as Spotify lists it; the same moment with and without milliseconds of zero is one.",
    key=("event_id",),
    columns=(
        EVENT_ID,
        USER_ID,
        event_at(
            "played_at as Spotify gives it: mostly the end of the play, sometimes the start; it does not say which"
        ),
        PAYLOAD,
        *TECHNICAL,
    ),
    checks=(OneOf("_source", ("spotify_api",)),),
    clustering=("event_at",),
    personal_data="pseudonymous",
)
