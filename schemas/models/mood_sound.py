"""The mood of a track from its sound, as fitted: axes over standardised features, each lifting some of the moods.

A mood's score is the sum of the axes that lift it, its probability the softmax of the four. The trap: the version is a
hash of all that decides a mood, so that a file changed by hand is refused instead of giving tables a false version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from schemas.silver.features import FEATURE_NAMES, LEADING
from schemas.vocab import MOODS

NAME = "mood_sound"


@dataclass(frozen=True)
class Scale:
    """How a feature is standardised: its mean and standard deviation over the songs that were known at the fit."""

    mean: float
    spread: float


@dataclass(frozen=True)
class Axis:
    """What is added to the scores of `moods`: the intercept, and a weight per standard deviation of each feature."""

    name: str
    moods: tuple[str, ...]
    intercept: float
    weights: Mapping[str, float]


@dataclass(frozen=True)
class MoodSound:
    """A fitted model. Raises ValueError where it names a feature or a mood that there is not, or no finite number."""

    scales: Mapping[str, Scale]
    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        used = {name for axis in self.axes for name in axis.weights}
        if unknown := sorted((used | set(self.scales)) - set(FEATURE_NAMES)):
            raise ValueError(f"no audio feature {', '.join(unknown)}")
        if missing := sorted((used | set(LEADING)) - set(self.scales)):
            raise ValueError(f"no scale of {', '.join(missing)}")
        if strangers := sorted({mood for axis in self.axes for mood in axis.moods} - set(MOODS)):
            raise ValueError(f"no mood {', '.join(strangers)}")
        numbers = [number for axis in self.axes for number in (axis.intercept, *axis.weights.values())]
        numbers += [number for scale in self.scales.values() for number in (scale.mean, scale.spread)]
        if not all(isfinite(number) for number in numbers) or any(scale.spread <= 0 for scale in self.scales.values()):
            raise ValueError("a number is not finite, or a feature has no spread")

    @property
    def version(self) -> str:
        """`sound-` and a hash of all that decides a mood."""
        text = json.dumps(self.record(), sort_keys=True)
        return f"sound-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def record(self) -> dict[str, Any]:
        """The model as it stands in its artefact."""
        return {
            "features": {name: {"mean": s.mean, "spread": s.spread} for name, s in self.scales.items()},
            "axes": [
                {"name": a.name, "moods": list(a.moods), "intercept": a.intercept, "weights": dict(a.weights)}
                for a in self.axes
            ],
        }


def read(artefact: Mapping[str, Any]) -> MoodSound:
    """The model of an artefact. Raises ValueError where it is not one, or not the one that its version says."""
    try:
        model = MoodSound(
            {name: Scale(float(of["mean"]), float(of["spread"])) for name, of in artefact["features"].items()},
            tuple(
                Axis(
                    axis["name"],
                    tuple(axis["moods"]),
                    float(axis["intercept"]),
                    {name: float(weight) for name, weight in axis["weights"].items()},
                )
                for axis in artefact["axes"]
            ),
        )
        told = artefact["version"]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is no model of {NAME}: {type(error).__name__} {error}") from None
    if told != model.version:
        raise ValueError(f"it says version {told}, its numbers are {model.version}: it was changed by hand")
    return model
