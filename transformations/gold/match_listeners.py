"""Listeners' own rows, joined with the artists of the pinned population, to what they are compared by: a row each.

The trap: vectors are worked out in batches, and must not depend on who else is in one: entries stand by artist id, and
nothing is taken over the batch but which artists there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy.sparse import csr_array

from schemas.gold.match_listeners import CONTRACT
from schemas.vocab import MOODS
from transformations.gold.counted_artists import counted_artists
from transformations.gold.explained_pairs import struct_of
from transformations.gold.match_model import felt_moods
from transformations.gold.user_taste_profiles import FEATURES
from transformations.ranking.counts import Bools, Floats, Ints
from transformations.ranking.matcher import Artists
from transformations.ranking.population import Listeners, Population

NAMES = CONTRACT.names  # workers have no contracts
ARTIST = "artist_id, artist_name, count, plays, is_listed, rarity, neighbours, genres, genre_weights"
BATCH_USERS = 2_000  # whose artists' directions stand in memory at a time


def build(
    *,
    user_artists: DataFrame,
    user_top_items: DataFrame,
    privacy_settings: DataFrame,
    user_taste_profiles: DataFrame,
    user_mood_profiles: DataFrame,
    match_model: DataFrame,
    population: Population | None,
) -> DataFrame:
    """Of some listeners or of all; `population` is the model less its artists, without which there is nothing."""
    counted = counted_artists(user_artists, user_top_items, privacy_settings)
    known = match_model.where("kind = 'artist'").selectExpr(
        "id AS artist_id", "rarity", "neighbours", "genres", "genre_weights"
    )
    lists = (
        counted.join(known, "artist_id", "left")
        .groupBy("user_id")
        .agg(F.expr(f"sort_array(collect_list(struct({ARTIST}))) AS artists"))
        .where("exists(artists, one -> one.count > 0)")
    )
    profiles = user_taste_profiles.selectExpr(
        "user_id",
        "array_sort(transform(top_artists, one -> named_struct("
        "'artist_id', one.artist_id, 'track_id', one.track_id, 'track_name', one.track_name))) AS top_artists",
        "transform(array_sort(transform(genres, one -> struct(-one.listen_count AS most, one.genre))), one -> "
        "named_struct('genre', one.genre, 'listen_count', -one.most)) AS top_genres",
        "sound.raw AS raw",
        "tempo",
        "recent_tracks",
    )
    moods = felt_moods(user_mood_profiles).groupBy("user_id").pivot("mood", list(MOODS)).agg(F.first("share"))
    shown = privacy_settings.select("user_id", "is_activity_shown")
    rows = (
        lists.join(profiles, "user_id", "left")
        .join(moods.selectExpr("user_id", f"array({', '.join(MOODS)}) AS moods"), "user_id", "left")
        .join(shown, "user_id", "left")
        .selectExpr(
            "user_id",
            "artists",
            "coalesce(raw, array()) AS raw",
            "coalesce(moods, array()) AS moods",
            "coalesce(is_activity_shown, false) AS is_activity_shown",
            "coalesce(top_artists, array()) AS top_artists",
            "coalesce(top_genres, array()) AS top_genres",
            "tempo",
            "coalesce(recent_tracks, array()) AS recent_tracks",
        )
    )
    return rows.mapInArrow(partial(in_batches, population=population), CONTRACT.struct())


# --- in the worker


def in_batches(batches: Iterator[pa.RecordBatch], *, population: Population | None) -> Iterator[pa.RecordBatch]:
    if population is None:
        return
    for batch in batches:
        for low in range(0, batch.num_rows, BATCH_USERS):
            yield from records(pa.Table.from_batches([batch.slice(low, BATCH_USERS)]), population).to_batches()


def records(rows: pa.Table, population: Population) -> pa.Table:
    """The rows of the table."""
    rows = rows.combine_chunks()
    lists = rows["artists"].combine_chunks()
    users = rows["user_id"].to_numpy().astype(object)
    entries, edges = lists.flatten(), np.r_[0, np.cumsum(lists.value_lengths().to_numpy())]

    def field(name: str) -> pa.Array:
        return entries.field(name)

    ids = field("artist_id")
    places, artist_ids = pd.factorize(ids.to_numpy(zero_copy_only=False), sort=True)
    firsts = np.unique(places, return_index=True)[1]
    rarity = field("rarity").take(pa.array(firsts)).to_numpy(zero_copy_only=False).astype(float)
    artists = Artists(
        np.where(np.isnan(rarity), population.new_rarity, rarity),
        *(
            _directions(field(name).take(pa.array(firsts)), width)
            for name, width in zip(("neighbours", "genres"), population.width, strict=True)
        ),
    )
    counts = csr_array((field("count").to_numpy(), places, edges), shape=(len(users), len(artist_ids)))
    listed = csr_array((field("is_listed").to_numpy(zero_copy_only=False), places, edges), shape=counts.shape)
    plays = csr_array((field("plays").to_numpy() > 0, places, edges), shape=counts.shape)
    sound = _padded(rows["raw"].combine_chunks(), len(FEATURES))
    moods = _padded(rows["moods"].combine_chunks(), len(MOODS))
    listeners = Listeners(users, counts, sound, moods)
    vectors = population.vectors(listeners, artists)
    weights = vectors[0]
    told = {
        "user_id": rows["user_id"],
        "level": population.levels(listeners, artist_ids.astype(object), vectors),
        "cells": _lists(population.cells(vectors)).cast(pa.list_(pa.int32())),
        "artists": pa.ListArray.from_arrays(
            edges.astype(np.int32),
            struct_of(
                artist_id=ids,
                artist_name=field("artist_name"),
                count=field("count"),
                plays=field("plays"),
                weight=pa.array(weights.data),
                genre_weights=_filled(field("genre_weights")),
            ),
        ),
        **{name: _lists(vectors[1][name]) for name in ("neighbours", "genres")},
        "sound_vector": _lists(vectors[1]["sound"]),
        "mood_vector": _lists(vectors[1]["moods"]),
        "is_heard": _any(plays),
        "is_listed": _any(listed),
        **{name: rows[name] for name in ("is_activity_shown", "top_artists", "top_genres", "tempo", "recent_tracks")},
        "sound": _sound(sound, population.normalised(sound), rows["raw"].combine_chunks()),
    }
    return pa.table({name: told[name] for name in NAMES})


def _directions(lists: pa.ListArray, width: int) -> Floats:
    """Rows of lists of one length; 0 of those that are null."""
    found = np.zeros((len(lists), width))
    is_known = lists.is_valid().to_numpy(zero_copy_only=False)
    found[is_known] = lists.drop_null().flatten().to_numpy(zero_copy_only=False).reshape(int(is_known.sum()), width)
    return found


def _padded(lists: pa.ListArray, width: int) -> Floats:
    """Rows of lists of one length or of none; NaN where nothing is known."""
    found = np.full((len(lists), width), np.nan)
    found[lists.value_lengths().to_numpy() > 0] = (
        lists.flatten().to_numpy(zero_copy_only=False).astype(float).reshape(-1, width)
    )
    return found


def _any(entries: csr_array) -> Bools:
    is_there: Bools = np.asarray(entries.astype(float).sum(axis=1)).ravel() > 0
    return is_there


def _lists(values: Floats | Ints) -> pa.ListArray:
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(offsets, pa.array(values.ravel()))


def _sound(raw: Floats, normalised: Floats, given: pa.ListArray) -> pa.ListArray:
    """Per feature; null where no sound is known."""
    size = len(raw)
    is_known = given.value_lengths().to_numpy() > 0
    fields = struct_of(
        feature=pa.array(list(FEATURES) * int(is_known.sum()), pa.string()),
        raw=pa.array(raw[is_known].ravel(), mask=np.isnan(raw[is_known].ravel())),
        normalised=pa.array(normalised[is_known].ravel(), mask=np.isnan(normalised[is_known].ravel())),
    )
    offsets = np.r_[0, np.cumsum(is_known * len(FEATURES))].astype(np.int32)
    mask = np.r_[~is_known, False] if size else np.zeros(1, dtype=bool)
    return pa.ListArray.from_arrays(pa.array(offsets, mask=mask), fields)


def _filled(lists: pa.ListArray) -> pa.ListArray:
    """Empty where null."""
    offsets = np.r_[0, np.cumsum(np.nan_to_num(lists.value_lengths().to_numpy(zero_copy_only=False)))]
    return pa.ListArray.from_arrays(offsets.astype(np.int32), lists.drop_null().flatten())
