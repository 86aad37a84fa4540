"""Tracks as Spotify describes them, typed."""

from __future__ import annotations

from schemas.contract import BOOLEAN, DATE, INT, LONG, STRING, STRINGS, Between, Column, Contract, Matches
from schemas.silver.covers import COVERS

CONTRACT = Contract(
    table="silver.spotify_tracks",
    doc="Tracks as Spotify describes them: what silver.tracks is filled from beside the catalogue.",
    grain="A Spotify track id that Spotify was asked for.",
    key=("track_key",),
    columns=(
        Column("track_key", STRING, "The Spotify id that was asked for"),
        Column("track_id", STRING, "The track id minted from it"),
        Column("artist_names", STRINGS, "Artists in Spotify's order"),
        Column("artist_urls", STRINGS, "Their pages, in the same order"),
        Column("track_name", STRING, "Title"),
        Column("album_name", STRING, "Album", nullable=True),
        Column(
            "release_date",
            DATE,
            "Release day; the first day of the period where only year or month is known",
            nullable=True,
        ),
        Column("duration_ms", LONG, "Length", nullable=True, unit="ms"),
        Column("is_explicit", BOOLEAN, "Marked explicit", nullable=True),
        Column(
            "popularity", INT, "Spotify's popularity 0-100, which apps in development mode do not get", nullable=True
        ),
        Column("isrc", STRING, "International standard recording code", nullable=True),
        *COVERS,
    ),
    checks=(Matches("track_key", "^[0-9A-Za-z]{22}$"), Between("popularity", 0, 100)),
    clustering=("track_id",),
)
