"""The engine of many in the worker, without Spark: the same as the exact one says of a pair, in whichever cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from schemas.vocab import MOODS
from tests.benchmarks.listeners import Listeners
from tests.transformations.gold.test_explained_pairs import Links, world  # noqa: F401 (a fixture)
from transformations.gold.explained_pairs import TOP, explained_pairs
from transformations.gold.match_cells import VECTORS, explained_of_cell, nearest_of_cell
from transformations.gold.match_listeners import records
from transformations.gold.match_model import fitted, read
from transformations.gold.user_taste_profiles import FEATURES
from transformations.ranking import population

COLUMNS = ["kind", "left", "right", "weight", "name"]
NUMBERS, WEIGHTS = pa.list_(pa.float64()), pa.list_(pa.struct([("genre", pa.string()), ("weight", pa.float64())]))
ENTRY = [
    ("artist_id", pa.string()),
    ("artist_name", pa.string()),
    ("count", pa.float64()),
    ("plays", pa.float64()),
    ("is_listed", pa.bool_()),
    ("rarity", pa.float64()),
    ("neighbours", pa.list_(pa.float32())),
    ("genres", pa.list_(pa.float32())),
    ("genre_weights", WEIGHTS),
]


def listeners_of(links: Links, *, batch: int = 10_000) -> pa.Table:
    """gold.match_listeners of links as the exact engine takes them, by a population fitted on all of them.

    The joins are those that Spark makes; the sound of the links is taken for raw.
    """
    given = pd.DataFrame(links, columns=COLUMNS)
    kinds = dict(list(given.groupby("kind")))
    none = given.iloc[:0]
    heard = pd.concat([kinds["plays"], kinds.get("top_items", none)])
    heard["plays"] = np.where(heard["kind"] == "plays", heard["weight"], 0.0)
    heard["is_listed"] = heard["kind"] == "top_items"
    aggregates = {"weight": "sum", "plays": "sum", "is_listed": "max", "name": "min"}
    counted = heard.groupby(["left", "right"]).agg(aggregates).reset_index()
    counts = counted[counted["weight"] > 0]
    held = counts.groupby("right").size()
    one_row = [("population", "", "", float(counts["left"].nunique()), None)]
    artists = [("artists", artist, "", float(n), None) for artist, n in held.items()]
    of_model = [pd.DataFrame(rows, columns=COLUMNS) for rows in (one_row, artists)]
    of_model += [
        counts.assign(kind="counts")[COLUMNS],
        *(kinds[name] for name in ("genres", "sound", "moods") if name in kinds),
    ]
    of_model = [rows[(rows["kind"] != "genres") | rows["left"].isin(held.index)] for rows in of_model]
    model = pa.concat_tables(list(fitted(pd.concat(of_model, ignore_index=True))))
    fit = read(model.filter(pc.not_equal(model["kind"], "artist")))
    assert fit is not None
    names = [name for name, _ in ENTRY[5:]]
    told = model.filter(pc.equal(model["kind"], "artist"))
    known = dict(zip(told["id"].to_pylist(), told.select(names).to_pylist(), strict=True))
    unknown = dict.fromkeys(names)
    lists: dict[str, list[Any]] = {}
    for user, artist, weight, plays, is_listed, name in counted.sort_values(["left", "right"]).itertuples(index=False):
        entry = {"artist_id": artist, "artist_name": name, "count": weight, "plays": plays, "is_listed": is_listed}
        lists.setdefault(user, []).append(entry | known.get(artist, unknown))
    numbers = {
        kind: {user: own.set_index("right")["weight"] for user, own in kinds.get(kind, none).groupby("left")}
        for kind in ("sound", "moods")
    }
    users = [user for user, own in lists.items() if any(one["count"] > 0 for one in own)]
    rows = pa.table(
        {
            "user_id": pa.array(users, pa.string()),
            "artists": pa.array([lists[user] for user in users], pa.list_(pa.struct(ENTRY))),
            "raw": pa.array([_in_order(numbers["sound"], user, FEATURES) for user in users], NUMBERS),
            "moods": pa.array([_in_order(numbers["moods"], user, MOODS) for user in users], NUMBERS),
            "is_activity_shown": pa.array([False] * len(users)),
            **{name: pa.nulls(len(users), NUMBERS) for name in ("top_artists", "top_genres", "tempo", "recent_tracks")},
        }
    )
    return pa.concat_tables([records(rows.slice(low, batch), fit) for low in range(0, len(users), batch)])


def _in_order(numbers: dict[str, Any], user: str, names: tuple[str, ...]) -> list[float]:
    return [float(numbers[user][name]) for name in names] if user in numbers else []


def members_of(listeners: pa.Table, **wanted: list[Any]) -> pa.Table:
    """One cell as `candidates` hands it over; everybody is asked unless it is said who is."""
    lists = listeners["artists"].combine_chunks()
    size = listeners.num_rows
    shown = {"is_asked": [True] * size, "is_news": [False] * size, "bound": [0.0] * size, "barred": [[]] * size}
    entries = lists.flatten()
    of_artists = {"artist_ids": entries.field("artist_id"), "weights": entries.field("weight")}
    return pa.table(
        {
            **{name: listeners[name] for name in ("user_id", "level", *VECTORS.values())},
            **{name: pa.ListArray.from_arrays(lists.offsets, found) for name, found in of_artists.items()},
            "cell": pa.array([0] * size, pa.int32()),
            **{name: wanted.get(name, given) for name, given in shown.items() if name != "barred"},
            "barred": pa.array(wanted.get("barred", shown["barred"]), pa.list_(pa.string())),
        }
    )


def nearest(members: pa.Table) -> pa.Table:
    return nearest_of_cell(members, size=60)


def best(found: pa.Table, size: int = TOP) -> pd.DataFrame:
    """As Spark chooses them over cells."""
    rows = found.to_pandas().groupby(["user_id", "match_user_id"]).agg({"score": "max", "cell": "min"}).reset_index()
    rows = rows.sort_values(["user_id", "score", "match_user_id"], ascending=[True, False, True])
    rows["rank"] = rows.groupby("user_id").cumcount() + 1
    return rows[rows["rank"] <= size]


def by_pair(rows: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["user_id"], row["match_user_id"]): row for row in rows}


def in_order(listeners: pa.Table, size: int) -> pa.Table:
    return listeners.take(pa.array(np.random.default_rng(size).permutation(listeners.num_rows)))


def test_a_cell_of_all_tells_what_the_exact_engine_does(world: Links) -> None:  # noqa: F811
    """But for the sound, which the two measure from other means."""
    soundless = [link for link in world if link[0] != "sound"]
    listeners = listeners_of(soundless)
    pairs = best(nearest(members_of(listeners)))
    rows = explained_of_cell(pa.Table.from_pandas(pairs, preserve_index=False), in_order(listeners, 1))
    ours = by_pair(rows.to_pylist())
    exact = by_pair(pa.concat_tables(list(explained_pairs(pd.DataFrame(soundless, columns=COLUMNS)))).to_pylist())
    shared = ours.keys() & exact.keys()
    assert len(shared) > 0.99 * len(exact)
    for pair in shared:
        one, other = ours[pair], exact[pair]
        assert one["summary"]["score"] == pytest.approx(other["summary"]["score"], abs=1e-7)
        assert one["summary"]["parts"] == pytest.approx(other["summary"]["parts"], abs=1e-7)
        for name in ("shared_artists_count", "basis"):
            assert one["summary"][name] == other["summary"][name]
        told, expected = (
            {
                artist["artist_id"]: (
                    artist["rank"],
                    artist["match_rank"],
                    artist["listen_count"],
                    artist["artist_name"],
                )
                for artist in row["shared_artists"]
            }
            for row in (one, other)
        )
        assert len(told.keys() - expected.keys()) <= 1  # of like parts
        assert all(told[artist][:3] == expected[artist][:3] for artist in told.keys() & expected.keys())
        assert [new["artist_id"] for new in one["suggestions_new_artists"]] == [
            new["artist_id"] for new in other["suggestions_new_artists"]
        ]


def test_what_is_said_of_a_pair_is_of_the_two_alone(world: Links) -> None:  # noqa: F811
    """To the last bit: whatever batch their rows came from, and whoever else is in the cell."""
    listeners = listeners_of(world)
    assert listeners_of(world, batch=7).to_pylist() == listeners.to_pylist()
    pairs = best(nearest(members_of(in_order(listeners, 2))))
    whole = by_pair(explained_of_cell(pa.Table.from_pandas(pairs, preserve_index=False), listeners).to_pylist())
    half = listeners.slice(0, 30)
    few = best(nearest(members_of(half)))
    scores = {(one.user_id, one.match_user_id): one.score for one in pairs.itertuples()}
    part = by_pair(explained_of_cell(pa.Table.from_pandas(few, preserve_index=False), half).to_pylist())
    met = part.keys() & whole.keys()
    assert len(met) > 100
    for pair in met:
        part[pair]["summary"].pop("rank"), whole[pair]["summary"].pop("rank")
        assert part[pair] == whole[pair]
    assert all(
        scores[one.user_id, one.match_user_id] == one.score
        for one in few.itertuples()
        if (one.user_id, one.match_user_id) in met
    )


def test_who_is_not_asked_hears_of_news_that_reaches_their_bound(world: Links) -> None:  # noqa: F811
    listeners = listeners_of(world)
    users = listeners["user_id"].to_pylist()
    everything = {
        (one.user_id, one.match_user_id): one.score for one in best(nearest(members_of(listeners)), 60).itertuples()
    }
    news = {"u03", "u17"}
    bound = float(np.median([score for (_, match), score in everything.items() if match in news]))
    is_news = [user in news for user in users]
    found = nearest(members_of(listeners, is_asked=is_news, is_news=is_news, bound=[bound] * len(users)))
    told = {(row["user_id"], row["match_user_id"]): row["score"] for row in found.to_pylist()}
    expected = {
        (user, match): score
        for (user, match), score in everything.items()
        if user in news or (match in news and score >= bound)
    }
    assert told == expected
    assert nearest(members_of(listeners, is_asked=[False] * 60, is_news=[False] * 60)).num_rows == 0


def test_barred_pairs_meet_nowhere(world: Links) -> None:  # noqa: F811
    listeners = listeners_of(world)
    barred: list[Any] = [[] for _ in range(60)]
    barred[0], barred[4] = ["u04", "of another cell"], ["u00"]
    met = {(row["user_id"], row["match_user_id"]) for row in nearest(members_of(listeners, barred=barred)).to_pylist()}
    assert not {("u00", "u04"), ("u04", "u00")} & met
    assert {pair for pair in met if "u00" in pair}


def test_cells_find_nearly_all_of_the_exact_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(population, "CELL_USERS", 30)
    few = Listeners(1_500)
    plays, genres = few.plays(), few.genres()
    links: Links = [("plays", user, artist, float(n), "") for user, artist, n in plays.itertuples(index=False)]
    links += [("genres", artist, genre, float(n), None) for artist, genre, n in genres.itertuples(index=False)]
    listeners = listeners_of(links)
    cells = np.array(listeners["cells"].to_pylist())
    compared, found = 0, []
    for cell in np.unique(cells):
        here = listeners.filter(pa.array((cells == cell).any(axis=1)))
        compared += here.num_rows**2
        found.append(nearest(members_of(here)))
    pairs = best(pa.concat_tables(found))
    exact = pd.concat(
        [
            block.select(["user_id", "match_user_id"]).to_pandas()
            for block in explained_pairs(pd.DataFrame(links, columns=COLUMNS))
        ]
    )
    met = exact.merge(pairs, on=["user_id", "match_user_id"])
    assert len(met) / len(exact) > 0.9
    assert compared < 0.5 * 1_500**2
