"""Which tracks go with which: heard in the same sessions, or of like sound."""

from __future__ import annotations

from schemas.contract import DOUBLE, INT, LONG, STRING, Between, Column, Contract, OneOf, References
from schemas.vocab import SIMILARITY_BASES

CONTRACT = Contract(
    table="gold.track_similarities",
    doc="The 20 tracks that go best with each track that somebody heard; they may be of the catalogue alone.",
    grain="A track and another one.",
    key=("track_id", "similar_track_id"),
    columns=(
        Column("track_id", STRING, "A track that was heard"),
        Column("similar_track_id", STRING, "The one that goes with it"),
        Column("rank", INT, "1 goes best; ties go by id"),
        Column("score", DOUBLE, "How well, 0-1: 1 - (1 - session_score)(1 - sound_score)"),
        Column("basis", STRING, "What it was worked out from: sessions, sound, or both"),
        Column(
            "session_count",
            LONG,
            "Sessions in which both were heard within 10 plays, of one listener 5 at most; null where none",
            nullable=True,
        ),
        Column("session_score", DOUBLE, "Cosine of their sessions, shrunk where they are few; 0-1", nullable=True),
        Column("sound_distance", DOUBLE, "Root mean square difference of their share features; 0-1", nullable=True),
        Column(
            "sound_score",
            DOUBLE,
            "How alike they sound, 0-1: halved where no genre is shared, less where the sound is an estimate",
            nullable=True,
        ),
    ),
    checks=(
        Between("rank", 1, 20),
        Between("score", 0, 1),
        OneOf("basis", SIMILARITY_BASES),
        Between("session_count", 1, None),
        Between("session_score", 0, 1),
        Between("sound_distance", 0, 1),
        Between("sound_score", 0, 1),
        References("track_id", "silver.tracks", "track_id"),
        References("similar_track_id", "silver.tracks", "track_id"),
    ),
    clustering=("track_id",),
)
