"""The world's tracks as services know them: ids of their own making, and look-ups by every kind of id."""

from __future__ import annotations

import hashlib
import uuid
from functools import cache, cached_property
from random import Random

from sandbox.catalogue import BASE62, Artist, Track
from sandbox.world import World


def chance(*words: object) -> float:
    """A number in [0, 1) that depends on the words alone: the same thing always has the same luck."""
    digest = hashlib.blake2b("/".join(map(str, words)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


@cache
def base62(*words: object) -> str:
    """A Spotify-like id of 22 characters that depends on the words alone."""
    return "".join(Random("/".join(map(str, words))).choices(BASE62, k=22))


def stable_uuid(*words: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, words))))


def artist_id(name: str) -> str:
    return base62("artist", name)


def album_id(artist: str, album: str) -> str:
    return base62("album", artist, album)


def fold(text: str) -> str:
    """Text as searches compare it."""
    return " ".join(text.casefold().split())


class Library:
    """All tracks; a release is the pair of its track and the number of the release."""

    def __init__(self, world: World) -> None:
        self.tracks: list[Track] = world.tracks
        self.artists: list[Artist] = world.artists

    @cached_property
    def by_spotify_id(self) -> dict[str, tuple[Track, int]]:
        return {release.track_id: (t, n) for t in self.tracks for n, release in enumerate(t.releases)}

    @cached_property
    def by_isrc(self) -> dict[str, Track]:
        return {track.isrc: track for track in self.tracks}

    @cached_property
    def numbers(self) -> dict[str, int]:
        """ISRC -> the track's place among all tracks, for services that count."""
        return {track.isrc: number for number, track in enumerate(self.tracks)}

    @cached_property
    def by_recco_id(self) -> dict[str, Track]:
        return {recco_id(track): track for track in self.tracks}

    @cached_property
    def by_words(self) -> dict[tuple[str, str], Track]:
        """(artist, title), both folded; where a song is out twice the first one."""
        found: dict[tuple[str, str], Track] = {}
        for track in self.tracks:
            found.setdefault((fold(track.artist.name), fold(track.title)), track)
        return found

    @cached_property
    def by_mbid(self) -> dict[str, Track]:
        return {track.mbid: track for track in self.tracks}

    def search(self, words: str) -> list[tuple[Track, int]]:
        """Tracks in whose title or artist all words occur, the best known first."""
        wanted = fold(words).split()
        hits = [t for t in self.tracks if all(word in fold(f"{t.title} {t.artist.name}") for word in wanted)]
        return [(track, 0) for track in sorted(hits, key=lambda t: -t.releases[0].popularity)]


def recco_id(track: Track) -> str:
    return stable_uuid("reccobeats", track.isrc)
