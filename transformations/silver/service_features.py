"""Services' answers about audio features to typed columns, one row a track key and service.

It stands between bronze and the features of tracks because an answer names no track but the key that was asked for:
`silver.tracks` leads from a changed key to its tracks, so an increment takes those alone and parses no answer twice.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.silver.features import FEATURE_FIELDS, feature_columns


def build(*, audio_features: DataFrame) -> DataFrame:
    """An answer in, a row out; ReccoBeats has no time signature."""
    rows = audio_features.select("track_key", "_source", F.from_json("payload", FEATURE_FIELDS).alias("row"))
    return rows.select("track_key", F.col("_source").alias("source"), *feature_columns("row"))
