"""Moods are the sound model's own probabilities: they sum to 1, never jump, and follow valence and energy."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from jobs.mood_model import FEATURES, probabilities
from jobs.runtime.models import Models
from jobs.runtime.settings import ModelSettings
from schemas.models.mood_sound import MoodSound
from schemas.silver.lyric_moods import CONTRACT as LYRIC_MOODS
from schemas.silver.track_features import CONTRACT as TRACK_FEATURES
from schemas.silver.track_moods import CONTRACT
from schemas.vocab import MOODS
from tests.rows import checked, make_rows
from transformations.silver.track_moods import build

Given = dict[str, float | None]
RANGES = {"loudness_db": (-40.0, 0.0), "tempo_bpm": (50.0, 220.0)}


@pytest.fixture(scope="module")
def model() -> MoodSound:
    (committed,) = Models(ModelSettings()).of(("mood_sound",)).values()
    assert isinstance(committed, MoodSound)
    return committed


def moods(
    spark: SparkSession, model: MoodSound, *tracks: Given, words: tuple[dict[str, Any], ...] = ()
) -> list[dict[str, Any]]:
    """Moods of tracks with these features, in the order given; words are the first track's where not said."""
    rows = [{"track_id": f"t{n:03d}", "feature_confidence": 0.8, **given} for n, given in enumerate(tracks)]
    built = build(
        track_features=make_rows(spark, TRACK_FEATURES, *rows),
        lyric_moods=make_rows(spark, LYRIC_MOODS, *({"track_id": "t000", **given} for given in words)),
        mood_sound=model,
    )
    return checked(built, CONTRACT)


def at(valence: float | None, energy: float | None) -> Given:
    return {"valence": valence, "energy": energy}


def test_corners_are_the_four_moods(spark: SparkSession, model: MoodSound) -> None:
    got = moods(spark, model, at(0.9, 0.9), at(0.1, 0.9), at(0.1, 0.1), at(0.9, 0.1))
    assert [track["mood"] for track in got] == ["happy", "angry", "sad", "relaxed"]
    for track in got:
        assert track[track["mood"]] > 0.35
        assert track["mood_confidence"] == pytest.approx(track[track["mood"]] * 0.8)
        assert track["mood_source"] == "sound"
        assert track["model_version"] == model.version


def test_the_mood_of_an_estimate_says_so(spark: SparkSession, model: MoodSound) -> None:
    (track,) = moods(spark, model, {**at(0.9, 0.9), "feature_source": "artist"})
    assert (track["mood"], track["mood_source"]) == ("happy", "estimate")


@pytest.mark.parametrize("other", [0.1, 0.5, 0.9])
def test_probabilities_sum_to_one_never_jump_and_follow_valence_and_energy(
    spark: SparkSession, model: MoodSound, other: float
) -> None:
    steps = [n / 100 for n in range(101)]
    by_valence = moods(spark, model, *(at(step, other) for step in steps))
    by_energy = moods(spark, model, *(at(other, step) for step in steps))
    for walk, rising in ((by_valence, {"happy", "relaxed"}), (by_energy, {"happy", "angry"})):
        assert all(sum(track[mood] for mood in MOODS) == pytest.approx(1.0) for track in walk)
        for before, after in pairwise(walk):
            for mood in MOODS:
                moved = after[mood] - before[mood]
                assert 0 < (moved if mood in rising else -moved) < 0.02


def test_the_columns_are_the_models_own_numbers(spark: SparkSession, model: MoodSound) -> None:
    rng = random.Random(7)
    tracks: list[Given] = []
    for _ in range(200):
        track: Given = {
            name: rng.choice((0, 1)) if name == "mode" else rng.uniform(*RANGES.get(name, (0.0, 1.0)))
            for name in FEATURES
        }
        lacking = rng.sample([name for name in FEATURES if name not in ("valence", "energy")], rng.randrange(4))
        tracks.append({**track, **dict.fromkeys(lacking)})
    got = moods(spark, model, *tracks)
    features = np.array([[np.nan if t[name] is None else t[name] for name in FEATURES] for t in tracks], dtype=float)
    expected = probabilities(model, features)
    assert np.array([[track[mood] for mood in MOODS] for track in got]) == pytest.approx(expected, abs=1e-12)
    assert [track["mood"] for track in got] == [MOODS[place] for place in expected.argmax(axis=1)]


def test_a_missing_feature_counts_as_the_mean(spark: SparkSession, model: MoodSound) -> None:
    mean: Given = {name: model.scales[name].mean for name in FEATURES if name != "mode"}
    lacking, full = moods(spark, model, at(0.3, 0.8), {**mean, **at(0.3, 0.8)})
    assert [lacking[mood] for mood in MOODS] == pytest.approx([full[mood] for mood in MOODS])


