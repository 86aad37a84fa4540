"""Listeners of songs, simulated, as the tables that lists are made of: seeded, alike on every machine.

As with artists, a listener has some sixty songs and keeps to a scene, of which songs have the genre, the sound and the
mood; a third of the songs nobody heard. Matches are listeners of the scene, and songs go with others of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark.sql.pandas.types import to_arrow_schema

from schemas.catalog import contract_of
from schemas.vocab import MOODS
from tests.benchmarks.listeners import HEAD, OWN_SCENE, SCENE_USERS, zipf
from tests.benchmarks.settings import END, SEED
from transformations.gold.recommendations import SOUND

SONGS_PER_USER, SONGS_SPREAD, MOST_SONGS = 60, 0.7, 1_000  # the median; the tail is lognormal
SONGS_OF_ARTIST, HEARD_SHARE = 8, 2 / 3
GENRES, MATCHES_OF_USER, LIKE_SONGS, JUDGED_SHARE = 60, 50, 20, 0.02
DAYS = 400
NOON = datetime.combine(END, time(12), UTC)
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SongListeners:
    """A population of so many users and songs."""

    users: int
    songs: int

    def write(self, folder: Path) -> None:
        """A parquet file for each table that gold.recommendations reads."""
        folder.mkdir(parents=True, exist_ok=True)
        for table, rows in self.tables().items():
            contract = contract_of(table)
            fields = {field.name: field.type for field in to_arrow_schema(contract.struct(), timezone="UTC")}
            columns = {name: pa.array(rows[name], fields[name]) for name in rows}
            columns |= {
                name: pa.nulls(len(next(iter(columns.values()))), fields[name]) for name in fields if name not in rows
            }
            pq.write_table(pa.table(columns), folder / f"{contract.name}.parquet")

    def tables(self) -> dict[str, dict[str, Any]]:
        """By table the columns that the lists are made of."""
        random = np.random.default_rng(SEED + self.users)
        scene_of_song = np.arange(self.songs) % self._scenes
        songs = _ids("song", np.arange(self.songs))
        users = _ids("user", np.arange(self.users))
        scene_of_user = random.integers(0, self._scenes, self.users)
        plays = self._plays(random, scene_of_user)
        moods = random.dirichlet([0.6] * len(MOODS), self._scenes)[scene_of_song]
        moods = 0.7 * moods + 0.3 * random.dirichlet([0.6] * len(MOODS), self.songs)
        sound = random.random((self._scenes, len(SOUND)))[scene_of_song]
        sound = np.clip(sound + random.normal(0, 0.15, sound.shape), 0, 1)
        genre_of_scene = random.integers(0, GENRES, (self._scenes, 2))
        days = random.integers(0, DAYS, len(plays))
        of_users = {"user_id": users[plays["user"]], "track_id": songs[plays["song"]]}
        judged = np.flatnonzero(random.random(len(plays)) < JUDGED_SHARE)
        current = random.dirichlet([0.8] * len(MOODS), self.users)
        one, other = self._within(random, scene_of_user, np.arange(self.users), MATCHES_OF_USER)
        heard = np.unique(plays["song"])
        song, like = self._within(random, scene_of_song, heard, LIKE_SONGS)
        likeness = random.random(len(song)).round(6)
        return {
            "silver.users": {"user_id": users},
            "silver.user_tracks": {
                **of_users,
                "listen_count": plays["count"].to_numpy(),
                "skip_count": random.binomial(plays["count"], 0.1),
                "last_played_at": [NOON - timedelta(days=int(ago)) for ago in days],
            },
            "silver.tracks": {
                "track_id": songs,
                "artist_id": _ids(
                    "artist", np.arange(self.songs) // (SONGS_OF_ARTIST * self._scenes) * self._scenes + scene_of_song
                ),
                "genres": [[f"genre {genre}" for genre in genres] for genres in genre_of_scene[scene_of_song]],
                "popularity": (100 * (1 - np.arange(self.songs) / self.songs) ** 2).astype(np.int32),
            },
            "silver.track_identities": {"track_id": songs, "own_track_id": songs, "song_key": songs},
            "silver.catalogue_tracks": {"track_id": songs[:0]},
            "silver.track_features": {"track_id": songs, **dict(zip(SOUND, sound.T, strict=True))},
            "silver.track_moods": {
                "track_id": songs,
                "mood_confidence": random.random(self.songs),
                **dict(zip(MOODS, moods.T, strict=True)),
            },
            "silver.track_feedback": {
                **{name: ids[judged] for name, ids in of_users.items()},
                "is_liked": random.random(len(judged)) < 0.7,
                "said_at": [NOON] * len(judged),
            },
            "gold.user_mood_profiles": {
                "user_id": users,
                "period": ["current"] * self.users,
                **dict(zip(MOODS, current.T, strict=True)),
            },
            "gold.user_matches": {
                "user_id": users[one],
                "match_user_id": users[other],
                "score": random.random(len(one)).round(6),
            },
            "gold.track_similarities": {
                "track_id": songs[song],
                "similar_track_id": songs[like],
                "score": likeness,
                "session_score": np.where(np.arange(len(song)) % 2, likeness, None),
                "sound_score": np.where(np.arange(len(song)) % 2, None, likeness),
            },
        }

    @property
    def _scenes(self) -> int:
        return max(2, min(self.users // SCENE_USERS, self.songs // 100))

    def _plays(self, random: np.random.Generator, scene_of_user: Ints) -> pd.DataFrame:
        """user, song, count; a row per pair."""
        wanted = random.lognormal(np.log(SONGS_PER_USER), SONGS_SPREAD, self.users)
        sizes = np.clip(wanted, 1, min(MOST_SONGS, self.songs // 4)).astype(np.int64)
        users = np.repeat(np.arange(self.users), sizes)
        heard = int(self.songs * HEARD_SHARE)
        of_all = zipf(random, heard, HEAD, len(users))
        of_scene = zipf(random, heard // self._scenes, HEAD / self._scenes, len(users))
        is_own = random.random(len(users)) < OWN_SCENE
        songs = np.where(is_own, of_scene * self._scenes + scene_of_user[users], of_all)
        pairs = pd.DataFrame({"user": users, "song": songs}).drop_duplicates(ignore_index=True)
        return pairs.assign(count=random.geometric(0.15, len(pairs)))

    def _within(self, random: np.random.Generator, scenes: Ints, some: Ints, size: int) -> tuple[Ints, Ints]:
        """For each of some a few others of its scene, in pairs."""
        order = np.argsort(scenes, kind="stable")
        starts = np.searchsorted(scenes[order], np.arange(self._scenes + 1))
        left = np.repeat(some, size)
        low, high = starts[scenes[left]], starts[scenes[left] + 1]
        right = order[low + (random.random(len(left)) * (high - low)).astype(np.int64)]
        pairs = pd.DataFrame({"left": left, "right": right})[left != right].drop_duplicates()
        return pairs["left"].to_numpy(), pairs["right"].to_numpy()


def _ids(kind: str, numbers: Ints) -> NDArray[Any]:
    """As ids are: 32 hexadecimal digits that tell nothing."""
    text = pd.Series(np.asarray(numbers, dtype=np.int64)).map((kind + " {}").format)
    return np.array([f"{one:032x}" for one in pd.util.hash_pandas_object(text, index=False)])
