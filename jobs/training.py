"""Labelled songs and the lake to the sound model's artefact: what may be learned from, how good it is, and the file.

The trap: a value that came through Spotify's API may not be learned from, also where it only fills in a song whose
valence and energy came from elsewhere; nor may an estimate, which stands for other songs.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from jobs.mood_model import (
    FEATURES,
    FOLDS,
    SEEDS,
    CrossValidated,
    Floats,
    LabelledSongs,
    Population,
    artist_groups,
    cross_validated,
    fitted,
    probabilities,
    soft_quadrants,
)
from jobs.runtime.errors import ModelError, UsageError
from jobs.runtime.frames import local_frame
from jobs.runtime.lake import Lake
from schemas.models.mood_sound import NAME, MoodSound, Scale
from schemas.silver.features import LEADING
from schemas.vocab import MEASURED_SOURCES, MOODS
from transformations.millionths import SCALE, scaled
from transformations.names import artist_key, title_key

COLUMNS = ("Artist", "Song", "Emotion")
API_SOURCES = ("spotify",)  # of MEASURED_SOURCES those whose values come through Spotify's API
# What the sources' values are, for the artefact.
SOURCE_NOTES = {
    "spotify": "Spotify Web API, audio features; its developer terms forbid training",
    "reccobeats": "ReccoBeats API, features modelled by ReccoBeats",
    "kaggle": "Spotify Tracks Dataset (maharshipandya, Kaggle), ODbL 1.0",
    "beatport": "Beatport API",
}
LEAST_SONGS = 50
DIGITS = 6
SONG = ("artist_key", "title_key")
LABEL_FIELDS = StructType([StructField(name, StringType()) for name in ("artist_name", "track_name", "mood")])


@dataclass(frozen=True)
class Label:
    artist: str
    title: str
    mood: str


@dataclass(frozen=True)
class TrainingSet:
    """What the lake has of the labels: the songs, all songs' population, and an account of rows and tracks.

    `names` are the normalised artist and title of the songs; `used` and `left_out` count the labelled songs' tracks by
    feature_source.
    """

    songs: LabelledSongs
    names: tuple[tuple[str, str], ...]
    population: Population
    label_rows: int
    label_songs: int
    two_moods: int
    not_in_lake: int
    without_features: int
    used: dict[str, int]
    left_out: dict[str, int]
    with_api_rows: bool


@dataclass(frozen=True)
class Trained:
    model: MoodSound
    data: TrainingSet
    figures: CrossValidated
    hand_drawn: CrossValidated
    about: str

    def text(self) -> str:
        """The artefact: the same labels and lake give the same bytes; no label is in it."""
        data, mean, spread = self.data, self.figures.mean(), self.figures.spread()
        moods = np.bincount(data.songs.moods, minlength=len(MOODS))
        artefact = {
            "model": NAME,
            "version": self.model.version,
            **self.model.record(),
            "training": {
                "labels": self.about,
                "label_rows": data.label_rows,
                "label_songs": data.label_songs,
                "songs_used": len(data.songs),
                "songs_by_mood": {mood: int(count) for mood, count in zip(MOODS, moods, strict=True)},
                "tracks_used": data.used,
                "tracks_left_out": data.left_out,
                "population_songs": data.population.song_count,
                "features": {source: SOURCE_NOTES[source] for source in data.used},
                "with_api_rows": data.with_api_rows,
            },
            "figures": {
                "protocol": f"{FOLDS}-fold, no artist on both sides, seeds {', '.join(map(str, SEEDS))}",
                "mean": {name: round(value, 4) for name, value in vars(mean).items()},
                "half_spread": {name: round(value, 4) for name, value in vars(spread).items()},
                "ece_by_chance": round(self.figures.ece_by_chance, 4),
            },
        }
        return json.dumps(artefact, indent=2, ensure_ascii=False) + "\n"


def read_labels(path: Path) -> list[Label]:
    """Rows of a csv file with the columns Artist, Song and Emotion. Raises UsageError naming what is wrong where."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
                raise UsageError(f"{path.name} has no column {', '.join(missing)}: its header must name them")
            labels = [_label(path, line, row) for line, row in enumerate(reader, start=2)]
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise UsageError(f"{path.name} is no csv file in UTF-8") from None
    if not labels:
        raise UsageError(f"{path.name} has a header and no rows")
    return labels


