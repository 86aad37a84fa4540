"""Scores as whole numbers: sums of them do not depend on the order in which rows come, as sums of doubles do."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

SCALE = 1_000_000


def scaled(score: Column) -> Column:
    """A score in whole millionths."""
    return F.round(score * SCALE).cast("bigint")
