"""Covers by size as columns, shared by the tables of tracks."""

from __future__ import annotations

from schemas.contract import STRING, Column

# Pixels of Last.fm's sizes. Spotify has 64, 300 and 640: of these the next larger stands in.
COVER_SIZES = {"small": 34, "medium": 64, "large": 174, "extralarge": 300}
COVERS = (
    Column("album_thumbnail", STRING, "Cover in the best size known, 640 px where Spotify has it", nullable=True),
    *(
        Column(f"album_thumbnail_{size}", STRING, f"Cover, {pixels} px or the next larger known", nullable=True)
        for size, pixels in COVER_SIZES.items()
    ),
)
