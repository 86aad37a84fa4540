"""Moods by a listener's name: reported, read from what they heard last, and shown, of late and by hour and weekday.

What a listener writes beside a mood is theirs: it is stored, and neither logged nor shown here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.people import listener, time_zone_of
from jobs.runtime import ops
from jobs.runtime.errors import TooLittleDataError, UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.publish import recover
from jobs.summary import COLOURS, share_bar
from schemas.vocab import ENTRY_PLAYS, MOODS, PERIODS
from transformations.bronze.events import EARLIEST
from transformations.gold.mood_hours import COUNTS, mood_sums_by_hour
from transformations.gold.periods import CURRENT_DAYS
from transformations.gold.user_mood_profiles import MIN_MOOD_PLAYS, MIN_PLAYS
from transformations.ids import digest

TABLE = "bronze.mood_entries"
LONGEST_NOTE = 2_000  # characters
CLOCKS_APART = timedelta(minutes=5)  # how far ahead of ours the clock may be by which a mood was reported
MOSTLY_ESTIMATED = 0.5  # measured_share below which a profile says so
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Recorded:
    """A stored entry: its moment, the shares that its numbers are of each other, and the plays it was read from."""

    recorded_at: datetime
    shares: Mapping[str, float]
    listen_count: int | None
    is_new: bool


def given_moods(given: Mapping[str, float | None]) -> dict[str, float]:
    """The four numbers of an entry, 0 where none was given. Raises UsageError for numbers outside of 0-1 or all 0."""
    moods = {mood: given.get(mood) or 0.0 for mood in MOODS}
    if not all(math.isfinite(value) and 0 <= value <= 1 for value in moods.values()):
        raise UsageError("moods are numbers from 0 to 1, such as --happy 0.7 --relaxed 0.3")
    if not any(moods.values()):
        raise UsageError("say how it feels: at least one of --happy, --angry, --sad, --relaxed above 0")
    return moods


def record(
    lake: Lake,
    user: str,
    moods: Mapping[str, float],
    *,
    note: str | None = None,
    at: datetime | None = None,
    now: datetime | None = None,
) -> Recorded:
    """Store how a listener says that they feel; another entry of the same moment replaces the one of before.

    `at` without an offset is the listener's local time; the moment is now unless given, in whole seconds. Raises
    UsageError for an unknown listener, moods that `given_moods` refuses, a moment that cannot be, and a long note.
    """
    now = now or datetime.now(UTC)
    note = (note or "").strip() or None
    if note and len(note) > LONGEST_NOTE:
        raise UsageError(f"--note has {len(note):,} characters: {LONGEST_NOTE:,} are the most that are kept")
    recover(lake)
    user_id = listener(lake, user)
    zone = time_zone_of(lake, user_id)
    try:
        recorded_at = _moment(at or now, zone)
        is_known = EARLIEST.replace(tzinfo=UTC) <= recorded_at <= now + CLOCKS_APART
    except OverflowError:  # a year that no other zone has
        is_known = False
    if not is_known:
        local = now.astimezone(ZoneInfo(zone))
        raise UsageError(
            f"--at {at}: give a moment that was, from {EARLIEST.year} on; it is {local:%Y-%m-%d %H:%M} in {zone}"
        )
    return _stored(lake, user_id, "manual", recorded_at, given_moods(moods), now, note=note)


def analyze(lake: Lake, user: str, *, last: int = 50, now: datetime | None = None) -> Recorded:
    """Store how the latest plays of a listener sound, as an entry that is never blended with these plays.

    Raises UsageError for an unknown listener, TooLittleDataError where too few of the plays have a mood.
    """
    now = now or datetime.now(UTC)
    recover(lake)
    user_id = listener(lake, user)
    heard = lake.read("silver.enriched_listens").where(
        (F.col("user_id") == user_id) & ~F.coalesce("is_skipped", F.lit(False))
    )
    plays = heard.orderBy(F.col("played_at").desc(), "listen_id").select(*MOODS).limit(last).collect()
    known = [row for row in plays if row[MOODS[0]] is not None]
    if len(known) < MIN_MOOD_PLAYS:
        raise TooLittleDataError(
            f"too little to go by: of the last {last} plays the lake has {len(plays)}, {len(known)} of them with a "
            f"known mood, and at least {MIN_MOOD_PLAYS} are needed. Import or fetch more, then `run`"
        )
    moods = {mood: math.fsum(row[mood] for row in known) / len(known) for mood in MOODS}
    moment = _moment(now, "UTC")
    return _stored(lake, user_id, "recent_listens", moment, moods, now, listen_count=len(known))


def _stored(
    lake: Lake,
    user_id: str,
    origin: str,
    recorded_at: datetime,
    moods: Mapping[str, float],
    now: datetime,
    *,
    note: str | None = None,
    listen_count: int | None = None,
) -> Recorded:
    entry_id = entry_id_of(user_id, origin, recorded_at)
    payload = json.dumps({**moods, "listen_count": listen_count})
    before = lake.read(TABLE).where(F.col("event_id") == entry_id).first()
    is_new = before is None or (before["payload"], before["note"]) != (payload, note)
    if is_new:
        row = {
            "event_id": entry_id,
            "user_id": user_id,
            "event_at": recorded_at,
            "payload": payload,
            "note": note,
            "_source": origin,
            "_run_id": ops.new_run_id(),
            "_ingested_at": now,
        }
        ops.change_rows(lake, TABLE, [row], doing="mood")
    total = sum(moods.values())
    return Recorded(recorded_at, {mood: value / total for mood, value in moods.items()}, listen_count, is_new)


def entry_id_of(user_id: str, origin: str, recorded_at: datetime) -> str:
    """The id of the entry of a listener, a moment and an origin."""
    return digest("mood", origin, user_id, recorded_at.astimezone(UTC).isoformat())


def _moment(at: datetime, time_zone: str) -> datetime:
    """A moment in UTC and whole seconds; one without an offset is of that time zone."""
    aware = at.replace(tzinfo=ZoneInfo(time_zone)) if at.tzinfo is None else at
    return aware.astimezone(UTC).replace(microsecond=0)


# --- showing


def print_recorded(recorded: Recorded, user: str, console: Console) -> None:
    """What was stored; the moment is what corrects it."""
    told = ", ".join(f"{mood} {share:.0%}" for mood, share in recorded.shares.items() if share)
    of = "" if recorded.listen_count is None else f", as {recorded.listen_count} plays sound"
    stood = "" if recorded.is_new else " (as it stood already)"
    at = recorded.recorded_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    console.print(f"{user} at {at}: {told}{of}{stood}", markup=False, soft_wrap=True)


def print_current(lake: Lake, user: str, console: Console) -> None:
    """How a listener feels of late, or why nothing can be said."""
    user_id = listener(lake, user)
    profile = next(iter(_profiles(lake, user_id, ("current",))), None)
    if profile is None:
        raise TooLittleDataError("no night has built the profiles of this listener yet: run_ingestion.py run")
    console.print(f"{user} of late, up to {profile['as_of_date']}", markup=False)
    if profile["status"] == "ok":
        for mood in MOODS:
            console.print(f"  {mood:<8} [{COLOURS[mood]}]{share_bar(profile[mood])}[/]")
    console.print(told_profile(profile), markup=False, soft_wrap=True)
    waiting = _not_built(lake, user_id, profile["as_of_date"])
    if waiting:
        console.print(f"Not in it yet, until the next night: {waiting} reported since.", soft_wrap=True)


def told_profile(profile: Row) -> str:
    """In a sentence from what a profile is, and how far it can be trusted; or why it is empty."""
    within = {"all": "in all", "current": f"in the last {CURRENT_DAYS} days"}.get(
        profile["period"], f"in the last {profile['period'].removesuffix('d')} days"
    )
    plays, entries = profile["listen_count"], profile["entry_count"]
    from_ = f"{_counted(plays, 'play')} and {_counted(entries, 'reported mood')} {within}"
    if profile["status"] == "too_few_plays":
        return (
            f"Nothing can be said yet: {from_}; at least {MIN_PLAYS} plays are needed, a report counts {ENTRY_PLAYS}."
        )
    if profile["status"] == "no_features":
        return f"Nothing can be said yet: {from_}, but under {MIN_MOOD_PLAYS} plays are of tracks whose mood is known."
    told = f"Mostly {profile['dominant_mood']}, from {from_}."
    measured = profile["measured_share"]
    if measured is None:
        return told
    warning = " That is mostly an estimate." if measured < MOSTLY_ESTIMATED else ""
    return f"{told} {measured:.0%} of the plays are of tracks with measured features.{warning}"


def print_statistics(lake: Lake, user: str, period: str, console: Console) -> None:
    """The profiles of a listener, and within a period their moods by weekday and hour of their local time."""
    user_id = listener(lake, user)
    profiles = _profiles(lake, user_id, PERIODS)
    if not profiles:
        raise TooLittleDataError("no night has built the profiles of this listener yet: run_ingestion.py run")
    table = _mood_table("How they feel (% of plays)", "period")
    for row in profiles:
        told = row["dominant_mood"] if row["status"] == "ok" else row["status"].replace("_", " ")
        _add_row(table, row["period"], row, f"{row['listen_count']:,}", f"{row['entry_count']:,}", told)
    console.print(f"{user}, up to {profiles[0]['as_of_date']}", markup=False)
    console.print(table)
    chosen = next(row for row in profiles if row["period"] == period)
    if chosen["status"] != "ok":
        console.print(told_profile(chosen), markup=False, soft_wrap=True)
        return
    zone = time_zone_of(lake, user_id)
    hours = sums_by_hour(lake, user_id, zone, period, chosen["as_of_date"])
    parts = (
        ("weekday", [(day, name) for day, name in enumerate(WEEKDAYS, 1)]),
        ("hour", [(hour, f"{hour:02d}:00") for hour in range(24)]),
    )
    alike = ", each play counting alike" if period == "current" else ""
    for by, names in parts:
        table = _mood_table(f"By {by}, {period} ({zone}){alike}", by)
        for value, name in names:
            moods = added_up(hour for hour in hours if hour[by] == value)
            plays, entries = moods["listen_count"], moods["entry_count"]
            if plays or entries:
                _add_row(table, name, moods, f"{plays:,}", f"{entries:,}", _highest(moods))
        console.print(table)


def sums_by_hour(lake: Lake, user_id: str, time_zone: str, period: str, as_of_date: date) -> list[dict[str, Any]]:
    """Mood sums of a listener per weekday and hour, from the tables as they stand."""
    rows = mood_sums_by_hour(
        enriched_listens=_of(lake, "silver.enriched_listens", user_id),
        mood_entries=_of(lake, "silver.mood_entries", user_id),
        time_zone=time_zone,
        period=period,
        as_of_date=as_of_date,
    )
    return [row.asDict() for row in rows.collect()]


def added_up(sums: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Sums of several hours as one row: counts, and the four moods as shares, None where there is none."""
    hours = list(sums)
    row: dict[str, Any] = {name: sum(hour[name] for hour in hours) for name in (*COUNTS, *MOODS)}
    total = sum(row[mood] for mood in MOODS)
    return row | {mood: row[mood] / total if total else None for mood in MOODS}


