"""What a genre sounds like: the population that estimates lean on."""

from __future__ import annotations

from schemas.contract import LONG, STRING, Between, Column, Contract
from schemas.silver.features import AUDIO_FEATURES, ESTIMATED_FEATURES, FEATURE_CHECKS

CONTRACT = Contract(
    table="silver.genres",
    doc="The mean sound of the catalogue's tracks by genre, shrunk towards that of all of them.",
    grain="A genre of the catalogue that has a measured track, and `*` for all genres.",
    key=("genre",),
    columns=(
        Column("genre", STRING, "Genre as the catalogue names it; `*` for all"),
        Column("track_count", LONG, "Tracks whose valence and energy are measured"),
        *(column for column in AUDIO_FEATURES if column.name in ESTIMATED_FEATURES),
    ),
    checks=(
        *(check for check in FEATURE_CHECKS if check.column in ESTIMATED_FEATURES),
        Between("track_count", 1, None),
    ),
    clustering=("genre",),
)
