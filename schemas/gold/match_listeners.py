"""Listeners as they are compared where there are many: a function of their own rows and of the pinned population."""

from __future__ import annotations

from pyspark.sql.types import ArrayType, StructField, StructType

from schemas.contract import BOOLEAN, DOUBLE, INT, LONG, STRING, Between, Column, Contract, References
from schemas.gold.match_model import GENRE_WEIGHT, NUMBERS
from schemas.gold.user_taste_profiles import RECENT_TRACK, SOUND, TEMPO

ARTIST = StructType(
    [
        StructField("artist_id", STRING),
        StructField("artist_name", STRING),
        StructField("count", DOUBLE),
        StructField("plays", DOUBLE),
        StructField("weight", DOUBLE),
        StructField("genre_weights", ArrayType(GENRE_WEIGHT)),
    ]
)
TOP_TRACK = StructType([StructField(name, STRING) for name in ("artist_id", "track_id", "track_name")])
TOP_GENRE = StructType([StructField("genre", STRING), StructField("listen_count", LONG)])

CONTRACT = Contract(
    table="gold.match_listeners",
    doc="What each listener is compared by, and told by, where there are more than MATCHES__EXACT_UP_TO_USERS; no row "
    "up to that size. Who opted out, or has no artist, has none.",
    grain="A listener.",
    key=("user_id",),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("level", DOUBLE, "By what affinities are multiplied: less for hubs, and for listeners of few plays"),
        Column("cells", ArrayType(INT), "The cells of gold.match_model in which the listener meets others, ascending"),
        Column(
            "artists",
            ArrayType(ARTIST),
            "All artists by id: what counts of each, of it the plays, the weight in a vector of length 1, its genres",
        ),
        Column("neighbours", NUMBERS, "Of who shares the artists: a vector of length 1, or 0"),
        Column("genres", NUMBERS, "Of the artists' genres, likewise"),
        Column("sound_vector", NUMBERS, "Of the distances from the mean listener in sound, likewise"),
        Column("mood_vector", NUMBERS, "Of the distances from the mean listener in mood, likewise"),
        Column("is_heard", BOOLEAN, "Whether a play counts"),
        Column("is_listed", BOOLEAN, "Whether an artist stands on a list of Spotify's"),
        Column("is_activity_shown", BOOLEAN, "Whether matches may see what was played last"),
        Column("top_artists", ArrayType(TOP_TRACK), "Those of gold.user_taste_profiles by id, each with its track"),
        Column("top_genres", ArrayType(TOP_GENRE), "Those of gold.user_taste_profiles, the most played first"),
        Column("sound", ArrayType(SOUND), "As in gold.user_taste_profiles, but by the pinned means", nullable=True),
        Column("tempo", TEMPO, "As in gold.user_taste_profiles", nullable=True, unit="bpm"),
        Column("recent_tracks", ArrayType(RECENT_TRACK), "As in gold.user_taste_profiles"),
    ),
    checks=(Between("level", 0, None), References("user_id", "silver.users", "user_id")),
    clustering=("user_id",),
    personal_data="pseudonymous",
)
