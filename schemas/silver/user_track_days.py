"""Plays summed by listener, local day and track: what gold adds up."""

from __future__ import annotations

from schemas.contract import DATE, STRING, Column, Contract, References
from schemas.silver.sums import SUM_CHECKS, SUMS

CONTRACT = Contract(
    table="silver.user_track_days",
    doc="Plays summed by listener, local day and track; moods and features join when gold adds them up.",
    grain="A listener, a local day and a track.",
    key=("user_id", "listen_date", "track_id"),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("listen_date", DATE, "Day in the listener's time zone"),
        Column("track_id", STRING, "The track"),
        *SUMS,
    ),
    checks=(*SUM_CHECKS, References("track_id", "silver.tracks", "track_id")),
    clustering=("listen_date", "user_id"),
    personal_data="pseudonymous",
)
