"""The tracks of Beatport's charts."""

from __future__ import annotations

from schemas.contract import DATE, DOUBLE, LONG, STRING, STRINGS, Between, Column, Contract

CONTRACT = Contract(
    table="silver.beatport_tracks",
    doc="The tracks of Beatport's charts, with what DJs sort by: tempo, key, genre, label.",
    grain="A track in one mix, by Beatport's id.",
    key=("beatport_id",),
    columns=(
        Column("beatport_id", STRING, "Beatport's id of the track"),
        Column("track_name", STRING, "Title without the mix"),
        Column("mix_name", STRING, "Mix, such as Original Mix", nullable=True),
        Column("full_title", STRING, "Title with the mix in brackets"),
        Column("artist_names", STRINGS, "Artists, the main one first"),
        Column("remixers", STRINGS, "Remixers; empty for an original"),
        Column("tempo_bpm", DOUBLE, "Tempo; null where Beatport gives 0", nullable=True, unit="bpm"),
        Column("key_name", STRING, "Key, such as A Minor", nullable=True),
        Column("camelot", STRING, "Key on the Camelot wheel, such as 8A: neighbours mix well", nullable=True),
        Column("genre", STRING, "Beatport's genre", nullable=True),
        Column("sub_genre", STRING, "Beatport's sub-genre", nullable=True),
        Column("label", STRING, "Label of the release", nullable=True),
        Column("catalogue_number", STRING, "The label's number of the release", nullable=True),
        Column("isrc", STRING, "International standard recording code", nullable=True),
        Column("duration_ms", LONG, "Length", nullable=True, unit="ms"),
        Column("release_date", DATE, "Day of publication at Beatport", nullable=True),
        Column("preview_url", STRING, "Address of a sample", nullable=True),
        Column("image_url", STRING, "Cover of the release", nullable=True),
    ),
    checks=(Between("tempo_bpm", 1, 400), Between("duration_ms", 0, None)),
    clustering=("beatport_id",),
)
