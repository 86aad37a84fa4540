"""The fit of the sound model and its figures: labelled songs as arrays in, a model and how good it is out; no Spark.

Labels that were made from words say little about sound, so a prior says what is known beforehand and the labels move
it only as far as they have songs to show: Russell's circumplex (1980) puts happy at high valence and energy, angry at
low valence and high energy, sad at low both, relaxed at high valence and low energy. The trap: a fit that is free to
please the labels turns the two axes away from valence and energy; here no label can.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from schemas.models.mood_sound import Axis, MoodSound, Scale
from schemas.silver.features import LEADING
from schemas.vocab import MOODS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DECIMALS = 4  # of a coefficient: the songs say no more, and the last digits of an optimiser are no news
FOLDS = 5
SEEDS = (0, 1, 2)
CALIBRATION_BINS = 5  # of equal width: two hundred songs would leave a handful in each of more

# The prior, in log-odds per standard deviation of a feature, with how many songs' worth of evidence it takes to move
# it. A song tells at most a quarter of a unit of a weight's precision, so 100 is what 400 telling songs would say.
PRIOR_SLOPE = 0.5
LEAST_SLOPE = 0.35  # of valence and energy, whatever the labels say
LEADING_STRENGTH = 100.0
OTHER_STRENGTH = 20.0
BORDER_STRENGTH = 5.0  # where the border lies; before any label at the median song


@dataclass(frozen=True)
class AxisPlan:
    """An axis before the fit: the moods that it lifts, the feature that leads it, and the signs of the others."""

    name: str
    moods: tuple[str, ...]
    leader: str | None = None
    signs: Mapping[str, int] = field(default_factory=dict)
    has_border: bool = True

    @property
    def features(self) -> tuple[str, ...]:
        return ((self.leader,) if self.leader else ()) + tuple(self.signs)


# Valence is in the first axis alone and energy in the second, so every mood rises or falls with each of the two
# throughout. Major keys sound brighter; what is loud of itself, neither danced to nor acoustic, is harsh; slow is calm.
AXES = (
    AxisPlan("pleasant", ("happy", "relaxed"), leader="valence", signs={"mode": 1}),
    AxisPlan("intense", ("happy", "angry"), leader="energy"),
    AxisPlan("harsh", ("angry",), signs={"danceability": -1, "acousticness": -1, "loudness_db": 1}),
    AxisPlan("calm", ("relaxed",), signs={"tempo_bpm": -1}, has_border=False),
)
FEATURES = tuple(dict.fromkeys(name for axis in AXES for name in axis.features))


@dataclass(frozen=True)
class Population:
    """What is known of all songs: how a feature is standardised, and the median of those that lead."""

    scales: Mapping[str, Scale]
    medians: Mapping[str, float]
    song_count: int


@dataclass(frozen=True)
class LabelledSongs:
    """Songs with a label each: features in the order of FEATURES (NaN where missing), the mood's place in MOODS.

    Songs of one `group` share an artist and never stand on both sides of a split.
    """

    features: Floats
    moods: Ints
    groups: Ints

    def __len__(self) -> int:
        return len(self.moods)

    def where(self, chosen: NDArray[np.bool_]) -> LabelledSongs:
        return LabelledSongs(self.features[chosen], self.moods[chosen], self.groups[chosen])


@dataclass(frozen=True)
class Figures:
    """How good probabilities are: `brier` sums over the four moods, `ece` is of the highest of them."""

    accuracy: float
    macro_f1: float
    brier: float
    ece: float


@dataclass(frozen=True)
class CrossValidated:
    """Figures of each seed, and of the ECE what songs drawn from the very probabilities would show: no model does
    better than by chance."""

    by_seed: tuple[Figures, ...]
    ece_by_chance: float

    def mean(self) -> Figures:
        return Figures(*(float(np.mean(column)) for column in self._columns()))

    def spread(self) -> Figures:
        """Half the distance between the best and the worst seed."""
        return Figures(*(float(np.ptp(column)) / 2 for column in self._columns()))

    def _columns(self) -> list[list[float]]:
        return [[getattr(one, name) for one in self.by_seed] for name in Figures.__dataclass_fields__]


def fitted(songs: LabelledSongs, population: Population) -> MoodSound:
    """The model that the prior and the songs agree on: penalised maximum likelihood, the same for the same input."""
    scales = {name: population.scales[name] for name in FEATURES}
    design, lifts, prior = _design(songs.features, scales), _lifts(), _prior(population)
    wanted = np.eye(len(MOODS))[songs.moods]

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = design @ (weights[:, None] * lifts)
        highest = scores.max(axis=1, keepdims=True)
        evidence = highest[:, 0] + np.log(np.exp(scores - highest).sum(axis=1))
        away = weights - prior.centre
        value = (evidence - (scores * wanted).sum(axis=1)).sum() + (prior.strength * away**2).sum() / 2
        slope = design.T @ (np.exp(scores - evidence[:, None]) - wanted)
        return float(value), (slope * lifts).sum(axis=1) + prior.strength * away

    found = minimize(
        loss,
        prior.centre,
        jac=True,
        method="L-BFGS-B",
        bounds=prior.bounds,
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 2000},
    )
    return _model(np.round(found.x, DECIMALS) + 0.0, scales)


def probabilities(model: MoodSound, features: Floats) -> Floats:
    """A row per row of features (in the order of FEATURES), a column per mood: what the table's columns give."""
    standardised = _standardised(features, model.scales)
    scores = np.zeros((len(features), len(MOODS)))
    for axis in model.axes:
        added = np.full(len(features), axis.intercept)
        for name, weight in axis.weights.items():
            added += weight * standardised[:, FEATURES.index(name)]
        for mood in axis.moods:
            scores[:, MOODS.index(mood)] += added
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def soft_quadrants(features: Floats, *, middle: float = 0.5, steepness: float = 6.0) -> Floats:
    """The hand-drawn model that the fitted one is measured against: a logistic step at the middle of each axis."""
    pleasant, intense = (expit(steepness * (features[:, FEATURES.index(name)] - middle)) for name in LEADING)
    return np.stack(
        [pleasant * intense, (1 - pleasant) * intense, (1 - pleasant) * (1 - intense), pleasant * (1 - intense)], axis=1
    )


