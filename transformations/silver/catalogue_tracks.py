"""Catalogue rows (one a genre) to one row a Spotify id, its names taken apart; 0 of tempo and time signature means
unknown.

Ids that are one recording share a track id: those of the same artists, title and version that sound alike to the last
digit, or are equally long but for DURATION_SLACK_MS. The trap: a recording's id must not depend on popularity, which
moves with every edition of the catalogue, so it is minted from the least of its Spotify ids.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from schemas.silver.features import FEATURE_NAMES, LEADING
from transformations.ids import artist_id_of_name, names_id_of, track_id_of_spotify, work_id_of_names
from transformations.names import artist_letters, letters, party_keys, title_parts
from transformations.silver.artist_blocks import artist_blocks
from transformations.silver.features import FEATURE_FIELDS, feature_columns, number

FIELDS = (
    "track_id string, artists string, album_name string, track_name string, popularity string, duration_ms string, "
    f"explicit string, track_genre string, {FEATURE_FIELDS}"
)
# Masters of one recording differ by less; a shorter edit differs by more.
DURATION_SLACK_MS = 2_000
ADDED = (
    "track_id", "is_representative", "artist_letters", "artist_ids", "artist_blocks", "base_title", "core_title",
    "version_letters", "version", "names_id", "work_id",
)  # fmt: skip


def build(*, kaggle_tracks: DataFrame) -> DataFrame:
    """Rows of one id differ in genre and popularity alone: genres are collected, the highest popularity counts."""
    rows = kaggle_tracks.select("event_id", F.from_json("payload", FIELDS).alias("row"))
    tracks = rows.groupBy(F.col("row.track_id").alias("spotify_id")).agg(
        F.min_by("row", "event_id").alias("row"),
        F.max(number("row", "popularity")).try_cast("int").alias("popularity"),
        F.sort_array(F.collect_set(F.trim("row.track_genre"))).alias("genres"),
    )
    artists = F.transform(F.split("row.artists", ";"), lambda artist: F.trim(artist))
    told = tracks.select(
        "spotify_id",
        F.filter(artists, lambda artist: artist != "").alias("artist_names"),
        F.trim("row.track_name").alias("track_name"),
        F.nullif(F.trim("row.album_name"), F.lit("")).alias("album_name"),
        "popularity",
        (F.lower("row.explicit") == "true").alias("is_explicit"),
        F.nullif(number("row", "duration_ms").try_cast("bigint"), F.lit(0)).alias("duration_ms"),
        "genres",
        *feature_columns("row"),
    ).where(F.size("artist_names") > 0)
    return recordings(told)


def recordings(tracks: DataFrame) -> DataFrame:
    """Adds to rows of Spotify ids their names taken apart and the recording that each is of."""
    named = tracks.withColumns(
        {
            "title": title_parts(F.col("track_name")),
            "each_artist": F.transform("artist_names", lambda artist: artist_letters(artist)),
        }
    ).withColumn("artist_letters", F.array_distinct(_credits()))
    main = F.get("each_artist", F.lit(0))
    base, version_letters = letters(F.col("title.base")), letters(F.col("title.version_words"))
    return _recordings(named).select(
        *tracks.columns,
        track_id_of_spotify(F.col("recording")).alias("track_id"),
        (F.col("spotify_id") == F.col("recording")).alias("is_representative"),
        "artist_letters",
        F.transform("each_artist", artist_id_of_name).alias("artist_ids"),
        artist_blocks(F.col("artist_letters")).alias("artist_blocks"),
        F.col("title.base").alias("base_title"),
        F.col("title.core").alias("core_title"),
        version_letters.alias("version_letters"),
        F.col("title.version").alias("version"),
        names_id_of(main, base, version_letters).alias("names_id"),
        work_id_of_names(main, base).alias("work_id"),
    )


def _credits() -> Column:
    """Under which names a track may be looked for: each artist, whom one name joins, and all as one name."""
    together = F.array(artist_letters(F.array_join("artist_names", " & ")))
    joined = F.flatten(
        F.transform("artist_names", lambda artist: F.transform(party_keys(_of_several(artist)), letters))
    )
    return F.concat(F.col("each_artist"), together, joined)


def _of_several(artist: Column) -> Column:
    """The name where it joins several ("Yusuf / Cat Stevens", "Bob Marley & The Wailers"), else nothing: "AC/DC" is one
    artist, and so may be "Simon & Garfunkel"."""
    return F.when(artist.rlike(r"(?i) / | (&|and) the "), artist).otherwise(F.lit(""))


def _recordings(named: DataFrame) -> DataFrame:
    """Adds `recording`: the least measured Spotify id of those that are one recording, or the least of all.

    Lengths in order make chains whose links are no longer than the slack; chains with a track of the very same sound
    are one.
    """
    same_names = [F.sort_array("each_artist").alias("all_artists"), F.col("title.base"), F.col("title.version_words")]
    by_names = Window.partitionBy("names_key")
    gap = F.col("duration_ms") - F.lag("duration_ms").over(by_names.orderBy("duration_ms", "spotify_id"))
    in_order = by_names.orderBy("duration_ms", "spotify_id").rowsBetween(Window.unboundedPreceding, 0)
    is_measured = F.col(LEADING[0]).isNotNull()
    sound = F.when(is_measured, F.hash(*FEATURE_NAMES))
    of_chain = Window.partitionBy("names_key", "chain")
    of_sound = Window.partitionBy("names_key", F.coalesce(sound.cast("string"), F.col("spotify_id")))
    least = F.struct((~is_measured).alias("unmeasured"), "spotify_id")
    return (
        named.withColumn("names_key", F.to_json(F.struct(*same_names)))
        .withColumn("starts", F.when(gap <= DURATION_SLACK_MS, 0).otherwise(1))
        .withColumn("chain", F.sum("starts").over(in_order))
        .withColumn("least", F.min(least).over(of_chain))
        .withColumn("least", F.min("least").over(of_sound))
        .withColumn("recording", F.min("least").over(of_chain)["spotify_id"])
    )
