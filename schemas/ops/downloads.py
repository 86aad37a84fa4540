"""What was downloaded whole, with the hash that a later download of the same version must have."""

from __future__ import annotations

from schemas.contract import LONG, STRING, TIMESTAMP, Column, Contract, Matches

CONTRACT = Contract(
    table="ops.downloads",
    doc="Data sets that were downloaded; a version that is downloaded again must have the hash of its first time.",
    grain="A version of a data set.",
    key=("source", "dataset", "version"),
    columns=(
        Column("source", STRING, "The service, such as kaggle"),
        Column("dataset", STRING, "The data set, as owner/name"),
        Column("version", LONG, "Its version number at the service"),
        Column("file_sha256", STRING, "Hash of the file at the first download"),
        Column("file_bytes", LONG, "Size of the file", unit="bytes"),
        Column("downloaded_at", TIMESTAMP, "When it was first downloaded", unit="UTC"),
    ),
    checks=(Matches("file_sha256", "^[0-9a-f]{64}$"),),
    history=True,
)
