"""D, mood from sound: the fitted model against majority and quadrants, on songs whose artists it has not seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from jobs.mood_model import (
    CALIBRATION_BINS,
    FEATURES,
    FOLDS,
    SEEDS,
    CrossValidated,
    Floats,
    LabelledSongs,
    calibration_error,
    cross_validated,
    error_by_chance,
    fitted,
    fixed_quadrants,
    out_of_fold,
    probabilities,
    soft_quadrants,
)
from jobs.runtime.lake import Lake
from jobs.runtime.models import Models
from jobs.runtime.settings import ModelSettings
from jobs.training import Trained, read_labels, train
from schemas.models.mood_sound import MoodSound
from schemas.vocab import MOODS
from tests.evaluation.lakes import catalogue_lake
from tests.evaluation.sections import Gate, Section

ABOUT = "MoodyLyrics (Çano and Morisio 2017), published for public use"
FINE_BINS = 10
SAME = 1e-9


def measure(shared: Path) -> Section:
    lake = catalogue_lake(shared)
    labels = read_labels(shared / "moods" / "moodylyrics.csv")
    trained = train(lake, labels, about=ABOUT, with_api_rows=False)
    songs = trained.data.songs
    by_hand: dict[str, Callable[[LabelledSongs, Floats], Floats]] = {
        "majority": _majority,
        "fixed quadrants at .5": lambda _, features: fixed_quadrants(features),
        "soft quadrants at .5": lambda _, features: soft_quadrants(features),
    }
    found = {name: cross_validated(songs, predict) for name, predict in by_hand.items()}
    found["**ours, fitted**"] = trained.figures
    ours, soft = trained.figures.mean(), found["soft quadrants at .5"].mean()
    (committed,) = Models(ModelSettings()).of(("mood_sound",)).values()
    apart = _apart(lake, committed)
    agreeing, following = _structure(lake, trained)
    fine, fine_by_chance = _fine_error(trained)
    return Section(
        title="Mood from sound",
        how=(
            f"MoodyLyrics, {trained.data.label_rows:,} rows of {trained.data.label_songs:,} songs; the catalogue "
            f"has {len(songs)} of them by normalised artist and title, its ids of one name averaged into one song "
            f"({trained.data.two_moods} songs dropped for two labels); {FOLDS}-fold, no artist on both sides, seeds "
            f"{', '.join(map(str, SEEDS))}: means, and half the distance between the seeds. Brier sums over the four "
            f"moods; ECE is of the highest probability, in {CALIBRATION_BINS} bins of equal width; beside it what "
            "perfect probabilities of the same height would show on as many songs."
        ),
        header=("method", "accuracy", "macro-F1", "Brier", "ECE", "ECE by chance"),
        rows=tuple((name, *_cells(one)) for name, one in found.items()),
        gates=(
            Gate("accuracy", "at least .40 (over .60 is a leak)", _two(ours.accuracy), 0.40 <= ours.accuracy <= 0.60),
            Gate("macro-F1", "at least .33", _two(ours.macro_f1), ours.macro_f1 >= 0.33),
            Gate(
                "Brier",
                "below the soft quadrants'",
                f"{_two(ours.brier)} < {_two(soft.brier)}",
                ours.brier < soft.brier,
            ),
            Gate(f"ECE, {CALIBRATION_BINS} bins", "at most .03", _two(ours.ece), ours.ece <= 0.03),
            Gate(
                "each mood follows valence and energy, a step from every track",
                "always",
                f"{following:.0%} of steps",
                following == 1.0,
            ),
            Gate("the table's columns against the numeric model", "the same", f"{apart:.0e} apart", apart < SAME),
            Gate(
                "the committed model is what `train mood` makes of this data",
                "the same version",
                f"{committed.version}, {trained.model.version}",
                committed.version == trained.model.version,
            ),
        ),
        notes=(
            f"In {FINE_BINS} bins the ECE is {_two(fine)}; perfect probabilities would show {_two(fine_by_chance)}: "
            f"{len(songs)} songs cannot tell the two apart.",
            f"Of the catalogue's tracks {agreeing:.0%} have the mood of their quadrant around the median.",
            "The labels were made from words, not from sound: a model that is free to please them reaches more, by "
            "turning away from valence and energy. See docs/mood-model.md.",
        ),
    )


def _majority(training: LabelledSongs, features: Floats) -> Floats:
    shares = np.bincount(training.moods, minlength=len(MOODS)) / len(training)
    return np.tile(shares, (len(features), 1))


def _apart(lake: Lake, model: MoodSound) -> float:
    """The largest distance between silver.track_moods and the numeric model, over every track with a mood."""
    rows = lake.read("silver.track_moods").join(lake.read("silver.track_features"), "track_id")
    known = rows.where("mood <> 'unknown'").select(*MOODS, *FEATURES).toPandas().to_numpy(dtype=float)
    told, features = known[:, : len(MOODS)], known[:, len(MOODS) :]
    return float(np.abs(told - probabilities(model, features)).max())


def _structure(lake: Lake, trained: Trained) -> tuple[float, float]:
    """The share of tracks in the mood of their quadrant around the median; the share of steps in valence or energy,
    from real tracks, after which each mood moved the way its quadrant lies."""
    features = lake.read("silver.track_features").where("valence IS NOT NULL AND energy IS NOT NULL")
    tracks = features.orderBy("track_id").select(*FEATURES).toPandas().to_numpy(dtype=float)
    medians = trained.data.population.medians
    places = {name: FEATURES.index(name) for name in medians}
    high = {name: tracks[:, place] > medians[name] for name, place in places.items()}
    quadrant = np.select(
        [high["valence"] & high["energy"], ~high["valence"] & high["energy"], ~high["valence"]], [0, 1, 2], 3
    )
    shares = probabilities(trained.model, tracks)
    agreeing = float((shares.argmax(axis=1) == quadrant).mean())
    rising = {"valence": ("happy", "relaxed"), "energy": ("happy", "angry")}
    right = []
    for name, moods in rising.items():
        moved = tracks.copy()
        moved[:, places[name]] += 0.05
        after = probabilities(trained.model, moved) - shares
        signs = np.array([1.0 if mood in moods else -1.0 for mood in MOODS])
        right.append((after * signs > 0).all(axis=1).mean())
    return agreeing, float(np.mean(right))


def _fine_error(trained: Trained) -> tuple[float, float]:
    """The calibration error in more bins, and that of perfect probabilities."""
    songs = trained.data.songs

    def ours(training: LabelledSongs, features: Floats) -> Floats:
        return probabilities(fitted(training, trained.data.population), features)

    shares = [out_of_fold(songs, ours, seed) for seed in SEEDS]
    errors = [calibration_error(one, songs.moods, FINE_BINS) for one in shares]
    chance = [error_by_chance(one, seed=seed, bins=FINE_BINS) for one, seed in zip(shares, SEEDS, strict=True)]
    return float(np.mean(errors)), float(np.mean(chance))


def _cells(of: CrossValidated) -> tuple[str, ...]:
    mean, spread = of.mean(), of.spread()
    names = ("accuracy", "macro_f1", "brier", "ece")
    told = [f"{_two(getattr(mean, name))} ± {_two(getattr(spread, name))}" for name in names]
    return (*told, _two(of.ece_by_chance))


def _two(value: float) -> str:
    """Three decimals, as .412."""
    return f"{value:.3f}".removeprefix("0")