def test_unknown_sound_gives_nulls_together(spark: SparkSession, model: MoodSound) -> None:
    for track in moods(spark, model, at(None, None), at(0.5, None), at(None, 0.5)):
        assert {track[mood] for mood in MOODS} == {None}
        assert (track["mood"], track["mood_source"], track["mood_confidence"]) == ("unknown", "none", 0.0)


SAD_WORDS = {**dict(zip(MOODS, (0.1, 0.1, 0.7, 0.1), strict=True)), "confidence": 0.8, "model_version": "words-1"}
NO_WORDS = {**dict.fromkeys(MOODS), "confidence": 0.0}


def test_words_alone_stay_what_they_are(spark: SparkSession, model: MoodSound) -> None:
    (track,) = moods(spark, model, {**at(None, None), "feature_source": "none"}, words=(SAD_WORDS,))
    assert [track[mood] for mood in MOODS] == [SAD_WORDS[mood] for mood in MOODS]
    assert (track["mood"], track["mood_source"], track["model_version"]) == ("sad", "words", "words-1")
    assert track["mood_confidence"] == pytest.approx(0.7 * 0.5 * 0.8)


def test_sound_and_words_are_pooled_by_their_confidences(spark: SparkSession, model: MoodSound) -> None:
    (alone,) = moods(spark, model, at(0.9, 0.9))
    (both,) = moods(spark, model, at(0.9, 0.9), words=(SAD_WORDS,))
    sound, words = (np.array([row[mood] for mood in MOODS]) for row in (alone, SAD_WORDS))
    mean = sound ** (0.8 / 1.2) * words ** (0.4 / 1.2)
    assert [both[mood] for mood in MOODS] == pytest.approx(list(mean / mean.sum()))
    assert (both["mood_source"], both["model_version"]) == ("sound_and_words", f"{model.version}+words-1")
    assert both["mood_confidence"] == pytest.approx(both[both["mood"]] * 0.8)


@pytest.mark.parametrize("confidence", [0.2, 0.5, 1.0])
def test_the_pool_is_never_surer_than_the_surer_and_words_have_half_the_say(
    spark: SparkSession, model: MoodSound, confidence: float
) -> None:
    corners = [at(v, e) for v in (0.1, 0.5, 0.9) for e in (0.1, 0.5, 0.9)]
    measured = [{**corner, "feature_confidence": 1.0} for corner in corners]
    said = [{**SAD_WORDS, "confidence": confidence, "track_id": f"t{n:03d}"} for n in range(len(measured))]
    alone, both = moods(spark, model, *measured), moods(spark, model, *measured, words=tuple(said))
    for before, after in zip(alone, both, strict=True):
        most = max(*(before[mood] for mood in MOODS), 0.7)
        assert max(after[mood] for mood in MOODS) <= most
        for mood in MOODS:
            low, high = sorted((before["sad"] / before[mood], SAD_WORDS["sad"] / SAD_WORDS[mood]))
            assert low * 0.999 <= after["sad"] / after[mood] <= high * 1.001, "the pool is not between the two"


def test_the_mood_of_an_estimate_leans_more_on_words(spark: SparkSession, model: MoodSound) -> None:
    estimate = {**at(0.9, 0.9), "feature_source": "artist", "feature_confidence": 0.5}
    (guessed,) = moods(spark, model, estimate, words=(SAD_WORDS,))
    (measured,) = moods(spark, model, {**at(0.9, 0.9), "feature_confidence": 1.0}, words=(SAD_WORDS,))
    assert guessed["mood_source"] == "estimate_and_words"
    assert guessed["sad"] > measured["sad"]


def test_words_that_say_0_rule_nothing_out(spark: SparkSession, model: MoodSound) -> None:
    only_sad = {**dict(zip(MOODS, (0.0, 0.0, 1.0, 0.0), strict=True)), "confidence": 1.0}
    (track,) = moods(spark, model, {**at(0.9, 0.9), "feature_confidence": 1.0}, words=(only_sad,))
    assert all(track[mood] > 0.02 for mood in MOODS)


def test_words_that_say_nothing_or_too_little_change_nothing(spark: SparkSession, model: MoodSound) -> None:
    (alone,) = moods(spark, model, at(0.9, 0.9))
    instrumental = {**NO_WORDS, "is_instrumental": True, "model_version": "none"}
    for words in (NO_WORDS, instrumental, {**SAD_WORDS, "confidence": 0.19}, {**SAD_WORDS, "track_id": "other"}):
        assert moods(spark, model, at(0.9, 0.9), words=(words,)) == [alone]
    (unknown,) = moods(spark, model, at(None, None), words=(instrumental,))
    assert (unknown["mood"], unknown["mood_source"], unknown["happy"]) == ("unknown", "none", None)


def test_no_tracks_give_no_moods(spark: SparkSession, model: MoodSound) -> None:
    assert moods(spark, model) == []
