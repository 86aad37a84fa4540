"""Beatport's labels."""

from __future__ import annotations

from schemas.bronze.beatport import beatport_contract

CONTRACT = beatport_contract(
    "bronze.beatport_labels",
    doc="The labels of the charted tracks, in detail.",
    grain="A label.",
)
