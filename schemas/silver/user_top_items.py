"""What Spotify says a listener plays most."""

from __future__ import annotations

from schemas.contract import INT, STRING, STRINGS, Between, Column, Contract, OneOf
from schemas.vocab import TOP_ENTITIES, TOP_TIME_RANGES

CONTRACT = Contract(
    table="silver.user_top_items",
    doc="What Spotify says a listener plays most, over about four weeks, six months and a year.",
    grain="A listener, a range, a kind of entity and a rank.",
    key=("user_id", "time_range", "entity", "rank"),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("time_range", STRING, "short_term, medium_term or long_term"),
        Column("entity", STRING, "artist or track"),
        Column("rank", INT, "1 is the most played"),
        Column("spotify_id", STRING, "Spotify id of the artist or track"),
        Column("name", STRING, "The artist, or the title"),
        Column("artist_names", STRINGS, "Artists of the track, the main one first; of an artist, itself"),
        Column("genres", STRINGS, "Genres of the artist, sorted; empty where Spotify does not say, and for tracks"),
        Column("popularity", INT, "Spotify's popularity 0-100; null where it does not say", nullable=True),
    ),
    checks=(
        OneOf("time_range", TOP_TIME_RANGES),
        OneOf("entity", TOP_ENTITIES),
        Between("rank", 1, None),
        Between("popularity", 0, 100),
    ),
    clustering=("user_id",),
    personal_data="pseudonymous",
)
