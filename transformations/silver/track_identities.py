"""Track keys of the feeds to tracks: by Spotify id, then exact, then normalised artist and title, else heard only.

A fold: the evidence of a key (its names and ids) is what its latest play says, so a batch of plays joined with the
rows of before gives what all plays together would give. A play may come again with late metadata: moment and event id
stay, so what it says now outranks what it said. The trap: which track a key means depends on the whole catalogue, so
when that changes every key is decided again.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from transformations.ids import song_key_of_names, track_id_of_names, track_id_of_spotify
from transformations.names import artist_key, exact_key, song_title_key, title_key

RULE_VERSION = 1
# How sure a method is, until part of a labelled set says otherwise: an id is certain, names can be shared.
SCORES = {"spotify_id": 1.0, "exact": 0.98, "normalised": 0.95, "none": 1.0}
EVIDENCE = ("artist_name", "track_name", "album_name", "spotify_id", "isrc", "recording_mbid", "duration_ms", "lastfm")
KEY = ("source", "source_track_key")


def build(*, plays: DataFrame, catalogue_tracks: DataFrame, previous: DataFrame) -> DataFrame:
    """New plays and the rows of before in, a row per feed and track key out."""
    return _decided(_evidence(plays, previous), catalogue_tracks)


def _evidence(plays: DataFrame, previous: DataFrame) -> DataFrame:
    """Per key what its latest play says; of two at one moment the one of the larger id, whatever came first."""
    heard = plays.withColumnsRenamed({"event_at": "named_at", "event_id": "named_event_id"})
    columns = [*KEY, "named_at", "named_event_id", *EVIDENCE]
    seen = heard.select(*columns, F.lit(1).alias("is_new")).unionByName(
        previous.select(*columns, F.lit(0).alias("is_new"))
    )
    latest = F.max(F.struct("named_at", "named_event_id", "is_new", *EVIDENCE)).alias("latest")
    return seen.groupBy(*KEY).agg(latest).select(*KEY, "latest.*").drop("is_new")


def _decided(evidence: DataFrame, catalogue_tracks: DataFrame) -> DataFrame:
    catalogue = catalogue_tracks.select("track_id", "spotify_id", "popularity", *_keys("get(artist_names, 0)"))
    by_id = catalogue.select(F.col("spotify_id"), F.col("track_id").alias("track_by_id"))
    keyed = evidence.select("*", *_keys("artist_name"))
    decided = (
        keyed.join(by_id, on="spotify_id", how="left")
        .join(_best(catalogue, "exact"), on=["exact_artist", "exact_title"], how="left")
        .join(_best(catalogue, "normalised"), on=["normalised_artist", "normalised_title"], how="left")
    )
    own = F.when(F.col("spotify_id").isNotNull(), track_id_of_spotify(F.col("spotify_id"))).otherwise(
        track_id_of_names(F.col("normalised_artist"), F.col("normalised_title"))
    )
    method = (
        F.when(F.col("track_by_id").isNotNull(), "spotify_id")
        .when(F.col("track_exact").isNotNull(), "exact")
        .when(F.col("track_normalised").isNotNull(), "normalised")
        .otherwise("none")
    )
    found = F.coalesce("track_by_id", "track_exact", "track_normalised")
    track_id = F.coalesce(found, own)
    return decided.select(
        *KEY,
        track_id.alias("track_id"),
        method.alias("match_method"),
        _score(method).alias("match_score"),
        own.alias("own_track_id"),
        F.when(track_id != own, track_id).alias("replaced_by"),
        F.lit(RULE_VERSION).alias("rule_version"),
        song_key_of_names(F.col("normalised_artist"), song_title_key(F.col("track_name"))).alias("song_key"),
        *EVIDENCE,
        "named_at",
        "named_event_id",
    )


def _keys(artist: str) -> list[Column]:
    name, title = F.expr(artist), F.col("track_name")
    return [
        exact_key(name).alias("exact_artist"),
        exact_key(title).alias("exact_title"),
        artist_key(name).alias("normalised_artist"),
        title_key(title).alias("normalised_title"),
    ]


def _best(catalogue: DataFrame, spelling: str) -> DataFrame:
    """The catalogue's track for a spelling: of several the most popular, of those the first by id."""
    keys = [f"{spelling}_artist", f"{spelling}_title"]
    best_first = Window.partitionBy(*keys).orderBy(F.col("popularity").desc_nulls_last(), "spotify_id")
    return (
        catalogue.withColumn("place", F.row_number().over(best_first))
        .where("place = 1")
        .select(*keys, F.col("track_id").alias(f"track_{spelling}"))
    )


def _score(method: Column) -> Column:
    return F.element_at(F.create_map(*[F.lit(x) for pair in SCORES.items() for x in pair]), method)
