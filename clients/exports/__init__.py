"""Streaming readers of listening-history exports and of the Kaggle catalogue, by format name in `READERS`."""

from clients.exports.archive import ArchiveLimits
from clients.exports.errors import (
    BadEncodingError,
    DamagedArchiveError,
    EmptyExportError,
    ExportError,
    MissingColumnsError,
    UnsafeArchiveError,
    WrongFormatError,
)
from clients.exports.formats import READERS
from clients.exports.reading import Chunk, ExportReader, ReadOptions, Reject

__all__ = [
    "READERS",
    "ArchiveLimits",
    "BadEncodingError",
    "Chunk",
    "DamagedArchiveError",
    "EmptyExportError",
    "ExportError",
    "ExportReader",
    "MissingColumnsError",
    "ReadOptions",
    "Reject",
    "UnsafeArchiveError",
    "WrongFormatError",
]
