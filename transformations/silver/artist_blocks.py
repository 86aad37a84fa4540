"""Blocks of artists: cheap keys that two spellings of one artist share, so that only those are compared."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

LEAST_LETTERS = 8  # of a name that may hold a typo: in shorter ones a letter makes another artist
EDGE = 4  # letters at either end; a typo spoils one end at most


def artist_blocks(names: Column) -> Column:
    """Of an array of artists' letters: each itself, and the ends of those that are long enough."""
    return F.array_distinct(F.concat(names, F.flatten(F.transform(names, ends))))


def ends(letters: Column) -> Column:
    """The marked ends of a name that may hold a typo; none of a shorter one."""
    both = F.array(
        F.concat(F.lit("<"), F.left(letters, F.lit(EDGE))), F.concat(F.lit(">"), F.right(letters, F.lit(EDGE)))
    )
    return F.when(F.length(letters) >= LEAST_LETTERS, both).otherwise(F.array().cast("array<string>"))
