"""Features to a probability over the four moods: Russell's quadrants of valence and energy, soft at the borders.

Russell's circumplex (1980) puts happy at high valence and energy, angry at low valence and high energy, sad at low
both, relaxed at high valence and low energy. A logistic step in each axis makes the four sum to 1 and change smoothly.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.vocab import MOODS, UNKNOWN_MOOD

MODEL_VERSION = "quadrants-1"
MIDDLE = 0.5  # the border of the quadrants on both axes
STEEPNESS = 6.0  # 0.1 beside the border is 65 : 35, 0.3 beside it 86 : 14


def build(*, track_features: DataFrame) -> DataFrame:
    """A track in, its mood out; unknown, with the four null together, where valence or energy is."""
    pleasant, intense = _step(F.col("valence")), _step(F.col("energy"))
    probabilities = {
        "happy": pleasant * intense,
        "angry": (1 - pleasant) * intense,
        "sad": (1 - pleasant) * (1 - intense),
        "relaxed": pleasant * (1 - intense),
    }
    scored = track_features.select(
        "track_id", "feature_confidence", *[probabilities[mood].alias(mood) for mood in MOODS]
    )
    is_known = F.col(MOODS[0]).isNotNull()
    highest = F.greatest(*[F.col(mood) for mood in MOODS])
    return scored.select(
        "track_id",
        *MOODS,
        likeliest_mood(highest).alias("mood"),
        F.when(is_known, "sound").otherwise("none").alias("mood_source"),
        F.coalesce(highest * F.col("feature_confidence"), F.lit(0.0)).alias("mood_confidence"),
        F.lit(MODEL_VERSION).alias("model_version"),
    )


def likeliest_mood(highest: Column) -> Column:
    """The first of the moods, in their fixed order, that has the highest value."""
    first = F.coalesce(*[F.when(F.col(mood) == highest, F.lit(mood)) for mood in MOODS])
    return F.coalesce(first, F.lit(UNKNOWN_MOOD))


def _step(axis: Column) -> Column:
    return 1 / (1 + F.exp(-STEEPNESS * (axis - MIDDLE)))
