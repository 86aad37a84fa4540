"""Spotify's answers about tracks to typed columns, one row a Spotify id that was asked for."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.silver.covers import COVER_SIZES
from transformations.ids import track_id_of_spotify

FIELDS = """
    name string, duration_ms string, explicit string, popularity string, external_ids struct<isrc: string>,
    artists array<struct<id: string, name: string, external_urls: struct<spotify: string>>>,
    album struct<
        name: string, release_date: string, images: array<struct<url: string, width: int>>
    >
"""
ARTIST_PAGE = "https://open.spotify.com/artist/"
ISRC = r"^[A-Z]{2}[A-Z0-9]{3}[0-9]{7}$"


def build(*, spotify_tracks: DataFrame) -> DataFrame:
    """An answer in, a row out; the track in it may be another release, what was asked for stays its key."""
    rows = spotify_tracks.select("track_key", F.from_json("payload", FIELDS).alias("row"))
    isrc = F.upper("row.external_ids.isrc")
    artists = F.filter("row.artists", lambda artist: F.trim(artist["name"]) != "")
    covers = _covers(F.col("row.album.images"))
    return rows.select(
        "track_key",
        track_id_of_spotify(F.col("track_key")).alias("track_id"),
        F.coalesce(F.transform(artists, lambda artist: F.trim(artist["name"])), _no_text()).alias("artist_names"),
        F.coalesce(F.transform(artists, _page), _no_text()).alias("artist_urls"),
        F.trim("row.name").alias("track_name"),
        F.nullif(F.trim("row.album.name"), F.lit("")).alias("album_name"),
        first_day(F.col("row.album.release_date")).alias("release_date"),
        F.nullif(F.col("row.duration_ms").try_cast("bigint"), F.lit(0)).alias("duration_ms"),
        F.col("row.explicit").try_cast("boolean").alias("is_explicit"),
        F.col("row.popularity").try_cast("int").alias("popularity"),
        F.when(isrc.rlike(ISRC), isrc).alias("isrc"),
        F.get(F.reverse(covers), F.lit(0))["url"].alias("album_thumbnail"),
        *[_cover(covers, pixels).alias(f"album_thumbnail_{size}") for size, pixels in COVER_SIZES.items()],
    )


def first_day(text: Column) -> Column:
    """The day, or the first day of the month or year, that a date of less precision names; year 0 is no year."""
    day = (
        F.when(text.rlike(r"^\d{4}$"), F.concat(text, F.lit("-01-01")))
        .when(text.rlike(r"^\d{4}-\d{2}$"), F.concat(text, F.lit("-01")))
        .otherwise(text)
    )
    return F.when(~text.startswith("0000"), day.try_cast("date"))


def _page(artist: Column) -> Column:
    return F.coalesce(artist["external_urls"]["spotify"], F.concat(F.lit(ARTIST_PAGE), artist["id"]), F.lit(""))


def _covers(images: Column) -> Column:
    """The album's pictures, the smallest first; one that does not say its width comes before all others."""
    usable = F.filter(images, lambda image: image["url"].isNotNull())
    measured = F.transform(
        usable, lambda image: F.struct(F.coalesce(image["width"], F.lit(0)).alias("width"), image["url"].alias("url"))
    )
    return F.array_sort(measured)


def _cover(covers: Column, pixels: int) -> Column:
    """The smallest picture of at least so many pixels, else the largest."""
    large_enough = F.filter(covers, lambda cover: cover["width"] >= pixels)
    return F.coalesce(F.get(large_enough, F.lit(0))["url"], F.get(F.reverse(covers), F.lit(0))["url"])


def _no_text() -> Column:
    return F.array().cast("array<string>")
