"""What a track feels like: a probability over the four moods."""

from __future__ import annotations

from schemas.contract import DOUBLE, STRING, Between, Column, Contract, OneOf, References
from schemas.silver.moods import MOOD_CHECKS, MOOD_COLUMNS
from schemas.vocab import MOOD_SOURCES, MOODS, UNKNOWN_MOOD

CONTRACT = Contract(
    table="silver.track_moods",
    doc="The mood of every track as a probability over happy, angry, sad and relaxed, from its sound and words.",
    grain="A track; the four are null together where mood is unknown.",
    key=("track_id",),
    columns=(
        Column("track_id", STRING, "The track"),
        *MOOD_COLUMNS,
        Column("mood", STRING, "The likeliest mood, or unknown"),
        Column("mood_source", STRING, "What it was worked out from: sound, an estimate of it, words, both, or none"),
        Column("mood_confidence", DOUBLE, "How far it can be trusted, 0-1; 0 where unknown"),
        Column(
            "model_version",
            STRING,
            "The models that worked it out: of sound (docs/mood-model.md), of words, or `sound+words`",
        ),
    ),
    checks=(
        *MOOD_CHECKS,
        OneOf("mood", (*MOODS, UNKNOWN_MOOD)),
        OneOf("mood_source", MOOD_SOURCES),
        Between("mood_confidence", 0, 1),
        References("track_id", "silver.tracks", "track_id"),
    ),
    clustering=("track_id",),
)
