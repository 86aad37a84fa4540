"""Which track a Spotify id is: a recording stands under one of its ids, and is known by all of them."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame

from jobs.runtime.lake import Lake

WITH_IDS = ("silver.tracks", "silver.catalogue_tracks", "silver.track_identities")


def tracks_by_spotify_id(lake: Lake) -> DataFrame:
    """Every Spotify id that the lake has, and its track: spotify_id, track_id."""
    known = (lake.read(name).where("spotify_id IS NOT NULL").select("spotify_id", "track_id") for name in WITH_IDS)
    return reduce(DataFrame.unionByName, known).distinct()