def train(lake: Lake, labels: Sequence[Label], *, about: str, with_api_rows: bool) -> Trained:
    """Fit the model and say how good it is. Raises ModelError where the lake has too few of the labelled songs."""
    return trained(training_set(lake, labels, with_api_rows=with_api_rows), about)


def trained(data: TrainingSet, about: str) -> Trained:
    """The model of a training set, with its figures on songs whose artists it has not seen."""

    def ours(songs: LabelledSongs, features: Floats) -> Floats:
        return probabilities(fitted(songs, data.population), features)

    def by_hand(_: LabelledSongs, features: Floats) -> Floats:
        return soft_quadrants(features)

    return Trained(
        fitted(data.songs, data.population),
        data,
        cross_validated(data.songs, ours),
        cross_validated(data.songs, by_hand),
        about,
    )


def training_set(lake: Lake, labels: Sequence[Label], *, with_api_rows: bool) -> TrainingSet:
    """The labelled songs that the lake measured, with their features averaged over the tracks of one name.

    A song with two moods is dropped. Raises ModelError where too little is left.
    """
    allowed = tuple(source for source in MEASURED_SOURCES if with_api_rows or source not in API_SOURCES)
    named = _named_tracks(lake)
    songs = _songs(named.where(_is_usable(allowed)), allowed)
    population = _population(songs)
    labelled = _labelled(lake, labels)
    found = (
        named.join(labelled.where("mood IS NOT NULL"), list(SONG))
        .groupBy("feature_source")
        .agg(F.count("*").alias("tracks"))
        .orderBy("feature_source")
        .collect()
    )
    counts = {row["feature_source"]: int(row["tracks"]) for row in found}
    rows = (
        labelled.join(named.select(*SONG).distinct().withColumn("is_found", F.lit(True)), list(SONG), "left")
        .join(songs, list(SONG), "left")
        .orderBy(*SONG)
        .collect()
    )
    one_mood = [row for row in rows if row["mood"] is not None]
    usable = [row for row in one_mood if row["track_count"] is not None]
    chosen = LabelledSongs(
        np.array([[_number(row[name]) for name in FEATURES] for row in usable]).reshape(-1, len(FEATURES)),
        np.array([MOODS.index(row["mood"]) for row in usable], dtype=np.int64),
        artist_groups([row["artists"] for row in usable]),
    )
    _check(chosen)
    return TrainingSet(
        songs=chosen,
        names=tuple((row["artist_key"], row["title_key"]) for row in usable),
        population=population,
        label_rows=len(labels),
        label_songs=len(rows),
        two_moods=len(rows) - len(one_mood),
        not_in_lake=sum(not row["is_found"] for row in one_mood),
        without_features=sum(bool(row["is_found"]) for row in one_mood) - len(usable),
        used={source: count for source, count in counts.items() if source in allowed},
        left_out={source: count for source, count in counts.items() if source not in allowed},
        with_api_rows=with_api_rows,
    )


# --- inside


def _label(path: Path, line: int, row: dict[str, Any]) -> Label:
    artist, title, mood = ((row[name] or "").strip() for name in COLUMNS)
    if not artist or not title:
        raise UsageError(f"{path.name}, line {line}: a row needs an artist and a song")
    if mood.lower() not in MOODS:
        raise UsageError(f"{path.name}, line {line}: the emotion {mood!r} is none of {', '.join(MOODS)}")
    return Label(artist, title, mood.lower())


