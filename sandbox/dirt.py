"""What real exports do to clean records: other spellings, repeated, nameless and timeless records."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from sandbox.catalogue import Track, make_track_id

T = TypeVar("T")

VARIANT_SHARE = 0.08  # of a listener's songs are spelled otherwise than in the catalogue
DUPLICATE_SHARE = 0.004  # of records come twice
CLEAN_BELOW = 10  # smaller exports stay clean: there is nothing to lose from them


@dataclass(frozen=True, slots=True)
class Heard:
    """A song as one listener's service spells it."""

    title: str
    artist: str
    album: str
    track_id: str


def without_accents(text: str) -> str:
    """Latin letters bare of accents; other scripts unchanged."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return bare if bare.isascii() else text


def spelling_variant(rng: Random, title: str, artist: str) -> tuple[str, str]:
    """One of the spellings seen in real histories, different from the given one."""
    variants = [
        (f"{title} - Remastered 2011", artist),
        (f"{title} - Live", artist),
        (f"{title} (Remastered)", artist),
        (title.upper(), artist),
        (title.lower(), artist.lower()),
        (title, artist.upper()),
        (f"{title} ", artist),
        (title.replace(" & ", " and "), artist.replace(" & ", " and ")),
        (title.replace(" and ", " & "), artist.replace(" and ", " & ")),
        (without_accents(title), without_accents(artist)),
        (title.replace("'", "\u2019"), artist.removeprefix("The ")),
    ]
    if "(feat. " in title:
        variants.append((title.partition(" (feat. ")[0], artist))
        variants.append((title.replace("(feat. ", "ft. ").removesuffix(")"), artist))
    else:
        variants.append((f"{title} (feat. DJ Kalo)", artist))
    return rng.choice([variant for variant in variants if variant != (title, artist)])


class Speller:
    """One listener's spellings: the same song is always spelled the same way in one export."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._heard: dict[str, Heard] = {}

    def spell(self, track: Track, release: int) -> Heard:
        chosen = track.releases[release]
        heard = self._heard.get(chosen.track_id)
        if heard is None:
            heard = Heard(track.title, track.artist.name, chosen.album, chosen.track_id)
            if self._rng.random() < VARIANT_SHARE:
                title, artist = spelling_variant(self._rng, track.title, track.artist.name)
                # a remaster or live cut is a release of its own, with an id that no catalogue lists
                own_release = len(title.strip()) > len(track.title)
                track_id = make_track_id(self._rng) if own_release else chosen.track_id
                heard = Heard(title, artist, chosen.album, track_id)
            self._heard[chosen.track_id] = heard
        return heard


def roughen(rng: Random, records: list[T], nameless: Callable[[T], T], timeless: Callable[[T], T]) -> list[T]:
    """The records with one nameless, one without a readable time, and a few exact duplicates."""
    if len(records) < CLEAN_BELOW:
        return records
    rough = list(records)
    for spoil in (nameless, timeless):
        # spoken records have no track name to lose, and a spoilt one is not spoilt twice: look for another
        for position in rng.sample(range(len(rough)), len(rough)):
            if rough[position] is records[position] and spoil(rough[position]) != rough[position]:
                rough[position] = spoil(rough[position])
                break
    for _ in range(max(1, int(len(records) * DUPLICATE_SHARE))):
        position = rng.randrange(len(rough))
        rough.insert(position, rough[position])
    return rough
