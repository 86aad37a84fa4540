"""Plays to listens: one row per feed and play, with track, local day, session and whether it was skipped.

One shuffle by listener and one sort serve both the collapse of repeats and the sessions: their windows ask for
prefixes of the same order. The trap: a session can only be cut where its first play is in sight, so the runner gives
either a listener's whole history or all of it from the start of a session on.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

SESSION_GAP_SECONDS = 30 * 60
SKIP_MS = 30_000  # the services count a play from 30 s on
SKIP_SHARE = 0.5  # of a track shorter than a minute
LOVING_FEED = "lastfm"  # whose list of loved tracks there is; its names are those of its plays
PLAY = ("user_id", "played_at", "source", "artist_name", "track_name")


def build(
    *,
    plays: DataFrame,
    track_identities: DataFrame,
    tracks: DataFrame,
    users: DataFrame,
    user_loved_tracks: DataFrame,
) -> DataFrame:
    """A bronze play in, a listen out; records alike in feed, listener, start, artist and title are one listen.

    Of those that differ in whether they are loved or streamable, one that says yes is enough.
    """
    loved = user_loved_tracks.select(
        "user_id", F.lit(LOVING_FEED).alias("source"), "artist_name", "track_name", F.lit(True).alias("is_in_list")
    )
    identified = (
        plays.withColumnRenamed("event_at", "played_at")
        .join(track_identities.select("source", "source_track_key", "track_id"), ["source", "source_track_key"])
        .join(tracks.select("track_id", F.col("duration_ms").alias("track_duration_ms")), "track_id")
        .join(F.broadcast(users.select("user_id", "time_zone")), "user_id")
        .join(loved, ["user_id", "source", "artist_name", "track_name"], "left")
    )
    of_play = Window.partitionBy(*PLAY)
    by_event = of_play.orderBy("event_id")
    listens = (
        identified.repartition("user_id")
        .withColumn("place", F.row_number().over(by_event))
        .withColumn("record_count", F.count("*").over(of_play))
        .withColumn("is_loved", F.coalesce("is_in_list", F.max("is_loved").over(of_play)))
        .withColumn("is_streamable", F.max("is_streamable").over(of_play))
        .where("place = 1")
        .withColumn("duration_ms", F.coalesce("duration_ms", "track_duration_ms"))
    )
    return listens.select(
        F.col("event_id").alias("listen_id"),
        "user_id",
        "played_at",
        F.to_date(F.from_utc_timestamp("played_at", F.col("time_zone"))).alias("listen_date"),
        "track_id",
        "source_track_key",
        "artist_name",
        "track_name",
        "album_name",
        "source",
        F.array("source").alias("merged_sources"),
        "record_count",
        "ms_played",
        "duration_ms",
        is_skipped(F.col("ms_played"), F.col("duration_ms")).alias("is_skipped"),
        "is_loved",
        "is_streamable",
        _session_id().alias("session_id"),
    )


def is_skipped(ms_played: Column, duration_ms: Column) -> Column:
    """Played under min(30 s, half the track), under 30 s where the length is unknown; null for unknown ms_played."""
    return ms_played < F.least(F.lit(float(SKIP_MS)), duration_ms * SKIP_SHARE)


def _session_id() -> Column:
    """The event id of the first play since the last 30 minutes in which no play was running."""
    in_order = Window.partitionBy("user_id").orderBy("played_at", "source", "artist_name", "track_name", "event_id")
    end = F.unix_seconds("played_at") + F.coalesce(F.col("ms_played"), F.lit(0)) / 1000
    before = in_order.rowsBetween(Window.unboundedPreceding, -1)
    silence = F.unix_seconds("played_at") - F.max(end).over(before)
    starts = F.coalesce(silence >= SESSION_GAP_SECONDS, F.lit(True))
    return F.last(F.when(starts, F.col("event_id")), ignorenulls=True).over(in_order)
