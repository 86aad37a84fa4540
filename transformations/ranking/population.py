"""What is pinned of a population so that a listener's vectors, level and cells are theirs and its function alone.

The trap: nothing here may depend on who else is worked out in the same batch, to the last bit, or nights would differ
from a rebuild.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from transformations.ranking.counts import Floats, Ids, Ints, Sparse, scaled
from transformations.ranking.matcher import (
    CELL_KINDS,
    CELL_USERS,
    CELLS_OF_USER,
    HUB_USERS,
    Artists,
    Matcher,
    cell_middles,
    cells_of,
    dense_units,
    rarities,
)

MOST_DEVIATIONS = 3.0  # of a feature of sound; who is further off counts as that far
Kinds = tuple[Sparse, Mapping[str, Floats]]  # of listeners: sparse vectors of artists, dense ones by kind


@dataclass(frozen=True)
class Listeners:
    """Who is compared: ids ascending, counts over artists, raw sound and moods (NaN where nothing is known)."""

    users: Ids
    counts: Sparse
    sound: Floats
    moods: Floats


@dataclass(frozen=True)
class Population:
    """Means and spreads of features, means of moods, the middles of the cells, and the sample that says who is a hub.

    `sample_artists` are the ids, ascending, over which the sample's vectors of artists are; `width` is that of the
    directions, of neighbours and of genres.
    """

    version: str
    listeners: int
    width: tuple[int, int]
    sound_means: Floats
    sound_spreads: Floats
    mood_means: Floats
    middles: Floats
    sample_users: Ids
    sample_artists: Ids
    sample: Kinds

    @classmethod
    def of(
        cls, sample: Listeners, artist_ids: Ids, artists: Artists, genres_told: Sparse, listeners: int, *, seed: int = 0
    ) -> Population:
        """Fitted on listeners who stand for `listeners` of them, of whom some say who is a hub.

        `genres_told` are the artists' genres as they are told, which are of the version too.
        """
        size = len(artist_ids)
        genres = np.zeros((size, 0)) if artists.genres is None else artists.genres
        given = cls(
            version="",
            listeners=listeners,
            width=(artists.neighbours.shape[1], genres.shape[1]),
            sound_means=_means(sample.sound),
            sound_spreads=np.sqrt(_means((sample.sound - _means(sample.sound)) ** 2)),
            mood_means=_means(sample.moods),
            middles=np.empty((0, 0)),
            sample_users=sample.users,
            sample_artists=artist_ids,
            sample=(sample.counts, {}),
        )
        vectors, dense = given.vectors(sample, Artists(artists.rarity, artists.neighbours, genres))
        middles = cell_middles(_places(dense), max(CELLS_OF_USER, listeners // CELL_USERS), seed=seed)
        chosen = hub_sample(sample.users)
        hubs = vectors[chosen], {name: found[chosen] for name, found in dense.items()}
        fitted = replace(given, middles=middles, sample_users=sample.users[chosen], sample=hubs)
        return replace(fitted, version=fitted._hash(artists, genres_told))

    @property
    def new_rarity(self) -> float:
        """Of an artist that the population does not know."""
        return float(rarities(np.ones(1), self.listeners)[0])

    def normalised(self, sound: Floats) -> Floats:
        """How far raw sound is from the mean listener, in standard deviations; NaN where it is not known."""
        apart = np.where(self.sound_spreads > 0, sound - self.sound_means, 0 * sound)
        return (apart / np.where(self.sound_spreads > 0, self.sound_spreads, 1)).clip(-MOST_DEVIATIONS, MOST_DEVIATIONS)

    def vectors(self, listeners: Listeners, artists: Artists) -> Kinds:
        """Of listeners; `artists` are those of their counts."""
        sparse, dense = artists.vectors(listeners.counts)
        sound, moods = self.normalised(listeners.sound), listeners.moods - self.mood_means
        return sparse, dense | {"sound": dense_units(np.nan_to_num(sound)), "moods": dense_units(np.nan_to_num(moods))}

    def levels(self, listeners: Listeners, artist_ids: Ids, vectors: Kinds) -> Floats:
        """By what the listeners' affinities are multiplied; `artist_ids` are those of their counts, ascending."""
        places = np.searchsorted(self.sample_artists, artist_ids).clip(max=len(self.sample_artists) - 1)
        is_known = self.sample_artists[places] == artist_ids
        sample = self.sample[0].tocsc()[:, np.where(is_known, places, 0)].tocsr()
        sample = scaled(sample, columns=is_known.astype(float))
        sample.eliminate_zeros()
        own = np.searchsorted(self.sample_users, listeners.users).clip(max=len(self.sample_users) - 1)
        own = np.where(self.sample_users[own] == listeners.users, own, -1)
        plays = np.asarray(listeners.counts.sum(axis=1)).ravel()
        return Matcher.levels_among(vectors, plays, (sample, self.sample[1]), own)

    def cells(self, vectors: Kinds) -> Ints:
        """In which cells the listeners are compared."""
        return cells_of(_places(vectors[1]), self.middles)

    def _hash(self, artists: Artists, genres_told: Sparse) -> str:
        told = hashlib.sha256(repr((self.listeners, self.width, list(self.sample_users))).encode())
        told.update("".join(self.sample_artists).encode())
        arrays = [artists.rarity, artists.neighbours, self.sound_means, self.sound_spreads, self.mood_means]
        arrays += [] if artists.genres is None else [artists.genres]
        arrays += [genres_told.data, genres_told.indices, self.middles, self.sample[0].data, *self.sample[1].values()]
        for array in arrays:
            told.update(np.ascontiguousarray(array, dtype=float).tobytes())
        return f"match-{told.hexdigest()[:8]}"


def hub_sample(users: Ids) -> Ints:
    """The places of those who say who is a hub: the first by a hash, as Spark's md5() orders them."""

    def hashed(place: int) -> str:
        return hashlib.md5(str(users[place]).encode(), usedforsecurity=False).hexdigest()

    return np.sort(np.array(sorted(range(len(users)), key=hashed)[:HUB_USERS], dtype=np.int64))


def _places(dense: Mapping[str, Floats]) -> Floats:
    return np.hstack([dense[name] for name in CELL_KINDS])


def _means(values: Floats) -> Floats:
    """Of what is known; 0 where nothing is."""
    is_known = ~np.isnan(values)
    means: Floats = np.nan_to_num(values).sum(axis=0) / np.maximum(is_known.sum(axis=0), 1)
    return means
