"""What listeners let others see of them."""

from __future__ import annotations

from schemas.contract import BOOLEAN, STRING, TIMESTAMP, Column, Contract, References

CONTRACT = Contract(
    table="ops.privacy_settings",
    doc="What listeners let others see of them, as set with `privacy set`. Who set nothing is matched, and shows "
    "neither activity nor name.",
    grain="A listener who set something.",
    key=("user_id",),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column(
            "is_matched",
            BOOLEAN,
            "Has matches and is one; false: appears nowhere at others, in reasons only where listeners are counted",
        ),
        Column("is_activity_shown", BOOLEAN, "Shows recent plays to matches who show theirs"),
        Column("is_name_shown", BOOLEAN, "Is named in the reasons of matches who are named themselves"),
        Column("updated_at", TIMESTAMP, "When it was last set", unit="UTC"),
    ),
    checks=(References("user_id", "ops.accounts", "user_id"),),
    personal_data="pseudonymous",
    history=True,
)
