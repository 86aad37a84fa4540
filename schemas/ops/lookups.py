"""What services were asked about tracks, so that they are not asked again too soon."""

from __future__ import annotations

from schemas.contract import STRING, TIMESTAMP, Column, Contract, OneOf
from schemas.vocab import LOOKUP_STATUSES

CONTRACT = Contract(
    table="ops.lookups",
    doc="What services answered about tracks. Definite answers alone: an outage or a rate limit leaves no row.",
    grain="A service's stream and a track key.",
    key=("source", "stream", "track_key"),
    columns=(
        Column("source", STRING, "The service that was asked"),
        Column("stream", STRING, "The bronze table that its answers go to"),
        Column("track_key", STRING, "What it was asked for"),
        Column("status", STRING, "found, or unknown to the service"),
        Column("asked_at", TIMESTAMP, "When it answered", unit="UTC"),
        Column("expires_at", TIMESTAMP, "From then on it is asked again; null is never", nullable=True, unit="UTC"),
    ),
    checks=(OneOf("status", LOOKUP_STATUSES),),
    history=True,
)
