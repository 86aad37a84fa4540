"""What a model made of lyrics; kept when the text expires."""

from __future__ import annotations

from schemas.bronze.stream import TECHNICAL, TRACK_KEY
from schemas.contract import BOOLEAN, DOUBLE, STRING, Between, Column, Contract, OneOf
from schemas.silver.moods import MOOD_CHECKS, MOOD_COLUMNS
from schemas.vocab import LYRIC_SCORERS

CONTRACT = Contract(
    table="bronze.lyric_scores",
    doc="The moods that a model read from lyrics, kept when the text expires, so that silver can be built "
    "without it. The four are null of an instrumental, of a language that the model cannot read, and of words that "
    "say nothing to it.",
    grain="A track key, a text of it and a model version.",
    key=("track_key", "lyrics_hash", "model_version"),
    columns=(
        TRACK_KEY,
        Column("lyrics_hash", STRING, "SHA-256 of the text; of an instrumental, of its track key"),
        Column("model_version", STRING, "The model that scored it; none of an instrumental"),
        *MOOD_COLUMNS,
        Column("confidence", DOUBLE, "How sure the model is, 0-1; 0 where the four are null"),
        Column("language", STRING, "ISO 639 code of the text, null where the model does not tell it", nullable=True),
        Column("is_instrumental", BOOLEAN, "There are no words"),
        Column("lyrics_source", STRING, "The service that gave the text, such as lrclib"),
        *TECHNICAL,
    ),
    checks=(*MOOD_CHECKS, Between("confidence", 0, 1), OneOf("_source", LYRIC_SCORERS)),
    clustering=("track_key",),
)
