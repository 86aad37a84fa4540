"""Every play with its track's features and mood: the table analysts open first."""

from __future__ import annotations

from schemas.contract import DOUBLE, STRING, STRINGS, Column, Contract, OneOf, References
from schemas.silver.features import AUDIO_FEATURES
from schemas.silver.listens import CONTRACT as LISTENS
from schemas.silver.moods import MOOD_CHECKS, MOOD_COLUMNS
from schemas.vocab import FEATURE_SOURCES, MOODS, UNKNOWN_MOOD

CONTRACT = Contract(
    table="silver.enriched_listens",
    doc="Every play, left-joined to its track's genres, features and mood; no play is lost.",
    grain="A play, the same rows as silver.listens.",
    key=("listen_id",),
    columns=(
        *(column for column in LISTENS.columns if column.name != "members"),
        Column("genres", STRINGS, "Genres of the track; empty where none is known"),
        *AUDIO_FEATURES,
        Column("feature_source", STRING, "Where the features come from, none where there are none"),
        Column("feature_confidence", DOUBLE, "How far they can be trusted, 0-1"),
        *MOOD_COLUMNS,
        Column("mood", STRING, "The likeliest mood of the track, or unknown"),
        Column("mood_source", STRING, "What the mood was worked out from"),
        Column("mood_confidence", DOUBLE, "How far the mood can be trusted, 0-1"),
    ),
    checks=(
        *MOOD_CHECKS,
        OneOf("feature_source", FEATURE_SOURCES),
        OneOf("mood", (*MOODS, UNKNOWN_MOOD)),
        References("user_id", "silver.users", "user_id"),
    ),
    clustering=("played_at",),
    personal_data="pseudonymous",
)
