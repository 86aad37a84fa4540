"""Records that broke a rule, kept so that they can be mended and replayed."""

from __future__ import annotations

from schemas.contract import LONG, STRING, STRINGS, TIMESTAMP, Column, Contract

CONTRACT = Contract(
    table="ops.quarantine",
    doc="Records that broke a rule. What could be parsed is kept (less the redacted fields) and can be replayed; "
    "what could not be parsed cannot be redacted, so only its place, length and hash are kept.",
    grain="A refused record; refused again it keeps its first row.",
    key=("record_id",),
    columns=(
        Column(
            "record_id",
            STRING,
            "Hash of the table, the source, the listener and the payload; without one, of its place and hash instead",
        ),
        Column("run_id", STRING, "The import or run that refused it"),
        Column("table", STRING, "The table it was meant for"),
        Column("source", STRING, "The feed or the build it came from"),
        Column("rules", STRINGS, "Ids of the rules it broke"),
        Column("payload", STRING, "The record as JSON text, less the redacted fields", nullable=True),
        Column("place", STRING, "File and number of a record that could not be parsed", nullable=True),
        Column("record_length", LONG, "Length of a record that could not be parsed", nullable=True, unit="bytes"),
        Column("record_sha256", STRING, "Hash of a record that could not be parsed", nullable=True),
        Column("user_id", STRING, "Pseudonym of the listener, where known", nullable=True),
        Column("quarantined_at", TIMESTAMP, "When it was refused", unit="UTC"),
    ),
    personal_data="pseudonymous",
    history=True,
)
