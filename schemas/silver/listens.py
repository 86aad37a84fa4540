"""Every play once, whichever feeds saw it, with its track, its session and whether it was skipped."""

from __future__ import annotations

from pyspark.sql.types import ArrayType, StructField, StructType

from schemas.contract import (
    BOOLEAN,
    DATE,
    LONG,
    STRING,
    STRINGS,
    TIMESTAMP,
    Between,
    Column,
    Contract,
    Matches,
    References,
)
from schemas.vocab import FEED_PATTERN

# What is kept of each record of a play that has several: enough to find the plays that a change concerns.
MEMBER_FIELDS = ("event_id", "source", "source_track_key", "track_id", "artist_name", "track_name")
MEMBERS = ArrayType(StructType([StructField(name, STRING) for name in MEMBER_FIELDS]))

CONTRACT = Contract(
    table="silver.listens",
    doc="Every play, once: records of several feeds that are one play are one row, and (source, user_id, played_at, "
    "artist_name, track_name) never repeats.",
    grain="A play.",
    key=("listen_id",),
    columns=(
        Column(
            "listen_id",
            STRING,
            "The smallest event_id among the records that are this play; an event_id is the hash of source, user_id, "
            "the source's own stamp and its own track key",
        ),
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column(
            "played_at", TIMESTAMP, "Start of the play; of spotify_api mostly its end, as Spotify gives it", unit="UTC"
        ),
        Column("listen_date", DATE, "Day of the play in the listener's time zone"),
        Column("track_id", STRING, "The track, of records that differ that of one that names it by Spotify id"),
        Column("source_track_key", STRING, "The feed's own key of the track"),
        Column("artist_name", STRING, "Artist as the feed writes it"),
        Column("track_name", STRING, "Title as the feed writes it"),
        Column("album_name", STRING, "Album, of the first feed that names one", nullable=True),
        Column(
            "source", STRING, "The feed whose start, key and names these are: of several the one with the best clock"
        ),
        Column("merged_sources", STRINGS, "Feeds whose records were merged into this play, sorted"),
        Column("record_count", LONG, "Bronze records that are this play; their sum accounts for every record"),
        Column(
            "members",
            MEMBERS,
            "The records, where they are several, by event_id, with the track that each by itself means",
            nullable=True,
        ),
        Column("ms_played", LONG, "How long it was played", nullable=True, unit="ms"),
        Column("duration_ms", LONG, "Length of the track: a feed's, else the track's", nullable=True, unit="ms"),
        Column(
            "is_skipped",
            BOOLEAN,
            "Played under min(30 s, half the track); null where ms_played is unknown",
            nullable=True,
        ),
        Column(
            "is_loved",
            BOOLEAN,
            "Loved by the listener: in the feed's list of loved tracks, else as a record says; null is unknown",
            nullable=True,
        ),
        Column("is_streamable", BOOLEAN, "Streamable at the source; null is unknown", nullable=True),
        Column("session_id", STRING, "listen_id of the first play of the session; 30 minutes of silence end one"),
    ),
    checks=(
        Matches("source", FEED_PATTERN),
        Between("ms_played", 0, None),
        Between("duration_ms", 0, None),
        References("track_id", "silver.tracks", "track_id"),
        References("user_id", "silver.users", "user_id"),
    ),
    clustering=("played_at",),
    personal_data="pseudonymous",
)
