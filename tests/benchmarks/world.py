"""The data: a catalogue in the Kaggle layout and csv files of listens, seeded, alike on every machine.

Tracks follow Zipf, listeners are unequally busy, plays come in sessions, names are written in several ways, some
lines are repeated. A play's names come from a table of spellings, so that writing ten million lines stays cheap.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from tests.benchmarks.settings import END, HISTORY_DAYS, NEW_NAMES, SEED, Size

KAGGLE_HEADER = (
    "", "track_id", "artists", "album_name", "track_name", "popularity", "duration_ms", "explicit", "danceability",
    "energy", "key", "loudness", "mode", "speechiness", "acousticness", "instrumentalness", "liveness", "valence",
    "tempo", "time_signature", "track_genre",
)  # fmt: skip
GENRES = tuple(f"{kind} {style}" for kind in ("indie", "deep", "hard", "new") for style in
               ("pop", "rock", "house", "jazz", "folk", "metal", "techno", "soul", "punk", "ambient"))  # fmt: skip
WORDS = re.findall(
    r"\S+",
    "amor blue cold dançar echo fire ghost heart île jour koda light moon night océan paper queen river señor time "
    "under velvet winter years zero dream glass hotel kiss lover mirror north open pulse rain silver tide voice wave "
    "wild young über été mañana łódź straße søn город ночь свет 夜 春 光",
)
BASE62 = np.array(list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo")
SPELLINGS = 4  # ways in which the feed writes a track: as is, capitals, an addition, with its Spotify id
SESSION_LISTENS = 12  # mean
SKIPPED, UNKNOWN_MS = 0.2, 0.02
REPEATED, BLANK_AT_END = 0.005, 0.002
ALREADY_THERE = 0.04  # of an import's rows, lines of the history itself
COLUMNS = ("user_id", "played_at", "artist_name", "track_name", "album_name", "ms_played", "spotify_id")


@dataclass(frozen=True)
class World:
    """Files of one size in one folder; each is made when it is first asked for."""

    size: Size
    folder: Path

    @property
    def catalogue(self) -> Path:
        return self._made("catalogue.csv", self._write_catalogue)

    @property
    def history(self) -> Path:
        return self._made("history.csv", lambda path: self._write_listens(path, self.size.listens, 1))

    @property
    def extra(self) -> Path:
        """Another file over the same days: mostly new lines, some that the history has, some twice."""
        return self._made("extra.csv", self._write_extra)

    def night(self, number: int) -> Path:
        """One more day's listens of a few users, the n-th after the history's end."""
        return self._made(f"night-{number}.csv", lambda path: self._write_night(path, number))

    @property
    def names(self) -> Path:
        """A play each of as many different names as the size has listens: tracks misspelt, retitled, and unknown."""
        return self._made("names.csv", lambda path: self._write_names(path, self.size.listens, 3))

    @property
    def new_names(self) -> Path:
        """Plays of names that are not among those."""
        return self._made("new-names.csv", lambda path: self._write_names(path, NEW_NAMES, 4))

    def zones(self) -> dict[str, str]:
        """Every fourth listener lives outside UTC."""
        return {user_name(i): ZONES[i // 4 % len(ZONES)] for i in range(0, self.size.users, 4)}

    def _made(self, name: str, write: Callable[[Path], None]) -> Path:
        path = self.folder / name
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".part")
            write(partial)
            partial.rename(path)
        return path

    # --- tracks

    def _tracks(self) -> list[dict[str, str]]:
        """Names of all tracks, those of the catalogue first."""
        random = np.random.default_rng(SEED)
        catalogue, total = self.size.catalogue_tracks, self.size.catalogue_tracks + self.size.heard_tracks
        artist_count = max(50, total // 6)
        artists = [_words(random, 1, 2) for _ in range(artist_count)]
        artists = [f"{'The ' if i % 9 == 0 else ''}{name} {_roman(i)}".strip() for i, name in enumerate(artists)]
        artists = [name.replace(" ", " & ", 1) if i % 23 == 0 else name for i, name in enumerate(artists)]
        of_artist = np.minimum((random.pareto(1.1, total) * artist_count / 8).astype(int), artist_count - 1)
        ids = ["".join(row) for row in BASE62[random.integers(0, 62, (total, 22))]]
        tracks = []
        for i in range(total):
            # Every 40th title of the catalogue is an earlier one again: one recording under two Spotify ids.
            if 0 < i < catalogue and i % 40 == 0:
                again = tracks[int(random.integers(0, i))]
                tracks.append({**again, "spotify_id": ids[i]})
                continue
            title = _words(random, 1, 4) + ("", "", "", " - Live", " (Acoustic)", " (feat. Alma)")[i % 6]
            album = "" if i % 10 == 9 else f"{title.split()[0]} {of_artist[i] % 7 + 1}"
            tracks.append({"artist": artists[of_artist[i]], "title": title, "album": album, "spotify_id": ids[i]})
        return tracks

    def _write_catalogue(self, path: Path) -> None:
        random = np.random.default_rng(SEED + 1)
        number = 0
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(KAGGLE_HEADER)
            for i, track in enumerate(self._tracks()[: self.size.catalogue_tracks]):
                shares = random.random(7).round(4)
                failed = i % 300 == 7  # the dataset has tracks whose analysis failed
                row = [
                    track["spotify_id"], track["artist"] + (";Guest" if i % 5 == 0 else ""), track["album"],
                    track["title"], int(random.integers(0, 101)), int(random.integers(90, 400)) * 1000 + i % 1000,
                    str(i % 12 == 0), 0.0 if failed else shares[0], shares[1], int(random.integers(0, 12)),
                    round(-25 * float(shares[2]), 3), int(i % 2), shares[2], shares[3], shares[4], shares[5], shares[6],
                    0.0 if failed else round(60 + 120 * float(shares[3]), 3), 0 if failed else 3 + i % 2,
                ]  # fmt: skip
                genre_count = 2 if i % 5 == 0 else 1
                for genre in random.choice(len(GENRES), genre_count, replace=False):
                    writer.writerow([number, *row, GENRES[genre]])
                    number += 1

    def _spellings(self) -> pa.Table:
        """Row track * SPELLINGS + spelling: the texts of a play of that track."""
        columns: dict[str, list[str | None]] = {name: [] for name in ("artist_name", "track_name", "album", "id")}
        for i, track in enumerate(self._tracks()):
            artist, title = track["artist"], track["title"]
            other = (f"{title} (feat. Nobody)", f"{title} - Remastered 2011", title.lower(), f"{title}!")[i % 4]
            spelt = (
                (artist, title, None),
                (artist.upper(), title.upper(), None),
                (artist.removeprefix("The "), other, None),
                (artist, title, (track["spotify_id"], f"spotify:track:{track['spotify_id']}")[i % 2]),
            )
            for artist_name, track_name, spotify_id in spelt:
                columns["artist_name"].append(artist_name)
                columns["track_name"].append(track_name)
                columns["album"].append(track["album"] or None)
                columns["id"].append(spotify_id)
        return pa.table({**columns, "spelling": np.arange(len(columns["id"]), dtype=np.int64)})

    def _write_names(self, path: Path, count: int, stream: int) -> None:
        random = np.random.default_rng([SEED, stream])
        tracks = self._tracks()
        day = END + timedelta(days=stream - 3)
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for n in range(count):
                track = tracks[int(random.integers(len(tracks)))]
                artist, title = track["artist"], track["title"]
                other = _words(random, 2, 4)
                # The stream and its number in letters keep names apart, as far as a title's end can.
                mark = f"{_roman(n + 1)}{'Q' * (stream - 2)}"
                ways = (f"{title} {mark}", f"{other} {mark}", f"{title} ({other} {mark})", f"{title} - Live {mark}")
                name = artist if n % 5 else f"{artist[:-1]}{mark[:1]}"
                writer.writerow((user_name(n % self.size.users), f"{day}T12:00:00Z", name, ways[n % 4], "", "", ""))

    # --- listens

    def _write_listens(self, path: Path, count: int, stream: int) -> None:
        random = np.random.default_rng([SEED, stream])
        first = END - timedelta(days=HISTORY_DAYS - 1)
        busy = random.lognormal(0.0, 0.8, self.size.users)
        per_user = random.multinomial(count, busy / busy.sum())
        users = np.repeat(np.arange(self.size.users), per_user)
        self._write(path, random, users, first, HISTORY_DAYS)

    def _write_extra(self, path: Path) -> None:
        rows = self.size.import_rows
        own = path.with_suffix(".own")
        self._write_listens(own, int(rows * (1 - ALREADY_THERE)), 2)
        every = max(1, int(1 / (ALREADY_THERE * rows / self.size.listens)))
        with duckdb.connect() as connection:
            connection.execute(
                f"COPY (SELECT * FROM read_csv('{own}', all_varchar=true) UNION ALL "
                f"(SELECT {', '.join(COLUMNS)} FROM (SELECT *, row_number() OVER () AS n "
                f"FROM read_csv('{self.history}', all_varchar=true)) WHERE n % {every} = 0 "
                f"LIMIT {int(rows * ALREADY_THERE)})) TO '{path}' (FORMAT csv, HEADER)"
            )
        own.unlink()

    def _write_night(self, path: Path, number: int) -> None:
        random = np.random.default_rng([SEED, 100 + number])
        chosen = random.choice(self.size.users, self.size.night_users, replace=False)
        users = np.sort(random.choice(chosen, self.size.night_listens))
        self._write(path, random, users, END + timedelta(days=number), 1, new_titles=True)

    def _write(
        self,
        path: Path,
        random: np.random.Generator,
        users: np.ndarray,
        first: date,
        days: int,
        *,
        new_titles: bool = False,
    ) -> None:
        count = len(users)
        tracks = _zipf(random, self.size.catalogue_tracks + self.size.heard_tracks, count)
        spelling = tracks * SPELLINGS + random.choice(SPELLINGS, count, p=(0.4, 0.12, 0.08, 0.4))
        length = 90.0 + (tracks * 7919 % 310)
        is_skipped = random.random(count) < SKIPPED
        seconds = np.where(is_skipped, random.uniform(2, 40, count), length)
        has_ms = random.random(count) >= UNKNOWN_MS
        start = _starts(random, users, seconds, first, days)
        listens = pa.table(
            {
                "n": np.arange(count, dtype=np.int64),
                "user": users.astype(np.int64),
                "moment": start,
                "spelling": spelling.astype(np.int64),
                "ms": pa.array((seconds * 1000).astype(np.int64), mask=~has_ms),
                "blank": random.random(count) < BLANK_AT_END,
                "copies": np.where(random.random(count) < REPEATED, 2, 1),
                "fresh": (random.random(count) < 0.01) & new_titles,
            }
        )
        with duckdb.connect() as connection:
            connection.register("listens", listens)
            connection.register("spellings", self._spellings())
            connection.execute(
                f"""COPY (
                    SELECT printf('{USER_NAME}', "user") AS user_id,
                        strftime(make_timestamp(moment * 1000000), '%Y-%m-%dT%H:%M:%SZ') AS played_at, artist_name,
                        track_name || CASE WHEN fresh THEN ' new ' || n ELSE '' END
                            || CASE WHEN blank THEN ' ' ELSE '' END AS track_name,
                        album AS album_name, ms AS ms_played, CASE WHEN NOT fresh THEN id END AS spotify_id
                    FROM (SELECT *, unnest(range(copies)) FROM listens) JOIN spellings USING (spelling)
                    ORDER BY moment, n
                ) TO '{path}' (FORMAT csv, HEADER)"""
            )


USER_NAME = "listener-%05d"


def user_name(number: int) -> str:
    return USER_NAME % number


def _starts(random: np.random.Generator, users: np.ndarray, seconds: np.ndarray, first: date, days: int) -> np.ndarray:
    """Epoch seconds of plays in sessions: a session starts at a likely hour, its plays follow each other."""
    count = len(users)
    opens = random.random(count) < 1 / SESSION_LISTENS
    opens[0] = True
    opens[1:] |= users[1:] != users[:-1]
    session = np.cumsum(opens) - 1
    sessions = int(session[-1]) + 1
    hour = np.clip(random.normal(17, 5, sessions), 0, 23.9)
    begin = random.integers(0, days, sessions) * 86_400 + (hour * 3_600).astype(np.int64)
    step = seconds.astype(np.int64) + random.integers(1, 20, count)
    elapsed = np.cumsum(step) - step
    at = begin[session] + elapsed - elapsed[opens][session]
    end = days * 86_400
    late = np.maximum(0, at - (end - 1))
    at -= -(-late // 86_400) * 86_400  # plays past the last midnight happen some days earlier
    epoch = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp())
    return np.maximum(at, 0) + epoch


def _zipf(random: np.random.Generator, kinds: int, count: int) -> np.ndarray:
    """Ranks 1/(rank + 10), dealt over catalogue and heard-only tracks alike."""
    weights = 1 / (np.arange(kinds) + 10.0)
    edges = np.cumsum(weights / weights.sum())
    dealt = np.random.default_rng(SEED + 2).permutation(kinds)
    return dealt[np.minimum(np.searchsorted(edges, random.random(count)), kinds - 1)]


def _words(random: np.random.Generator, low: int, high: int) -> str:
    words = [WORDS[i] for i in random.integers(0, len(WORDS), int(random.integers(low, high + 1)))]
    return " ".join(words).title()


def _roman(number: int) -> str:
    """Keeps artists apart without digits."""
    letters = ""
    while number:
        number, rest = divmod(number, 26)
        letters += chr(ord("a") + rest)
    return letters.title()
