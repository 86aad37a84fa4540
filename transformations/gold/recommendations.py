"""Plays, verdicts, matches, moods and the whole catalogue to what each listener may play next, by the exact engine.

Every song is a candidate, also one that nobody here has heard. The trap: a song has several tracks (editions), and who
heard one of them has heard the song.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy.sparse import csr_array

from schemas.gold.recommendations import CONTRACT
from schemas.vocab import MOODS, RECOMMENDATION_LISTS, SHARE_FEATURES
from transformations.gold.choices import verdicts
from transformations.gold.exact import computed_in_blocks
from transformations.ranking.counts import Floats, Ids, Ints, Sparse
from transformations.ranking.playlists import MOST_REASONS, Chosen, Heard, Playlists, Songs

TOP = 50
SEED = 0
COLUMNS = CONTRACT.names  # plain names: what travels to a worker may not ask for the schemas
SOUND = (*SHARE_FEATURES, "loudness_db", "tempo_bpm")
REASON_DIGITS = 4
CUSTOM = "custom"  # the list of a mood vector that was asked for


@dataclass(frozen=True)
class Request:
    """Which lists of which length: of every listener, or of one with the mood vector that they asked for."""

    lists: tuple[str, ...]
    size: int
    seed: int
    as_of_date: date
    user_id: str | None = None
    mood: tuple[float, ...] = ()

    def wanted(self, of_late: Floats) -> dict[str, Floats]:
        """What mood the lists by mood look for: a row for all, or one a listener, NaN where nothing is known."""
        each = {mood: row[None, :] for mood, row in zip(MOODS, np.eye(len(MOODS)), strict=True)}
        return each | {"current_mood": of_late, CUSTOM: np.array([self.mood or (np.nan,) * len(MOODS)])}


def build(
    *,
    users: DataFrame,
    user_tracks: DataFrame,
    tracks: DataFrame,
    track_identities: DataFrame,
    catalogue_tracks: DataFrame,
    track_features: DataFrame,
    track_moods: DataFrame,
    track_feedback: DataFrame,
    user_mood_profiles: DataFrame,
    user_matches: DataFrame,
    track_similarities: DataFrame,
    as_of_date: date,
) -> DataFrame:
    """All listeners and tracks in, at most 50 rows a listener and list out."""
    inputs = {
        "users": users,
        "user_tracks": user_tracks,
        "tracks": tracks,
        "track_identities": track_identities,
        "catalogue_tracks": catalogue_tracks,
        "track_features": track_features,
        "track_moods": track_moods,
        "track_feedback": track_feedback,
        "user_mood_profiles": user_mood_profiles,
        "user_matches": user_matches,
        "track_similarities": track_similarities,
    }
    return _recommended(nightly(as_of_date), inputs)


def nightly(as_of_date: date) -> Request:
    """What the night asks for."""
    return Request(RECOMMENDATION_LISTS, TOP, SEED, as_of_date)


def for_mood(
    user_id: str, mood: Mapping[str, float], size: int, *, inputs: Mapping[str, DataFrame], as_of_date: date
) -> DataFrame:
    """The list `custom` of one listener for any mood vector (shares that sum to 1), by what `build` reads."""
    return _recommended(of_mood(user_id, mood, size, as_of_date), inputs)


def of_mood(user_id: str, mood: Mapping[str, float], size: int, as_of_date: date) -> Request:
    """The list `custom` of one listener."""
    return Request((CUSTOM,), size, SEED, as_of_date, user_id, tuple(mood.get(name, 0.0) for name in MOODS))


def _recommended(request: Request, inputs: Mapping[str, DataFrame]) -> DataFrame:
    said = verdicts(inputs["track_feedback"], inputs["track_identities"], inputs["catalogue_tracks"])
    given = [
        *gathered(inputs, request, tuple(_shapes(request))),
        _rows(said, "verdict", "user_id", "track_id", "IF(is_liked, 1, -1)"),
    ]
    return computed_in_blocks(given, partial(_lists, request=request), CONTRACT.struct())


def gathered(inputs: Mapping[str, DataFrame], request: Request, tables: tuple[str, ...]) -> list[DataFrame]:
    """Rows of these tables, and the song of each track, in the shape in which they are gathered."""
    shapes = _shapes(request)
    songs = inputs["track_identities"].groupBy("track_id").agg(F.min("song_key").alias("song_key"))
    return [*(_rows(inputs[table], *shapes[table]) for table in tables), _rows(songs, "song", "track_id", "song_key")]


def _shapes(request: Request) -> dict[str, tuple[str, ...]]:
    """Of each input: kind, two ids, a weight, numbers, names and which rows, in SQL."""
    days = f"datediff(DATE'{request.as_of_date}', last_played_at)"
    counts = f"listen_count - skip_count, listen_count, {days}"
    return {
        "users": ("user", "user_id"),
        "user_tracks": ("plays", "user_id", "track_id", "0", counts),
        "tracks": ("track", "track_id", "artist_id", "coalesce(popularity, -1)", "", "genres"),
        "track_features": ("sound", "track_id", "NULL", "0", ", ".join(SOUND), "", "valence IS NOT NULL"),
        "track_moods": ("mood", "track_id", "NULL", "mood_confidence", ", ".join(MOODS), "", "happy IS NOT NULL"),
        "user_mood_profiles": (
            "feels", "user_id", "NULL", "0", ", ".join(MOODS), "", "period = 'current' AND happy IS NOT NULL",
        ),
        "user_matches": ("match", "user_id", "match_user_id", "score", "", "", "score > 0"),
        "track_similarities": (
            "similar", "track_id", "similar_track_id", "score", "coalesce(session_score, 0), coalesce(sound_score, 0)",
        ),
    }  # fmt: skip


def _rows(
    rows: DataFrame,
    kind: str,
    left: str,
    right: str = "NULL",
    weight: str = "0",
    numbers: str = "",
    names: str = "",
    condition: str = "true",
) -> DataFrame:
    """Rows in the shape in which inputs are gathered."""
    return rows.where(condition).selectExpr(
        f"'{kind}' AS kind",
        f"{left} AS `left`",
        f"CAST({right} AS string) AS `right`",
        f"CAST({weight} AS double) AS weight",
        f"CAST(array({numbers}) AS array<double>) AS numbers",
        f"{names or 'CAST(array() AS array<string>)'} AS names",
    )


# --- in one place


@dataclass(frozen=True)
class Library:
    """Songs by place: the track that stands for each, and what is known of it. `places` are the tracks' songs."""

    tracks: Ids
    artist_ids: Ids
    genres: Ids
    songs: Songs
    track_ids: Ids
    places: Ints

    def found(self, track_ids: Any) -> tuple[Ints, NDArray[np.bool_]]:
        """The songs of tracks, and which of the tracks are known."""
        return _places(self.track_ids, np.asarray(track_ids), self.places)


