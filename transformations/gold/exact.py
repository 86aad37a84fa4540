"""The seam between rows and the exact engine: inputs gathered in one place, handed over as arrays, taken back as rows.

One task holds all rows, so this is for populations that one machine can take; the results depend on no order of rows,
because the engine sorts the ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce

import pandas as pd
import pyarrow as pa
from pyspark import cloudpickle
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

import transformations.gold
import transformations.ranking

BATCH_ROWS = 10_000  # that are handed back at a time
# The engine travels with the query: workers need numpy and scipy, not this project.
for package in (transformations.ranking, transformations.gold):
    cloudpickle.register_pickle_by_value(package)  # type: ignore[no-untyped-call]


def links(
    rows: DataFrame, kind: str, left: Column, right: Column, weight: Column, *, name: Column | None = None
) -> DataFrame:
    """Rows in the shape in which inputs are gathered: a kind, two ids, a weight, and what the right one is called."""
    return rows.select(
        F.lit(kind).alias("kind"),
        left.alias("left"),
        right.alias("right"),
        weight.cast("double").alias("weight"),
        (F.lit(None) if name is None else name).cast("string").alias("name"),
    )


def computed_in_blocks(
    inputs: list[DataFrame], compute: Callable[[pd.DataFrame], Iterator[pa.Table]], struct: StructType
) -> DataFrame:
    """The table that `compute` makes of all links at once: a frame of kind, left, right, weight, name in, Arrow out."""

    def in_one_place(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        given = list(batches)
        if given:
            for block in compute(pa.Table.from_batches(given).to_pandas()):
                yield from block.to_batches(max_chunksize=BATCH_ROWS)

    return reduce(DataFrame.unionByName, inputs).repartition(1).mapInArrow(in_one_place, struct)
