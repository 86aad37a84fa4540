"""Last.fm's lists of loved tracks to one row a listener, artist and title."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.bronze.lastfm_loved_tracks import FIELDS
from transformations.bronze.lastfm_scrobbles import artist_name


def build(*, lastfm_loved_tracks: DataFrame) -> DataFrame:
    """Names are trimmed as those of plays are; two that differ in blanks alone are one, loved since the latter."""
    rows = lastfm_loved_tracks.withColumn("record", F.from_json("payload", FIELDS))
    named = rows.select(
        "user_id",
        F.trim(artist_name(F.col("record"))).alias("artist_name"),
        F.trim("record.name").alias("track_name"),
        "event_at",
    )
    return named.groupBy("user_id", "artist_name", "track_name").agg(F.max("event_at").alias("loved_at"))
