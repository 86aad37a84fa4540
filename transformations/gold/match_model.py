"""A sample of listeners, and what is counted of all, to the pinned population by which many are compared.

The trap: it is fitted in one process, so what goes there is bounded: a sample of listeners, and artists, never all
listeners. It stays until it is `outgrown`: each fit moves every score.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy.sparse import csr_array

from schemas.gold.match_model import CONTRACT
from schemas.vocab import MOODS
from transformations.gold.counted_artists import counted_artists, genres_of_artists
from transformations.gold.exact import computed_in_blocks, links
from transformations.gold.explained_pairs import known_vectors
from transformations.gold.user_taste_profiles import FEATURES
from transformations.ranking.counts import Counts, Floats, Sparse
from transformations.ranking.explained import genre_weights
from transformations.ranking.matcher import Artists, rarities
from transformations.ranking.population import Listeners, Population

NAMES = CONTRACT.names  # workers have no contracts
FITTED_USERS = 50_000  # listeners of whom directions, means and cells are fitted: all, or a sample


def build(
    *,
    user_artists: DataFrame,
    user_top_items: DataFrame,
    tracks: DataFrame,
    privacy_settings: DataFrame,
    user_taste_profiles: DataFrame,
    user_mood_profiles: DataFrame,
) -> DataFrame:
    """The model, fitted anew; no row where nobody is compared."""
    counted = counted_artists(user_artists, user_top_items, privacy_settings).where("count > 0")
    users = counted.select("user_id").distinct()
    sample = users.orderBy(F.md5("user_id")).limit(FITTED_USERS)
    of_sample = counted.join(sample, "user_id", "left_semi")
    held = counted.groupBy("artist_id").agg(F.count("*").alias("listeners"))
    genres = genres_of_artists(tracks).join(held, "artist_id", "left_semi")
    sounds = (
        user_taste_profiles.where("sound IS NOT NULL").selectExpr("user_id", "inline(sound)").where("raw IS NOT NULL")
    )
    felt = felt_moods(user_mood_profiles)
    user, artist, nobody = F.col("user_id"), F.col("artist_id"), F.lit("")
    return computed_in_blocks(
        [
            links(users.agg(F.count("*").alias("listeners")), "population", nobody, nobody, F.col("listeners")),
            links(of_sample, "counts", user, artist, F.col("count")),
            links(held, "artists", artist, nobody, F.col("listeners")),
            links(genres, "genres", artist, F.col("genre"), F.col("tracks")),
            links(sounds.join(sample, "user_id", "left_semi"), "sound", user, F.col("feature"), F.col("raw")),
            links(felt.join(sample, "user_id", "left_semi"), "moods", user, F.col("mood"), F.col("share")),
        ],
        fitted,
        CONTRACT.struct(),
    )


def outgrown(
    *,
    previous: DataFrame,
    user_artists: DataFrame,
    user_top_items: DataFrame,
    privacy_settings: DataFrame,
    refit_above_growth: float,
) -> DataFrame:
    """Why the model does not stand for the lake any more: `reason`, a row each, none where it does."""
    counted = counted_artists(user_artists, user_top_items, privacy_settings).where("count > 0")
    then = previous.where("kind = 'population'").selectExpr("listener_count", "artist_count", "false AS is_now")
    now = counted.agg(
        F.countDistinct("user_id").alias("listener_count"), F.countDistinct("artist_id").alias("artist_count")
    ).withColumn("is_now", F.lit(True))
    changes = " , ".join(
        f"named_struct('what', '{what}', 'was', max(IF(is_now, NULL, {name})), 'is', max(IF(is_now, {name}, NULL)))"
        for what, name in (("listeners", "listener_count"), ("artists", "artist_count"))
    )
    grown = (
        then.unionByName(now)
        .agg(F.expr(f"array({changes}) AS changes"))
        .selectExpr("inline(changes)")
        .where(f"abs(is - was) > {refit_above_growth} * was")
        .selectExpr("concat(is, ' ', what, ' are compared, it was fitted on ', was) AS reason")
    )
    gone = (
        previous.where("kind = 'listener'")
        .selectExpr("id AS user_id")
        .join(counted.select("user_id"), "user_id", "left_anti")
        .agg(F.count("*").alias("gone"))
        .where("gone > 0")
        .selectExpr("concat(gone, ' listeners of its sample left') AS reason")
    )
    return grown.unionByName(gone)


def felt_moods(user_mood_profiles: DataFrame) -> DataFrame:
    """user_id, mood, share: over all time, where known."""
    moods = ", ".join(f"'{mood}', {mood}" for mood in MOODS)
    known = user_mood_profiles.where("period = 'all' AND happy IS NOT NULL")
    return known.selectExpr("user_id", f"stack({len(MOODS)}, {moods}) AS (mood, share)")


# --- in the worker


def fitted(given: pd.DataFrame) -> Iterator[pa.Table]:
    """The rows of the table, of links: population and artists (how many listeners), counts, genres, sound, moods."""
    kinds = dict(list(given.groupby("kind")))
    none = given.iloc[:0]
    if "counts" not in kinds:
        return
    held = kinds["artists"].sort_values("left")
    ids, listeners = held["left"].to_numpy(dtype=object), int(kinds["population"]["weight"].iloc[0])
    rows = kinds["counts"]
    counts = Counts.of(rows["left"], rows["right"], rows["weight"])
    matrix = csr_array(
        (counts.matrix.data, np.searchsorted(ids, counts.items)[counts.matrix.indices], counts.matrix.indptr),
        shape=(len(counts.users), len(ids)),
    )
    genres = kinds.get("genres", none)
    of_all = Counts(counts.users, ids, matrix)
    labels = of_all.labels(genres["left"], genres["right"], genres["weight"])
    artists = Artists.of(matrix, labels, rarity=rarities(held["weight"].to_numpy(dtype=float), listeners))
    sample = Listeners(
        counts.users,
        matrix,
        known_vectors(kinds.get("sound", none), counts.users, FEATURES),
        known_vectors(kinds.get("moods", none), counts.users, MOODS),
    )
    genres_told = genre_weights(matrix, labels).sorted_indices()
    population = Population.of(sample, ids, artists, genres_told, listeners)
    names = np.unique(genres["right"].to_numpy(dtype=object)) if len(genres) else np.empty(0, dtype=object)
    yield _rows(
        "population",
        [population.version],
        listener_count=[listeners],
        artist_count=[len(ids)],
        rarity=[population.new_rarity],
        sound=[population.sound_means],
        sound_spreads=[population.sound_spreads],
        moods=[population.mood_means],
    )
    width = population.width[0]
    middles = population.middles
    yield _rows(
        "cell", [f"{n:07d}" for n in range(len(middles))], neighbours=middles[:, :width], genres=middles[:, width:]
    )
    vectors, dense = population.sample
    yield _rows("listener", population.sample_users, artists=_weights(vectors, ids, "artist_id"), **dense)
    yield _rows(
        "artist",
        ids,
        listener_count=held["weight"].astype("int64"),
        rarity=artists.rarity,
        neighbours=artists.neighbours,
        genres=np.zeros((len(ids), 0)) if artists.genres is None else artists.genres,
        genre_weights=_weights(genres_told, names, "genre"),
    )


def _rows(kind: str, ids: object, **columns: object) -> pa.Table:
    """Rows of the contract; what is not given is null."""
    size = len(ids)  # type: ignore[arg-type]
    types = {"neighbours": pa.list_(pa.float32()), "genres": pa.list_(pa.float32())}
    types |= dict.fromkeys(("sound", "sound_spreads", "moods"), pa.list_(pa.float64()))
    types |= {"genre_weights": _weighted("genre"), "artists": _weighted("artist_id"), "rarity": pa.float64()}
    types |= {"listener_count": pa.int64(), "artist_count": pa.int64(), "kind": pa.string(), "id": pa.string()}
    given = {"kind": [kind] * size, "id": ids, **columns}
    made = {name: _array(given[name], types[name]) if name in given else pa.nulls(size, types[name]) for name in NAMES}
    return pa.table(made)


def _array(values: object, kind: pa.DataType) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    if isinstance(values, np.ndarray) and values.ndim == 2:
        offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
        return pa.ListArray.from_arrays(offsets, pa.array(values.ravel(), kind.value_type))
    return pa.array(values, kind)


def _weighted(name: str) -> pa.DataType:
    return pa.list_(pa.struct([(name, pa.string()), ("weight", pa.float64())]))


def _weights(matrix: Sparse, names: object, called: str) -> pa.ListArray:
    """Per row its entries, by column."""
    found = matrix.tocsr().sorted_indices()
    fields = [pa.array(np.asarray(names)[found.indices], pa.string()), pa.array(found.data)]
    return pa.ListArray.from_arrays(
        found.indptr.astype(np.int32), pa.StructArray.from_arrays(fields, [called, "weight"])
    )


def artefact(match_model: DataFrame) -> DataFrame:
    """What of the model goes to every worker: all but the artists, who are joined."""
    return match_model.where("kind <> 'artist'")


def read(rows: pa.Table) -> Population | None:
    """The population of `artefact`; None where no model was fitted."""
    of = {kind: rows.filter(pc.equal(rows["kind"], kind)).sort_by("id") for kind in ("population", "cell", "listener")}
    if not of["population"].num_rows:
        return None
    (told,) = of["population"].to_pylist()
    cells, sample = of["cell"], of["listener"]
    entries = sample["artists"].combine_chunks()
    weights = entries.flatten()
    places, ids = pd.factorize(weights.field("artist_id").to_numpy(zero_copy_only=False), sort=True)
    shape = (sample.num_rows, len(ids))
    lengths = entries.value_lengths().to_numpy()
    vectors = csr_array((weights.field("weight").to_numpy(), places, np.r_[0, np.cumsum(lengths)]), shape=shape)
    dense = {name: matrix_of(sample[name]) for name in ("neighbours", "genres", "sound", "moods")}
    return Population(
        version=told["id"],
        listeners=told["listener_count"],
        width=(dense["neighbours"].shape[1], dense["genres"].shape[1]),
        sound_means=np.array(told["sound"]),
        sound_spreads=np.array(told["sound_spreads"]),
        mood_means=np.array(told["moods"]),
        middles=np.hstack([matrix_of(cells["neighbours"]), matrix_of(cells["genres"])]),
        sample_users=sample["id"].to_numpy().astype(object),
        sample_artists=np.asarray(ids, dtype=object),
        sample=(vectors, dense),
    )


def matrix_of(column: pa.ChunkedArray | pa.ListArray) -> Floats:
    """Lists of one length as rows."""
    lists = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    values = lists.flatten().to_numpy(zero_copy_only=False).astype(float)
    return values.reshape(len(lists), -1) if len(lists) and len(values) else np.zeros((len(lists), 0))
