"""The columns every bronze stream has: the raw record, who and when, and where it came from."""

from __future__ import annotations

from schemas.contract import STRING, TIMESTAMP, Column

EVENT_ID = Column("event_id", STRING, "Hash of feed, user, the source's stamp and its track key; 32 hex digits")
USER_ID = Column("user_id", STRING, "Pseudonym of the listener (HMAC of the name with the lake's salt); 32 hex digits")
TRACK_KEY = Column(
    "track_key",
    STRING,
    "What the service was asked for: the Spotify id where known, else the ISRC; for lyrics the song_key of the names",
)
PAYLOAD = Column("payload", STRING, "The source's record as JSON text, less the fields of its REDACTED list")
TECHNICAL = (
    Column("_source", STRING, "The feed, such as spotify_extended or csv:diary"),
    Column("_run_id", STRING, "The import or run that stored the row"),
    Column("_ingested_at", TIMESTAMP, "When the row was stored, UTC; increments follow this clock"),
)


def event_at(doc: str, *, nullable: bool = False) -> Column:
    """The event clock of a stream, with a doc that says which moment of the source it is."""
    return Column("event_at", TIMESTAMP, doc, nullable=nullable, unit="UTC")
