"""What listeners said of tracks: that they like one, or do not, or take back what they said."""

from __future__ import annotations

from schemas.bronze.stream import EVENT_ID, PAYLOAD, TECHNICAL, USER_ID, event_at
from schemas.contract import Contract, OneOf

CONTRACT = Contract(
    table="bronze.track_feedback",
    doc="What listeners said of tracks with `feedback`, every word of it; the last counts.",
    grain="A listener, a track and a moment; the payload is {track_id, verdict}.",
    key=("event_id",),
    columns=(EVENT_ID, USER_ID, event_at("When it was said"), PAYLOAD, *TECHNICAL),
    checks=(OneOf("_source", ("feedback",)),),
    clustering=("user_id",),
    personal_data="pseudonymous",
)
