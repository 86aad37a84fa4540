"""Which track a feed's own track key means, and how that is known."""

from __future__ import annotations

from schemas.contract import (
    BOOLEAN,
    DOUBLE,
    INT,
    LONG,
    STRING,
    STRINGS,
    TIMESTAMP,
    Between,
    Column,
    Contract,
    Matches,
    OneOf,
)
from schemas.silver.pages import lastfm_page
from schemas.silver.works import VERSION_CHECK, version_column, work_column
from schemas.vocab import FEED_PATTERN, MATCH_METHODS

CONTRACT = Contract(
    table="silver.track_identities",
    doc="Which track a feed's own track key means, by which method and with what score; the evidence beside it.",
    grain="A feed and one of its track keys.",
    key=("source", "source_track_key"),
    columns=(
        Column("source", STRING, "The feed that uses the key"),
        Column("source_track_key", STRING, "The feed's own key of the track"),
        Column("track_id", STRING, "The track it means now"),
        Column(
            "match_method",
            STRING,
            "How it came there: an id, or names of one recording; version and artist lead to no track of the catalogue "
            "but say that it has the work, or the artist; none is heard only",
        ),
        Column("match_score", DOUBLE, "How sure the match is, 0-1"),
        Column(
            "related_track_id",
            STRING,
            "The catalogue's track of the same work, where this is another version of it",
            nullable=True,
        ),
        Column(
            "own_track_id", STRING, "The id minted from the key itself: from its Spotify id, else ISRC, MBID or names"
        ),
        Column("replaced_by", STRING, "The track that took over from own_track_id, null while it lives", nullable=True),
        Column("rule_version", INT, "Version of the rules that decided"),
        Column("song_key", STRING, "Hash of the normalised names without notes of editions; plays are merged by it"),
        Column("artist_id", STRING, "The artist, by the catalogue's spelling where the names are one artist's"),
        Column("is_artist_known", BOOLEAN, "The catalogue has tracks of the artist, or of one of several credited"),
        version_column(),
        work_column(),
        Column("names_id", STRING, "Hash of artist, base title and version: what spellings have in common"),
        Column("artist_blocks", STRINGS, "What artists of the catalogue must share with these to be compared"),
        Column("compared_count", LONG, "Titles of the catalogue that this one was compared with, letter by letter"),
        Column("near_names_id", STRING, "Names in the catalogue that are near, but not near enough", nullable=True),
        Column("near_track_id", STRING, "The track of these names", nullable=True),
        Column("near_score", DOUBLE, "How near the titles are, 0-1", nullable=True),
        Column("artist_name", STRING, "Artist, as the key's latest play writes it"),
        Column("track_name", STRING, "Title, as the key's latest play writes it"),
        Column("album_name", STRING, "Album, as the key's latest play writes it", nullable=True),
        Column("spotify_id", STRING, "Spotify id the feed gives", nullable=True),
        Column("isrc", STRING, "ISRC the feed gives", nullable=True),
        Column("recording_mbid", STRING, "MusicBrainz recording the feed gives", nullable=True),
        Column("duration_ms", LONG, "Length the feed gives", nullable=True, unit="ms"),
        lastfm_page("What the key's latest scrobble says of its track"),
        Column(
            "linked_isrc",
            STRING,
            "The ISRC that links it with other keys: the feed's, else that of Spotify's answer about its Spotify id",
            nullable=True,
        ),
        Column("named_at", TIMESTAMP, "Start of the latest play of the key, whose names these are", unit="UTC"),
        Column("named_event_id", STRING, "That play; of several at one moment the one of the largest event id"),
    ),
    checks=(
        Matches("source", FEED_PATTERN),
        OneOf("match_method", MATCH_METHODS),
        Between("match_score", 0, 1),
        Between("near_score", 0, 1),
        Between("compared_count", 0, None),
        VERSION_CHECK,
    ),
    clustering=("source", "source_track_key"),
)
