"""Features to a probability over the four moods, by the fitted sound model; tests hold it to the model's own numbers.

The trap: valence and energy decide, so without both a mood is unknown; any other feature that lacks counts as the mean.
"""

from __future__ import annotations

from functools import reduce
from operator import add

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.models.mood_sound import Axis, MoodSound
from schemas.silver.features import LEADING
from schemas.vocab import MEASURED_SOURCES, MOODS, UNKNOWN_MOOD

CARRIED = ("track_id", "feature_source", "feature_confidence")


def build(*, track_features: DataFrame, mood_sound: MoodSound) -> DataFrame:
    """A track in, its mood out; unknown, with the four null together, where valence or energy is."""
    raised = track_features.select(*CARRIED, *[_raised(mood, mood_sound).alias(mood) for mood in MOODS])
    total = reduce(add, [F.col(mood) for mood in MOODS])
    scored = raised.select(*CARRIED, *[(F.col(mood) / total).alias(mood) for mood in MOODS])
    is_known = F.col(MOODS[0]).isNotNull()
    is_measured = F.col("feature_source").isin(*MEASURED_SOURCES)
    highest = F.greatest(*[F.col(mood) for mood in MOODS])
    return scored.select(
        "track_id",
        *MOODS,
        likeliest_mood(highest).alias("mood"),
        F.when(~is_known, "none").when(is_measured, "sound").otherwise("estimate").alias("mood_source"),
        F.coalesce(highest * F.col("feature_confidence"), F.lit(0.0)).alias("mood_confidence"),
        F.lit(mood_sound.version).alias("model_version"),
    )


def likeliest_mood(highest: Column) -> Column:
    """The first of the moods, in their fixed order, that has the highest value."""
    first = F.coalesce(*[F.when(F.col(mood) == highest, F.lit(mood)) for mood in MOODS])
    return F.coalesce(first, F.lit(UNKNOWN_MOOD))


def _raised(mood: str, model: MoodSound) -> Column:
    """e to the mood's score, null where valence or energy is; scores are a few units, so nothing overflows."""
    valence, energy = (F.col(name).isNotNull() for name in LEADING)
    score = reduce(add, [_along(axis, model) for axis in model.axes if mood in axis.moods], F.lit(0.0))
    return F.when(valence & energy, F.exp(score))


def _along(axis: Axis, model: MoodSound) -> Column:
    """How far a track lies along an axis."""
    weighted = [F.lit(weight) * _standardised(name, model) for name, weight in axis.weights.items()]
    return reduce(add, weighted, F.lit(axis.intercept))


def _standardised(name: str, model: MoodSound) -> Column:
    """A feature in standard deviations from the mean; 0, the mean itself, where it is missing."""
    scale = model.scales[name]
    return F.coalesce((F.col(name) - F.lit(scale.mean)) / F.lit(scale.spread), F.lit(0.0))
