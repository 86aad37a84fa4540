"""What a track's words feel like."""

from __future__ import annotations

from schemas.contract import BOOLEAN, DOUBLE, STRING, Between, Column, Contract, References
from schemas.silver.moods import MOOD_CHECKS, MOOD_COLUMNS

CONTRACT = Contract(
    table="silver.lyric_moods",
    doc="What the words of a track feel like, as the best model read them; never the words. The four moods are null of "
    "an instrumental, of a language that no model could read, and of words that say nothing of a mood.",
    grain="A track whose lyrics were found; one that is instrumental counts as found.",
    key=("track_id",),
    columns=(
        Column("track_id", STRING, "The track"),
        *MOOD_COLUMNS,
        Column("confidence", DOUBLE, "How sure the model is, 0-1; 0 where the four are null"),
        Column("lyrics_source", STRING, "The service that gave the text, such as lrclib"),
        Column("language", STRING, "ISO 639 code of the text, null where the model does not tell it", nullable=True),
        Column("is_instrumental", BOOLEAN, "There are no words"),
        Column("model_version", STRING, "The model that read them; none of an instrumental"),
    ),
    checks=(*MOOD_CHECKS, Between("confidence", 0, 1), References("track_id", "silver.tracks", "track_id")),
    clustering=("track_id",),
)
