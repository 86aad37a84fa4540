"""Plays of all feeds in one shape: a view over the bronze streams, never stored."""

from __future__ import annotations

from schemas.contract import BOOLEAN, LONG, STRING, TIMESTAMP, Column, Contract, Matches
from schemas.silver.pages import lastfm_page
from schemas.vocab import FEED_PATTERN

CONTRACT = Contract(
    table="silver.plays",
    doc="Plays of all feeds in one shape, as bronze states them; exists only while a stage runs.",
    grain="A bronze play event.",
    key=("event_id",),
    columns=(
        Column("event_id", STRING, "Id of the bronze event"),
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column(
            "event_at", TIMESTAMP, "Start of the play; of spotify_api mostly its end, as Spotify gives it", unit="UTC"
        ),
        Column("source", STRING, "The feed"),
        Column(
            "fetched_in",
            STRING,
            "Run that stored the record, of spotify_api: another run may give the same play another stamp",
            nullable=True,
        ),
        Column("source_track_key", STRING, "The feed's own key of the track: a Spotify id, or artist and title"),
        Column("artist_name", STRING, "Artist as the feed writes it"),
        Column("track_name", STRING, "Title as the feed writes it"),
        Column("album_name", STRING, "Album as the feed writes it", nullable=True),
        Column("spotify_id", STRING, "Spotify track id, where the feed has it", nullable=True),
        Column("isrc", STRING, "International standard recording code", nullable=True),
        Column("recording_mbid", STRING, "MusicBrainz recording id, where the feed vouches for it", nullable=True),
        Column("duration_ms", LONG, "Length of the track", nullable=True, unit="ms"),
        Column("ms_played", LONG, "How long it was played", nullable=True, unit="ms"),
        Column("is_loved", BOOLEAN, "Loved by the listener", nullable=True),
        Column("is_streamable", BOOLEAN, "Streamable at the source", nullable=True),
        lastfm_page("What the scrobble says of its track"),
    ),
    checks=(Matches("source", FEED_PATTERN),),
    personal_data="pseudonymous",
    stored=False,
)
