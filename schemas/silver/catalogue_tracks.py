"""The catalogue collapsed to one row per Spotify id, its genres in an array."""

from __future__ import annotations

from schemas.contract import BOOLEAN, INT, LONG, STRING, STRINGS, Between, Column, Contract, Matches
from schemas.silver.features import AUDIO_FEATURES, FEATURE_CHECKS
from schemas.silver.works import VERSION_CHECK, version_column, work_column

CONTRACT = Contract(
    table="silver.catalogue_tracks",
    doc="The Kaggle catalogue, one row per Spotify id: what names are matched against and features are taken from.",
    grain="A Spotify track id of the catalogue that has an artist and a title.",
    key=("spotify_id",),
    columns=(
        Column("spotify_id", STRING, "Spotify track id"),
        Column("track_id", STRING, "The recording: minted from the least of its Spotify ids, shared by all of them"),
        Column("is_representative", BOOLEAN, "The id whose names and features stand for the recording; one a track id"),
        Column("artist_names", STRINGS, "Artists in the catalogue's order"),
        Column("track_name", STRING, "Title"),
        Column("album_name", STRING, "Album", nullable=True),
        Column("popularity", INT, "0-100, the highest of the track's rows", nullable=True),
        Column("is_explicit", BOOLEAN, "Marked explicit", nullable=True),
        Column("duration_ms", LONG, "Length", nullable=True, unit="ms"),
        Column("genres", STRINGS, "Genres of the track's rows, sorted"),
        *AUDIO_FEATURES,
        Column("artist_letters", STRINGS, "Normalised names, without blanks, under which the artists are looked for"),
        Column("artist_ids", STRINGS, "Ids of the artists, in the catalogue's order"),
        Column("artist_blocks", STRINGS, "What artists must share with these to be compared with them"),
        Column("base_title", STRING, "Normalised title without notes of version and edition"),
        Column("core_title", STRING, "The base title without subtitles"),
        Column("version_letters", STRING, "What the title says of its version, without blanks; empty if plain"),
        version_column(),
        Column("names_id", STRING, "Hash of main artist, base title and version: what spellings have in common"),
        work_column(),
    ),
    checks=(Matches("spotify_id", "^[0-9A-Za-z]{22}$"), Between("popularity", 0, 100), VERSION_CHECK, *FEATURE_CHECKS),
    clustering=("spotify_id",),
)
