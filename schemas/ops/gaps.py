"""Where plays were lost, or may have been."""

from __future__ import annotations

from schemas.contract import STRING, TIMESTAMP, Column, Contract, OneOf
from schemas.vocab import GAP_CERTAINTIES

CONTRACT = Contract(
    table="ops.gaps",
    doc="Intervals in which plays of an account were lost, or may have been; an export of the service fills them.",
    grain="An interval of a stream of an account that a fetch found out of reach.",
    key=("gap_id",),
    columns=(
        Column("gap_id", STRING, "Hash of the listener, the source, the stream and the interval"),
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("source", STRING, "The service that was asked"),
        Column("stream", STRING, "The bronze table whose plays are missing"),
        Column("start_at", TIMESTAMP, "Start of the interval, inclusive", unit="UTC"),
        Column("end_at", TIMESTAMP, "End of the interval, exclusive", unit="UTC"),
        Column("certainty", STRING, "possible where nothing proves a loss, certain where something does"),
        Column("reason", STRING, "What was found, for people"),
        Column("run_id", STRING, "The run that found it"),
        Column("noted_at", TIMESTAMP, "When it was found", unit="UTC"),
    ),
    checks=(OneOf("certainty", GAP_CERTAINTIES),),
    personal_data="pseudonymous",
    history=True,
)
