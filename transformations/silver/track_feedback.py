"""What listeners said of tracks to what they said last."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

FIELDS = "track_id string, verdict string"


def build(*, track_feedback: DataFrame) -> DataFrame:
    """Words of a listener on a track in, the last of them out, and none where that takes back what was said.

    Of two at one moment the one of the larger event id counts.
    """
    said = track_feedback.select("user_id", "event_at", "event_id", F.from_json("payload", FIELDS).alias("said"))
    last = F.max(F.struct("event_at", "event_id", "said.verdict")).alias("last")
    return (
        said.groupBy("user_id", F.col("said.track_id").alias("track_id"))
        .agg(last)
        .where(F.col("last.verdict") != "none")
        .select(
            "user_id",
            "track_id",
            (F.col("last.verdict") == "like").alias("is_liked"),
            F.col("last.event_at").alias("said_at"),
        )
    )
