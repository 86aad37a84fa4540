"""The fit keeps to valence and energy whatever the labels say, gives the same for the same, judges itself fairly."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.mood_model import (
    FEATURES,
    FOLDS,
    LEAST_SLOPE,
    Floats,
    Ints,
    LabelledSongs,
    Population,
    artist_groups,
    calibration_error,
    cross_validated,
    error_by_chance,
    figures,
    fitted,
    fixed_quadrants,
    folds,
    out_of_fold,
    probabilities,
    soft_quadrants,
)
from schemas.models.mood_sound import Scale
from schemas.silver.features import LEADING
from schemas.vocab import MOODS

POPULATION = Population({name: Scale(0.5, 0.25) for name in FEATURES}, dict.fromkeys(LEADING, 0.5), 1000)
VALENCE, ENERGY = (FEATURES.index(name) for name in LEADING)


def some_songs(count: int = 400, *, seed: int = 1) -> LabelledSongs:
    """Songs whose labels follow the soft quadrants, two of an artist."""
    random = np.random.default_rng(seed)
    features = random.random((count, len(FEATURES)))
    levels = soft_quadrants(features).cumsum(axis=1)[:, :-1]
    moods = (random.random((count, 1)) > levels).sum(axis=1)
    return LabelledSongs(features, moods, np.arange(count) // 2)


def at(*points: tuple[float, float]) -> Floats:
    """Features at (valence, energy), all others missing."""
    features = np.full((len(points), len(FEATURES)), np.nan)
    features[:, VALENCE], features[:, ENERGY] = zip(*points, strict=True)
    return features


def relabelled(songs: LabelledSongs, moods: Ints) -> LabelledSongs:
    return LabelledSongs(songs.features, moods, songs.groups)


def ours(songs: LabelledSongs, features: Floats) -> Floats:
    return probabilities(fitted(songs, POPULATION), features)


def test_corners_are_the_four_moods() -> None:
    shares = ours(some_songs(), at((0.9, 0.9), (0.1, 0.9), (0.1, 0.1), (0.9, 0.1)))
    assert shares.argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert shares.sum(axis=1) == pytest.approx(1.0)


def test_the_same_songs_give_the_same_model_in_any_order() -> None:
    songs = some_songs()
    again = songs.where(np.ones(len(songs), dtype=bool))
    assert fitted(songs, POPULATION) == fitted(again, POPULATION)
    assert fitted(songs, POPULATION).version == fitted(songs, POPULATION).version
    turned = LabelledSongs(songs.features[::-1], songs.moods[::-1], songs.groups[::-1])
    assert fitted(turned, POPULATION).version == fitted(songs, POPULATION).version
    assert fitted(some_songs(seed=2), POPULATION).version != fitted(songs, POPULATION).version


@pytest.mark.parametrize("turn", [[2, 3, 0, 1], [1, 0, 3, 2], [3, 2, 1, 0], [0, 0, 0, 0]])
def test_no_labels_turn_the_axes_away_from_valence_and_energy(turn: list[int]) -> None:
    songs = some_songs()
    model = fitted(relabelled(songs, np.array(turn)[songs.moods]), POPULATION)
    pleasant, intense = model.axes[:2]
    assert pleasant.weights["valence"] >= LEAST_SLOPE
    assert intense.weights["energy"] >= LEAST_SLOPE
    steps = np.linspace(0, 1, 21)
    for other in (0.1, 0.5, 0.9):
        by_valence = probabilities(model, at(*((step, other) for step in steps)))
        by_energy = probabilities(model, at(*((other, step) for step in steps)))
        for shares, rising in ((by_valence, ("happy", "relaxed")), (by_energy, ("happy", "angry"))):
            together = sum(shares[:, MOODS.index(mood)] for mood in rising)
            assert (np.diff(together) > 0).all()
            for place, mood in enumerate(MOODS):
                assert (np.diff(shares[:, place]) * (1 if mood in rising else -1) > 0).all()


def test_without_songs_the_prior_stands_at_the_median() -> None:
    none = LabelledSongs(np.empty((0, len(FEATURES))), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    assert probabilities(fitted(none, POPULATION), at((0.5, 0.5))) == pytest.approx(np.full((1, 4), 0.25))


def test_a_missing_feature_counts_as_the_mean() -> None:
    model = fitted(some_songs(), POPULATION)
    full = np.full((1, len(FEATURES)), 0.5)
    full[0, VALENCE] = 0.8
    assert probabilities(model, at((0.8, 0.5))) == pytest.approx(probabilities(model, full))


def test_figures_of_a_known_case() -> None:
    shares = np.array([[1.0, 0, 0, 0], [1.0, 0, 0, 0], [0, 1.0, 0, 0], [0.4, 0.2, 0.2, 0.2]])
    told = figures(shares, np.array([0, 1, 1, 3]))
    assert told.accuracy == 0.5
    assert told.macro_f1 == pytest.approx((0.5 + 2 / 3 + 0 + 0) / 4)
    assert told.brier == pytest.approx((0 + 2 + 0 + (0.16 + 0.04 + 0.04 + 0.64)) / 4)
    assert told.ece == pytest.approx((1.0 + 0.4) / 4)


def test_a_sure_model_that_is_wrong_is_badly_calibrated_and_chance_alone_is_not() -> None:
    songs = some_songs(4000)
    hard, soft = fixed_quadrants(songs.features), soft_quadrants(songs.features)
    assert calibration_error(hard, songs.moods) > 0.3
    assert calibration_error(soft, songs.moods) < 0.03
    assert error_by_chance(soft, seed=0) == error_by_chance(soft, seed=0) < 0.02
    assert error_by_chance(soft[:100], seed=0) > error_by_chance(soft, seed=0)


def test_artists_that_share_a_song_are_one_group() -> None:
    groups = artist_groups([["a"], ["b"], ["a", "c"], ["c", "b"], ["d"]])
    assert groups.tolist() == [0, 0, 0, 0, 1]


def test_folds_hold_whole_groups_and_every_song_once() -> None:
    groups = np.arange(200) // 3
    places = folds(groups, seed=0)
    assert set(places) == set(range(FOLDS))
    assert all(len(set(places[groups == group])) == 1 for group in set(groups))
    assert places.tolist() == folds(groups, seed=0).tolist() != folds(groups, seed=1).tolist()


def test_no_artist_is_on_both_sides_of_a_split() -> None:
    songs = some_songs(60)
    held_out: list[int] = []

    def spy(training: LabelledSongs, features: Floats) -> Floats:
        seen = {tuple(row) for row in training.features}
        places = [i for i, row in enumerate(songs.features) if tuple(row) not in seen]
        assert not set(songs.groups[places]) & set(training.groups)
        held_out.extend(places)
        return soft_quadrants(features)

    out_of_fold(songs, spy, seed=0)
    assert sorted(held_out) == list(range(60))


def test_the_fit_beats_the_majority_where_sound_tells_and_claims_nothing_where_it_does_not() -> None:
    songs = some_songs(600)
    told = cross_validated(songs, ours).mean()
    assert told.accuracy > 0.45
    assert told.ece < 0.15
    noise = relabelled(songs, np.random.default_rng(3).integers(0, 4, len(songs)))
    assert cross_validated(noise, ours).mean().accuracy < 0.35
