"""Records of a listener's plays, one per feed and play, to plays: the same play seen by several feeds becomes one.

What may be one play: records of one song (of one track, or alike in artist and title but for editions) within one
session of the listener, both under or both over a skip's length, of different feeds. Spotify's API alone may tell a
play again at a later fetch, by another stamp; such records are folded first.

Each record says from when to when its play may have started. Records whose spans meet are a burst. In it the feed with
most plays leads: the plays of the others go to its plays in order, one to one, to the nearest where they are fewer. So
repeats survive. Who does not meet the record whose stamp is taken is another play. Two traps: what is one play must not
depend on records of another session, because an increment has whole sessions and no more; and where of two feeds each
lacks another play of a song that is played over and over, as many plays are taken for the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.window import WindowSpec

from schemas.vocab import CSV_FEED
from transformations.ids import is_names_key

SKIP_MS = 30_000  # the services count a play from 30 s on
SKIP_SHARE = 0.5  # of a track shorter than a minute

SPOTIFY_API = "spotify_api"
SCROBBLERS = ("listenbrainz", "lastfm", "lastfm_1k", CSV_FEED)
# Whose start is taken: exact to the second, then as told by a player's clock, then in minutes, then an end mostly.
START = ("spotify_extended", *SCROBBLERS, "spotify_account", SPOTIFY_API)
# Whose track is taken after those that name it by Spotify id, and whose album.
TRACK = ("spotify_extended", SPOTIFY_API, "listenbrainz", "lastfm", "lastfm_1k", CSV_FEED, "spotify_account")
ALBUM = TRACK
MS_PLAYED = ("spotify_extended", "spotify_account", CSV_FEED, "listenbrainz", "lastfm", "lastfm_1k", SPOTIFY_API)
DURATION = (SPOTIFY_API, "spotify_extended", "listenbrainz", "lastfm", "lastfm_1k", CSV_FEED, "spotify_account")

# How long before and after its stamp a play may have started, by feed. An export's start is its end less the time
# played, so a pause makes it late; the account data's end is cut to the minute; scrobblers lag and have clocks of their
# own. The API's stamp is the start or, a whole song and its pauses later, the end.
PAUSES_MS, MINUTE_MS, ROUNDING_MS, CLOCKS_MS, SERVER_MS = 120_000, 60_000, 2_000, 60_000, 5_000
SPANS = {
    "spotify_extended": (PAUSES_MS, ROUNDING_MS),
    "spotify_account": (PAUSES_MS, MINUTE_MS + ROUNDING_MS),
    **dict.fromkeys(SCROBBLERS, (CLOCKS_MS, CLOCKS_MS)),
    SPOTIFY_API: (MINUTE_MS, SERVER_MS),  # and the length of the song before
}
UNKNOWN_LENGTH_MS, LONGEST_MS = 300_000, 24 * 3_600_000
# The API's stamp of a play at a later fetch: moved by less than the shortest play it lists, or to the other end.
DRIFT_MS, MOVED_MS = 30_000, 250
START_DOUBT_MS = 5_000  # the API's stamp is rather an end than a start
UNHEARD_MS = 60_000  # a scrobbler counts what was heard to the half
MOST_TO_COMPARE = (
    500  # plays of a burst; beyond, the k-th of one is taken for the k-th of another, whether they meet or not
)

SESSION = ("user_id", "session")
SONG = (*SESSION, "song", "is_short")
BURST = (*SONG, "burst")
FEED = (*BURST, "source")
SLOT = (*BURST, "slot")


def merged(records: DataFrame) -> DataFrame:
    """Records, a feed's exact repeats already one, in; a row per play out, with `listen_id`."""
    return _plays(_assigned(_led(_in_bursts(_told_once(_named(records))))))


def is_skipped(ms_played: Column, duration_ms: Column) -> Column:
    """Played under min(30 s, half the track), under 30 s where the length is unknown; null for unknown ms_played."""
    return ms_played < F.least(F.lit(float(SKIP_MS)), duration_ms * SKIP_SHARE)


def earliest_start(source: Column, at: Column, length_ms: Column) -> Column:
    """The first moment at which the play of a record may have started, in epoch milliseconds as `at`."""
    reach = F.when(source == SPOTIFY_API, length_ms).otherwise(F.lit(0))
    return at - reach - _of_feed(source, {feed: before for feed, (before, _) in SPANS.items()})


def latest_start(source: Column, at: Column) -> Column:
    """The last moment at which the play of a record may have started."""
    return at + _of_feed(source, {feed: after for feed, (_, after) in SPANS.items()})


def rank(source: Column, feeds: tuple[str, ...]) -> Column:
    """The place of a feed in an order of feeds; every csv file's is that of `csv`."""
    return _of_feed(source, {feed: place for place, feed in enumerate(feeds)})


