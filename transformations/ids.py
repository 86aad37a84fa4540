"""Ids as column functions: hashes of events, minted ids of tracks and artists.

The trap: every id is a pure function of its parts, never of arrival order, so that increments equal a rebuild.
"""

from __future__ import annotations

import hashlib

from pyspark.sql import Column
from pyspark.sql import functions as F

ID_LENGTH = 32  # hex digits: 128 bits
PART_SEPARATOR = "\x1f"  # ASCII unit separator: occurs in no name, so parts cannot run into each other


def hashed(*parts: Column) -> Column:
    """32 hex digits of the parts in order; a null part counts as empty. Not for secrets: MD5, chosen for speed."""
    return F.md5(F.concat_ws(PART_SEPARATOR, *[F.coalesce(part.cast("string"), F.lit("")) for part in parts]))


def digest(*parts: str) -> str:
    """32 hex digits of the SHA-256 of the parts in order: ids of what the driver itself writes."""
    return hashlib.sha256(PART_SEPARATOR.join(parts).encode()).hexdigest()[:ID_LENGTH]


def track_id_of_spotify(spotify_id: Column) -> Column:
    """The track id minted from a Spotify id."""
    return hashed(F.lit("track"), F.lit("spotify"), spotify_id)


def track_id_of_isrc(isrc: Column) -> Column:
    """The track id minted from an ISRC, for tracks no Spotify id is known of."""
    return hashed(F.lit("track"), F.lit("isrc"), isrc)


def track_id_of_recording(recording_mbid: Column) -> Column:
    """The track id minted from a MusicBrainz recording, for tracks of which neither of the others is known."""
    return hashed(F.lit("track"), F.lit("recording"), recording_mbid)


def track_id_of_names(names_id: Column) -> Column:
    """The track id minted from normalised names, for tracks no id is known of."""
    return hashed(F.lit("track"), F.lit("names"), names_id)


def names_id_of(artist_letters: Column, base_letters: Column, version_letters: Column) -> Column:
    """What spellings of one artist, title and version have in common."""
    return hashed(F.lit("names"), artist_letters, base_letters, version_letters)


def work_id_of_names(artist_letters: Column, base_letters: Column) -> Column:
    """What versions of one song have in common: the artist and the title without its version."""
    return hashed(F.lit("work"), artist_letters, base_letters)


def artist_id_of_name(artist_letters: Column) -> Column:
    """The artist id minted from the letters of the normalised name."""
    return hashed(F.lit("artist"), artist_letters)


def song_key_of_names(artist_key: Column, song_title_key: Column) -> Column:
    """What plays of one song have in common however a feed writes it; no id, it names nothing."""
    return hashed(F.lit("song"), artist_key, song_title_key)


def names_key(artist_name: Column, track_name: Column) -> Column:
    """A feed's own track key where it has no id: artist and title as written."""
    return F.concat_ws(PART_SEPARATOR, artist_name, track_name)


def is_names_key(source_track_key: Column) -> Column:
    """Whether a feed's track key is `names_key`, not an id."""
    return source_track_key.contains(PART_SEPARATOR)
