"""What a Last.fm scrobble says of its track beside the names, as one column of plays and identities."""

from __future__ import annotations

from pyspark.sql.types import StructField, StructType

from schemas.contract import STRING, Column
from schemas.silver.covers import COVER_SIZES

PAGE_FIELDS = ("url", "artist_url", "artist_mbid", "release_mbid", *COVER_SIZES)
LASTFM_PAGE = StructType([StructField(name, STRING) for name in PAGE_FIELDS])


def lastfm_page(doc: str) -> Column:
    return Column("lastfm", LASTFM_PAGE, f"{doc}: pages, MBIDs and covers by size; null of other feeds", nullable=True)
