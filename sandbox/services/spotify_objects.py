"""Tracks, artists, users and features as Spotify writes them to apps in development mode (fields of March 2026)."""

from __future__ import annotations

from typing import Any

from sandbox.catalogue import Track
from sandbox.services.accounts import Person
from sandbox.services.library import album_id, artist_id, base62

Body = dict[str, Any]

SITE = "https://open.spotify.com"
API = "https://api.spotify.com/v1"
PICTURES = "https://i.scdn.co/image"
SIZES = (640, 300, 64)  # pixels of a cover's three pictures


def _named(kind: str, id_: str) -> Body:
    return {
        "external_urls": {"spotify": f"{SITE}/{kind}/{id_}"},
        "href": f"{API}/{kind}s/{id_}",
        "id": id_,
        "type": kind,
        "uri": f"spotify:{kind}:{id_}",
    }


def simple_artist(name: str) -> Body:
    return _named("artist", artist_id(name)) | {"name": name}


def artist(name: str, genres: tuple[str, ...]) -> Body:
    return simple_artist(name) | {"genres": list(genres), "images": _pictures(name)}


def _pictures(*words: str) -> list[Body]:
    key = base62("picture", *words).lower()
    return [{"url": f"{PICTURES}/{key}{size:03d}", "width": size, "height": size} for size in SIZES]


def album(track: Track, release: int) -> Body:
    """Singles come with a full date, albums before 1990 with the year alone."""
    name, single = track.releases[release].album, release > 0
    date, precision = (f"{track.year}", "year") if track.year < 1990 else (f"{track.year}-06-01", "day")
    return _named("album", album_id(track.artist.name, name)) | {
        "album_type": "single" if single else "album",
        "artists": [simple_artist(track.artist.name)],
        "images": _pictures(track.artist.name, name),
        "name": name,
        "release_date": date,
        "release_date_precision": precision,
        "total_tracks": 1 if single else 12,
    }


def track(of: Track, release: int) -> Body:
    return _named("track", of.releases[release].track_id) | {
        "album": album(of, release),
        "artists": [simple_artist(name) for name in (of.artist.name, *of.guests)],
        "disc_number": 1,
        "duration_ms": of.duration_ms,
        "explicit": of.explicit,
        "external_ids": {"isrc": of.isrc},
        "is_local": False,
        "name": of.title,
        "track_number": 1,
    }


def local_track(of: Track) -> Body:
    """A file of the listener's own: no id, no ISRC, and of the artists and the album only names."""
    words = ":".join(part.replace(" ", "+") for part in (of.artist.name, of.releases[0].album, of.title))
    nobody: Body = {"external_urls": {}, "href": None, "id": None, "type": "artist", "uri": None}
    return {
        "album": {
            "album_type": None, "artists": [], "external_urls": {}, "href": None, "id": None, "images": [],
            "name": of.releases[0].album, "release_date": None, "release_date_precision": None, "total_tracks": 0,
            "type": "album", "uri": None,
        },
        "artists": [nobody | {"name": of.artist.name}],
        "disc_number": 0,
        "duration_ms": of.duration_ms,
        "explicit": False,
        "external_ids": {},
        "external_urls": {},
        "href": None,
        "id": None,
        "is_local": True,
        "name": of.title,
        "track_number": 0,
        "type": "track",
        "uri": f"spotify:local:{words}:{of.duration_ms // 1000}",
    }  # fmt: skip


def user(person: Person) -> Body:
    return _named("user", person.spotify_id) | {
        "account_id": person.account_id,
        "display_name": person.listener.display_name,
        "images": [],
    }


def audio_features(of: Track, id_: str) -> Body:
    f = of.features
    return {
        "danceability": f.danceability,
        "energy": f.energy,
        "key": f.key,
        "loudness": f.loudness,
        "mode": f.mode,
        "speechiness": f.speechiness,
        "acousticness": f.acousticness,
        "instrumentalness": f.instrumentalness,
        "liveness": f.liveness,
        "valence": f.valence,
        "tempo": f.tempo,
        "type": "audio_features",
        "id": id_,
        "uri": f"spotify:track:{id_}",
        "track_href": f"{API}/tracks/{id_}",
        "analysis_url": f"{API}/audio-analysis/{id_}",
        "duration_ms": of.duration_ms,
        "time_signature": f.time_signature,
    }
