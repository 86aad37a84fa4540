"""Plays summed by listener and artist."""

from __future__ import annotations

from schemas.contract import LONG, STRING, Between, Column, Contract
from schemas.silver.sums import SUM_CHECKS, SUMS

CONTRACT = Contract(
    table="silver.user_artists",
    doc="Plays summed by listener and main artist over all time.",
    grain="A listener and an artist.",
    key=("user_id", "artist_id"),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("artist_id", STRING, "The main artist of the tracks"),
        Column("artist_name", STRING, "The artist's name; of several spellings the first in order"),
        Column("track_count", LONG, "Distinct tracks of the artist heard"),
        *SUMS,
    ),
    checks=(*SUM_CHECKS, Between("track_count", 1, None)),
    clustering=("user_id", "artist_id"),
    personal_data="pseudonymous",
)
