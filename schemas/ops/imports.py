"""The account of every import: attempted = stored + duplicate + skipped by policy + quarantined."""

from __future__ import annotations

from pyspark.sql.types import MapType

from schemas.contract import LONG, STRING, TIMESTAMP, Column, Contract, Matches

COUNTS = MapType(STRING, LONG)

CONTRACT = Contract(
    table="ops.imports",
    doc="The account of every import; attempted = stored + duplicate + skipped + quarantined, always.",
    grain="An import of a file, folder or archive.",
    key=("import_id",),
    columns=(
        Column("import_id", STRING, "The import's run id"),
        Column("format", STRING, "The format, such as spotify-extended"),
        Column("source", STRING, "The feed its rows belong to"),
        Column(
            "file_sha256",
            STRING,
            "Hash of the file, or of those of a folder that were read; the path is not kept, it may name a person",
        ),
        Column("file_bytes", LONG, "Size on disk of what was read", unit="bytes"),
        Column("user_id", STRING, "Pseudonym of the listener given with --user", nullable=True),
        Column("attempted_count", LONG, "Records found"),
        Column("stored_count", LONG, "Records stored"),
        Column("duplicate_count", LONG, "Records already there, or repeated in the file"),
        Column("skipped_count", LONG, "Records left out by policy"),
        Column("quarantined_count", LONG, "Records that broke a rule"),
        Column("skipped_by_reason", COUNTS, "Left-out records by reason"),
        Column("quarantined_by_rule", COUNTS, "Refused records by the first rule they broke"),
        Column("started_at", TIMESTAMP, "When it began", unit="UTC"),
        Column("ended_at", TIMESTAMP, "When it ended", unit="UTC"),
    ),
    checks=(Matches("file_sha256", "^[0-9a-f]{64}$"),),
    personal_data="pseudonymous",
    history=True,
)
