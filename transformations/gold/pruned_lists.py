"""Lists of listeners too many for one process: a row each with all that is theirs, scored a few at once.

What the catalogue and all listeners together tell travels to every worker; of listeners a worker holds a block and what
their matches play most. Scores, exclusions and reasons are made by `Playlists`, as in one place; they differ from those
where a match plays more than FAVOURITES songs, of which the others say nothing in from_matches.
The trap: a listener's candidates depend on their own row and the catalogue alone, never on who stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.gold.recommendations import CONTRACT
from schemas.vocab import MOODS
from transformations.gold.choices import verdicts
from transformations.gold.recommendations import Library, Request, gathered, library_of, matrix, similar, told
from transformations.ranking.counts import Floats, Ints, Sparse
from transformations.ranking.playlists import LIKED_PLAYS, Heard, Playlists, Population
from transformations.ranking.recommender import TRACKS, Recommender

BLOCK_LISTENERS = 32  # scored at once: the more, the more items that are candidates of a few of them only
FAVOURITES = 300  # songs of a match that are looked at, those played most: a longer taste counts by these alone
OF_CATALOGUE = ("tracks", "track_features", "track_moods", "track_similarities")


@dataclass(frozen=True)
class Catalogue:
    """What every worker holds: songs, what all listeners tell of them, and items by factors (0 where nobody played)."""

    library: Library
    population: Population
    by_session: Sparse
    by_sound: Sparse
    factors: NDArray[np.float32]


# --- in Spark


def catalogue_rows(inputs: Mapping[str, DataFrame], request: Request) -> DataFrame:
    """What is known of tracks, in the shape in which inputs are gathered; of plays only how many a track has."""
    counted = inputs["user_tracks"].groupBy("track_id").agg(F.sum("listen_count").alias("listen_count"))
    plays = counted.selectExpr(
        "'plays' AS kind", "CAST(NULL AS string) AS `left`", "track_id AS `right`", "0D AS weight",
        "CAST(array(0, listen_count, 0) AS array<double>) AS numbers", "CAST(array() AS array<string>) AS names",
    )  # fmt: skip
    return reduce(DataFrame.unionByName, [*gathered(inputs, request, OF_CATALOGUE), plays])


def heard_songs(inputs: Mapping[str, DataFrame], places: DataFrame, request: Request) -> DataFrame:
    """A row a listener and song that was played or judged; `places` has the song of each track. `weight` is what it
    counts as taste."""
    days = f"datediff(DATE'{request.as_of_date}', last_played_at)"
    plays = (
        inputs["user_tracks"]
        .join(places, "track_id")
        .groupBy("user_id", "place")
        .agg(
            F.sum(F.expr("listen_count - skip_count")).alias("plays"),
            F.sum("listen_count").alias("all_plays"),
            F.min(F.expr(f"greatest({days}, 0)")).alias("days_ago"),
        )
    )
    said = (
        verdicts(inputs["track_feedback"], inputs["track_identities"], inputs["catalogue_tracks"])
        .join(places, "track_id")
        .groupBy("user_id", "place")
        .agg(F.expr("IF(bool_and(is_liked), 1, -1) AS verdict"))
    )
    return (
        plays.join(said, ["user_id", "place"], "full")
        .selectExpr(
            "user_id",
            "place",
            *(
                f"CAST(coalesce({name}, 0) AS double) AS {name}"
                for name in ("plays", "all_plays", "days_ago", "verdict")
            ),
        )
        .selectExpr("*", f"IF(verdict < 0, 0D, plays) + IF(verdict > 0, {LIKED_PLAYS}D, 0D) AS weight")
    )


def listener_rows(inputs: Mapping[str, DataFrame], heard: DataFrame, factors: DataFrame, request: Request) -> DataFrame:
    """A row a listener: songs heard, mood of late, factors, and matches with the songs that they play most.

    `factors` are by `taste_id`, a hash of the user_id.
    """

    def of_the_asked(rows: DataFrame) -> DataFrame:
        return rows if request.user_id is None else rows.where(F.col("user_id") == request.user_id)

    songs = "collect_list(struct(place, plays, all_plays, days_ago, verdict)) AS heard"
    own = of_the_asked(heard).groupBy("user_id").agg(F.expr(songs))
    by_weight = "sort_array(collect_list(struct(-weight AS least, xxhash64(place) AS by_hash, place)))"
    most = f"slice({by_weight}, 1, {FAVOURITES})"
    favourites = (
        heard.where("weight > 0")
        .groupBy(F.col("user_id").alias("match_user_id"))
        .agg(F.expr(f"transform({most}, one -> struct(one.place AS place, -one.least AS weight)) AS songs"))
    )
    no_songs = "CAST(array() AS array<struct<place: int, weight: double>>)"
    matches = (
        of_the_asked(inputs["user_matches"])
        .where("score > 0")
        .join(favourites, "match_user_id", "left")
        .groupBy("user_id")
        .agg(F.expr(f"collect_list(struct(match_user_id, score, coalesce(songs, {no_songs}) AS songs)) AS matches"))
    )
    feels = of_the_asked(inputs["user_mood_profiles"]).where("period = 'current' AND happy IS NOT NULL")
    return (
        of_the_asked(inputs["users"])
        .selectExpr("user_id", f"{taste_id()} AS taste_id")
        .join(own, "user_id", "left")
        .join(matches, "user_id", "left")
        .join(feels.selectExpr("user_id", f"array({', '.join(MOODS)}) AS feels"), "user_id", "left")
        .join(factors, "taste_id", "left")
        .selectExpr(
            "user_id",
            "coalesce(heard, array()) AS heard",
            "coalesce(matches, array()) AS matches",
            f"coalesce(feels, array_repeat(double('NaN'), {len(MOODS)})) AS feels",
            "factors",
        )
    )


def taste_id() -> str:
    """Factors go by whole numbers. Of two listeners with one number each has the other's candidates as well."""
    return "hash(user_id)"


