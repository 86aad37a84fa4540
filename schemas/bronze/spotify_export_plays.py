"""Plays of Spotify's downloadable exports."""

from __future__ import annotations

from schemas.bronze.stream import EVENT_ID, PAYLOAD, TECHNICAL, USER_ID, event_at
from schemas.contract import Contract, Matches

CONTRACT = Contract(
    table="bronze.spotify_export_plays",
    doc="Plays of Spotify's exports: extended streaming history (current and endsong layout) and account data.",
    grain="A play as Spotify's export states it; exact repeats are not stored again.",
    key=("event_id",),
    columns=(
        EVENT_ID,
        USER_ID,
        event_at("Start of the play: the export's end stamp less ms_played"),
        PAYLOAD,
        *TECHNICAL,
    ),
    checks=(Matches("_source", r"^(spotify_extended|spotify_account)$"),),
    clustering=("event_at",),
    personal_data="pseudonymous",
)
