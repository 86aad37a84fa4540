"""What a listener likes: artists, genres and sound, weighted so that neither hits nor obsessions rule."""

from __future__ import annotations

from pyspark.sql.types import ArrayType, StructField, StructType

from schemas.contract import DOUBLE, INT, LONG, STRING, TIMESTAMP, Between, Column, Contract, OneOf, References
from schemas.vocab import PROFILE_STATUSES

TOP_ARTIST = StructType(
    [
        StructField("rank", INT),
        StructField("artist_id", STRING),
        StructField("artist_name", STRING),
        StructField("listen_count", LONG),
        StructField("weight", DOUBLE),
        StructField("track_id", STRING),
        StructField("track_name", STRING),
    ]
)
GENRE = StructType([StructField("genre", STRING), StructField("listen_count", LONG), StructField("weight", DOUBLE)])
SOUND = StructType([StructField("feature", STRING), StructField("raw", DOUBLE), StructField("normalised", DOUBLE)])
TEMPO = StructType([StructField("low_bpm", DOUBLE), StructField("high_bpm", DOUBLE)])
RECENT_TRACK = StructType(
    [
        StructField("track_id", STRING),
        StructField("artist_name", STRING),
        StructField("track_name", STRING),
        StructField("last_played_at", TIMESTAMP),
    ]
)

CONTRACT = Contract(
    table="gold.user_taste_profiles",
    doc="What a listener likes, over all time, for comparing listeners. Every listener has a row; status says why one "
    "is thin.",
    grain="A listener.",
    key=("user_id",),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("status", STRING, "ok, too_few_plays, or no_features (enough plays, too few with a known sound)"),
        Column("listen_count", LONG, "Plays that were not skipped"),
        Column("artist_count", LONG, "Artists with such a play"),
        Column(
            "top_artists",
            ArrayType(TOP_ARTIST),
            "The 50 of most weight: damped plays times how rare the artist is among listeners; the weights of all the "
            "listener's artists add up to 1; and of each the track that is played most",
        ),
        Column(
            "genres",
            ArrayType(GENRE),
            "The 20 of most weight, by the same rule; a play counts for every genre of its track",
        ),
        Column(
            "sound",
            ArrayType(SOUND),
            "Per feature the mean over tracks, each weighted by its damped plays, and its distance from the mean "
            "listener in standard deviations, at most 3; null unless ok",
            nullable=True,
        ),
        Column(
            "tempo",
            TEMPO,
            "The tempos between which the middle half lies of the same plays, damped; null unless ok",
            nullable=True,
            unit="bpm",
        ),
        Column("recent_tracks", ArrayType(RECENT_TRACK), "The 5 tracks played last and not skipped each time"),
    ),
    checks=(
        OneOf("status", PROFILE_STATUSES),
        Between("listen_count", 0, None),
        Between("artist_count", 0, None),
        References("user_id", "silver.users", "user_id"),
    ),
    clustering=("user_id",),
    personal_data="pseudonymous",
)
