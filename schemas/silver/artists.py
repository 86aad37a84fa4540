"""Every artist: of the catalogue, and those only heard."""

from __future__ import annotations

from schemas.contract import BOOLEAN, LONG, STRING, STRINGS, Between, Column, Contract

CONTRACT = Contract(
    table="silver.artists",
    doc="Main artists of all tracks, and artists as plays credit them, with the ways in which they are written.",
    grain="An artist.",
    key=("artist_id",),
    columns=(
        Column("artist_id", STRING, "Hash of the letters of the normalised name"),
        Column(
            "artist_name",
            STRING,
            "As most tracks of the catalogue write it, else as most of those heard; of equals the first in order",
        ),
        Column("spellings", STRINGS, "All ways in which tracks and plays write it, sorted"),
        Column("is_catalogue", BOOLEAN, "The catalogue has tracks of the artist, or one they are credited on"),
        Column("genres", STRINGS, "Genres of the artist's tracks, sorted; empty where none is known"),
        Column("track_count", LONG, "Tracks whose main artist it is, the catalogue's and those heard"),
    ),
    checks=(Between("track_count", 0, None),),
    clustering=("artist_id",),
)
