"""Listeners of a cell to those nearest to each, and to why: frames of gold.match_listeners in, pairs out.

Each listener stands in a few cells, and pairs are compared where they meet. No process holds more than a cell. What is
said of a pair is a function of the two alone, so cells do not differ in it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType
from scipy.sparse import csr_array

from transformations.gold.explained_pairs import PLACES, ByEngine
from transformations.gold.match_model import matrix_of
from transformations.ranking.counts import Bools, Ids, Ints, Sparse
from transformations.ranking.explained import Lookup, News, ranks
from transformations.ranking.matcher import Matcher, Pairs

SPARE = 10  # candidates beyond those wanted: single precision may confuse the last
VECTORS = {"neighbours": "neighbours", "genres": "genres", "sound": "sound_vector", "moods": "mood_vector"}
FOUND = "cell int, user_id string, match_user_id string, score double"


def candidates(listeners: DataFrame, wanted: DataFrame, user_blocks: DataFrame, *, size: int) -> DataFrame:
    """cell, user_id, match_user_id, score: of each cell the nearest `size` of each listener who wants them.

    `wanted` has user_id, `is_asked` (compare with all of the cell), `is_news` (others who are not asked take this one
    if the score reaches their `bound`).
    """
    blocked = user_blocks.select("user_id", F.col("blocked_user_id").alias("other"))
    both_ways = blocked.unionByName(blocked.selectExpr("other AS user_id", "user_id AS other"))
    barred = both_ways.groupBy("user_id").agg(F.collect_set("other").alias("barred"))
    members = (
        listeners.selectExpr(
            "user_id",
            "explode(cells) AS cell",
            "level",
            "filter(artists, one -> one.weight > 0) AS artists",
            *VECTORS.values(),
        )
        .selectExpr(
            "user_id",
            "cell",
            "level",
            "artists.artist_id AS artist_ids",
            "artists.weight AS weights",
            *VECTORS.values(),
        )
        .join(wanted, "user_id")
        .join(F.broadcast(barred), "user_id", "left")
        .withColumn("barred", F.expr("coalesce(barred, CAST(array() AS array<string>))"))
    )

    def nearest_of(cell: pa.Table) -> pa.Table:  # Spark reads these types, which a partial does not tell
        return nearest_of_cell(cell, size=size)

    return members.groupBy("cell").applyInArrow(nearest_of, FOUND)


def explained(pairs: DataFrame, listeners: DataFrame, struct: StructType) -> DataFrame:
    """Pairs (cell, user_id, match_user_id, rank) as the engine tells them."""
    met = listeners.selectExpr(
        "explode(cells) AS cell",
        "user_id",
        "level",
        "artists",
        *VECTORS.values(),
        "is_heard",
        "is_listed",
        "is_activity_shown",
    )
    told = pairs.select("cell", "user_id", "match_user_id", "rank").groupBy("cell")
    return told.cogroup(met.groupBy("cell")).applyInArrow(explained_of_cell, struct)


# --- in the worker


def nearest_of_cell(members: pa.Table, *, size: int) -> pa.Table:
    """Of one cell the pairs that `candidates` says."""
    members = members.sort_by("user_id")
    users = _ids(members["user_id"])
    lists = members["artist_ids"].combine_chunks()
    weights = members["weights"].combine_chunks().flatten().to_numpy()
    artist_ids, edges, places = _columns(lists.flatten(), lists)
    vectors = csr_array((weights, places, edges), shape=(len(users), len(artist_ids)))
    matcher = _matcher(members, vectors)
    barred = _barred(users, members["barred"].combine_chunks())
    is_asked, is_news = (_flags(members[name]) for name in ("is_asked", "is_news"))
    found = [matcher.top(size + SPARE, barred=barred, users=np.flatnonzero(is_asked))] if is_asked.any() else []
    others, news = np.flatnonzero(~is_asked), np.flatnonzero(is_news)
    if len(others) and len(news):
        bounds = members["bound"].to_numpy()
        told = matcher.top(size + SPARE, barred=barred, users=others, others=news)
        found.append(told.part(np.flatnonzero(np.round(told.scores, PLACES) >= bounds[told.users])))
    one, other, scores = (
        np.concatenate([getattr(pairs, name) for pairs in found]) if found else np.empty(0, dtype=np.int64)
        for name in ("users", "matches", "scores")
    )
    return pa.table(
        {
            "cell": pa.array(np.full(len(one), members["cell"][0].as_py()), pa.int32()),
            "user_id": pa.array(users[one], pa.string()),
            "match_user_id": pa.array(users[other], pa.string()),
            "score": pa.array(np.round(scores.astype(float), PLACES)),
        }
    )


def explained_of_cell(pairs: pa.Table, members: pa.Table) -> pa.Table:
    """The pairs of one cell, explained."""
    members = members.sort_by("user_id")
    users = _ids(members["user_id"])
    lists = members["artists"].combine_chunks()
    entries = lists.flatten()
    artist_ids, edges, places = _columns(entries.field("artist_id"), lists)
    shape = (len(users), len(artist_ids))
    counts, weights, plays = (entries.field(name).to_numpy() for name in ("count", "weight", "plays"))
    names, codes = _names(entries.field("artist_name"))
    matrix, vectors = (_without_zeros(values, places, edges, shape) for values in (counts, weights))
    spelt = Lookup.of(csr_array((codes, places, edges), shape=shape))
    heard = csr_array((plays, places, edges), shape=shape)
    matcher = _matcher(members, vectors)
    by_engine = ByEngine(
        users=users,
        items=artist_ids,
        names=names,
        name_codes=lambda some, items: spelt.at(some, items).astype(np.int64),
        ranks=Lookup.of(ranks(matrix)),
        plays=Lookup.of(heard),
        news=News.of(matrix, vectors, _genres(entries, places, len(artist_ids)), heard),
        matcher=matcher,
        has_plays=_flags(members["is_heard"]),
        has_lists=_flags(members["is_listed"]),
        is_open=_flags(members["is_activity_shown"]),
    )
    if not pairs.num_rows:
        return by_engine.rows(matcher.scored(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)))
    one, other = (np.searchsorted(users, _ids(pairs[name])) for name in ("user_id", "match_user_id"))
    keys, given = one * len(users) + other, pairs["rank"].to_numpy()
    order = np.argsort(keys)
    scored = matcher.scored(one, other)
    own = np.searchsorted(keys[order], scored.users * len(users) + scored.matches)
    return by_engine.rows(_ranked(scored, given[order][own]))


def _ranked(pairs: Pairs, given: Ints) -> Pairs:
    """The pairs with the ranks that they have among those of all cells."""
    return Pairs(pairs.users, pairs.matches, given, pairs.scores, pairs.parts, pairs.affinities, pairs.factors)


def _matcher(members: pa.Table, vectors: Sparse) -> Matcher:
    dense = {name: matrix_of(members[column]) for name, column in VECTORS.items()}
    levels = members["level"].to_numpy()
    return Matcher(vectors, dense, np.ones(len(levels)), levels=levels)


def _columns(artist_ids: pa.Array, lists: pa.ListArray) -> tuple[Ids, Ints, Ints]:
    """The artists of the cell ascending, where the entries of each listener begin, and the columns of those."""
    places, different = pd.factorize(artist_ids.to_numpy(zero_copy_only=False), sort=True)
    edges = np.r_[0, np.cumsum(lists.value_lengths().to_numpy())]
    return np.asarray(different, dtype=object), edges, places


def _without_zeros(values: Ids, places: Ints, edges: Ints, shape: tuple[int, int]) -> Sparse:
    found = csr_array((values, places, edges), shape=shape, copy=True)
    found.eliminate_zeros()
    return found


def _names(names: pa.Array) -> tuple[Ids, Ints]:
    """The different names ascending, and which of them each is."""
    codes, different = pd.factorize(names.fill_null("").to_numpy(zero_copy_only=False), sort=True)
    return np.asarray(different, dtype=object), codes


def _genres(entries: pa.StructArray, places: Ints, artists: int) -> Sparse:
    """Artists by genres, as the population weighs them: each as its first entry has it."""
    _, firsts = np.unique(places, return_index=True)
    lists = entries.field("genre_weights").take(pa.array(firsts))
    told = lists.flatten()
    columns, genres = pd.factorize(told.field("genre").to_numpy(zero_copy_only=False), sort=True)
    edges = np.r_[0, np.cumsum(lists.value_lengths().to_numpy())]
    return csr_array((told.field("weight").to_numpy(), columns, edges), shape=(artists, len(genres)))


def _barred(users: Ids, lists: pa.ListArray) -> Sparse | None:
    """Pairs of which one blocks the other, as a matrix; None without any."""
    if not len(lists.flatten()):
        return None
    rows = np.repeat(np.arange(len(users)), lists.value_lengths().to_numpy())
    others = _ids(lists.flatten())
    columns = np.searchsorted(users, others).clip(max=len(users) - 1)
    is_here = users[columns] == others
    found = (np.ones(int(is_here.sum())), (rows[is_here], columns[is_here]))
    return csr_array(found, shape=(len(users), len(users)))


def _ids(column: pa.ChunkedArray | pa.Array) -> Ids:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=object)


def _flags(column: pa.ChunkedArray) -> Bools:
    flags: Bools = column.to_numpy().astype(bool)
    return flags
