"""Why two listeners match, and what they could talk about."""

from __future__ import annotations

from pyspark.sql.types import ArrayType, StructField, StructType

from schemas.contract import DOUBLE, INT, LONG, STRING, Column, Contract, References
from schemas.gold.user_matches import CONTRACT as USER_MATCHES
from schemas.gold.user_taste_profiles import RECENT_TRACK

SUMMARY = StructType([StructField(c.name, c.type) for c in USER_MATCHES.columns if c.name not in USER_MATCHES.key])
SHARED_ARTIST = StructType(
    [
        StructField("artist_id", STRING),
        StructField("artist_name", STRING),
        StructField("rank", INT),
        StructField("match_rank", INT),
        StructField("listen_count", LONG),
        StructField("match_listen_count", LONG),
        StructField("part", DOUBLE),
    ]
)
SHARED_GENRE = StructType(
    [StructField("genre", STRING), StructField("listen_count", LONG), StructField("match_listen_count", LONG)]
)
FEATURE = StructType(
    [
        StructField("feature", STRING),
        *(
            StructField(name, DOUBLE)
            for name in ("raw", "match_raw", "normalised", "match_normalised", "delta", "part")
        ),
    ]
)
TEMPO = StructType(
    [StructField(name, DOUBLE) for name in ("low_bpm", "high_bpm", "match_low_bpm", "match_high_bpm", "overlap_bpm")]
)
NEW_ARTIST = StructType(
    [
        StructField("artist_id", STRING),
        StructField("artist_name", STRING),
        StructField("genre_overlap", DOUBLE),
        StructField("match_rank", INT),
        StructField("match_listen_count", LONG),
    ]
)
ICEBREAKER = StructType(
    [
        StructField(name, STRING)
        for name in ("artist_id", "artist_name", "track_id", "track_name", "match_track_id", "match_track_name")
    ]
)

CONTRACT = Contract(
    table="gold.user_match_explanations",
    doc="Why each match is one: a row for every row of gold.user_matches. The parts of its items (shared "
    "artists, features) are those of summary.parts, and these add up to the score, up to rounding.",
    grain="A listener and another one.",
    key=("user_id", "match_user_id"),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("match_user_id", STRING, "Pseudonym of the one who listens alike"),
        Column("summary", SUMMARY, "The row of gold.user_matches"),
        Column(
            "shared_artists",
            ArrayType(SHARED_ARTIST),
            "The 10 shared artists that add most to the score: what each adds, its rank by plays with both (Spotify's "
            "lists count), and the plays of both",
        ),
        Column("other_artists_part", DOUBLE, "What the other shared artists add: with those listed, parts.artists"),
        Column("shared_genres", ArrayType(SHARED_GENRE), "Of the 20 genres of most weight of each, those of both"),
        Column(
            "audio_breakdown",
            ArrayType(FEATURE),
            "Per feature the means of both, their distances from the mean listener in standard deviations, the delta "
            "between these, and what it adds to the score; null unless the sound of both is known",
            nullable=True,
        ),
        Column(
            "tempo",
            TEMPO,
            "The tempos between which the middle half of the plays of each lie, and how wide both overlap; null unless "
            "both are known",
            nullable=True,
            unit="bpm",
        ),
        Column(
            "suggestions_new_artists",
            ArrayType(NEW_ARTIST),
            "Up to 5 of the match's 50 heaviest artists that the listener never played, those nearest to the "
            "listener's genres (0-1) first",
        ),
        Column(
            "icebreaker_tracks",
            ArrayType(ICEBREAKER),
            "Of up to 5 shared artists the track that each of the two plays most",
        ),
        Column(
            "recent_activity",
            ArrayType(RECENT_TRACK),
            "The tracks that the match played last; null unless both show their activity",
            nullable=True,
        ),
    ),
    checks=(
        References("user_id", "silver.users", "user_id"),
        References("match_user_id", "silver.users", "user_id"),
    ),
    clustering=("user_id",),
    personal_data="pseudonymous",
)
