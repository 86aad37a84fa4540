"""What a model made of lyrics; kept when the text expires."""

from __future__ import annotations

from schemas.bronze.stream import TECHNICAL, TRACK_KEY
from schemas.contract import BOOLEAN, DOUBLE, STRING, Between, Column, Contract
from schemas.silver.moods import MOOD_CHECKS, MOOD_COLUMNS

CONTRACT = Contract(
    table="bronze.lyric_scores",
    doc="The moods that a model read from lyrics, kept when the text expires, so that silver can be built without it.",
    grain="A text and a model version; tracks with the same text share the row of the one that was scored first.",
    key=("lyrics_hash", "model_version"),
    columns=(
        Column("lyrics_hash", STRING, "SHA-256 of the text; of an instrumental, of its track key"),
        Column("model_version", STRING, "The model that scored it"),
        TRACK_KEY,
        *MOOD_COLUMNS,
        Column("confidence", DOUBLE, "How sure the model is, 0-1; 0 for an instrumental"),
        Column("language", STRING, "ISO 639-1 code of the text", nullable=True),
        Column("is_instrumental", BOOLEAN, "There are no words, and the four moods are null"),
        Column("lyrics_source", STRING, "The service that gave the text, such as lrclib"),
        *TECHNICAL,
    ),
    checks=(*MOOD_CHECKS, Between("confidence", 0, 1)),
    clustering=("track_key",),
)
