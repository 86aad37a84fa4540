"""Periods as column functions: which local days count up to as_of_date, and with what weight.

Weights and scores are scaled to whole numbers before they are summed: sums of whole numbers do not depend on their
order, so an increment equals a rebuild to the last digit.
"""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column
from pyspark.sql import functions as F

from schemas.vocab import PERIOD_DAYS

CURRENT_DAYS = 28  # `current` looks back four weeks
CURRENT_SCALE = 1_000  # weights of `current` are thousandths, so a product with SCALE stays far from overflow


def is_in_period(period: str, day: Column, as_of_date: date) -> Column:
    """Whether a local day belongs to the period that ends on as_of_date, that day included."""
    until = day <= F.lit(as_of_date)
    if period == "all":
        return until
    days = CURRENT_DAYS if period == "current" else PERIOD_DAYS[period]
    return until & (day > F.lit(as_of_date - timedelta(days=days)))


def weight(period: str, day: Column, as_of_date: date, current_half_life_days: float) -> Column:
    """Whole-number weight of a day in the period: 0 outside, CURRENT_SCALE for a day that counts fully.

    In `current` a day counts half of one that is `current_half_life_days` later, and never nothing: that a mood is
    known of it is counted too.
    """
    full = F.lit(CURRENT_SCALE)
    if period == "current":
        age = F.datediff(F.lit(as_of_date), day)
        decayed = F.round(CURRENT_SCALE * F.pow(F.lit(0.5), age / F.lit(current_half_life_days)))
        full = F.greatest(decayed, F.lit(1.0))
    return F.when(is_in_period(period, day, as_of_date), full.cast("bigint")).otherwise(F.lit(0).cast("bigint"))


def counted_plays() -> Column:
    """Plays that gold counts: not skipped."""
    return F.col("listen_count") - F.col("skip_count")