def _profiles(lake: Lake, user_id: str, periods: tuple[str, ...]) -> list[Row]:
    rows = _of(lake, "gold.user_mood_profiles", user_id).where(F.col("period").isin(*periods)).collect()
    return sorted(rows, key=lambda row: PERIODS.index(row["period"]))


def _not_built(lake: Lake, user_id: str, as_of_date: date) -> int:
    """Reported moods that silver does not have yet, or of a day that began where the listener is and not in UTC."""
    manual = _of(lake, TABLE, user_id).where(F.col("_source") == "manual")
    built = _of(lake, "silver.mood_entries", user_id).where(F.col("mood_date") <= F.lit(as_of_date))
    return manual.join(built.select(F.col("entry_id").alias("event_id")), "event_id", "left_anti").count()


def _of(lake: Lake, table: str, user_id: str) -> DataFrame:
    return lake.read(table).where(F.col("user_id") == user_id)


def _mood_table(title: str, first: str) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column(first, no_wrap=True)
    for mood in MOODS:
        table.add_column(mood, style=COLOURS[mood], no_wrap=True)
    for name in ("plays", "reported"):
        table.add_column(name, justify="right")
    table.add_column("mostly", no_wrap=True)
    return table


def _add_row(table: Table, name: str, moods: Any, *rest: str) -> None:
    table.add_row(escape(name), *[share_bar(moods[mood]) for mood in MOODS], *rest)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _highest(moods: Mapping[str, Any]) -> str:
    known = [mood for mood in MOODS if moods[mood] is not None]
    return max(known, key=lambda mood: moods[mood]) if known else "unknown"
