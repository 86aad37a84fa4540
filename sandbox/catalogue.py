"""Genres, artists and tracks with audio features that hang together, and the Kaggle-layout file of them.

Every track has features here, because listeners choose by mood; only about three in four reach the file.
"""

import csv
import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import NamedTuple

from sandbox import names

ARTISTS = 350
UNLISTED_ARTIST_SHARE = 0.08  # whole artists unknown to the catalogue
LISTED_TRACK_SHARE = 0.815  # of the other artists' tracks; both together list ~75 %
TWIN_SHARE = 0.05  # songs out under two ids: the album's and the single's
DUPLICATE_ROW_SHARE = 0.004  # the real file repeats 450 of 114,000 rows but for the index
UNKNOWN_RHYTHM_TRACKS = 6  # tempo, time_signature and danceability 0 mean "not known" in the real file
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
COLUMNS = (
    "", "track_id", "artists", "album_name", "track_name", "popularity", "duration_ms", "explicit",
    "danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness", "instrumentalness",
    "liveness", "valence", "tempo", "time_signature", "track_genre",
)  # fmt: skip


class Genre(NamedTuple):
    """Centre of a genre's features; `instrumental` and `explicit` are shares of its tracks."""

    name: str
    family: str
    danceability: float
    energy: float
    valence: float
    acousticness: float
    instrumental: float
    tempo: int
    explicit: float
    seconds: int


GENRES = tuple(
    Genre(*row)
    for row in (
        ("rock", "rock", 0.52, 0.72, 0.53, 0.12, 0.05, 124, 0.04, 228),
        ("alt-rock", "rock", 0.51, 0.74, 0.46, 0.10, 0.06, 124, 0.08, 226),
        ("indie", "rock", 0.57, 0.60, 0.47, 0.28, 0.08, 120, 0.07, 218),
        ("punk", "rock", 0.47, 0.89, 0.58, 0.03, 0.03, 150, 0.18, 168),
        ("grunge", "rock", 0.42, 0.78, 0.33, 0.05, 0.10, 118, 0.08, 242),
        ("hard-rock", "rock", 0.48, 0.84, 0.45, 0.04, 0.05, 128, 0.06, 240),
        ("heavy-metal", "metal", 0.39, 0.91, 0.34, 0.01, 0.15, 130, 0.10, 268),
        ("black-metal", "metal", 0.27, 0.90, 0.16, 0.01, 0.60, 124, 0.06, 342),
        ("death-metal", "metal", 0.33, 0.95, 0.22, 0.01, 0.40, 122, 0.16, 232),
        ("industrial", "metal", 0.50, 0.86, 0.29, 0.03, 0.45, 126, 0.12, 262),
        ("techno", "electronic", 0.72, 0.78, 0.32, 0.04, 0.80, 129, 0.02, 348),
        ("house", "electronic", 0.74, 0.79, 0.60, 0.06, 0.35, 124, 0.06, 224),
        ("deep-house", "electronic", 0.73, 0.68, 0.50, 0.10, 0.40, 122, 0.03, 212),
        ("drum-and-bass", "electronic", 0.55, 0.88, 0.36, 0.04, 0.50, 174, 0.05, 258),
        ("trance", "electronic", 0.58, 0.85, 0.30, 0.03, 0.60, 135, 0.01, 322),
        ("dubstep", "electronic", 0.58, 0.84, 0.30, 0.05, 0.50, 142, 0.10, 228),
        ("disco", "electronic", 0.74, 0.77, 0.80, 0.12, 0.10, 118, 0.01, 252),
        ("ambient", "calm", 0.34, 0.20, 0.14, 0.83, 0.85, 104, 0.00, 240),
        ("chill", "calm", 0.64, 0.42, 0.43, 0.52, 0.30, 112, 0.10, 164),
        ("trip-hop", "calm", 0.63, 0.55, 0.42, 0.24, 0.55, 108, 0.06, 258),
        ("new-age", "calm", 0.35, 0.20, 0.26, 0.88, 0.80, 100, 0.00, 232),
        ("sleep", "calm", 0.22, 0.12, 0.11, 0.86, 0.90, 90, 0.00, 148),
        ("pop", "pop", 0.64, 0.64, 0.54, 0.26, 0.01, 120, 0.14, 208),
        ("synth-pop", "pop", 0.60, 0.70, 0.55, 0.12, 0.10, 122, 0.03, 234),
        ("indie-pop", "pop", 0.60, 0.56, 0.50, 0.34, 0.06, 118, 0.10, 208),
        ("dance", "pop", 0.70, 0.75, 0.60, 0.14, 0.02, 122, 0.18, 198),
        ("party", "pop", 0.68, 0.86, 0.76, 0.10, 0.01, 130, 0.06, 204),
        ("hip-hop", "urban", 0.73, 0.67, 0.53, 0.18, 0.01, 118, 0.45, 204),
        ("r-n-b", "urban", 0.66, 0.54, 0.48, 0.30, 0.01, 114, 0.18, 222),
        ("soul", "urban", 0.61, 0.51, 0.60, 0.42, 0.04, 112, 0.04, 226),
        ("funk", "urban", 0.74, 0.71, 0.79, 0.17, 0.10, 112, 0.08, 244),
        ("folk", "roots", 0.51, 0.36, 0.42, 0.66, 0.07, 116, 0.02, 220),
        ("singer-songwriter", "roots", 0.53, 0.37, 0.37, 0.60, 0.03, 117, 0.05, 222),
        ("acoustic", "roots", 0.56, 0.37, 0.45, 0.66, 0.03, 116, 0.02, 206),
        ("bluegrass", "roots", 0.53, 0.50, 0.66, 0.65, 0.15, 124, 0.00, 204),
        ("blues", "roots", 0.56, 0.52, 0.58, 0.42, 0.08, 118, 0.01, 232),
        ("country", "roots", 0.57, 0.60, 0.56, 0.28, 0.01, 124, 0.03, 206),
        ("jazz", "concert", 0.54, 0.33, 0.55, 0.74, 0.35, 112, 0.00, 234),
        ("classical", "concert", 0.36, 0.17, 0.30, 0.93, 0.70, 104, 0.00, 226),
        ("piano", "concert", 0.40, 0.18, 0.24, 0.91, 0.80, 106, 0.00, 190),
        ("salsa", "tropic", 0.68, 0.72, 0.83, 0.36, 0.02, 118, 0.01, 266),
        ("samba", "tropic", 0.61, 0.60, 0.74, 0.54, 0.01, 118, 0.00, 214),
        ("reggae", "tropic", 0.75, 0.58, 0.72, 0.20, 0.03, 112, 0.06, 230),
        ("ska", "tropic", 0.60, 0.83, 0.76, 0.06, 0.06, 138, 0.05, 206),
    )
)
FAMILIES = tuple(dict.fromkeys(genre.family for genre in GENRES))