def _named_tracks(lake: Lake) -> DataFrame:
    """Every track with its normalised names, its artists' and its features."""
    artist = artist_key(F.get("artist_names", F.lit(0)))
    tracks = lake.read("silver.tracks").select(
        "track_id",
        artist.alias("artist_key"),
        title_key(F.col("track_name")).alias("title_key"),
        F.transform("artist_names", artist_key).alias("artists"),
    )
    features = lake.read("silver.track_features").select("track_id", "feature_source", "value_sources", *FEATURES)
    return tracks.join(features, "track_id")


def _is_usable(allowed: tuple[str, ...]) -> Column:
    valence, energy = (F.col(name).isNotNull() for name in LEADING)
    return F.col("feature_source").isin(*allowed) & valence & energy


def _songs(tracks: DataFrame, allowed: tuple[str, ...]) -> DataFrame:
    """A row per normalised artist and title; features are means over the tracks that have them of an allowed source."""

    def value(name: str) -> Column:
        is_allowed = F.col("value_sources")[name]["source"].isin(*allowed)
        known = F.col(name) if name in LEADING else F.when(is_allowed, F.col(name))
        return scaled(known.cast("double"))

    means = [(F.sum(value(name)) / F.count(value(name)) / SCALE).alias(name) for name in FEATURES]
    return tracks.groupBy(*SONG).agg(
        F.array_sort(F.array_distinct(F.flatten(F.collect_list("artists")))).alias("artists"),
        F.count("*").alias("track_count"),
        *means,
    )


def _population(songs: DataFrame) -> Population:
    """Means, standard deviations and medians over all songs, of exact sums."""
    sums = [F.count("*").alias("songs")]
    for name in FEATURES:
        units = scaled(F.col(name))
        sums.append(F.count(name).alias(f"{name}_count"))
        sums.append(F.sum(units).alias(f"{name}_sum"))
        sums.append(F.sum((units * units).cast("decimal(38,0)")).alias(f"{name}_squares"))
    sums += [F.median(name).alias(f"{name}_median") for name in LEADING]
    row = songs.agg(*sums).first()
    assert row is not None
    if not row["songs"]:
        raise ModelError("the lake has no measured features that may be learned from: import a catalogue first")
    scales = {}
    for name in FEATURES:
        count = row[f"{name}_count"]
        mean = Fraction(int(row[f"{name}_sum"] or 0), max(count, 1))
        variance = Fraction(int(row[f"{name}_squares"] or 0), max(count, 1)) - mean**2
        if variance <= 0:
            raise ModelError(f"{name} does not differ between the lake's songs: import a catalogue first")
        scales[name] = Scale(round(float(mean) / SCALE, DIGITS), round(sqrt(variance) / SCALE, DIGITS))
    medians = {name: round(float(row[f"{name}_median"]), DIGITS) for name in LEADING}
    return Population(scales, medians, int(row["songs"]))


def _labelled(lake: Lake, labels: Sequence[Label]) -> DataFrame:
    """A row per song of the labels; its mood is null where rows give it two."""
    rows = local_frame(lake.spark, [(one.artist, one.title, one.mood) for one in labels], LABEL_FIELDS)
    keyed = rows.select(
        artist_key(F.col("artist_name")).alias("artist_key"), title_key(F.col("track_name")).alias("title_key"), "mood"
    )
    return keyed.groupBy(*SONG).agg(
        F.when(F.min("mood") == F.max("mood"), F.min("mood")).alias("mood"),
    )


def _check(songs: LabelledSongs) -> None:
    missing = [mood for place, mood in enumerate(MOODS) if place not in songs.moods]
    if len(songs) < LEAST_SONGS or missing:
        without = f", none of them {' or '.join(missing)}" if missing else ""
        raise ModelError(
            f"{len(songs)} labelled songs have features in the lake{without}; a fit needs {LEAST_SONGS} and all four "
            "moods: import a catalogue that has them"
        )


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
