"""What makes a bronze event of a raw record: its stamp, its ids and the rules it must keep.

Every bronze build gives these columns, and the job that stores them adds which run it was: event_id, user_id or
track_key (of what belongs to a listener or answers for a track), event_at, payload, _source, and _violations, the ids
of broken rules. Records come with the listener's pseudonym in `user_id`: names never reach a DataFrame. A build's
REDACTED, where it has one, names the fields that are dropped at any depth before a record becomes a payload.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transformations.ids import hashed

EARLIEST = datetime(2000, 1, 1)  # noqa: DTZ001 (Spark takes naive UTC); before any service scrobbled; 1970 stamps are broken clocks (Last.fm has them)
CLOCK_SKEW = timedelta(days=1)  # a device's clock may run ahead of ours by a time zone's error
ISO_STAMP = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}"
ISO_ZONE = r"(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)$"
MAX_PLAY_MS = 7 * 24 * 3_600_000  # longer than any recording: a broken counter
EPOCH_SECONDS, EPOCH_MILLIS = r"^\d{9,10}$", r"^\d{12,13}$"


def stamp(text: Column, time_zone: str = "UTC") -> Column:
    """A moment in UTC from ISO 8601 text or epoch seconds or milliseconds; null where it is none of these.

    Text without an offset is read in `time_zone` (an IANA name).
    """
    trimmed = F.upper(F.trim(text))
    read = F.try_to_timestamp(trimmed)
    local = F.to_utc_timestamp(read, time_zone) if time_zone != "UTC" else read
    return (
        F.when(trimmed.rlike(ISO_STAMP), F.when(trimmed.rlike(ISO_ZONE), read).otherwise(local))
        .when(trimmed.rlike(EPOCH_SECONDS), F.timestamp_seconds(trimmed.try_cast("long")))
        .when(trimmed.rlike(EPOCH_MILLIS), F.timestamp_millis(trimmed.try_cast("long")))
    )


def start_of_play(end: Column, ms_played: Column) -> Column:
    """The start of a play whose source stamps its end; a length that no play has counts as 0."""
    length = F.when(ms_played.between(0, MAX_PLAY_MS), ms_played).otherwise(F.lit(0))
    return F.timestamp_micros(F.unix_micros(end) - length * 1000)


def is_blank(text: Column) -> Column:
    return F.coalesce(F.trim(text) == "", F.lit(True))


def play_rules(
    *, event_at: Column, artist_name: Column, track_name: Column, ms_played: Column, now: datetime
) -> dict[str, Column]:
    """The rules of every play event by id; True is broken, null counts as kept."""
    return {
        "missing_user": F.col("user_id").isNull(),
        "bad_timestamp": event_at.isNull(),
        "implausible_time": (event_at < F.lit(EARLIEST)) | (event_at > F.lit(now + CLOCK_SKEW)),
        "missing_artist_name": is_blank(artist_name),
        "missing_track_name": is_blank(track_name),
        "negative_ms_played": ms_played < 0,
        "implausible_ms_played": ms_played > MAX_PLAY_MS,
    }


def play_events(
    records: DataFrame,
    *,
    feed: str,
    payload: Column,
    event_at: Column,
    own_stamp: Column,
    track_key: Column,
    rules: Mapping[str, Column],
) -> DataFrame:
    """One event a record, known by the feed's own stamp and track key."""
    identity = (F.col("user_id"), own_stamp, track_key)
    return _events(records, feed=feed, identity=identity, event_at=event_at, payload=payload, rules=rules)


def state_events(
    records: DataFrame,
    *,
    feed: str,
    identity: Sequence[Column],
    rules: Mapping[str, Column],
    event_at: Column | None = None,
) -> DataFrame:
    """One event a record that states what is, not what happened: known by `identity`, mostly without a moment.

    Whose it is (`user_id`, `track_key`, or nobody's) is what the records have, and must not be missing.
    """
    missing = {f"missing_{name.removesuffix('_id')}": is_blank(F.col(name)) for name in _owner(records)}
    return _events(
        records,
        feed=feed,
        identity=[*[F.col(name) for name in _owner(records)], *identity],
        event_at=F.lit(None).cast("timestamp") if event_at is None else event_at,
        payload=F.col("payload"),
        rules={**missing, **rules},
    )


def _events(
    records: DataFrame,
    *,
    feed: str,
    identity: Sequence[Column],
    event_at: Column,
    payload: Column,
    rules: Mapping[str, Column],
) -> DataFrame:
    """One event a record, in the shape that the module's first lines give."""
    return records.select(
        "_row",
        hashed(F.lit(feed), *identity).alias("event_id"),
        *_owner(records),
        event_at.alias("event_at"),
        payload.alias("payload"),
        F.lit(feed).alias("_source"),
        violations(rules).alias("_violations"),
    )


def _owner(records: DataFrame) -> list[str]:
    return [name for name in ("user_id", "track_key") if name in records.columns]


def violations(rules: Mapping[str, Column]) -> Column:
    """Ids of the broken rules; NULL-safe, so a rule over null is kept, not lost."""
    broken = [F.when(F.coalesce(rule, F.lit(False)), F.lit(name)) for name, rule in rules.items()]
    return F.array_compact(F.array(*broken))
