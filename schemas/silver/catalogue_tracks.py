"""The catalogue collapsed to one row per Spotify id, its genres in an array."""

from __future__ import annotations

from schemas.contract import BOOLEAN, INT, LONG, STRING, STRINGS, Between, Column, Contract, Matches
from schemas.silver.features import AUDIO_FEATURES, FEATURE_CHECKS

CONTRACT = Contract(
    table="silver.catalogue_tracks",
    doc="The Kaggle catalogue, one row per track: what names are matched against and features are taken from.",
    grain="A Spotify track id of the catalogue that has an artist and a title.",
    key=("spotify_id",),
    columns=(
        Column("spotify_id", STRING, "Spotify track id"),
        Column("track_id", STRING, "The track id minted from the Spotify id"),
        Column("artist_names", STRINGS, "Artists in the catalogue's order"),
        Column("track_name", STRING, "Title"),
        Column("album_name", STRING, "Album", nullable=True),
        Column("popularity", INT, "0-100, the highest of the track's rows", nullable=True),
        Column("is_explicit", BOOLEAN, "Marked explicit", nullable=True),
        Column("duration_ms", LONG, "Length", nullable=True, unit="ms"),
        Column("genres", STRINGS, "Genres of the track's rows, sorted"),
        *AUDIO_FEATURES,
    ),
    checks=(Matches("spotify_id", "^[0-9A-Za-z]{22}$"), Between("popularity", 0, 100), *FEATURE_CHECKS),
    clustering=("spotify_id",),
)
