"""Tracks as Spotify describes them."""

from __future__ import annotations

from schemas.bronze.stream import EVENT_ID, PAYLOAD, TECHNICAL, TRACK_KEY, event_at
from schemas.contract import Contract, OneOf

CONTRACT = Contract(
    table="bronze.spotify_tracks",
    doc="Tracks as Spotify describes them: names, album, covers, ISRC; a later answer replaces the one before.",
    grain="A Spotify track id that was asked for; Spotify may answer with another id of the same track.",
    key=("event_id",),
    columns=(
        EVENT_ID,
        TRACK_KEY,
        event_at("Always null: an answer about a track has no moment", nullable=True),
        PAYLOAD,
        *TECHNICAL,
    ),
    checks=(OneOf("_source", ("spotify",)),),
    clustering=("track_key",),
)