def fixed_quadrants(features: Floats, *, middle: float = 0.5) -> Floats:
    """All of a song's probability on the mood of its quadrant."""
    return soft_quadrants(features, middle=middle, steepness=1e9)


# --- figures


def figures(shares: Floats, moods: Ints) -> Figures:
    """Accuracy, macro-F1, Brier and expected calibration error of probabilities."""
    chosen = shares.argmax(axis=1)
    hits = [(chosen == mood) & (moods == mood) for mood in range(len(MOODS))]
    f1 = [2 * hit.sum() / max((chosen == m).sum() + (moods == m).sum(), 1) for m, hit in enumerate(hits)]
    brier = ((shares - np.eye(len(MOODS))[moods]) ** 2).sum(axis=1).mean()
    return Figures(float((chosen == moods).mean()), float(np.mean(f1)), float(brier), calibration_error(shares, moods))


def calibration_error(shares: Floats, moods: Ints, bins: int = CALIBRATION_BINS) -> float:
    """How far the highest probability is from how often it is right, on average over bins of equal width."""
    sure, right = shares.max(axis=1), shares.argmax(axis=1) == moods
    places = np.minimum((sure * bins).astype(int), bins - 1)
    return float(
        sum(abs(sure[places == place].sum() - right[places == place].sum()) / len(moods) for place in range(bins))
    )


def error_by_chance(shares: Floats, *, seed: int, draws: int = 50, bins: int = CALIBRATION_BINS) -> float:
    """The mean calibration error of songs whose moods are drawn from the very probabilities."""
    random = np.random.default_rng(seed)
    levels = shares.cumsum(axis=1)[:, :-1]
    drawn = [(random.random((len(shares), 1)) > levels).sum(axis=1) for _ in range(draws)]
    return float(np.mean([calibration_error(shares, moods, bins) for moods in drawn]))


def cross_validated(
    songs: LabelledSongs, predict: Callable[[LabelledSongs, Floats], Floats], seeds: Sequence[int] = SEEDS
) -> CrossValidated:
    """The figures of `predict(training songs, features)` on songs whose artists it has not seen, pooled over folds."""
    found = [out_of_fold(songs, predict, seed) for seed in seeds]
    chance = [error_by_chance(shares, seed=seed) for shares, seed in zip(found, seeds, strict=True)]
    return CrossValidated(tuple(figures(shares, songs.moods) for shares in found), float(np.mean(chance)))


