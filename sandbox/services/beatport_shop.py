"""Beatport's stock: the world's dance music as Beatport numbers and writes it (grain: one track, release, chart...)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sandbox.catalogue import Track
from sandbox.names import words
from sandbox.services.library import chance, fold, stable_uuid

Body = dict[str, Any]

# The world's genres that Beatport sells, with the shop's own ids and names.
GENRES = {
    "drum-and-bass": (1, "Drum & Bass"),
    "house": (5, "House"),
    "techno": (6, "Techno (Peak Time / Driving)"),
    "trance": (7, "Trance (Main Floor)"),
    "deep-house": (12, "Deep House"),
    "dubstep": (18, "Dubstep"),
    "trip-hop": (3, "Electronica"),
    "dance": (39, "Dance / Pop"),
    "disco": (50, "Nu Disco / Disco"),
    "ambient": (100, "Ambient / Experimental"),
}
SUB_GENRES = ("Melodic", "Deep", "Vocal", "Raw")
LABELS = words("Basement Copper Nordlicht Paperclip Salt Tidal Umbra Velvet Lantern Quarry Mosaic Foxglove")
KEYS = words("C Db D Eb E F Gb G Ab A Bb B")
FIRST = {"tracks": 3001, "releases": 4001, "artists": 101, "labels": 201, "charts": 5001}
REMIX_SHARE = 0.12
RESTRICTED_SHARE = 0.03  # of the tracks and releases: 403 for listeners of other countries
HYPE_SHARE = 0.2  # of the labels are small enough for the hype list
CHARTS_PER_GENRE, CHART_TRACKS = 6, 12


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """Something on sale; `body` is what a list shows of it."""

    id: int
    kind: str
    body: Body
    rank: float  # higher sells better
    genre_id: int | None = None
    label_id: int | None = None
    artist_ids: tuple[int, ...] = ()
    release_id: int | None = None
    is_hype: bool = False
    restricted: bool = False

    @property
    def words(self) -> str:
        artists = " ".join(artist["name"] for artist in self.body.get("artists", ()))
        return fold(f"{self.body['name']} {artists}")


def slug(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in name.casefold()).split()) or "untitled"


def key(pitch: int, mode: int) -> Body:
    """Name and Camelot code; a minor key has the number of its relative major."""
    number = (8 + 7 * (pitch if mode else pitch + 3)) % 12 or 12
    name = f"{KEYS[pitch]} {'Major' if mode else 'Minor'}"
    return {"name": name, "camelot_number": number, "camelot_letter": "B" if mode else "A"}


class Shop:
    """Everything on sale, by kind and id."""

    def __init__(self, tracks: Iterable[Track]) -> None:
        self._sold = [track for track in tracks if track.genres[0].name in GENRES]

    @cached_property
    def _artist_ids(self) -> dict[str, int]:
        names = dict.fromkeys(track.artist.name for track in self._sold)
        return {name: FIRST["artists"] + number for number, name in enumerate(names)}

    def _artist(self, name: str) -> Body:
        return {"id": self._artist_ids[name], "name": name, "slug": slug(name)}

    @staticmethod
    def _label(album: str) -> Body:
        number = int(chance("label", album) * len(LABELS))
        name = f"{LABELS[number]} Recordings"
        return {"id": FIRST["labels"] + number, "name": name, "slug": slug(name)}

    @staticmethod
    def _genre(name: str) -> Body:
        id_, shown = GENRES[name]
        return {"id": id_, "name": shown, "slug": slug(shown)}

    @staticmethod
    def _image(name: str) -> Body:
        uri = f"https://geo-media.beatport.com/image_size/500x500/{stable_uuid('cover', name)}.jpg"
        return {"uri": uri, "dynamic_uri": uri.replace("500x500", "{w}x{h}")}

    @cached_property
    def tracks(self) -> dict[int, Item]:
        release_ids = {(i.body["artists"][0]["name"], i.body["name"]): i.id for i in self.releases.values()}
        found = [
            self._track(FIRST["tracks"] + number, track, release_ids[track.artist.name, track.releases[0].album])
            for number, track in enumerate(self._sold)
        ]
        return {item.id: item for item in found}

    def _track(self, id_: int, track: Track, release_id: int) -> Item:
        album, label = track.releases[0].album, self._label(track.releases[0].album)
        names = list(self._artist_ids)
        remixer = names[int(chance("remixer", track.isrc) * len(names))]
        remixed = chance("remix", track.isrc) < REMIX_SHARE
        sub_genre = chance("sub-genre", track.isrc)
        genre = self._genre(track.genres[0].name)
        is_hype = chance("hype", label["name"]) < HYPE_SHARE
        body = {
            "id": id_,
            "name": track.title,
            "mix_name": f"{remixer} Remix" if remixed else "Original Mix",
            "slug": slug(track.title),
            "artists": [self._artist(track.artist.name)],
            "remixers": [self._artist(remixer)] if remixed else [],
            "release": {"id": release_id, "name": album, "label": label, "image": self._image(album)},
            "genre": genre,
            "sub_genre": {"id": 200 + int(sub_genre * 8), "name": SUB_GENRES[int(sub_genre * 8)]}
            if sub_genre < 0.5
            else None,
            "bpm": round(track.features.tempo),
            "key": key(track.features.key, track.features.mode),
            "length_ms": track.duration_ms,
            "isrc": track.isrc,
            "publish_date": f"{track.year}-06-01",
            "number": 1 + int(chance("number", track.isrc) * 10),
            "catalog_number": catalog_number(label["name"], release_id),
            "sample_url": f"https://geo-samples.beatport.com/track/{stable_uuid('sample', track.isrc)}.LOFI.mp3",
            "is_hype": is_hype,
            "exclusive": False,
        }
        return Item(
            id_,
            "tracks",
            body,
            rank=track.releases[0].popularity + chance("rank", track.isrc),
            genre_id=genre["id"],
            label_id=label["id"],
            artist_ids=(self._artist_ids[track.artist.name],),
            release_id=release_id,
            is_hype=is_hype,
            restricted=chance("territory", track.isrc) < RESTRICTED_SHARE,
        )

    @cached_property
    def releases(self) -> dict[int, Item]:
        first = {(track.artist.name, track.releases[0].album): track for track in reversed(self._sold)}
        found = {}
        for number, ((artist, album), track) in enumerate(reversed(first.items())):
            id_, label = FIRST["releases"] + number, self._label(album)
            body = {
                "id": id_,
                "name": album,
                "slug": slug(album),
                "artists": [self._artist(artist)],
                "label": label,
                "catalog_number": catalog_number(label["name"], id_),
                "type": {"name": "EP" if album.endswith(" EP") else "Album"},
                "publish_date": f"{track.year}-06-01",
                "image": self._image(album),
            }
            found[id_] = Item(
                id_, "releases", body, rank=track.releases[0].popularity, label_id=label["id"],
                genre_id=GENRES[track.genres[0].name][0], artist_ids=(self._artist_ids[artist],),
                restricted=chance("territory", artist, album) < RESTRICTED_SHARE,
            )  # fmt: skip
        return found

    @cached_property
    def artists(self) -> dict[int, Item]:
        return {
            id_: Item(id_, "artists", self._artist(name) | {"image": self._image(name)}, rank=-id_, artist_ids=(id_,))
            for name, id_ in self._artist_ids.items()
        }

    @cached_property
    def labels(self) -> dict[int, Item]:
        bodies = {item.body["label"]["id"]: item.body["label"] for item in self.releases.values()}
        return {
            id_: Item(id_, "labels", body | {"image": self._image(body["name"])}, rank=-id_, label_id=id_)
            for id_, body in sorted(bodies.items())
        }

    @cached_property
    def genres(self) -> dict[int, Item]:
        bodies = [self._genre(name) for name in GENRES]
        return {body["id"]: Item(body["id"], "genres", body | {"enabled": True}, rank=0) for body in bodies}

    @cached_property
    def charts(self) -> dict[int, Item]:
        found = {}
        for genre_number, (genre_id, genre) in enumerate(self.genres.items()):
            for number in range(CHARTS_PER_GENRE):
                id_ = FIRST["charts"] + genre_number * CHARTS_PER_GENRE + number
                name = f"{genre.body['name']} Picks {number + 1}"
                body = {
                    "id": id_,
                    "name": name,
                    "slug": slug(name),
                    "person": {"id": 900 + number, "owner_name": f"DJ Sandbox {number + 1}"},
                    "publish_date": f"2026-{10 - number:02d}-01",
                    "track_count": len(self._picks(genre_id, number)),
                    "genres": [{"id": genre_id, "name": genre.body["name"]}],
                    "image": self._image(name),
                }
                found[id_] = Item(id_, "charts", body, rank=-number, genre_id=genre_id)
        return found

    def _picks(self, genre_id: int, number: int) -> list[Item]:
        pool = [item for item in self.tracks.values() if item.genre_id == genre_id]
        return sorted(pool, key=lambda item: chance("pick", number, item.id))[:CHART_TRACKS]

    def chart_tracks(self, chart: Item) -> list[Item]:
        return self._picks(chart.genre_id or 0, (chart.id - FIRST["charts"]) % CHARTS_PER_GENRE)

    def all_of(self, kind: str) -> dict[int, Item]:
        found: dict[int, Item] = getattr(self, kind)
        return found

    def where(self, kind: str, wanted: Callable[[Item], bool] = lambda _: True) -> list[Item]:
        """Those of a kind that are wanted, the best-selling first."""
        return sorted((item for item in self.all_of(kind).values() if wanted(item)), key=lambda item: -item.rank)


def catalog_number(label: str, release_id: int) -> str:
    return f"{label[:3].upper()}{release_id % 1000:03d}"
