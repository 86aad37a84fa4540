"""Features and words to a probability over the four moods: the fitted sound model, pooled with what the words say.

The pool is log-linear: the probabilities to the power of their weights, which sum to 1, made to sum to 1 again. So it
is never surer than the surer of the two, and what is calibrated does not become too sure (a product of both would).
Where one of the two lacks, the other's probabilities stay as they are. The trap: words were never judged on labelled
lyrics (docs/lyric-model.md), so they weigh at most half as much as a measured sound.
"""

from __future__ import annotations

from functools import reduce
from operator import add

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.models.mood_sound import Axis, MoodSound
from schemas.silver.features import LEADING
from schemas.vocab import MEASURED_SOURCES, MOODS, UNKNOWN_MOOD

# The weight of words is this times their model's confidence, that of sound its feature_confidence: 1 where measured, .5
# to .6 where estimated. An estimate has the right quadrant for .55 to .60 of the songs that people play, and label sets
# made in different ways agree on .53 to .79: sure words are taken for about as good as an estimate.
WORDS_TRUST = 0.5
LEAST_CONFIDENCE = 0.2  # of words: two lines or words that say something; fewer are no ground for a mood
LEAST_SHARE = 0.01  # what a mood is given at least where words say 0: they must not rule out what the sound says
CARRIED = ("track_id", "feature_source", "feature_confidence")


def build(*, track_features: DataFrame, lyric_moods: DataFrame, mood_sound: MoodSound) -> DataFrame:
    """A track in, its mood out; unknown, with the four null together, where neither its sound nor its words tell."""
    raised = track_features.select(*CARRIED, *[_raised(mood, mood_sound).alias(mood) for mood in MOODS])
    of_words = F.struct(*MOODS, (WORDS_TRUST * F.col("confidence")).alias("weight"), "model_version").alias("words")
    tell = F.col(MOODS[0]).isNotNull() & (F.col("confidence") >= LEAST_CONFIDENCE)
    has_both = F.col("has_sound") & F.col("has_words")
    told = (
        raised.select(*CARRIED, _shares({mood: F.col(mood) for mood in MOODS}).alias("sound"))
        .join(lyric_moods.where(tell).select("track_id", of_words), "track_id", "left")
        .withColumn("has_sound", F.col(f"sound.{MOODS[0]}").isNotNull())
        .withColumn("has_words", F.col("words").isNotNull())
        .withColumn("pooled", F.when(has_both, _shares(_pooled())))
        .withColumns(
            {mood: F.coalesce(*[F.col(f"{of}.{mood}") for of in ("pooled", "words", "sound")]) for mood in MOODS}
        )
    )
    highest = F.greatest(*[F.col(mood) for mood in MOODS])
    return told.select(
        "track_id",
        *MOODS,
        likeliest_mood(highest).alias("mood"),
        _mood_source().alias("mood_source"),
        F.coalesce(highest * _surest(), F.lit(0.0)).alias("mood_confidence"),
        _model_version(mood_sound).alias("model_version"),
    )


def likeliest_mood(highest: Column) -> Column:
    """The first of the moods, in their fixed order, that has the highest value."""
    first = F.coalesce(*[F.when(F.col(mood) == highest, F.lit(mood)) for mood in MOODS])
    return F.coalesce(first, F.lit(UNKNOWN_MOOD))


def _shares(weights: dict[str, Column]) -> Column:
    """Positive weights as a struct of shares that sum to 1."""
    total = reduce(add, weights.values())
    return F.struct(*[(weight / total).alias(mood) for mood, weight in weights.items()])


def _pooled() -> dict[str, Column]:
    """Per mood the weighted geometric mean of both probabilities."""
    of_sound, of_words = F.col("feature_confidence"), F.col("words.weight")
    total = of_sound + of_words
    return {
        mood: F.exp(
            of_sound / total * F.ln(f"sound.{mood}")
            + of_words / total * F.ln(F.greatest(f"words.{mood}", F.lit(LEAST_SHARE)))
        )
        for mood in MOODS
    }


def _surest() -> Column:
    """The weight of the surer of the sources that there are."""
    return F.greatest(F.when(F.col("has_sound"), F.col("feature_confidence")), F.col("words.weight"))


def _mood_source() -> Column:
    sound = F.when(F.col("feature_source").isin(*MEASURED_SOURCES), "sound").otherwise("estimate")
    has_sound, has_words = F.col("has_sound"), F.col("has_words")
    return (
        F.when(has_sound & has_words, F.concat(sound, F.lit("_and_words")))
        .when(has_words, "words")
        .when(has_sound, sound)
        .otherwise("none")
    )


def _model_version(mood_sound: MoodSound) -> Column:
    """The models that a mood is of; of an unknown one the model of sound, which could not tell."""
    words = F.col("words.model_version")
    of_sound = F.lit(mood_sound.version)
    return F.when(F.col("has_sound"), F.concat_ws("+", of_sound, words)).otherwise(F.coalesce(words, of_sound))


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