@dataclass(frozen=True, slots=True)
class Artist:
    name: str
    genres: tuple[Genre, ...]
    mbid: str
    popularity: int
    listed: bool  # False: the catalogue has never heard of the artist
    shift: tuple[float, float, float]  # own offset of energy, valence, danceability


@dataclass(frozen=True, slots=True)
class Release:
    track_id: str
    album: str
    popularity: int


@dataclass(frozen=True, slots=True)
class Features:
    danceability: float
    energy: float
    key: int
    loudness: float
    mode: int
    speechiness: float
    acousticness: float
    instrumentalness: float
    liveness: float
    valence: float
    tempo: float
    time_signature: int


@dataclass(frozen=True, slots=True)
class Track:
    title: str
    artist: Artist
    guests: tuple[str, ...]
    releases: tuple[Release, ...]  # the album's first; a second one is the single
    year: int
    genres: tuple[Genre, ...]
    features: Features
    duration_ms: int
    explicit: bool
    listed: bool
    isrc: str
    mbid: str


def make_uuid(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def make_track_id(rng: Random) -> str:
    return "".join(rng.choices(BASE62, k=22))


def make_artists(rng: Random) -> list[Artist]:
    """Uniquely named artists, round robin over the families so that none is thin."""
    artists: list[Artist] = []
    taken: set[str] = set()
    foreign = list(names.FOREIGN_ARTISTS)
    while len(artists) < ARTISTS:
        family = FAMILIES[len(artists) % len(FAMILIES)]
        name = foreign.pop() if foreign and len(artists) % 11 == 0 else names.artist_name(rng, family)
        if name.casefold() in taken:
            continue
        taken.add(name.casefold())
        in_family = [genre for genre in GENRES if genre.family == family]
        genres = rng.sample(in_family, min(len(in_family), rng.choice((1, 1, 2, 2, 3))))
        shift = (rng.gauss(0, 0.07), rng.gauss(0, 0.10), rng.gauss(0, 0.06))
        popularity = int(min(88, 8 + rng.paretovariate(1.6) * 16))
        listed = rng.random() >= UNLISTED_ARTIST_SHARE
        artists.append(Artist(name, tuple(genres), make_uuid(rng), popularity, listed, shift))
    return artists


def _unit(value: float) -> float:
    return round(min(0.995, max(0.005, value)), 3)


def make_features(rng: Random, genre: Genre, shift: tuple[float, float, float]) -> Features:
    """Features around the genre's centre, moved by the artist's own offset."""
    energy = _unit(genre.energy + shift[0] + rng.gauss(0, 0.11))
    spoken = 0.16 if genre.name == "hip-hop" else 0.03
    if rng.random() < genre.instrumental:
        instrumentalness = round(rng.uniform(0.5, 0.95), 3)
    else:  # three digits of a tiny number, as in the real file: 1.01e-06
        instrumentalness = float(f"{10 ** rng.uniform(-7, -2):.3g}")
    return Features(
        danceability=_unit(genre.danceability + shift[2] + rng.gauss(0, 0.09)),
        energy=energy,
        key=rng.randrange(12),
        loudness=round(min(-0.6, -21.5 + 18.5 * energy**0.8 + rng.gauss(0, 1.4)), 3),
        mode=int(rng.random() < 0.64),
        speechiness=round(min(0.9, spoken + rng.expovariate(1 / (0.02 + spoken / 2))), 4),
        # an energetic take of the same genre is a less acoustic one
        acousticness=_unit(genre.acousticness - 0.6 * (energy - genre.energy) + rng.gauss(0, 0.10)),
        instrumentalness=instrumentalness,
        liveness=_unit(rng.betavariate(1.6, 7)),
        valence=_unit(genre.valence + shift[1] + rng.gauss(0, 0.16)),
        tempo=round(min(208.0, max(58.0, rng.gauss(genre.tempo, 12))), 3),
        time_signature=rng.choices((4, 3, 5, 1), (90, 8, 1, 1))[0],
    )


def make_tracks(rng: Random, artists: list[Artist], last_year: int) -> list[Track]:
    """Albums of each artist in turn; ~3,500 tracks in all."""
    tracks: list[Track] = []
    for artist in artists:
        titles: set[str] = set()
        for _ in range(rng.choice((1, 2, 2, 3))):
            album, year = names.album_name(rng), last_year - int(rng.expovariate(1 / 11)) % 60
            for _ in range(rng.randint(3, 7)):
                title = names.track_title(rng)
                if title in titles:
                    continue
                titles.add(title)
                tracks.append(_make_track(rng, artist, artists, title, album, year))
    return tracks


def _make_track(rng: Random, artist: Artist, artists: list[Artist], title: str, album: str, year: int) -> Track:
    genre = artist.genres[0] if rng.random() < 0.6 else rng.choice(artist.genres)
    others = tuple(other for other in artist.genres if other != genre and rng.random() < 0.45)
    guest = rng.choice(artists).name if rng.random() < 0.06 else artist.name
    guests = () if guest == artist.name else (guest,)
    if guests and rng.random() < 0.6:
        title = f"{title} (feat. {guest})"
    popularity = max(0, min(97, round(artist.popularity + rng.gauss(0, 9))))
    releases = [Release(make_track_id(rng), album, popularity)]
    if rng.random() < TWIN_SHARE:
        releases.append(Release(make_track_id(rng), title, max(0, popularity - rng.randint(2, 25))))
    return Track(
        title=title,
        artist=artist,
        guests=guests,
        releases=tuple(releases),
        year=year,
        genres=(genre, *others),
        features=make_features(rng, genre, artist.shift),
        duration_ms=int(max(45, rng.gauss(genre.seconds, genre.seconds * 0.18)) * 1000) + rng.randrange(1000),
        explicit=rng.random() < genre.explicit,
        listed=artist.listed and rng.random() < LISTED_TRACK_SHARE,
        # ZZ is a country code nobody has: an ISRC that cannot be mistaken for a real recording's
        isrc=f"ZZMDL{year % 100:02d}{rng.randrange(100_000):05d}",
        mbid=make_uuid(rng),
    )


def _rows(rng: Random, tracks: list[Track]) -> Iterator[tuple[object, ...]]:
    """Rows without the index, genre after genre as in the real file, each (track id, genre) once."""
    listed = [track for track in tracks if track.listed]
    rhythmless = {id(track) for track in rng.sample(listed, UNKNOWN_RHYTHM_TRACKS)}
    for genre in sorted(GENRES):
        for track in listed:
            if genre not in track.genres:
                continue
            f = track.features
            if id(track) in rhythmless:
                f = replace(f, danceability=0.0, tempo=0.0, time_signature=0)
            artists = ";".join((track.artist.name, *track.guests))
            for release in track.releases:
                yield (
                    release.track_id, artists, release.album, track.title, release.popularity,
                    track.duration_ms, track.explicit, f.danceability, f.energy, f.key, f.loudness, f.mode,
                    f.speechiness, f.acousticness, f.instrumentalness, f.liveness, f.valence, f.tempo,
                    f.time_signature, genre.name,
                )  # fmt: skip


def catalogue_csv(rng: Random, tracks: list[Track]) -> tuple[str, int]:
    """The Kaggle layout with the real file's dirt, and the number of rows."""
    rows = list(_rows(rng, tracks))
    for _ in range(max(1, int(len(rows) * DUPLICATE_ROW_SHARE))):
        position = rng.randrange(len(rows))
        rows.insert(position, rows[position])
    # The real file has exactly one row with no artist, album and title, popularity and duration 0.
    position = rng.randrange(len(rows))
    rows.insert(position, (make_track_id(rng), "", "", "", 0, 0, *rows[position][6:]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((index, *row) for index, row in enumerate(rows))
    return text.getvalue(), len(rows)


def write_catalogue(path: Path, rng: Random, tracks: list[Track]) -> int:
    """Write the catalogue's file; returns the number of rows."""
    text, rows = catalogue_csv(rng, tracks)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    return rows
