"""What a listener may play next, list by list, and why."""

from __future__ import annotations

from pyspark.sql.types import ArrayType, StructField, StructType

from schemas.contract import DATE, DOUBLE, INT, STRING, Between, Column, Contract, OneOf, References
from schemas.vocab import RECOMMENDATION_LISTS

REASON = StructType([StructField("kind", STRING), StructField("id", STRING), StructField("value", DOUBLE)])

CONTRACT = Contract(
    table="gold.recommendations",
    doc="What each listener may play next: at most 50 tracks a list, one edition of a song, at most 2 of an artist. "
    "Nothing of for_you and from_matches was heard before, all of rediscover was; nothing is in a list that the "
    "listener does not want to hear.",
    grain="A listener, a list and a rank; a list of which nothing is known of a listener has no row.",
    key=("user_id", "list", "rank"),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column(
            "list",
            STRING,
            "for_you, rediscover (not heard for 60 days), from_matches (what the nearest listeners play), "
            "current_mood (near to how they feel of late), or a mood",
        ),
        Column("rank", INT, "1 is the first to play; ties go by a hash of track and seed"),
        Column("track_id", STRING, "The track, of a song's editions the one heard most"),
        Column("score", DOUBLE, "How strongly, 0-1; comparable within a list"),
        Column(
            "reasons",
            ArrayType(REASON),
            "Why, the strongest first: a kind with its id and value. match: user_id of the match, its score; mood: the "
            "list, the distance of the track's mood from it in 0-1; plays: null, the listener's own plays; days_ago: "
            "null, days since the last of them; liked: null, 1; artist: artist_id, the listener's plays of the artist; "
            "session, sound: track_id of one that the listener plays, the similarity; genre: the genre, its share of "
            "the listener's; listeners: null, how many here play it; popularity: null, Spotify's, 0-100",
        ),
        Column("as_of_date", DATE, "The night it was made for"),
    ),
    checks=(
        OneOf("list", RECOMMENDATION_LISTS),
        Between("rank", 1, 50),
        Between("score", 0, 1),
        References("user_id", "silver.users", "user_id"),
        References("track_id", "silver.tracks", "track_id"),
    ),
    clustering=("user_id", "list"),
    personal_data="pseudonymous",
)
