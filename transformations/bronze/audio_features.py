"""Services' audio features to bronze rows, one a service and track key."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.bronze.events import state_events


def build(*, records: DataFrame, feed: str, now: datetime) -> DataFrame:  # noqa: ARG001 (one signature for all)
    """A row an answer; one with neither valence nor energy says nothing about a mood and is refused."""
    record = F.from_json("payload", "valence string, energy string")
    known = F.coalesce(record["valence"].try_cast("double"), record["energy"].try_cast("double"))
    return state_events(records, feed=feed, identity=[], rules={"missing_features": known.isNull()})
