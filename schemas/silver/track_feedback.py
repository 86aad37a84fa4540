"""Which tracks listeners like, and which they do not want to hear."""

from __future__ import annotations

from schemas.contract import BOOLEAN, STRING, TIMESTAMP, Column, Contract, References

CONTRACT = Contract(
    table="silver.track_feedback",
    doc="Which tracks listeners like, and which they do not want to hear: of what they said of a track, the last.",
    grain="A listener and a track, unless what was said was taken back.",
    key=("user_id", "track_id"),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column(
            "track_id",
            STRING,
            "The track as it was known then; transformations.gold.choices.verdicts follows tracks that were replaced",
        ),
        Column("is_liked", BOOLEAN, "true: likes it; false: does not want to hear it"),
        Column("said_at", TIMESTAMP, "When it was said", unit="UTC"),
    ),
    checks=(References("user_id", "ops.accounts", "user_id"),),
    clustering=("user_id",),
    personal_data="pseudonymous",
)
