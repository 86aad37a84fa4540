"""Plays summed by listener and track."""

from __future__ import annotations

from schemas.contract import STRING, Column, Contract, References
from schemas.silver.sums import SUM_CHECKS, SUMS

CONTRACT = Contract(
    table="silver.user_tracks",
    doc="Plays summed by listener and track over all time.",
    grain="A listener and a track.",
    key=("user_id", "track_id"),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("track_id", STRING, "The track"),
        *SUMS,
    ),
    checks=(*SUM_CHECKS, References("track_id", "silver.tracks", "track_id")),
    clustering=("user_id", "track_id"),
    personal_data="pseudonymous",
)
