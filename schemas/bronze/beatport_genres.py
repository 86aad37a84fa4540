"""Beatport's genres."""

from __future__ import annotations

from schemas.bronze.beatport import beatport_contract

CONTRACT = beatport_contract(
    "bronze.beatport_genres",
    doc="All genres of Beatport.",
    grain="A genre.",
)
