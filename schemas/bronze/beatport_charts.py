"""Beatport's charts."""

from __future__ import annotations

from schemas.bronze.beatport import beatport_contract

CONTRACT = beatport_contract(
    "bronze.beatport_charts",
    doc="The top 100 and hype 100 of chosen genres, with their track ids in order, and the charts that DJs made.",
    grain="A kind of chart (top_100, hype_100, dj), a genre and, of dj charts, a chart.",
)
