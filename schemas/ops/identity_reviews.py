"""What people decided about names that are nearly alike."""

from __future__ import annotations

from schemas.contract import STRING, TIMESTAMP, Column, Contract, OneOf
from schemas.vocab import REVIEW_DECISIONS

CONTRACT = Contract(
    table="ops.identity_reviews",
    doc="Decisions on names heard and names of the catalogue, made with `identities accept` and `identities reject`.",
    grain="A pair of names, whatever tracks have them.",
    key=("names_id", "catalogue_names_id"),
    columns=(
        Column("names_id", STRING, "Names heard: hash of artist, base title and version"),
        Column("catalogue_names_id", STRING, "Names of the catalogue"),
        Column("decision", STRING, "accept: they are one recording's; reject: they are not"),
        Column("decided_at", TIMESTAMP, "When it was decided", unit="UTC"),
    ),
    checks=(OneOf("decision", REVIEW_DECISIONS),),
    history=True,
)
