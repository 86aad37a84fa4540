"""Whose history the lake holds: the one place besides silver.users where a listener's name stands."""

from __future__ import annotations

from schemas.contract import STRING, TIMESTAMP, Column, Contract, Matches

CONTRACT = Contract(
    table="ops.accounts",
    doc="Whose history the lake holds: name to pseudonym.",
    grain="A listener.",
    key=("user_id",),
    columns=(
        Column("user_id", STRING, "HMAC-SHA256 of the name with the lake's salt, first 32 hex digits"),
        Column("user_name", STRING, "The name as imports and --user give it"),
        Column(
            "created_at", TIMESTAMP, "When the listener was first met: by an import or a connected account", unit="UTC"
        ),
    ),
    checks=(Matches("user_id", "^[0-9a-f]{32}$"),),
    personal_data="name",
    history=True,
)
