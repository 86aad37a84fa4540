"""Few rows of the driver as a DataFrame that is part of the query plan.

The trap: createDataFrame of Python rows makes an RDD that starts Python workers in every job that touches it; of an
Arrow table it makes a local relation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType


def local_frame(spark: SparkSession, rows: Sequence[Sequence[Any]], schema: StructType) -> DataFrame:
    """Rows in the order of the schema's fields; moments are aware, or naive UTC."""
    fields = to_arrow_schema(schema, timezone="UTC")
    columns: list[Sequence[Any]] = [*zip(*rows, strict=True)] if rows else [()] * len(fields)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, fields, strict=True)]
    return spark.createDataFrame(pa.Table.from_arrays(arrays, schema=fields), schema)
