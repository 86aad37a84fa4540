"""Rows of the Kaggle Spotify Tracks Dataset."""

from __future__ import annotations

from schemas.bronze.stream import EVENT_ID, PAYLOAD, TECHNICAL, event_at
from schemas.contract import STRING, Column, Contract, OneOf

CONTRACT = Contract(
    table="bronze.kaggle_tracks",
    doc='Rows of the Kaggle "Spotify Tracks Dataset" (maharshipandya, ODbL 1.0), one per track and genre.',
    grain="A distinct (track_id, track_genre) row of the dataset; rows alike but for the index are one.",
    key=("event_id",),
    columns=(
        EVENT_ID,
        Column("spotify_id", STRING, "The row's Spotify track id"),
        event_at("Always null: a catalogue row has no moment", nullable=True),
        PAYLOAD,
        *TECHNICAL,
    ),
    checks=(OneOf("_source", ("kaggle",)),),
    clustering=("spotify_id",),
)