def _lists(given: pd.DataFrame, *, request: Request) -> Iterator[pa.Table]:
    library, rows = library_of(given, request.seed)
    everybody = np.unique(np.concatenate([rows(kind)["left"] for kind in ("user", "plays")]).astype(str))
    if not len(library.tracks) or not len(everybody):
        return
    wanted = request.wanted(_of_late(rows, everybody))
    playlists = Playlists(library.songs, _heard(rows, library, everybody), wanted, seed=request.seed)
    asked = rows("user")["left"].to_numpy(dtype=str) if request.user_id is None else np.array([request.user_id])
    users = np.flatnonzero(np.isin(everybody, asked))
    for name, chosen in playlists.best(request.lists, users, request.size).items():
        yield told(name, chosen, playlists, library, everybody, request.as_of_date)


def told(
    name: str, chosen: Chosen, playlists: Playlists, library: Library, everybody: Ids, as_of_date: date
) -> pa.Table:
    """Rows of a list as the contract has them; the strongest reasons of each."""
    ids = {"match": everybody, "artist": library.artist_ids, "genre": library.genres}
    counts = np.zeros(len(chosen.users), dtype=np.int64)
    rows, kinds, names, values = [], [], [], []
    for kind, reason in playlists.reasons(name, chosen).items():
        given = np.flatnonzero(~np.isnan(reason.values) & (counts < MOST_REASONS))
        counts[given] += 1
        rows.append(given)
        kinds.append(np.full(len(given), kind, dtype=object))
        named = np.full(len(given), name if kind == "mood" else None, dtype=object)
        has_place = reason.places[given] >= 0
        named[has_place] = ids.get(kind, library.tracks)[reason.places[given[has_place]]]
        names.append(named)
        values.append(np.round(reason.values[given], REASON_DIGITS))
    order = np.argsort(np.concatenate(rows), kind="stable")
    why = {
        "kind": pa.array(np.concatenate(kinds)[order], pa.string()),
        "id": pa.array(np.concatenate(names)[order], pa.string()),
        "value": pa.array(np.concatenate(values)[order], pa.float64()),
    }
    reasons = pa.StructArray.from_arrays(list(why.values()), names=list(why))
    columns = {
        "user_id": pa.array(everybody[chosen.users], pa.string()),
        "list": pa.array([name] * len(chosen.users), pa.string()),
        "rank": pa.array(chosen.ranks, pa.int32()),
        "track_id": pa.array(library.tracks[chosen.items], pa.string()),
        "score": pa.array(chosen.scores, pa.float64()),
        "reasons": pa.ListArray.from_arrays(np.r_[0, np.cumsum(counts)].astype(np.int32), reasons),
        "as_of_date": pa.array([as_of_date] * len(chosen.users), pa.date32()),
    }
    return pa.table(columns).select(list(COLUMNS))


