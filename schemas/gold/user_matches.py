"""Who listens like whom, and of what the score is made."""

from __future__ import annotations

from pyspark.sql.types import StructField, StructType

from schemas.contract import DOUBLE, INT, LONG, STRING, Between, Column, Contract, OneOf, References
from schemas.vocab import MATCH_BASES

PARTS = StructType([StructField(name, DOUBLE) for name in ("artists", "neighbours", "genres", "sound", "moods")])

CONTRACT = Contract(
    table="gold.user_matches",
    doc="The 50 listeners most like each listener. What is said of a pair is the same both ways, but for the rank.",
    grain="A listener and another one.",
    key=("user_id", "match_user_id"),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("match_user_id", STRING, "Pseudonym of the one who listens alike"),
        Column("rank", INT, "1 is the nearest; ties go by id"),
        Column(
            "score",
            DOUBLE,
            "How near, 0-1; about .5 where the two are as near as their own nearest are on average",
        ),
        Column("parts", PARTS, "What each kind of likeness adds to the score, up to rounding; may be negative"),
        Column("shared_artists_count", LONG, "Artists that both have"),
        Column("artist_affinity", DOUBLE, "Of their artists, and of who shares those: 0-1"),
        Column("genre_overlap", DOUBLE, "Of the genres of their artists: 0-1"),
        Column("audio_affinity", DOUBLE, "Of how they differ from the mean listener in sound: 0-1", nullable=True),
        Column("mood_affinity", DOUBLE, "Of how they differ from the mean listener in mood: 0-1", nullable=True),
        Column("basis", STRING, "What it was worked out from: plays, top_items (Spotify's lists), or both"),
    ),
    checks=(
        Between("rank", 1, 50),
        Between("score", 0, 1),
        Between("shared_artists_count", 0, None),
        Between("artist_affinity", 0, 1),
        Between("genre_overlap", 0, 1),
        Between("audio_affinity", 0, 1),
        Between("mood_affinity", 0, 1),
        OneOf("basis", MATCH_BASES),
        References("user_id", "silver.users", "user_id"),
        References("match_user_id", "silver.users", "user_id"),
    ),
    clustering=("user_id",),
    personal_data="pseudonymous",
)
