"""What a listener plays most, per period: artists, tracks, albums, genres."""

from __future__ import annotations

from schemas.contract import DATE, INT, LONG, STRING, Between, Column, Contract, OneOf, References
from schemas.vocab import PERIOD_DAYS, STATS_ENTITIES

CONTRACT = Contract(
    table="gold.listening_stats",
    doc="What a listener plays most, per period: the top 50 artists, tracks, albums and genres.",
    grain="A listener, a period, a kind of entity and a rank.",
    key=("user_id", "period", "entity", "rank"),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("period", STRING, "all, 365d, 90d, 30d or 7d: local days up to as_of_date"),
        Column("entity", STRING, "artist, track, album or genre"),
        Column("rank", INT, "1 is the most played; ties go by time played, then by id"),
        Column("entity_id", STRING, "artist_id, track_id, the genre, or the hash of artist and album"),
        Column("name", STRING, "The artist, title, album or genre"),
        Column("artist_name", STRING, "Main artist of a track or album", nullable=True),
        Column("listen_count", LONG, "Plays in the period that were not skipped"),
        Column("ms_played", LONG, "Time played where known, skipped plays included", nullable=True, unit="ms"),
        Column("as_of_date", DATE, "The last day of the period"),
    ),
    checks=(
        OneOf("period", ("all", *PERIOD_DAYS)),
        OneOf("entity", STATS_ENTITIES),
        Between("rank", 1, 50),
        Between("listen_count", 1, None),
        References("user_id", "silver.users", "user_id"),
    ),
    clustering=("user_id",),
    personal_data="pseudonymous",
)
