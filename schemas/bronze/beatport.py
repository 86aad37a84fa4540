"""What the Beatport streams have in common: one contract, of which each table is a form."""

from __future__ import annotations

from schemas.bronze.stream import EVENT_ID, PAYLOAD, TECHNICAL, event_at
from schemas.contract import Contract, OneOf


def beatport_contract(table: str, *, doc: str, grain: str) -> Contract:
    """A stream of things on sale at Beatport, each as the last fetch found it."""
    return Contract(
        table=table,
        doc=doc,
        grain=grain,
        key=("event_id",),
        columns=(
            EVENT_ID,
            event_at("Always null: what is on sale has no moment", nullable=True),
            PAYLOAD,
            *TECHNICAL,
        ),
        checks=(OneOf("_source", ("beatport",)),),
    )
