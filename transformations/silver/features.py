"""Audio features as the sources name them to columns as the tables do, and means of them that no order can change.

What could not be measured is null, not 0.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas.vocab import SHARE_FEATURES
from transformations.millionths import SCALE, scaled

# Text, whatever a source writes numbers as.
FEATURE_FIELDS = ", ".join(
    f"{name} string" for name in (*SHARE_FEATURES, "loudness", "tempo", "key", "mode", "time_signature")
)


def feature_columns(record: str) -> list[Column]:
    """The twelve features of a parsed record; 0 of tempo and time signature and -1 of key mean unknown."""
    return [
        *[_feature(record, name).alias(name) for name in SHARE_FEATURES],
        _feature(record, "loudness").alias("loudness_db"),
        F.nullif(_feature(record, "tempo"), F.lit(0.0)).alias("tempo_bpm"),
        F.when(_feature(record, "key") >= 0, _feature(record, "key")).try_cast("int").alias("key"),
        _feature(record, "mode").try_cast("int").alias("mode"),
        F.nullif(_feature(record, "time_signature").try_cast("int"), F.lit(0)).alias("time_signature"),
    ]


def number(record: str, name: str) -> Column:
    return F.col(f"{record}.{name}").try_cast("double")


def _feature(record: str, name: str) -> Column:
    """A feature's value, null where the analysis failed: then tempo and danceability are 0, and so is valence."""
    has_failed = (number(record, "tempo") == 0) & (number(record, "danceability") == 0)
    return F.when(~F.coalesce(has_failed, F.lit(False)), number(record, name))


def sound_sums(names: Iterable[str]) -> list[Column]:
    """Aggregates `<name>_sum`, in whole millionths, and `<name>_count` of each feature; nulls do not count."""
    return [
        aggregate
        for name in names
        for aggregate in (
            F.sum(scaled(F.col(name))).alias(f"{name}_sum"),
            F.count(name).alias(f"{name}_count"),
        )
    ]


def mean_of(name: str, record: str = "") -> Column:
    """The mean that the sums of a feature give, null where nothing was counted."""
    total, count = _sums(name, record)
    return F.try_divide(total, count) / SCALE


def shrunk(name: str, prior: Column, weight: float, record: str = "") -> Column:
    """The mean drawn towards `prior`, which weighs as much as `weight` counted values; the mean itself without one."""
    total, count = (F.coalesce(part, F.lit(0)) for part in _sums(name, record))
    return F.coalesce((total / SCALE + weight * prior) / (count + weight), mean_of(name, record))


def _sums(name: str, record: str) -> tuple[Column, Column]:
    lead = f"{record}." if record else ""
    return F.col(f"{lead}{name}_sum"), F.col(f"{lead}{name}_count")
