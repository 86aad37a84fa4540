"""Rows that a plan uses several times, worked out once."""

from __future__ import annotations

from pyspark.sql import DataFrame


def pinned(rows: DataFrame) -> DataFrame:
    """The rows, cut from what they are made of, so that Spark plans and runs that once and not at every use.

    Their blocks go when nothing refers to them any more. Worth it where the use is several and the making is dear.
    """
    return rows.localCheckpoint(eager=False)
