"""What a track sounds like, and how that is known."""

from __future__ import annotations

from pyspark.sql.types import MapType, StructField, StructType

from schemas.contract import DOUBLE, STRING, Between, Column, Contract, OneOf, References
from schemas.silver.features import AUDIO_FEATURES, FEATURE_CHECKS
from schemas.vocab import FEATURE_SOURCES

VALUE_SOURCE = StructType([StructField("source", STRING), StructField("confidence", DOUBLE)])

CONTRACT = Contract(
    table="silver.track_features",
    doc="The audio features of every track, each value with its source and confidence.",
    grain="A track; where feature_source is none, valence and energy are null, and so is what nobody measured.",
    key=("track_id",),
    columns=(
        Column("track_id", STRING, "The track"),
        Column("artist_id", STRING, "Its first artist, whose measured tracks its estimates are made of"),
        *AUDIO_FEATURES,
        Column("feature_source", STRING, "Where valence and energy come from; artist and genre are estimates"),
        Column("feature_confidence", DOUBLE, "How far valence and energy can be trusted, 0-1; 0 where there are none"),
        Column("value_sources", MapType(STRING, VALUE_SOURCE), "Per feature: its source and confidence"),
    ),
    checks=(
        *FEATURE_CHECKS,
        OneOf("feature_source", FEATURE_SOURCES),
        Between("feature_confidence", 0, 1),
        References("track_id", "silver.tracks", "track_id"),
    ),
    clustering=("track_id",),
)
