"""A sound model is read as it was written, and refused where it is not what its version says."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from schemas.models.mood_sound import Axis, MoodSound, Scale, read
from schemas.silver.features import LEADING
from schemas.vocab import MOODS

COMMITTED = Path(__file__).resolve().parents[2] / "data" / "models" / "mood_sound.json"


@pytest.fixture
def artefact() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(COMMITTED.read_text(encoding="utf-8"))
    return told


def test_the_committed_model_is_what_its_version_says(artefact: dict[str, Any]) -> None:
    model = read(artefact)
    assert model.version == artefact["version"]
    assert read({"version": model.version, **model.record()}) == model


def test_the_committed_model_is_led_by_valence_and_energy(artefact: dict[str, Any]) -> None:
    model = read(artefact)
    of = {name: [axis for axis in model.axes if name in axis.weights] for name in LEADING}
    assert [axis.moods for axis in of["valence"]] == [("happy", "relaxed")]
    assert [axis.moods for axis in of["energy"]] == [("happy", "angry")]
    for name in LEADING:
        (axis,) = of[name]
        assert axis.weights[name] >= 0.35
        assert axis.weights[name] == max(axis.weights.values())


def test_the_committed_model_holds_counts_and_licences_and_no_label(artefact: dict[str, Any]) -> None:
    training = artefact["training"]
    assert training["songs_used"] == sum(training["songs_by_mood"].values())
    assert list(training["songs_by_mood"]) == list(MOODS)
    assert "ODbL" in training["features"]["kaggle"]
    assert not training["with_api_rows"]
    assert COMMITTED.stat().st_size < 10_000


def test_a_version_follows_every_number(artefact: dict[str, Any]) -> None:
    artefact["axes"][0]["weights"]["valence"] += 0.0001
    with pytest.raises(ValueError, match="changed by hand"):
        read(artefact)


@pytest.mark.parametrize("missing", ["features", "axes", "version"])
def test_what_is_no_model_is_refused(artefact: dict[str, Any], missing: str) -> None:
    del artefact[missing]
    with pytest.raises(ValueError, match="no model of mood_sound"):
        read(artefact)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scales": {"valence": Scale(0.5, 0.2)}}, "no scale of energy"),
        ({"axes": (Axis("a", ("merry",), 0.0, {}),)}, "no mood merry"),
        ({"axes": (Axis("a", MOODS[:1], 0.0, {"warmth": 1.0}),)}, "no audio feature warmth"),
        ({"axes": (Axis("a", MOODS[:1], float("nan"), {}),)}, "not finite"),
        ({"scales": {"valence": Scale(0.5, 0.0), "energy": Scale(0.5, 0.2)}}, "no spread"),
    ],
)
def test_a_model_names_only_what_there_is(change: dict[str, Any], told: str) -> None:
    given = {"scales": {name: Scale(0.5, 0.2) for name in LEADING}, "axes": (), **copy.deepcopy(change)}
    with pytest.raises(ValueError, match=told):
        MoodSound(**given)
