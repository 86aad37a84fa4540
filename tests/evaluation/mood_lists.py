"""J, lists by mood: does a track of the list "sad" carry that mood, by labels that its mood was not fitted on?

The trap: the committed model was fitted on these labels. Each labelled song is given the mood of a model that has not
seen its artists, and labelled songs are the only ones whose mood is known, so that the lists hold nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType

from jobs.mood_model import (
    FOLDS,
    SEEDS,
    Floats,
    LabelledSongs,
    fitted,
    folds,
    out_of_fold,
    probabilities,
    soft_quadrants,
)
from jobs.runtime.frames import local_frame
from jobs.runtime.lake import Lake
from jobs.training import TrainingSet, read_labels, training_set
from schemas.vocab import MOODS
from tests.evaluation.lakes import inputs_of, listeners_lake, some_listeners
from tests.evaluation.sections import Gate, Section
from transformations.gold import recommendations
from transformations.names import artist_key, title_key
from transformations.silver import track_moods

LISTENERS, LISTENERS_SEED = 100, 0
LENGTHS = (5, 10, 20)
LENGTH = 10  # at which the moods are told apart
STORED = 20
OURS = "**ours**"
LABELLED = StructType(
    [
        StructField("artist_key", StringType()),
        StructField("title_key", StringType()),
        StructField("place", LongType()),
    ]
)
Lists = Mapping[str, pd.DataFrame]  # by mood: rows of a list each, places of songs, best first


def measure(shared: Path) -> Section:
    lake = listeners_lake(shared)
    data = training_set(lake, read_labels(shared / "moods" / "moodylyrics.csv"), with_api_rows=False)
    moods = data.songs.moods
    tracks = labelled_tracks(lake, data).cache()
    of_track = {row["track_id"]: row["place"] for row in tracks.collect()}
    names = ("random lists", "soft quadrants at .5", "ours, by the mood's share alone", OURS)
    found: dict[str, list[dict[str, Floats]]] = {name: [] for name in names}
    for seed in SEEDS:
        shares = out_of_fold(data.songs, _model_of(data), seed)
        of_seed = (
            random_lists(len(moods), seed),
            by_share(soft_quadrants(data.songs.features)),
            by_share(shares),
            lists_of_songs(_recommended(lake, unseen_moods(lake, data, tracks, seed)), of_track),
        )
        for name, lists in zip(found, of_seed, strict=True):
            found[name].append({mood: right(lists[mood], moods == place) for place, mood in enumerate(MOODS)})
    precision = {name: _means(one) for name, one in found.items()}
    shares_of_labels = np.bincount(moods, minlength=len(MOODS)) / len(moods)
    best = precision[OURS]
    chance = float(shares_of_labels.mean())
    return Section(
        title="Lists by mood",
        how=(
            f"MoodyLyrics' labels of {len(moods)} songs of the catalogue. Each of them has the mood that a model gives "
            f"it which has not seen its artists ({FOLDS}-fold, seeds {', '.join(map(str, SEEDS))}: means), the mood of "
            f"every other track is unknown: so the lists by mood of {LISTENERS} of Last.fm-1K's listeners (drawn by "
            f"seed {LISTENERS_SEED}, with all that they and the others heard) are made of labelled songs alone, by the "
            "build of gold.recommendations. Precision: the share of the first songs that have the list's label. "
            f"Moods are at {LENGTH} songs."
        ),
        header=("method", *MOODS, *(f"all, @{length}" for length in LENGTHS)),
        rows=(
            ("prevalence", *map(_two, shares_of_labels), *[_two(chance)] * len(LENGTHS)),
            *((name, *_cells(one)) for name, one in precision.items()),
        ),
        gates=(
            Gate(
                f"lists by mood, precision@{LENGTH}",
                "above that of random lists and the prevalence",
                _two(best[LENGTH].mean()),
                bool(best[LENGTH].mean() > max(chance, precision["random lists"][LENGTH].mean())),
            ),
        ),
        notes=(
            "There is no threshold of mood to choose: a list is ordered by nearness to its mood, and taste moves a "
            "song by a factor of five at most. The stored lists of all listeners, of the whole catalogue, go further: "
            f"the first {STORED} have, by the model's own word, "
            + _told(_own_word(lake))
            + ". These labels were made from words: section D says how far sound can follow them."
            + beaten_by_chance(best[LENGTH], shares_of_labels),
        ),
    )


def labelled_tracks(lake: Lake, data: TrainingSet) -> DataFrame:
    """The catalogue's tracks of labelled songs: track_id, place (of the song)."""
    rows = [(artist, title, place) for place, (artist, title) in enumerate(data.names)]
    songs = local_frame(lake.spark, rows, LABELLED)
    named = (
        lake.read("silver.tracks")
        .where("is_catalogue")
        .select(
            "track_id",
            artist_key(F.get("artist_names", F.lit(0))).alias("artist_key"),
            title_key(F.col("track_name")).alias("title_key"),
        )
    )
    return named.join(F.broadcast(songs), ["artist_key", "title_key"]).select("track_id", "place")


