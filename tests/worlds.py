"""Small worlds for tests: catalogue and play files written to a folder in the documented layouts."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

CATALOGUE_HEADER = (
    ",track_id,artists,album_name,track_name,popularity,duration_ms,explicit,danceability,energy,key,loudness,mode,"
    "speechiness,acousticness,instrumentalness,liveness,valence,tempo,time_signature,track_genre"
)
PLAY_COLUMNS = ("user_id", "played_at", "artist_name", "track_name", "album_name", "ms_played", "spotify_id")


@dataclass(frozen=True)
class Song:
    """A track of a small world; those without an id are only ever heard."""

    artist: str
    title: str
    spotify_id: str | None
    valence: float = 0.5
    energy: float = 0.5
    genres: tuple[str, ...] = ("pop",)


@dataclass(frozen=True)
class Play:
    """A play of a small world; `at` is its start, UTC."""

    user: str
    at: datetime
    song: Song
    ms_played: int | None = 200_000
    with_id: bool = False


def spotify_id(number: int) -> str:
    """A well-formed id of 22 characters."""
    return f"{number:022d}"


def write_catalogue(path: Path, songs: Sequence[Song]) -> Path:
    """The songs that have an id, one row per genre, in the Kaggle layout."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CATALOGUE_HEADER.split(","))
        number = 0
        for song in songs:
            for genre in song.genres if song.spotify_id else ():
                features = (0.6, song.energy, 5, -7.5, 1, 0.05, 0.2, 0.0, 0.1, song.valence, 120.5, 4)
                album = f"{song.title} LP"
                head = (number, song.spotify_id, song.artist, album, song.title, 40 + number % 50, 210_000, "False")
                writer.writerow((*head, *features, genre))
                number += 1
    return path


def write_plays(path: Path, plays: Sequence[Play]) -> Path:
    """The plays as a csv with a header, times in UTC."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(PLAY_COLUMNS)
        for play in plays:
            at = play.at.isoformat(timespec="milliseconds") + "Z"
            song_id = play.song.spotify_id if play.with_id else ""
            ms_played = "" if play.ms_played is None else play.ms_played
            writer.writerow((play.user, at, play.song.artist, play.song.title, "", ms_played, song_id))
    return path


def songs(count: int, *, seed: int, heard_only_share: float = 0.25) -> list[Song]:
    """Songs of a few artists and genres, spread over the moods."""
    rng = random.Random(seed)
    genres = ("ambient", "metal", "pop", "soul")
    return [
        Song(
            artist=f"Artist {rng.randrange(max(2, count // 4))}",
            title=f"Song {number}" + rng.choice(("", "", " (feat. Guest)", " - Live")),
            spotify_id=None if rng.random() < heard_only_share else spotify_id(number),
            valence=round(rng.random(), 3),
            energy=round(rng.random(), 3),
            genres=tuple(sorted(rng.sample(genres, rng.choice((1, 1, 2))))),
        )
        for number in range(count)
    ]


def plays(of: Sequence[Song], *, users: Sequence[str], first: datetime, days: int, count: int, seed: int) -> list[Play]:
    """Random plays over a span of days, some skipped, some of unknown length, some written with other spellings."""
    rng = random.Random(seed)
    out = []
    for _ in range(count):
        at = first + timedelta(minutes=rng.randrange(days * 24 * 60))
        ms_played = rng.choice((None, 5_000, 29_000, 180_000, 240_000))
        out.append(Play(rng.choice(users), at, rng.choice(of), ms_played, with_id=rng.random() < 0.3))
    return out


def scrobble(play: Play, *, loved: bool, album: str) -> dict[str, Any]:
    """The play as Last.fm gives it; its album and whether it is loved may change later."""
    return {
        "artist": {"name": play.song.artist, "url": f"https://last.fm/{play.song.artist}", "mbid": ""},
        "name": play.song.title,
        "album": {"#text": album, "mbid": ""},
        "image": [{"size": "small", "#text": f"https://last.fm/{album}.jpg"}],
        "loved": str(int(loved)),
        "streamable": "0",
        "date": {"uts": str(int(play.at.replace(tzinfo=UTC).timestamp()))},
    }


def export_line(play: Play) -> dict[str, Any]:
    """The play as the extended streaming history has it: by its end, in whole seconds."""
    end = play.at + timedelta(milliseconds=play.ms_played or 0)
    return {
        "ts": f"{end.isoformat(timespec='seconds')}Z",
        "ms_played": play.ms_played or 0,
        "master_metadata_track_name": play.song.title,
        "master_metadata_album_artist_name": play.song.artist,
        "master_metadata_album_album_name": None,
        "spotify_track_uri": play.song.spotify_id and f"spotify:track:{play.song.spotify_id}",
    }


def account_line(play: Play) -> dict[str, Any]:
    """The play as the account data has it: by its end, in whole minutes."""
    end = play.at + timedelta(milliseconds=play.ms_played or 0)
    names = {"artistName": play.song.artist, "trackName": play.song.title}
    return {"endTime": f"{end:%Y-%m-%d %H:%M}", "msPlayed": play.ms_played or 0, **names}


def listen(play: Play) -> dict[str, Any]:
    """The play as ListenBrainz gives it, without a length."""
    names = {"artist_name": play.song.artist, "track_name": play.song.title}
    return {"listened_at": int(play.at.replace(tzinfo=UTC).timestamp()), "track_metadata": names}


def recent_play(play: Play) -> dict[str, Any]:
    """The play as Spotify lists it; a song without an id is a local file."""
    return {"played_at": f"{play.at.isoformat(timespec='milliseconds')}Z", "track": spotify_track(play.song)}


def spotify_track(song: Song) -> dict[str, Any]:
    return {
        "id": song.spotify_id,
        "name": song.title,
        "artists": [{"id": song.artist, "name": song.artist}, {"id": "guest", "name": "Guest"}],
        "album": {"name": f"{song.title} LP", "release_date": "1999-05", "images": [{"url": "c", "width": 300}]},
        "external_ids": {"isrc": f"GBAYE{crc32(song.title.encode()) % 10**7:07d}"},
        "duration_ms": 211_000,
        "explicit": True,
    }


def beatport_track(song: Song, *, bpm: int) -> dict[str, Any]:
    """The song as Beatport's charts have it, in A minor."""
    return {
        "id": crc32(f"{song.artist}/{song.title}".encode()),
        "name": song.title,
        "mix_name": "Original Mix",
        "artists": [{"name": song.artist}],
        "bpm": bpm,
        "key": {"name": "A Minor", "camelot_number": 8, "camelot_letter": "A"},
    }
