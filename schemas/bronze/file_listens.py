"""Plays of plain files."""

from __future__ import annotations

from schemas.bronze.stream import EVENT_ID, PAYLOAD, TECHNICAL, USER_ID, event_at
from schemas.contract import Contract, Matches

CONTRACT = Contract(
    table="bronze.file_listens",
    doc="Plays of plain files: the Last.fm-1K layout and CSV files with a header.",
    grain="A line of the file; exact repeats are not stored again.",
    key=("event_id",),
    columns=(
        EVENT_ID,
        USER_ID,
        event_at("Start of the play, as the file states it"),
        PAYLOAD,
        *TECHNICAL,
    ),
    checks=(Matches("_source", r"^(lastfm_1k|csv:[a-z0-9_-]+)$"),),
    clustering=("event_at",),
    personal_data="pseudonymous",
)
