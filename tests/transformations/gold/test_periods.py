"""Periods are days up to as_of_date; `current` halves the weight of a day at its half-life."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.plan import CURRENT_DAYS as PLANNED_CURRENT_DAYS
from jobs.plan import PERIOD_DAYS as PLANNED_DAYS
from schemas.vocab import PERIOD_DAYS
from transformations.gold.periods import CURRENT_DAYS, CURRENT_SCALE, is_in_period, weight
from transformations.millionths import scaled

AS_OF = date(2024, 3, 1)
EDGES = {**PERIOD_DAYS, "current": CURRENT_DAYS}


def test_the_plan_knows_the_same_periods() -> None:
    assert set(PLANNED_DAYS) == set(PERIOD_DAYS.values())
    assert PLANNED_CURRENT_DAYS == CURRENT_DAYS


def test_a_period_of_n_days_holds_as_of_date_and_the_n_minus_1_days_before(spark: SparkSession) -> None:
    for_period = [
        F.array(
            *[is_in_period(period, F.lit(AS_OF - timedelta(days=age)), AS_OF) for age in (days, days - 1, 0, -1)]
        ).alias(period)
        for period, days in EDGES.items()
    ]
    row = spark.range(1).select(*for_period).first()
    assert row.asDict() == {period: [False, True, True, False] for period in EDGES}


def test_all_has_no_first_day_but_ends_too(spark: SparkSession) -> None:
    days = (date(1999, 1, 1), AS_OF, AS_OF + timedelta(days=1))
    row = spark.range(1).select(*[is_in_period("all", F.lit(day), AS_OF) for day in days]).first()
    assert list(row) == [True, True, False]


@pytest.mark.parametrize(
    ("half_life", "weights"),
    [
        (7.0, [CURRENT_SCALE, CURRENT_SCALE // 2, CURRENT_SCALE // 4, 69, 0, 0]),
        (14.0, [CURRENT_SCALE, 707, CURRENT_SCALE // 2, 263, 0, 0]),
        (1.0, [CURRENT_SCALE, 8, 1, 1, 0, 0]),
    ],
)
def test_current_weights_halve_at_the_half_life_and_end(
    spark: SparkSession, half_life: float, weights: list[int]
) -> None:
    ages = (0, 7, 14, 27, 28, -1)
    days = [F.lit(AS_OF - timedelta(days=age)) for age in ages]
    row = spark.range(1).select(*[weight("current", day, AS_OF, half_life) for day in days]).first()
    assert list(row) == weights


def test_other_periods_weigh_their_days_alike(spark: SparkSession) -> None:
    ages = (0, 6, 7)
    row = spark.range(1).select(*[weight("7d", F.lit(AS_OF - timedelta(days=a)), AS_OF, 7.0) for a in ages]).first()
    assert list(row) == [CURRENT_SCALE, CURRENT_SCALE, 0]


@pytest.mark.parametrize(("score", "millionths"), [(0.1 + 0.2, 300_000), (1.0, 1_000_000), (0.0, 0), (None, None)])
def test_scores_are_summed_as_whole_millionths(
    spark: SparkSession, score: float | None, millionths: int | None
) -> None:
    assert spark.range(1).select(scaled(F.lit(score).cast("double"))).first()[0] == millionths
