"""Audio features that services give for tracks."""

from __future__ import annotations

from schemas.bronze.stream import EVENT_ID, PAYLOAD, TECHNICAL, TRACK_KEY, event_at
from schemas.contract import Contract, OneOf
from schemas.vocab import SERVICE_FEATURE_SOURCES

CONTRACT = Contract(
    table="bronze.audio_features",
    doc="Audio features that services give for tracks. ReccoBeats models them itself: they are not Spotify's.",
    grain="A service and a track key that it has features for.",
    key=("event_id",),
    columns=(
        EVENT_ID,
        TRACK_KEY,
        event_at("Always null: an answer about a track has no moment", nullable=True),
        PAYLOAD,
        *TECHNICAL,
    ),
    checks=(OneOf("_source", SERVICE_FEATURE_SOURCES),),
    clustering=("track_key",),
)
