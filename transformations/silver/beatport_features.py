"""Beatport's tracks to tempo and key of ours: by ISRC, else by artist and title with its version.

The trap: a remix has another tempo and another key, so versions must agree; notes of editions (an original mix, a radio
edit) are dropped on both sides, as `song_key` drops them, for they change neither.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transformations.ids import song_key_of_names
from transformations.names import artist_key, song_title_key

# An ISRC names a recording, so what is left is Beatport's own error; names may be shared. Not measured: no labels are.
CONFIDENCES = {"isrc": 0.95, "names": 0.8}
FIFTHS_TO_SEMITONES = 7  # a step round the wheel is a fifth up
C_MAJOR = 8  # its number on the Camelot wheel; the minor key of the same number lies nine semitones above
MINOR_ABOVE = 9


def build(*, beatport_tracks: DataFrame, tracks: DataFrame, track_identities: DataFrame) -> DataFrame:
    """Beatport's charts in, a row out for each track of ours they have; of several of Beatport's the best match."""
    artist, title = artist_key(F.get("artist_names", F.lit(0))), song_title_key(F.col("full_title"))
    offered = beatport_tracks.select(
        "beatport_id",
        "isrc",
        F.when(artist.isNotNull() & title.isNotNull(), song_key_of_names(artist, title)).alias("song_key"),
        "tempo_bpm",
        *_key_and_mode(F.col("camelot")),
    ).where("tempo_bpm IS NOT NULL OR key IS NOT NULL")
    by_isrc = tracks.select("track_id", "isrc").join(F.broadcast(offered.drop("song_key")), "isrc")
    names = track_identities.select("track_id", "song_key").join(F.broadcast(offered.drop("isrc")), "song_key")
    found = (
        by_isrc.drop("isrc")
        .withColumn("match_method", F.lit("isrc"))
        .unionByName(names.drop("song_key").withColumn("match_method", F.lit("names")))
    )
    values = ("tempo_bpm", "key", "mode", "beatport_id", "match_method")
    best = F.min_by(F.struct(*values), F.struct(*_best_first())).alias("best")
    confidence = F.when(F.col("match_method") == "isrc", CONFIDENCES["isrc"]).otherwise(CONFIDENCES["names"])
    return (
        found.groupBy("track_id")
        .agg(best)
        .join(tracks.select("track_id", "artist_id"), "track_id")
        .select("track_id", "artist_id", "best.*")
        .withColumn("confidence", confidence)
    )


def _best_first() -> list[Column]:
    """An ISRC before names, one with both values before one that lacks one, then the smallest id."""
    lacking = F.col("tempo_bpm").isNull().cast("int") + F.col("key").isNull().cast("int")
    return [F.col("match_method") != "isrc", lacking, F.col("beatport_id")]


def _key_and_mode(camelot: Column) -> list[Column]:
    """Pitch class and mode of a Camelot key, such as 8A, which is A minor; null where it is none."""
    number = F.regexp_extract(camelot, r"^(\d{1,2})[AB]$", 1).try_cast("int")
    is_minor = camelot.endswith("A")
    tonic = (number - C_MAJOR) * FIFTHS_TO_SEMITONES + F.when(is_minor, MINOR_ABOVE).otherwise(0)
    is_key = number.between(1, 12)
    return [
        F.when(is_key, F.pmod(tonic, F.lit(12))).cast("int").alias("key"),
        F.when(is_key, F.when(is_minor, 0).otherwise(1)).alias("mode"),
    ]
