"""Plays to listens: one row per play, whichever feeds saw it, with track, local day, session and skip.

One shuffle by listener serves the collapse of a feed's exact repeats, the sessions and the merge between feeds. Most of
it is done per listener of one feed (or of one fetch of Spotify's API) and per listener of several, who alone go on to
the merge. The trap: a session can only be cut where its first play is in sight, so the runner gives either a listener's
whole history or all of it from the start of a session on; and what is merged lies within a session.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from schemas.silver.listens import MEMBER_FIELDS
from transformations.silver.one_play import SPOTIFY_API, is_skipped, merged

SESSION_GAP_SECONDS = 30 * 60
LOVING_FEED = "lastfm"  # whose list of loved tracks there is; its names are those of its plays
RECORD = ("user_id", "played_at", "source", "artist_name", "track_name")
# The song's key is never null. It is named here so that both kinds of listeners ask for the very same columns of what
# is joined: otherwise Spark joins everything twice.
IS_BY_SEVERAL = "is_seen_by_several AND song_key IS NOT NULL"
PLAY = (
    "listen_id", "user_id", "session_id", "time_zone", "played_at", "source", "source_track_key", "artist_name",
    "track_name", "track_id", "track_duration_ms", "album_name", "ms_played", "duration_ms", "is_loved",
    "is_streamable", "record_count", "merged_sources", "members",
)  # fmt: skip


def build(
    *,
    plays: DataFrame,
    track_identities: DataFrame,
    tracks: DataFrame,
    users: DataFrame,
    user_loved_tracks: DataFrame,
) -> DataFrame:
    """A bronze play in, a listen out; records alike in feed, listener, start, artist and title are one listen, as are
    the records of several feeds that `one_play` finds to be of one play.

    Of those that differ in whether they are loved or streamable, one that says yes is enough.
    """
    loved = user_loved_tracks.select(
        "user_id", F.lit(LOVING_FEED).alias("source"), "artist_name", "track_name", F.lit(True).alias("is_in_list")
    )
    identities = track_identities.select("source", "source_track_key", "track_id", "song_key")
    identified = (
        plays.withColumnRenamed("event_at", "played_at")
        .join(identities, ["source", "source_track_key"])
        .join(tracks.select("track_id", F.col("duration_ms").alias("track_duration_ms")), "track_id")
        .join(F.broadcast(users.select("user_id", "time_zone")), "user_id")
        .join(loved, ["user_id", "source", "artist_name", "track_name"], "left")
    )
    records = _seen_by(identified.repartition("user_id"))
    alone, several = (
        _in_sessions(_once_a_feed(records.where(whose))) for whose in (f"NOT ({IS_BY_SEVERAL})", IS_BY_SEVERAL)
    )
    listens = _alone(alone).unionByName(_merged(several))
    duration = F.coalesce("duration_ms", "track_duration_ms")
    return listens.select(
        "listen_id",
        "user_id",
        "played_at",
        F.to_date(F.from_utc_timestamp("played_at", F.col("time_zone"))).alias("listen_date"),
        "track_id",
        "source_track_key",
        "artist_name",
        "track_name",
        "album_name",
        "source",
        "merged_sources",
        "record_count",
        F.when(F.col("record_count") > 1, F.array_sort("members")).alias("members"),
        "ms_played",
        duration.alias("duration_ms"),
        is_skipped(F.col("ms_played"), duration).alias("is_skipped"),
        "is_loved",
        "is_streamable",
        "session_id",
    )


def _once_a_feed(identified: DataFrame) -> DataFrame:
    """A feed's exact repeats as the record of the smallest event id; `members` are all of them, if more than one."""
    of_record, is_repeated = Window.partitionBy(*RECORD), F.col("record_count") > 1
    return (
        identified.withColumn("place", F.row_number().over(of_record.orderBy("event_id")))
        .withColumn("record_count", F.count("*").over(of_record))
        .withColumn("members", F.collect_list(F.when(is_repeated, F.struct(*MEMBER_FIELDS))).over(of_record))
        .withColumn("is_loved", F.coalesce("is_in_list", F.max("is_loved").over(of_record)))
        .withColumn("is_streamable", F.max("is_streamable").over(of_record))
        .where("place = 1")
    )


def _seen_by(records: DataFrame) -> DataFrame:
    """Whether the listener has several feeds, or Spotify's API in several runs, which may tell a play again."""
    feed = F.when(F.col("source") == SPOTIFY_API, F.concat_ws(" ", "source", "fetched_in")).otherwise(F.col("source"))
    of_user = Window.partitionBy("user_id")
    return records.withColumn("is_seen_by_several", F.min(feed).over(of_user) != F.max(feed).over(of_user))


def _in_sessions(records: DataFrame) -> DataFrame:
    """The first record since the last 30 minutes in which no play was running, by its event id."""
    in_order = Window.partitionBy("user_id").orderBy("played_at", "source", "artist_name", "track_name", "event_id")
    end = F.unix_seconds("played_at") + F.coalesce(F.col("ms_played"), F.lit(0)) / 1000
    before = in_order.rowsBetween(Window.unboundedPreceding, -1)
    silence = F.unix_seconds("played_at") - F.max(end).over(before)
    starts = F.coalesce(silence >= SESSION_GAP_SECONDS, F.lit(True))
    return records.withColumn("session", F.last(F.when(starts, F.col("event_id")), ignorenulls=True).over(in_order))


def _alone(records: DataFrame) -> DataFrame:
    named = {"event_id": "listen_id", "session": "session_id"}
    return records.withColumn("merged_sources", F.array("source")).withColumnsRenamed(named).select(*PLAY)


def _merged(records: DataFrame) -> DataFrame:
    """Plays of several feeds; a session is known by the first of its plays, not of its records."""
    of_session = Window.partitionBy("user_id", "session")
    in_order = of_session.orderBy("played_at", "source", "artist_name", "track_name", "listen_id")
    members = F.when(F.size("members") > 0, F.col("members")).otherwise(F.array(F.struct(*MEMBER_FIELDS)))
    return (
        merged(records.withColumn("members", members))
        .withColumn("session_id", F.first("listen_id").over(in_order))
        .select(*PLAY)
    )
