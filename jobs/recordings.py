"""What an id stands for: a track by any of the Spotify ids of its recording, an artist by one spelling."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.runtime.lake import Lake

WITH_IDS = ("silver.tracks", "silver.catalogue_tracks", "silver.track_identities")


def tracks_by_spotify_id(lake: Lake) -> DataFrame:
    """Every Spotify id that the lake has, and its track: spotify_id, track_id."""
    known = (lake.read(name).where("spotify_id IS NOT NULL").select("spotify_id", "track_id") for name in WITH_IDS)
    return reduce(DataFrame.unionByName, known).distinct()


def artist_names(lake: Lake, ids: Sequence[str]) -> dict[str, str]:
    """Names of artists by id, spelt as silver.artists does; of an id that it does not have there is none."""
    if not ids:
        return {}
    rows = lake.read("silver.artists").where(F.col("artist_id").isin(*ids)).select("artist_id", "artist_name")
    return {row["artist_id"]: row["artist_name"] for row in rows.collect()}
