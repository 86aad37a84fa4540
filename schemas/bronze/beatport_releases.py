"""Beatport's releases."""

from __future__ import annotations

from schemas.bronze.beatport import beatport_contract

CONTRACT = beatport_contract(
    "bronze.beatport_releases",
    doc="The releases of the charted tracks, in detail.",
    grain="A release.",
)
