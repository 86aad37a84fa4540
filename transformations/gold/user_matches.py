"""Plays per artist, Spotify's top lists, genres, sound and mood to the nearest listeners of each, by the exact engine.

Top lists count as plays, so that a listener who connected today has matches tonight.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.gold.user_matches import CONTRACT, PARTS
from schemas.vocab import MOODS
from transformations.gold.exact import computed, links
from transformations.gold.periods import counted_plays
from transformations.ids import artist_id_of_name
from transformations.names import artist_key
from transformations.ranking.counts import Bools, Counts, Floats, Ids, Ints, Sparse
from transformations.ranking.matcher import SHORTEST, WEIGHTS, Matcher

TOP = 50
COLUMNS, PART_NAMES = CONTRACT.names, PARTS.names  # plain names: what travels to a worker may not ask for the schemas
TOP_ITEM_PLAYS = {
    "short_term": 3.0,
    "medium_term": 6.0,
    "long_term": 12.0,
}  # the first of a list; the k-th a k-th of it


def build(
    *,
    user_artists: DataFrame,
    user_tracks: DataFrame,
    user_top_items: DataFrame,
    tracks: DataFrame,
    user_taste_profiles: DataFrame,
    user_mood_profiles: DataFrame,
) -> DataFrame:
    """All listeners in, at most 50 rows each out; a listener without an artist has none."""
    heard = user_artists.withColumn("plays", counted_plays()).where("plays > 0")
    listed = user_top_items.where((F.col("entity") == "artist") & F.get("artist_names", F.lit(0)).isNotNull())
    genres = (
        user_tracks.select("track_id")
        .distinct()
        .join(tracks, "track_id")
        .select("artist_id", F.explode("genres").alias("genre"))
        .groupBy("artist_id", "genre")
        .agg(F.count("*").alias("tracks"))
    )
    sounds = user_taste_profiles.where("sound IS NOT NULL").select("user_id", F.inline("sound"))
    moods = user_mood_profiles.where("period = 'all' AND happy IS NOT NULL").select(
        "user_id", F.explode(F.create_map(*[part for mood in MOODS for part in (F.lit(mood), F.col(mood))]))
    )
    user = F.col("user_id")
    return computed(
        [
            links(heard, "plays", user, F.col("artist_id"), F.col("plays")),
            links(listed, "top_items", user, _artist_id(), _listed_plays()),
            links(genres, "genres", F.col("artist_id"), F.col("genre"), F.col("tracks")),
            links(sounds.where("normalised IS NOT NULL"), "sound", user, F.col("feature"), F.col("normalised")),
            links(moods, "moods", user, F.col("key"), F.col("value")),
        ],
        _matches,
        CONTRACT,
    )


def _artist_id() -> Column:
    return artist_id_of_name(artist_key(F.get("artist_names", F.lit(0))))


def _listed_plays() -> Column:
    first = F.create_map(*[F.lit(part) for pair in TOP_ITEM_PLAYS.items() for part in pair])
    return first[F.col("time_range")] / F.col("rank")


def _matches(given: pd.DataFrame) -> pd.DataFrame:
    kinds = dict(list(given.groupby("kind")))
    none = given.iloc[:0]
    plays, listed = kinds.get("plays", none), kinds.get("top_items", none)
    both = pd.concat([plays, listed])
    if both.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    counts = Counts.of(both["left"], both["right"], both["weight"])
    genres = kinds.get("genres", none)
    vectors = {name: _vectors(kinds.get(name, none), counts) for name in ("sound", "moods")}
    vectors["moods"] = _from_the_mean(vectors["moods"])
    units = {name: _units(found) for name, found in vectors.items()}
    labels = counts.labels(genres["left"], genres["right"], genres["weight"])
    matcher = Matcher.of(counts.matrix, labels, further=units)
    pairs = matcher.top(TOP)
    parts = {name: pairs.parts.get(name, np.zeros(len(pairs.users))).tolist() for name in PART_NAMES}
    found = {
        name: np.clip(matcher.affinity(name, pairs.users, pairs.matches), 0, 1) if name in pairs.parts else 0.0
        for name in WEIGHTS
    }
    has = {name: np.abs(unit).sum(axis=1) > 0 for name, unit in units.items()}
    is_known = {name: has[name][pairs.users] & has[name][pairs.matches] for name in units}
    by_weight = WEIGHTS["artists"] * found["artists"] + WEIGHTS["neighbours"] * found["neighbours"]
    has_plays, has_lists = (np.isin(counts.users, rows["left"]) for rows in (plays, listed))
    return pd.DataFrame(
        {
            "user_id": counts.users[pairs.users],
            "match_user_id": counts.users[pairs.matches],
            "rank": pairs.ranks.astype(np.int32),
            "score": pairs.scores,
            "parts": [dict(zip(parts, row, strict=True)) for row in zip(*parts.values(), strict=True)],
            "shared_artists_count": _shared(counts.matrix, pairs.users, pairs.matches),
            "artist_affinity": by_weight / (WEIGHTS["artists"] + WEIGHTS["neighbours"]),
            "genre_overlap": found["genres"],
            "audio_affinity": pd.Series(found["sound"]).where(is_known["sound"]),
            "mood_affinity": pd.Series(found["moods"]).where(is_known["moods"]),
            "basis": _basis(has_plays, has_lists, pairs.users, pairs.matches),
        }
    )


def _vectors(rows: pd.DataFrame, counts: Counts) -> Floats:
    """Users by names in order; 0 where nothing is known, NaN where nothing is known of a user at all."""
    table = rows.pivot_table(index="left", columns="right", values="weight", aggfunc="sum").sort_index(axis=1)
    found: Floats = table.reindex(counts.users).to_numpy(dtype=float)
    is_known = ~np.isnan(found).all(axis=1, keepdims=True)
    return np.where(is_known, np.nan_to_num(found), np.nan)


def _from_the_mean(vectors: Floats) -> Floats:
    """How the vectors differ from the mean of those known."""
    known = vectors[~np.isnan(vectors).any(axis=1)]
    return vectors - known.mean(axis=0) if len(known) else vectors


def _units(vectors: Floats) -> Floats:
    """Of length 1; 0 where nothing is known, or nothing differs."""
    found = np.nan_to_num(vectors)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    units: Floats = np.where(lengths > SHORTEST, found / np.maximum(lengths, SHORTEST), 0)
    return units


def _shared(counts: Sparse, users: Ints, matches: Ints) -> Ints:
    is_held = counts.copy()
    is_held.data[:] = 1
    blocks = range(0, len(users), 200_000)
    found = [
        is_held[users[low : low + 200_000]].multiply(is_held[matches[low : low + 200_000]]).sum(axis=1)
        for low in blocks
    ]
    return np.concatenate(found).astype(np.int32) if found else np.empty(0, dtype=np.int32)


def _basis(has_plays: Bools, has_lists: Bools, users: Ints, matches: Ints) -> Ids:
    plays, lists = (has[users] | has[matches] for has in (has_plays, has_lists))
    return np.where(plays & lists, "both", np.where(plays, "plays", "top_items"))
