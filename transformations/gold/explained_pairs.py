"""All that is known of listeners, in one place, to matched pairs and why they match: a frame of links in, Arrow out.

It runs in a worker, which has numpy, pandas and Arrow, and neither this project's schemas nor a session. The order of
rows does not matter: ids are sorted, and weights that are added up are whole fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.sparse import csr_array

from schemas.vocab import MOODS
from transformations.gold.user_taste_profiles import FEATURES
from transformations.ranking.counts import Bools, Counts, Floats, Ids, Ints, Sparse
from transformations.ranking.explained import Entries, Lookup, News, genre_weights, ranks, shared
from transformations.ranking.matcher import WEIGHTS, Matcher, Pairs, dense_units
from transformations.ranking.population import hub_sample

TOP = 50
SHOWN_ARTISTS, NEW_ARTISTS = 10, 5
PLACES = 9  # digits that are stored: the last bits of a float depend on the machine
BLOCK_PAIRS = 10_000


def explained_pairs(given: pd.DataFrame) -> Iterator[pa.Table]:
    """All links in; out, in blocks, the columns of gold.user_match_explanations that the engine knows, `sound_parts`
    in the order of FEATURES and `is_activity_shown`.

    Kinds are plays and top_items (listener, artist, weight, name), genres (artist, genre, tracks), sound and moods
    (listener, feature or mood, value), choices (listener, unmatched or active) and blocks (listener, listener).
    """
    kinds = dict(list(given.groupby("kind")))
    none = given.iloc[:0]
    choices = kinds.get("choices", none)
    unmatched = choices["left"][choices["right"] == "unmatched"]
    heard, listed = (_without(kinds.get(name, none), unmatched) for name in ("plays", "top_items"))
    counted = pd.concat([heard[heard["weight"] > 0], listed])
    if counted.empty:
        return
    counts = Counts.of(counted["left"], counted["right"], counted["weight"])
    genres = kinds.get("genres", none)
    labels = counts.labels(genres["left"], genres["right"], genres["weight"])
    sound = feature_vectors(kinds.get("sound", none), counts.users, FEATURES)
    moods = _from_the_mean(feature_vectors(kinds.get("moods", none), counts.users, MOODS))
    further = {"sound": _known_units(sound), "moods": _known_units(moods)}
    matcher = Matcher.of(counts.matrix, labels, further=further, sample=hub_sample(counts.users))
    pairs = matcher.top(TOP, barred=_placed(kinds.get("blocks", none), counts.users, counts.users, both_ways=True))
    plays = _placed(heard, counts.users, counts.items)
    spelt = counted.groupby("right")["name"].min().reindex(counts.items).to_numpy()
    names, codes = np.unique(spelt, return_inverse=True)
    by_engine = ByEngine(
        users=counts.users,
        items=counts.items,
        names=names,
        name_codes=lambda _, items: codes[items],
        ranks=Lookup.of(ranks(counts.matrix)),
        plays=Lookup.of(plays),
        news=News.of(counts.matrix, matcher.vectors["artists"], genre_weights(counts.matrix, labels), plays),
        matcher=matcher,
        has_plays=_are_in(counts.users, heard["left"][heard["weight"] > 0]),
        has_lists=_are_in(counts.users, listed["left"]),
        is_open=_are_in(counts.users, choices["left"][choices["right"] == "active"]),
    )
    for low in range(0, len(pairs.users), BLOCK_PAIRS):
        yield by_engine.rows(pairs.part(slice(low, low + BLOCK_PAIRS)))


@dataclass(frozen=True)
class ByEngine:
    """Listeners who are matched, and by which ids, names and plays pairs of them are told.

    `name_codes` are places among `names`, of listeners and items: not all spell an artist alike.
    """

    users: Ids
    items: Ids
    names: Ids
    name_codes: Callable[[Ints, Ints], Ints]
    ranks: Lookup
    plays: Lookup
    news: News
    matcher: Matcher
    has_plays: Bools
    has_lists: Bools
    is_open: Bools

    def rows(self, pairs: Pairs) -> pa.Table:
        """The rows of the pairs."""
        users, matches, factors = pairs.users, pairs.matches, pairs.factors
        heaviest, counts = shared(self.matcher.vectors["artists"], users, matches, SHOWN_ARTISTS)
        each = self.matcher.weights["artists"] * factors[heaviest.places] * heaviest.values
        told = np.bincount(heaviest.places, weights=each, minlength=len(users))
        sound = self.matcher.vectors["sound"]
        of_sound = self.matcher.weights["sound"] * factors[:, None] * sound[users] * sound[matches]
        columns = {
            "user_id": pa.array(self.users[users], pa.string()),
            "match_user_id": pa.array(self.users[matches], pa.string()),
            "summary": self._summary(pairs, counts),
            "shared_artists": self._lists(heaviest, users, matches, part=pa.array(np.round(each, PLACES))),
            "other_artists_part": pa.array(np.round(pairs.parts["artists"] - told, PLACES)),
            "suggestions_new_artists": self._new_artists(users, matches),
            "sound_parts": pa.ListArray.from_arrays(
                np.arange(len(users) + 1, dtype=np.int32) * len(FEATURES), pa.array(np.round(of_sound, PLACES).ravel())
            ),
            "is_activity_shown": pa.array(self.is_open[users] & self.is_open[matches]),
        }
        return pa.table(columns)

    def _summary(self, pairs: Pairs, shared_artists: Ints) -> pa.StructArray:
        users, matches, near = pairs.users, pairs.matches, pairs.affinities
        of_artists = {name: self.matcher.weights[name] for name in ("artists", "neighbours")}
        by_weight = np.sum([weight * near[name] for name, weight in of_artists.items()], axis=0)
        nothing = np.zeros(len(users))
        return struct_of(
            rank=pa.array(pairs.ranks.astype(np.int32)),
            score=_rounded(pairs.scores),
            parts=struct_of(**{name: _rounded(pairs.parts.get(name, nothing)) for name in WEIGHTS}),
            shared_artists_count=pa.array(shared_artists.astype(np.int64)),
            artist_affinity=_rounded((by_weight / sum(of_artists.values())).clip(0, 1)),
            genre_overlap=_rounded(near.get("genres", nothing).clip(0, 1)),
            audio_affinity=_rounded(near["sound"].clip(0, 1), ~self._is_known("sound", users, matches)),
            mood_affinity=_rounded(near["moods"].clip(0, 1), ~self._is_known("moods", users, matches)),
            basis=self._basis(users, matches),
        )

    def _lists(self, entries: Entries, users: Ints, matches: Ints, part: pa.Array) -> pa.ListArray:
        own, theirs = users[entries.places], matches[entries.places]
        spelt = np.minimum(self.name_codes(own, entries.items), self.name_codes(theirs, entries.items))
        fields = struct_of(
            artist_id=pa.array(self.items[entries.items], pa.string()),
            artist_name=pa.array(self.names[spelt], pa.string()),
            rank=pa.array(self.ranks.at(own, entries.items).astype(np.int32)),
            match_rank=pa.array(self.ranks.at(theirs, entries.items).astype(np.int32)),
            listen_count=pa.array(self.plays.at(own, entries.items).astype(np.int64)),
            match_listen_count=pa.array(self.plays.at(theirs, entries.items).astype(np.int64)),
            part=part,
        )
        return pa.ListArray.from_arrays(entries.offsets(len(users)), fields)

    def _new_artists(self, users: Ints, matches: Ints) -> pa.ListArray:
        new = self.news.of_pairs(users, matches, NEW_ARTISTS)
        theirs = matches[new.places]
        fields = struct_of(
            artist_id=pa.array(self.items[new.items], pa.string()),
            artist_name=pa.array(self.names[self.name_codes(theirs, new.items)], pa.string()),
            genre_overlap=pa.array(new.values),
            match_rank=pa.array(self.ranks.at(theirs, new.items).astype(np.int32)),
            match_listen_count=pa.array(self.plays.at(theirs, new.items).astype(np.int64)),
        )
        return pa.ListArray.from_arrays(new.offsets(len(users)), fields)

    def _is_known(self, kind: str, users: Ints, matches: Ints) -> Bools:
        has = np.abs(self.matcher.vectors[kind]).sum(axis=1) > 0
        is_known: Bools = has[users] & has[matches]
        return is_known

    def _basis(self, users: Ints, matches: Ints) -> pa.Array:
        plays, lists = (has[users] | has[matches] for has in (self.has_plays, self.has_lists))
        return pa.array(np.where(plays & lists, "both", np.where(plays, "plays", "top_items")).tolist(), pa.string())


def _without(rows: pd.DataFrame, users: pd.Series) -> pd.DataFrame:
    return rows[~rows["left"].isin(users)]


def _are_in(ids: Ids, some: pd.Series) -> Bools:
    are_in: Bools = pd.Index(ids).isin(some)
    return are_in


def _placed(rows: pd.DataFrame, left: Ids, right: Ids, *, both_ways: bool = False) -> Sparse:
    """The rows as a matrix over ids in order, less those of other ids; a weight of 0 is an entry as well."""
    places = [
        np.searchsorted(ids, rows[name]).clip(max=len(ids) - 1) for ids, name in ((left, "left"), (right, "right"))
    ]
    is_known = (left[places[0]] == rows["left"].to_numpy()) & (right[places[1]] == rows["right"].to_numpy())
    one, other = (place[is_known] for place in places)
    weights = rows["weight"].to_numpy(dtype=float)[is_known]
    found = csr_array((weights, (one, other)), shape=(len(left), len(right)))
    return (found + found.T).tocsr() if both_ways else found


def known_vectors(rows: pd.DataFrame, users: Ids, names: tuple[str, ...]) -> Floats:
    """Users by names; NaN where nothing is known."""
    table = rows.pivot_table(index="left", columns="right", values="weight", aggfunc="sum")
    found: Floats = table.reindex(index=users, columns=list(names)).to_numpy(dtype=float)
    return found


def feature_vectors(rows: pd.DataFrame, users: Ids, names: tuple[str, ...]) -> Floats:
    """Users by names; 0 where nothing is known, NaN where nothing is known of a user at all."""
    found = known_vectors(rows, users, names)
    is_known = ~np.isnan(found).all(axis=1, keepdims=True)
    return np.where(is_known, np.nan_to_num(found), np.nan)


def _from_the_mean(vectors: Floats) -> Floats:
    """How the vectors differ from the mean of those known."""
    known = vectors[~np.isnan(vectors).any(axis=1)]
    return vectors - known.mean(axis=0) if len(known) else vectors


def _known_units(vectors: Floats) -> Floats:
    """Of length 1; 0 where nothing is known, or nothing differs."""
    return dense_units(np.nan_to_num(vectors))


def _rounded(values: Floats, is_unknown: Bools | None = None) -> pa.Array:
    return pa.array(np.round(values, PLACES), mask=is_unknown)


def struct_of(**columns: pa.Array) -> pa.StructArray:
    """A record a row, of columns of one length."""
    return pa.StructArray.from_arrays(list(columns.values()), names=list(columns))