def library_of(given: pd.DataFrame, seed: int) -> tuple[Library, Callable[[str], pd.DataFrame]]:
    """The songs of gathered rows, which are told apart by their kind, each kind in order."""
    kinds = dict(list(given.sort_values(["kind", "left", "right"], kind="stable").groupby("kind")))
    none = given.iloc[:0]

    def rows(kind: str) -> pd.DataFrame:
        return kinds.get(kind, none)

    return _library(rows, seed), rows


def _library(rows: Callable[[str], pd.DataFrame], seed: int) -> Library:
    tracks, plays = rows("track"), rows("plays")
    if tracks.empty:
        return Library(np.empty(0), np.empty(0), np.empty(0), _nothing(), np.empty(0), np.empty(0, dtype=np.int64))
    track_ids = tracks["left"].to_numpy(dtype=str)
    named, keys = rows("song")["left"].to_numpy(dtype=str), rows("song")["right"].to_numpy(dtype=str)
    places, is_named = _places(named, track_ids, np.arange(len(named)))
    songs = track_ids.copy().astype(object)
    songs[is_named] = keys[places[is_named]]
    song_of_track = np.unique(songs.astype(str), return_inverse=True)[1]
    heard, is_known = _places(track_ids, plays["right"].to_numpy(dtype=str), np.arange(len(track_ids)))
    counts = _numbers(plays, 3)[:, 1]
    listened = np.bincount(heard[is_known], weights=counts[is_known], minlength=len(track_ids))
    popularity = tracks["weight"].to_numpy(dtype=float)
    order = np.lexsort((track_ids, -popularity, -listened, song_of_track))
    stands = order[np.r_[True, np.diff(song_of_track[order]) > 0]]  # a track for each song
    artist_ids, artists = np.unique(tracks["right"].to_numpy(dtype=str)[stands], return_inverse=True)
    by_artist = np.argsort(artists, kind="stable")
    place_of_song = np.empty(len(stands), dtype=np.int64)
    place_of_song[by_artist] = np.arange(len(stands))
    stands, artists = stands[by_artist], artists[by_artist]
    library = Library(track_ids[stands], artist_ids, np.empty(0), _nothing(), track_ids, place_of_song[song_of_track])
    given = tracks["names"].to_numpy()[stands]
    lengths = [len(names) for names in given]
    spoken = np.array([name for names in given for name in names], dtype=str)
    genres, columns = np.unique(spoken, return_inverse=True)
    at = (np.repeat(np.arange(len(stands)), lengths), columns)
    moods, confidence = _vectors(rows("mood"), library, len(MOODS))
    known = Songs(
        artists=artists,
        genres=csr_array((np.ones(len(columns)), at), shape=(len(stands), max(len(genres), 1))),
        sound=_vectors(rows("sound"), library, len(SOUND))[0],
        moods=moods,
        mood_confidence=np.nan_to_num(confidence),
        popularity=np.where(popularity[stands] < 0, np.nan, popularity[stands]),
        ties=np.array([zlib.crc32(f"{seed}/{track}".encode()) for track in library.tracks]) / 2**32,
    )
    return replace(library, genres=genres, songs=known)


def _nothing() -> Songs:
    empty = np.empty(0)
    return Songs(np.empty(0, dtype=np.int64), csr_array((0, 0)), empty, empty, empty, empty, empty)