def distance(a: Column, b: Column) -> Column:
    """How far two records of one song are from being one play, in milliseconds; alike from both sides.

    The API's stamp is compared with both ends of the other's play. Two that know the time played must agree on it, and
    a scrobbler has no play that was not heard to the half.
    """
    unheard = (a["is_scrobble"] & (b["ms_played"] < b["length_ms"] / 2)) | (
        b["is_scrobble"] & (a["ms_played"] < a["length_ms"] / 2)
    )
    starts = (
        F.abs(a["start"] - b["start"])
        + F.coalesce(F.abs(a["ms_played"] - b["ms_played"]), F.lit(0))
        + F.when(unheard, UNHEARD_MS).otherwise(0)
    )
    return (
        F.when(a["is_api"] & b["is_api"], F.abs(a["at"] - b["at"]))
        .when(a["is_api"], _to_either_end(a["at"], b))
        .when(b["is_api"], _to_either_end(b["at"], a))
        .otherwise(starts)
    )


def _to_either_end(at: Column, play: Column) -> Column:
    return F.least(F.abs(at - play["at"]) + START_DOUBT_MS, F.abs(at - play["end"]))


def _of_feed(source: Column, values: Mapping[str, int]) -> Column:
    feed = F.substring_index(source, ":", 1)
    pairs = [F.lit(part) for pair in values.items() for part in pair]
    return F.element_at(F.create_map(*pairs), feed).cast("bigint")


def _named(records: DataFrame) -> DataFrame:
    """Tell song, length and time of each record."""
    source, ms_played = F.col("source"), F.col("ms_played")
    of_name, of_track = (Window.partitionBy(*SESSION, name) for name in ("song_key", "track_id"))
    own_length = F.coalesce("duration_ms", "track_duration_ms")
    known_length = F.coalesce(own_length, F.max(own_length).over(of_name))
    # The track of those that name it by id goes for all that are named alike.
    track = F.min(F.struct("is_by_names", "track_id")).over(of_name)
    return (
        records.withColumn("is_by_names", is_names_key(F.col("source_track_key")))
        .withColumns(
            {
                "at": F.unix_millis("played_at"),
                "song": track["track_id"],
                "is_short": F.coalesce(is_skipped(ms_played, known_length), F.lit(False)),
                "length_ms": F.least(F.coalesce(known_length, F.lit(UNKNOWN_LENGTH_MS)), F.lit(LONGEST_MS)),
                "is_api": source == SPOTIFY_API,
            }
        )
        .withColumn("song", F.min("song").over(of_track))
    )


def _told_once(records: DataFrame) -> DataFrame:
    """A play that Spotify's API told again at a later fetch as one record: the earliest, with the members of all."""
    in_time = Window.partitionBy(*SONG, "source").orderBy("at", "event_id")
    apart = F.col("at") - F.lag("at").over(in_time)
    is_moved = (apart < DRIFT_MS) | (F.abs(apart - F.col("length_ms")) <= MOVED_MS)
    is_again = F.col("is_api") & (F.col("fetched_in") != F.lag("fetched_in").over(in_time)) & is_moved
    so_far = in_time.rowsBetween(Window.unboundedPreceding, 0)
    of_play = Window.partitionBy(*SONG, "source", "telling")
    return (
        records.withColumn("is_first", ~F.coalesce(is_again, F.lit(False)))
        .withColumn("telling", F.sum(F.col("is_first").cast("int")).over(so_far))
        .withColumn("members", F.flatten(F.collect_list("members").over(of_play)))
        .withColumn("record_count", F.sum("record_count").over(of_play))
        .withColumn("event_id", F.min("event_id").over(of_play))
        .where("is_first")
    )


