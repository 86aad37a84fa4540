"""Every track: the catalogue's, and those only heard."""

from __future__ import annotations

from schemas.contract import BOOLEAN, DATE, INT, LONG, STRING, STRINGS, Between, Column, Contract, Matches
from schemas.silver.covers import COVERS
from schemas.silver.works import VERSION_CHECK, version_column, work_column

CONTRACT = Contract(
    table="silver.tracks",
    doc="Every track: the catalogue's, one row per recording, and those only heard.",
    grain="A track.",
    key=("track_id",),
    columns=(
        Column("track_id", STRING, "Minted from the track's Spotify id, else ISRC, MusicBrainz recording or names"),
        Column(
            "spotify_id",
            STRING,
            "Spotify track id; of a recording that has several, the one that stands for it",
            nullable=True,
        ),
        Column("isrc", STRING, "International standard recording code", nullable=True),
        Column(
            "track_key",
            STRING,
            "What services are asked for: the Spotify id, else the ISRC; null where neither is known",
            nullable=True,
        ),
        Column("recording_mbid", STRING, "MusicBrainz recording id", nullable=True),
        Column("artist_names", STRINGS, "Artists, the main one first"),
        Column("artist_id", STRING, "The main artist: hash of the letters of the normalised name"),
        Column("track_name", STRING, "Title"),
        version_column(),
        work_column(),
        Column("album_name", STRING, "Album", nullable=True),
        Column(
            "release_date",
            DATE,
            "Release day; the first day of the period where only year or month is known",
            nullable=True,
        ),
        Column("duration_ms", LONG, "Length", nullable=True, unit="ms"),
        Column("is_explicit", BOOLEAN, "Marked explicit", nullable=True),
        Column("popularity", INT, "Spotify's popularity 0-100; null is unknown", nullable=True),
        Column("genres", STRINGS, "Genres of all ids of the recording, sorted; empty where none is known"),
        Column("is_catalogue", BOOLEAN, "In the catalogue, so measured features may exist"),
        Column("spotify_url", STRING, "Page at Spotify", nullable=True),
        Column("lastfm_url", STRING, "Page at Last.fm, as its latest scrobble gives it", nullable=True),
        Column("artist_urls", STRINGS, "Artists' pages at Spotify, in artist order", nullable=True),
        Column("artist_lastfm_url", STRING, "The main artist's page at Last.fm", nullable=True),
        Column(
            "artist_mbids",
            STRINGS,
            "MusicBrainz artist ids, in artist order; Last.fm gives the main artist's",
            nullable=True,
        ),
        Column("release_mbid", STRING, "MusicBrainz release id of the album, as Last.fm gives it", nullable=True),
        *COVERS,
    ),
    checks=(
        Matches("spotify_id", "^[0-9A-Za-z]{22}$", severity="warn"),
        Between("popularity", 0, 100),
        VERSION_CHECK,
    ),
    clustering=("track_id",),
)