def unseen_moods(lake: Lake, data: TrainingSet, tracks: DataFrame, seed: int) -> DataFrame:
    """silver.track_moods of the labelled tracks alone, each by a model fitted without the artists of its song."""
    features, words = lake.read("silver.track_features"), lake.read("silver.lyric_moods")
    places = folds(data.songs.groups, seed)
    built = []
    for fold in range(FOLDS):
        held_out = np.flatnonzero(places == fold).tolist()
        model = fitted(data.songs.where(places != fold), data.population)
        own = features.join(F.broadcast(tracks.where(F.col("place").isin(held_out))), "track_id", "left_semi")
        built.append(track_moods.build(track_features=own, lyric_moods=words, mood_sound=model))
    return reduce(DataFrame.unionByName, built)


def _recommended(lake: Lake, moods: DataFrame) -> pd.DataFrame:
    inputs = inputs_of(lake, "gold.recommendations")
    asked = F.col("user_id").isin(some_listeners(lake, LISTENERS, LISTENERS_SEED))
    inputs |= {"users": inputs["users"].where(asked), "track_moods": moods}
    as_of_date = lake.read("gold.recommendations").agg(F.max("as_of_date")).collect()[0][0]
    rows = recommendations.build(**inputs, as_of_date=as_of_date)
    return rows.where(F.col("list").isin(*MOODS)).select("user_id", "list", "rank", "track_id").toPandas()


def lists_of_songs(rows: pd.DataFrame, of_track: Mapping[str, int]) -> Lists:
    """Rows of recommendations as lists of songs. Raises AssertionError where a track of no labelled song is there."""
    places = rows["track_id"].map(of_track)
    assert places.notna().all(), "a list holds a track without a label"
    told = rows.assign(place=places.astype(int))
    return {mood: own.pivot(index="user_id", columns="rank", values="place") for mood, own in told.groupby("list")}


def random_lists(songs: int, seed: int) -> Lists:
    """The same lists for every mood, of all songs in a random order."""
    rng = np.random.default_rng(seed)
    drawn = pd.DataFrame([rng.permutation(songs) for _ in range(LISTENERS)])
    return dict.fromkeys(MOODS, drawn)


def by_share(shares: Floats) -> Lists:
    """A list for everybody, by what a model gives the mood."""
    return {mood: pd.DataFrame([np.argsort(-shares[:, place], kind="stable")]) for place, mood in enumerate(MOODS)}


def right(lists: pd.DataFrame, has_mood: np.ndarray) -> Floats:
    """The precision of the first songs, by LENGTHS; places that a short list lacks count as wrong."""
    places = lists.to_numpy(dtype=float)
    is_right = ~np.isnan(places) & has_mood[np.nan_to_num(places).astype(int)]
    return np.array([is_right[:, :length].sum(axis=1).mean() / length for length in LENGTHS])


def _means(by_seed: list[dict[str, Floats]]) -> dict[int, Floats]:
    """By length the precision of each mood."""
    found = np.array([[of[mood] for mood in MOODS] for of in by_seed]).mean(axis=0)
    return {length: found[:, place] for place, length in enumerate(LENGTHS)}


def _model_of(data: TrainingSet) -> Callable[[LabelledSongs, Floats], Floats]:
    def ours(training: LabelledSongs, features: Floats) -> Floats:
        return probabilities(fitted(training, data.population), features)

    return ours


def _own_word(lake: Lake) -> dict[str, tuple[float, float]]:
    """By mood: its mean share in the first songs of the stored lists, and in all tracks whose mood is known."""
    moods = lake.read("silver.track_moods").where(f"{MOODS[0]} IS NOT NULL")
    share = F.expr(f"CASE list {' '.join(f'WHEN {mood!r} THEN {mood}' for mood in MOODS)} END")
    stored = lake.read("gold.recommendations").where(F.col("list").isin(*MOODS) & (F.col("rank") <= STORED))
    inside = {
        row["list"]: row["share"]
        for row in stored.join(moods, "track_id").groupBy("list").agg(F.avg(share).alias("share")).collect()
    }
    everywhere = moods.agg(*[F.avg(mood).alias(mood) for mood in MOODS]).collect()[0]
    return {mood: (inside[mood], everywhere[mood]) for mood in MOODS}


def _told(shares: Mapping[str, tuple[float, float]]) -> str:
    each = [f"{_two(inside)} of {mood} (all tracks: {_two(outside)})" for mood, (inside, outside) in shares.items()]
    return f"{', '.join(each[:-1])} and {each[-1]}"


def beaten_by_chance(precision: Floats, prevalence: Floats) -> str:
    """The moods of which a list has less than any songs would have, where there are some: a mean may hide them."""
    moods = [mood for mood, found, share in zip(MOODS, precision, prevalence, strict=True) if found < share]
    return f" Of {' and '.join(moods)} the lists have less than any labelled songs would." if moods else ""


def _cells(of: Mapping[int, Floats]) -> tuple[str, ...]:
    return (*map(_two, of[LENGTH]), *(_two(of[length].mean()) for length in LENGTHS))


def _two(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")
