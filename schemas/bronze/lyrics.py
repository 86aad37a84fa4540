"""Lyrics of tracks, for a while."""

from __future__ import annotations

from schemas.bronze.stream import EVENT_ID, PAYLOAD, TECHNICAL, TRACK_KEY, event_at
from schemas.contract import Contract, OneOf

CONTRACT = Contract(
    table="bronze.lyrics",
    doc="Lyrics of tracks, {lyrics_source, instrumental, text} and the service's other fields. The text is under "
    "copyright and has a time to live, INGEST__LYRICS_DAYS: an ingest then sets `text` in the payload to null.",
    grain="A track key with an answer; an instrumental is one.",
    key=("event_id",),
    columns=(
        EVENT_ID,
        TRACK_KEY,
        event_at("Always null: an answer about a track has no moment", nullable=True),
        PAYLOAD,
        *TECHNICAL,
    ),
    checks=(OneOf("_source", ("lyrics",)),),
    clustering=("track_key",),
)
