"""Work and version as columns, shared by the tables of tracks."""

from __future__ import annotations

from schemas.contract import STRING, Column, OneOf
from schemas.vocab import VERSIONS

VERSION_CHECK = OneOf("version", VERSIONS)


def version_column() -> Column:
    """What kind of version a track is."""
    return Column("version", STRING, f"{', '.join(VERSIONS)}; null for the plain recording", nullable=True)


def work_column() -> Column:
    """What versions of one song share."""
    return Column("work_id", STRING, "Hash of artist and title without its version: versions of one song share it")