def _vectors(rows: pd.DataFrame, library: Library, size: int) -> tuple[Floats, Floats]:
    """Numbers and weights by song, NaN where nothing is known; of several editions those of the track that stands."""
    found, weights = np.full((len(library.tracks), size), np.nan), np.full(len(library.tracks), np.nan)
    places, is_known = library.found(rows["left"].to_numpy(dtype=str))
    numbers, places = _numbers(rows, size)[is_known], places[is_known]
    stands = library.tracks[places] == rows["left"].to_numpy(dtype=str)[is_known]
    order = np.argsort(stands, kind="stable")  # written last, so they stay
    found[places[order]] = numbers[order]
    weights[places[order]] = rows["weight"].to_numpy(dtype=float)[is_known][order]
    return found, weights


def _heard(rows: Callable[[str], pd.DataFrame], library: Library, everybody: Ids) -> Heard:
    plays, said, matches = (rows(kind) for kind in ("plays", "verdict", "match"))
    size = (len(everybody), len(library.tracks))

    def of_users(given: pd.DataFrame, values: Floats) -> tuple[Ints, Ints, Floats]:
        songs, is_song = library.found(given["right"].to_numpy(dtype=str))
        users, is_user = _places(everybody, given["left"].to_numpy(dtype=str), np.arange(len(everybody)))
        kept = is_song & is_user & (values != 0)
        return users[kept], songs[kept], values[kept]

    counts = _numbers(plays, 3)
    users, songs, ago = of_users(plays, counts[:, 2] + 1)
    latest = np.lexsort((ago, songs, users))
    is_first = np.r_[True, (np.diff(users[latest]) != 0) | (np.diff(songs[latest]) != 0)][: len(latest)]
    last = latest[is_first]
    words = said["weight"].to_numpy(dtype=float)
    # Of editions judged otherwise the dislike counts, however many are liked.
    verdict = matrix(*of_users(said, np.where(words < 0, -1.0 - len(words), words)), size)
    verdict.data = np.sign(verdict.data)
    left, is_left = _places(everybody, matches["left"].to_numpy(dtype=str), np.arange(len(everybody)))
    right, is_right = _places(everybody, matches["right"].to_numpy(dtype=str), np.arange(len(everybody)))
    kept = is_left & is_right
    scores = matches["weight"].to_numpy(dtype=float)[kept]
    return Heard(
        plays=matrix(*of_users(plays, counts[:, 0]), size),
        all_plays=matrix(*of_users(plays, counts[:, 1]), size),
        days_ago=matrix(users[last], songs[last], np.maximum(ago[last] - 1, 0), size),
        verdicts=verdict,
        matches=matrix(left[kept], right[kept], scores, (len(everybody), len(everybody))),
        by_session=similar(rows, library, 0),
        by_sound=similar(rows, library, 1),
    )


def similar(rows: Callable[[str], pd.DataFrame], library: Library, which: int) -> Sparse:
    """Songs by what goes with them by session (0) or sound (1), of several editions the highest score."""
    pairs = rows("similar")
    left, is_left = library.found(pairs["left"].to_numpy(dtype=str))
    right, is_right = library.found(pairs["right"].to_numpy(dtype=str))
    scores = _numbers(pairs, 2)[:, which]
    kept = np.flatnonzero(is_left & is_right & (left != right) & (scores > 0))
    order = kept[np.lexsort((-scores[kept], right[kept], left[kept]))]
    is_first = np.r_[True, (np.diff(left[order]) != 0) | (np.diff(right[order]) != 0)][: len(order)]
    best = order[is_first]
    return matrix(left[best], right[best], scores[best], (len(library.tracks),) * 2)


def _of_late(rows: Callable[[str], pd.DataFrame], everybody: Ids) -> Floats:
    """Listeners by moods of late, NaN where nothing is known."""
    feels = rows("feels")
    places, is_known = _places(everybody, feels["left"].to_numpy(dtype=str), np.arange(len(everybody)))
    of_late = np.full((len(everybody), len(MOODS)), np.nan)
    of_late[places[is_known]] = _numbers(feels, len(MOODS))[is_known]
    return of_late


def _numbers(rows: pd.DataFrame, size: int) -> Floats:
    if rows.empty:
        return np.empty((0, size))
    return np.array([np.asarray(one, dtype=float) for one in rows["numbers"]]).reshape(len(rows), size)


def _places(known: Ids, wanted: Ids, places: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Where the wanted ids stand among the known ones, which ascend, and which of them are there."""
    if not len(known):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    at = np.searchsorted(known, wanted).clip(max=len(known) - 1)
    return places[at], known[at] == wanted


def matrix(rows: Ints, columns: Ints, values: Floats, size: tuple[int, int]) -> Sparse:
    found = csr_array((values, (rows, columns)), shape=size)
    found.sum_duplicates()
    return found
