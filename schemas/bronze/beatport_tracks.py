"""Beatport's tracks."""

from __future__ import annotations

from schemas.bronze.beatport import beatport_contract

CONTRACT = beatport_contract(
    "bronze.beatport_tracks",
    doc="The tracks in the charts of chosen genres, one mix each.",
    grain="A track in one mix.",
)