def out_of_fold(songs: LabelledSongs, predict: Callable[[LabelledSongs, Floats], Floats], seed: int) -> Floats:
    """Every song's probabilities by a model that was fitted without its artists."""
    places = folds(songs.groups, seed)
    shares = np.zeros((len(songs), len(MOODS)))
    for fold in range(FOLDS):
        held_out = places == fold
        if held_out.any():
            shares[held_out] = predict(songs.where(~held_out), songs.features[held_out])
    return shares


def folds(groups: Ints, seed: int) -> Ints:
    """The fold of every song: whole groups, dealt out in a shuffled order."""
    order = np.unique(groups)
    np.random.default_rng(seed).shuffle(order)
    dealt = {group: place % FOLDS for place, group in enumerate(order)}
    return np.array([dealt[group] for group in groups], dtype=np.int64)


def artist_groups(artists: Sequence[Sequence[str]]) -> Ints:
    """A number per song; songs that share an artist, also by way of other songs, have the same."""
    names = {name: place for place, name in enumerate(dict.fromkeys(chain(*artists)), start=len(artists))}
    links = [(song, names[name]) for song, own in enumerate(artists) for name in own]
    ends = np.array(links, dtype=np.int64).reshape(-1, 2).T
    size = len(artists) + len(names)
    _, group = connected_components(coo_array((np.ones(len(links)), ends), shape=(size, size)), directed=False)
    return np.asarray(group[: len(artists)], dtype=np.int64)


# --- inside the fit


@dataclass(frozen=True)
class _Prior:
    centre: Floats
    strength: Floats
    bounds: list[tuple[float | None, float | None]]


def _prior(population: Population) -> _Prior:
    """Per weight where it stands before any label, how firmly, and within what bounds; borders lead each axis."""
    centre: list[float] = []
    strength: list[float] = []
    bounds: list[tuple[float | None, float | None]] = []
    for axis in AXES:
        if axis.has_border:
            centre.append(-PRIOR_SLOPE * _median(population, axis.leader) if axis.leader else 0.0)
            strength.append(BORDER_STRENGTH)
            bounds.append((None, None))
        if axis.leader:
            centre.append(PRIOR_SLOPE)
            strength.append(LEADING_STRENGTH)
            bounds.append((LEAST_SLOPE, None))
        for sign in axis.signs.values():
            centre.append(0.0)
            strength.append(OTHER_STRENGTH)
            bounds.append((0.0, None) if sign > 0 else (None, 0.0))
    return _Prior(np.array(centre), np.array(strength), bounds)


def _median(population: Population, name: str) -> float:
    """The median song's feature, standardised."""
    scale = population.scales[name]
    return (population.medians[name] - scale.mean) / scale.spread


def _design(features: Floats, scales: Mapping[str, Scale]) -> Floats:
    """A column per weight, in the order of the prior."""
    standardised = _standardised(features, scales)
    columns = []
    for axis in AXES:
        columns += [np.ones(len(features))] if axis.has_border else []
        columns += [standardised[:, FEATURES.index(name)] for name in axis.features]
    return np.stack(columns, axis=1)


def _standardised(features: Floats, scales: Mapping[str, Scale]) -> Floats:
    means, spreads = (np.array([getattr(scales[name], of) for name in FEATURES]) for of in ("mean", "spread"))
    standardised: Floats = np.nan_to_num((features - means) / spreads, nan=0.0)
    return standardised


def _lifts() -> Floats:
    """Which moods each weight lifts: a row per weight, a column per mood."""
    rows = [
        [float(mood in axis.moods) for mood in MOODS]
        for axis in AXES
        for _ in range(axis.has_border + len(axis.features))
    ]
    return np.array(rows)


def _model(weights: Floats, scales: Mapping[str, Scale]) -> MoodSound:
    left = iter(float(weight) for weight in weights)
    axes = []
    for axis in AXES:
        border = next(left) if axis.has_border else 0.0
        axes.append(Axis(axis.name, axis.moods, border, {name: next(left) for name in axis.features}))
    return MoodSound(scales, tuple(axes))
