"""What listeners love at Last.fm."""

from __future__ import annotations

from schemas.contract import STRING, TIMESTAMP, Column, Contract

CONTRACT = Contract(
    table="silver.user_loved_tracks",
    doc="The tracks that listeners love at Last.fm now.",
    grain="A listener and a loved track, by artist and title as Last.fm writes them.",
    key=("user_id", "artist_name", "track_name"),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("artist_name", STRING, "Artist as Last.fm writes it"),
        Column("track_name", STRING, "Title as Last.fm writes it"),
        Column("loved_at", TIMESTAMP, "Since when; null where Last.fm does not say", nullable=True, unit="UTC"),
    ),
    clustering=("user_id",),
    personal_data="pseudonymous",
)
