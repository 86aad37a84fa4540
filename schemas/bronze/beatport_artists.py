"""Beatport's artists."""

from __future__ import annotations

from schemas.bronze.beatport import beatport_contract

CONTRACT = beatport_contract(
    "bronze.beatport_artists",
    doc="The artists and remixers of the charted tracks, in detail.",
    grain="An artist.",
)