def _in_bursts(records: DataFrame) -> DataFrame:
    """Tell the span of each record, and number the bursts: a gap between spans begins one."""
    at, source, ms_played, length = F.col("at"), F.col("source"), F.col("ms_played"), F.col("length_ms")
    half_a_minute = F.when(source == "spotify_account", MINUTE_MS // 2).otherwise(0)
    in_time = Window.partitionBy(*SONG).orderBy("earliest", "event_id")
    before = F.max("latest").over(in_time.rowsBetween(Window.unboundedPreceding, -1))
    return (
        records.withColumns(
            {
                "earliest": earliest_start(source, at, length),
                "latest": latest_start(source, at),
                "evidence": F.struct(
                    at.alias("at"),
                    (at + half_a_minute).alias("start"),
                    (at + F.coalesce(ms_played, length)).alias("end"),
                    ms_played.alias("ms_played"),
                    length.alias("length_ms"),
                    F.col("is_api"),
                    F.substring_index(source, ":", 1).isin(*SCROBBLERS).alias("is_scrobble"),
                ),
            }
        )
        .withColumn("opens", F.coalesce(F.col("earliest") > before, F.lit(True)).cast("int"))
        .withColumn("burst", F.sum("opens").over(in_time.rowsBetween(Window.unboundedPreceding, 0)))
    )


def _in_turn() -> WindowSpec:
    return Window.partitionBy(*FEED).orderBy("at", "event_id")


def _led(records: DataFrame) -> DataFrame:
    """The leader of each burst, and its plays where others have fewer."""
    of_burst = Window.partitionBy(*BURST)
    leader = F.max(F.struct("turns", (-rank(F.col("source"), START)).alias("place"), "source")).over(of_burst)
    is_contested = (F.min("turns").over(of_burst) < F.col("leader.turns")) & (F.col("leader.turns") <= MOST_TO_COMPARE)
    return (
        records.withColumn("turn", F.row_number().over(_in_turn()))
        .withColumn("turns", F.count("*").over(Window.partitionBy(*FEED)))
        .withColumn("leader", leader)
        .withColumn("is_leader", F.col("source") == F.col("leader.source"))
        .withColumn("is_contested", is_contested)
        .withColumn(
            "leaders",
            F.collect_list(F.when(F.col("is_leader") & F.col("is_contested"), F.struct("turn", "evidence"))).over(
                of_burst
            ),
        )
    )


def _assigned(records: DataFrame) -> DataFrame:
    """Which of the leader's plays each record is of: the nearest, later where that is taken, earlier where no more are
    left; of as many, the k-th. Those that do not meet it are of another play, together where they meet each other."""
    nearest = F.array_min(
        F.transform(
            "leaders",
            lambda play: F.struct(
                distance(F.col("evidence"), play["evidence"]).alias("apart"), play["turn"].alias("turn")
            ),
        )
    )["turn"]
    near = F.when(F.col("is_leader"), F.col("turn")).otherwise(F.coalesce(nearest, F.col("turn")))
    pushed = F.max(F.col("near") - F.col("turn")).over(_in_turn().rowsBetween(Window.unboundedPreceding, 0))
    slot = F.least(F.greatest(pushed, F.lit(0)) + F.col("turn"), F.col("leader.turns") - F.col("turns") + F.col("turn"))
    of_slot, of_play = Window.partitionBy(*SLOT), Window.partitionBy(*SLOT, "is_of_slot")
    taken = F.min(F.struct(rank(F.col("source"), START).alias("place"), "at", "event_id", "earliest", "latest"))
    meets = (F.col("earliest") <= F.col("taken.latest")) & (F.col("latest") >= F.col("taken.earliest"))
    listen_id = F.min(F.when(F.col("is_of_play"), F.col("event_id"))).over(of_play)
    return (
        records.withColumn("near", near)
        .withColumn("slot", slot)
        .withColumn("taken", taken.over(of_slot))
        .withColumn("is_of_slot", meets)
        .withColumn("taken", taken.over(of_play))
        .withColumn("is_of_play", meets)
        .withColumn("listen_id", F.when(F.col("is_of_play"), listen_id).otherwise(F.col("event_id")))
    )


def _plays(records: DataFrame) -> DataFrame:
    """One row a play, each field from the first feed of its order that has it."""
    stamped = F.struct("played_at", "source", "source_track_key", "artist_name", "track_name")
    place = rank(F.col("source"), TRACK).alias("place")
    plays = records.groupBy("user_id", "listen_id").agg(
        F.min("session").alias("session"),
        F.min("time_zone").alias("time_zone"),
        _of_first(START, stamped, "played_at").alias("stamped"),
        F.min(F.struct("is_by_names", place, "event_id", "track_id", "track_duration_ms")).alias("known"),
        _of_first(ALBUM, F.col("album_name")).alias("album_name"),
        _of_first(MS_PLAYED, F.col("ms_played")).alias("ms_played"),
        _of_first(DURATION, F.col("duration_ms")).alias("duration_ms"),
        F.max("is_loved").alias("is_loved"),
        F.max("is_streamable").alias("is_streamable"),
        F.sum("record_count").alias("record_count"),
        F.array_sort(F.collect_set("source")).alias("merged_sources"),
        F.array_sort(F.flatten(F.collect_list("members"))).alias("members"),
    )
    return plays.select("*", "stamped.*", "known.track_id", "known.track_duration_ms").drop("stamped", "known")


def _of_first(feeds: tuple[str, ...], value: Column, *then_by: str) -> Column:
    """The value of the first feed of an order that has one; of several records of that feed, the smallest id's."""
    given = F.struct(rank(F.col("source"), feeds).alias("place"), *then_by, "event_id", value.alias("value"))
    return F.min(F.when(value.isNotNull(), given))["value"]
