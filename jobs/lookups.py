"""Which tracks a service has to be asked about: those heard, less what it answered before.

Heard are the keys that silver knows and those of tonight's plays, which silver has yet to see; both together are what
it will know after the night, without a second pass over all plays.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from clients.feeds import Answer, TrackQuery
from jobs.plan import STEPS, Ingest, TrackKey, view
from jobs.runtime import ops
from jobs.runtime.increments import Snapshot, assess
from jobs.runtime.lake import SIGN, Lake
from transformations.ids import song_key_of_names
from transformations.names import artist_key, song_title_key

IDENTITIES = "silver.track_identities"
KNOWN = ("spotify_id", "isrc", "artist_name", "track_name", "album_name", "duration_ms")


def queries(lake: Lake, ingest: Ingest, limit: int, as_of_date: date, now: datetime) -> list[TrackQuery]:
    """The tracks to ask about, at most `limit`, those heard last first; the rest is for the nights to come."""
    key = _key_of(ingest)
    heard = _heard(lake, as_of_date).withColumn("track_key", key).where(F.col("track_key").isNotNull())
    if ingest.name == "spotify_tracks":
        heard = heard.where("isrc IS NULL")  # a play of the API brings its track along, ISRC and all
    latest = heard.groupBy("track_key").agg(F.max(F.struct("seen_at", *KNOWN)).alias("known"))
    settled = lake.read("ops.lookups").where(F.col("stream") == ingest.name)
    is_found = F.col("status") == "found"
    is_fresh = (F.col("source") == ingest.source) & (F.col("expires_at") > F.lit(now))
    open_ = latest.join(settled.where(is_found | is_fresh).select("track_key"), "track_key", "left_anti")
    rows = (
        open_.orderBy(F.col("known.seen_at").desc(), "track_key").limit(limit).select("track_key", "known.*").collect()
    )
    return [TrackQuery(track_key=row["track_key"], **{name: row[name] for name in KNOWN}) for row in rows]


def answered(ingest: Ingest, answers: Sequence[Answer], now: datetime, unknown_until: datetime) -> list[dict[str, Any]]:
    """Rows of ops.lookups: what was found stays so, what is unknown is asked again after `unknown_until`."""
    return [
        {
            "source": ingest.source,
            "stream": ingest.name,
            "track_key": answer.track_key,
            "status": answer.status,
            "asked_at": now,
            "expires_at": None if answer.status == "found" else unknown_until,
        }
        for answer in answers
    ]


def _key_of(ingest: Ingest) -> Column:
    """What a service knows a track by; of names the song_key of silver.track_identities, one for all editions."""
    if ingest.asked_by is TrackKey.NAMES:
        artist, title = artist_key(F.col("artist_name")), song_title_key(F.col("track_name"))
        return F.when(artist.isNotNull() & title.isNotNull(), song_key_of_names(artist, title))
    if ingest.asked_by is TrackKey.ANY_ID:
        return F.coalesce("spotify_id", "isrc")
    return F.col("spotify_id")


def _heard(lake: Lake, as_of_date: date) -> DataFrame:
    """Every key heard with what is known of it: ids of the track it was matched to stand in for its own."""
    tracks = lake.read("silver.tracks").select(
        "track_id", F.col("spotify_id").alias("own_id"), F.col("isrc").alias("own_isrc")
    )
    known = (
        lake.read(IDENTITIES)
        .withColumn("seen_at", F.col("named_at"))
        .join(tracks, "track_id", "left")
        .withColumn("spotify_id", F.coalesce("spotify_id", "own_id"))
        .withColumn("isrc", F.coalesce("isrc", "own_isrc"))
        .select("seen_at", *KNOWN)
    )
    return known.unionByName(_unseen(lake, as_of_date))


def _unseen(lake: Lake, as_of_date: date) -> DataFrame:
    """Plays that came since silver read bronze last; all of them where it has to begin anew."""
    step = next(step for step in STEPS if step.table == IDENTITIES)
    assessment = assess(step, Snapshot(lake, ops.bookmarks(lake)), as_of_date, full=False)
    plays = view("silver.plays")
    assert plays is not None
    inputs = {}
    for table in plays.reads:
        rows = lake.read(table)
        if assessment.full_reason is None:
            changes = assessment.changes.get(table)
            rows = changes.where(F.col(SIGN) > 0).drop(SIGN) if changes is not None else rows.limit(0)
        inputs[table.split(".")[1]] = rows
    built: DataFrame = importlib.import_module("transformations.silver.plays").build(**inputs)
    return built.select(F.col("event_at").alias("seen_at"), *KNOWN)
