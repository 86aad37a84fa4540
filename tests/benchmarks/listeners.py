"""Listeners of artists, and genres of artists, simulated: seeded, alike on every machine.

As in hetrec2011 a listener has some fifty artists and the best known are those of a quarter of all; listeners keep to
scenes, so that there is somebody like them to be found, and how much they play has a heavy tail.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tests.benchmarks.settings import SEED

ARTISTS_PER_USER = 50  # the median; the tail is lognormal
ARTISTS_SPREAD, MOST_ARTISTS = 0.7, 1_000
HEAD = 12.0  # Zipf as 1 / (rank + HEAD), which is how hetrec2011 falls off
SCENE_USERS = 500  # listeners to a scene
OWN_SCENE = 0.6  # of a listener's artists; as many of the rest as chance has it
PLAYS_PER_ARTIST, PLAYS_SPREAD, BUSY_SPREAD = 20.0, 1.2, 1.0
GENRES, GENRES_OF_SCENE, GENRES_OF_ARTIST = 200, 6, 3
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Listeners:
    """A population of so many users, with as many artists."""

    users: int

    def plays(self) -> pd.DataFrame:
        """user_id, artist_id, listen_count; a row per pair, in no order."""
        random = np.random.default_rng(SEED + self.users)
        wanted = random.lognormal(np.log(ARTISTS_PER_USER), ARTISTS_SPREAD, self.users)
        sizes = np.clip(wanted, 1, min(MOST_ARTISTS, self.users // 2)).astype(np.int64)
        draws = sizes * 3 // 2 + 1  # some are drawn twice, the hits most of all
        rows = np.repeat(np.arange(self.users), draws)
        artists = self._drawn(random, rows)
        pairs = np.stack([rows, artists], axis=1)[random.permutation(len(rows))]
        one = pd.DataFrame(pairs, columns=["user", "artist"]).drop_duplicates()
        one = one[one.groupby("user").cumcount().to_numpy() < sizes[one["user"]]]
        busy = random.lognormal(0, BUSY_SPREAD, self.users)[one["user"]]
        count = 1 + random.lognormal(np.log(PLAYS_PER_ARTIST), PLAYS_SPREAD, len(one)) * busy
        return pd.DataFrame(
            {"user_id": _ids(one["user"]), "artist_id": _ids(one["artist"]), "listen_count": count.astype(np.int64)}
        )

    def genres(self) -> pd.DataFrame:
        """artist_id, genre, tracks; a few per artist, most of them those of its scene."""
        random = np.random.default_rng(SEED)
        artists = np.repeat(np.arange(self.users), GENRES_OF_ARTIST)
        of_scene = random.integers(0, GENRES, (self._scenes, GENRES_OF_SCENE))
        chosen = of_scene[artists % self._scenes, random.integers(0, GENRES_OF_SCENE, len(artists))]
        rows = pd.DataFrame({"artist_id": _ids(artists), "genre": chosen}).drop_duplicates()
        rows["tracks"] = random.geometric(0.2, len(rows))
        rows["genre"] = "genre " + rows["genre"].astype(str)
        return rows

    def write(self, folder: Path) -> None:
        """plays.parquet and genres.parquet."""
        folder.mkdir(parents=True, exist_ok=True)
        self.plays().to_parquet(folder / "plays.parquet", index=False)
        self.genres().to_parquet(folder / "genres.parquet", index=False)

    @property
    def _scenes(self) -> int:
        return max(2, self.users // SCENE_USERS)

    def _drawn(self, random: np.random.Generator, users: Ints) -> Ints:
        """An artist for each draw: one of the listener's scene, which is every so manyth by popularity, or of all."""
        scenes = random.integers(0, self._scenes, self.users)[users]
        of_all = zipf(random, self.users, HEAD, len(users))
        in_scene = zipf(random, self.users // self._scenes, HEAD / self._scenes, len(users))
        is_own = random.random(len(users)) < OWN_SCENE
        return np.where(is_own, in_scene * self._scenes + scenes, of_all)


def zipf(random: np.random.Generator, kinds: int, head: float, count: int) -> Ints:
    edges = np.cumsum(1 / (np.arange(kinds) + 1 + head))
    return np.searchsorted(edges, random.random(count) * edges[-1]).clip(max=kinds - 1)


def _ids(numbers: Ints) -> pd.Series:
    """As ids are: 32 hexadecimal digits that tell nothing."""
    return pd.Series(pd.util.hash_array(np.asarray(numbers, dtype=np.int64))).map("{:032x}".format)
