"""What Beatport says of tracks that silver knows."""

from __future__ import annotations

from schemas.contract import DOUBLE, INT, STRING, Between, Column, Contract, OneOf, References

CONTRACT = Contract(
    table="silver.beatport_features",
    doc="Tempo and key of tracks as Beatport gives them, matched by ISRC, else by artist and title with its version.",
    grain="A track that Beatport's charts have, from one of Beatport's tracks.",
    key=("track_id",),
    columns=(
        Column("track_id", STRING, "The track"),
        Column("artist_id", STRING, "Its first artist, as silver.tracks has it"),
        Column("tempo_bpm", DOUBLE, "Tempo", nullable=True, unit="bpm"),
        Column("key", INT, "Pitch class, 0 = C", nullable=True),
        Column("mode", INT, "1 major, 0 minor", nullable=True),
        Column("beatport_id", STRING, "Beatport's track it is taken from"),
        Column("match_method", STRING, "isrc, or names where no ISRC matches"),
        Column("confidence", DOUBLE, "How far the values can be trusted to be this track's, 0-1"),
    ),
    checks=(
        Between("tempo_bpm", 1, 400),
        Between("key", 0, 11),
        Between("mode", 0, 1),
        Between("confidence", 0, 1),
        OneOf("match_method", ("isrc", "names")),
        References("track_id", "silver.tracks", "track_id"),
    ),
    clustering=("artist_id",),
)