def lists_of(listeners: DataFrame, catalogue: Catalogue, request: Request) -> DataFrame:
    """The lists of every row of `listeners`, in the columns of gold.recommendations."""

    def in_blocks(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for low in range(0, batch.num_rows, BLOCK_LISTENERS):
                for made in _lists(batch.slice(low, BLOCK_LISTENERS), catalogue, request):
                    yield from made.to_batches()

    return listeners.mapInArrow(in_blocks, CONTRACT.struct())


# --- of rows


def catalogue_of(given: pd.DataFrame, request: Request) -> tuple[Library, Sparse, Sparse]:
    """The songs of rows as `catalogue_rows` gathers them, and what goes with each by session and by sound."""
    library, rows = library_of(given, request.seed)
    return library, similar(rows, library, 0), similar(rows, library, 1)


def population_of(
    library: Library, by_session: Sparse, by_sound: Sparse, *, listeners: Floats, users: int, sample: pd.DataFrame
) -> Population:
    """With the ranker fitted on a sample of listeners (user_id, place, weight); `listeners` of each song are of so
    many users."""
    found = Population.of(library.songs, by_session, by_sound, listeners=listeners, users=users)
    if sample.empty:
        return found
    rows, ids = pd.factorize(sample["user_id"], sort=True)
    places, plays = sample["place"].to_numpy(), sample["weight"].to_numpy()
    weights = matrix(rows, places, plays, (len(ids), len(library.tracks)))
    return replace(found, ranker=Recommender(weights, TRACKS, labels=found.artist_rows).by_itself())


def _lists(rows: pa.RecordBatch, catalogue: Catalogue, request: Request) -> Iterator[pa.Table]:
    library = catalogue.library
    asked = rows["user_id"].to_numpy(zero_copy_only=False).astype(str)
    heard, everybody = _heard(rows, asked, catalogue)
    of_late = np.full((len(everybody), len(MOODS)), np.nan)
    of_late[: len(asked)] = rows["feels"].flatten().to_numpy().reshape(len(asked), len(MOODS))
    playlists = Playlists(
        library.songs, heard, request.wanted(of_late), seed=request.seed, population=catalogue.population
    )
    users = np.arange(len(asked))
    candidates = playlists.candidates(request.lists, users, _guesses(rows, catalogue))
    for name, chosen in playlists.best_among(request.lists, users, request.size, candidates).items():
        yield told(name, chosen, playlists, library, everybody, request.as_of_date)


def _guesses(rows: pa.RecordBatch, catalogue: Catalogue) -> Floats:
    width = catalogue.factors.shape[1]
    found = np.zeros((rows.num_rows, width), dtype=np.float32)
    is_known = rows["factors"].is_valid().to_numpy(zero_copy_only=False)
    found[is_known] = rows["factors"].flatten().to_numpy().reshape(-1, width)
    return (found @ catalogue.factors.T).astype(float)


def _heard(rows: pa.RecordBatch, asked: Ints, catalogue: Catalogue) -> tuple[Heard, Ints]:
    """What the asked heard, and below them what their matches play most."""
    songs, own = _listed(rows["heard"])
    users, places = np.asarray(own), {name: songs.field(name).to_numpy() for name in songs.type.names}
    entries, of_user = _listed(rows["matches"])
    ids = entries.field("match_user_id").to_numpy(zero_copy_only=False).astype(str)
    matches, first, which = np.unique(ids, return_index=True, return_inverse=True)
    favourites, of_match = _listed(entries.field("songs").take(pa.array(first)))
    theirs, weights = favourites.field("place").to_numpy(), favourites.field("weight").to_numpy()
    size = (len(asked) + len(matches), len(catalogue.library.tracks))

    def of_the_asked(name: str) -> Sparse:
        is_kept = places[name] != 0
        return matrix(users[is_kept], places["place"][is_kept], places[name][is_kept], size)

    is_heard = places["all_plays"] != 0
    heard = Heard(
        plays=of_the_asked("plays") + matrix(len(asked) + of_match, theirs, weights, size),
        all_plays=of_the_asked("all_plays"),
        days_ago=matrix(users[is_heard], places["place"][is_heard], places["days_ago"][is_heard], size),
        verdicts=of_the_asked("verdict"),
        matches=matrix(of_user, len(asked) + which, entries.field("score").to_numpy(), (size[0], size[0])),
        by_session=catalogue.by_session,
        by_sound=catalogue.by_sound,
    )
    return heard, np.r_[asked, matches]


def _listed(lists: pa.ListArray) -> tuple[pa.StructArray, Ints]:
    """The entries of all lists, and the row that each is of."""
    return lists.flatten(), np.repeat(np.arange(len(lists)), lists.value_lengths().to_numpy())
