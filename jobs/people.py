"""Listeners by name: who is here, and what they set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import available_timezones

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.runtime import ops
from jobs.runtime.errors import UsageError
from jobs.runtime.increments import difference
from jobs.runtime.lake import Lake
from jobs.runtime.ops import new_run_id
from jobs.runtime.publish import Entry, Group, decide, publish, recover
from jobs.runtime.quality import with_violations
from schemas.catalog import contract_of
from transformations.silver.users import DEFAULT_TIME_ZONE

COUNTRY = re.compile(r"^[A-Z]{2}$")
UNKNOWN_LISTENER = "no listener of that name: `users list` shows who is here"


@dataclass(frozen=True)
class UserSettings:
    """What to set for a listener; None leaves a value as it is."""

    user: str
    display_name: str | None = None
    country: str | None = None
    time_zone: str | None = None


def set_users(lake: Lake, wanted: Sequence[UserSettings]) -> None:
    """Set display names, countries and time zones. Raises UsageError for an unknown listener, country or zone."""
    recover(lake)
    known = {row["user_id"] for row in lake.read("ops.accounts").select("user_id").collect()}
    current = {row["user_id"]: row.asDict() for row in lake.read("ops.user_settings").collect()}
    now = datetime.now(UTC)
    rows = []
    for settings in wanted:
        user_id = lake.pseudonym(settings.user.strip())
        if user_id not in known:
            raise UsageError(UNKNOWN_LISTENER)
        if settings.country is not None and not COUNTRY.match(settings.country):
            raise UsageError(f"--country {settings.country!r}: two capital letters, such as DE")
        if settings.time_zone is not None and settings.time_zone not in available_timezones():
            raise UsageError(f"--time-zone {settings.time_zone!r}: not an IANA time zone, such as Europe/Berlin")
        before = current.get(user_id, {})
        row = {
            name: getattr(settings, name) if getattr(settings, name) is not None else before.get(name)
            for name in ("display_name", "country", "time_zone")
        }
        if not before or any(before[name] != value for name, value in row.items()):
            rows.append({"user_id": user_id, **row, "updated_at": now})
    if not rows:
        return
    built = ops.frame(lake, "ops.user_settings", rows)
    group_id = f"{new_run_id()}-users"
    path = lake.staging(group_id, "user_settings")
    is_new = not lake.exists("ops.user_settings")
    judged = with_violations(built, contract_of("ops.user_settings"))
    staged = built if is_new else difference(judged, _same_users(lake, rows), "ops.user_settings")
    staged.coalesce(1).write.parquet(path)
    group = Group(
        group_id, now.date().isoformat(), (Entry("ops.user_settings", path, "append" if is_new else "merge"),)
    )
    decide(lake, group)
    publish(lake, group)


def listener(lake: Lake, user: str) -> str:
    """The pseudonym of a listener of the lake by name. Raises UsageError where there is none of that name."""
    user_id = lake.pseudonym(user.strip())
    if lake.read("ops.accounts").where(F.col("user_id") == user_id).isEmpty():
        raise UsageError(UNKNOWN_LISTENER)
    return user_id


def time_zone_of(lake: Lake, user_id: str) -> str:
    """The time zone that a listener set, UTC where none."""
    own = lake.read("ops.user_settings").where(F.col("user_id") == user_id).select("time_zone").first()
    return (own["time_zone"] if own else None) or DEFAULT_TIME_ZONE


def print_users(lake: Lake, console: Console) -> None:
    """Name, country and time zone of every listener."""
    table = Table(header_style="bold")
    for column in ("name", "shown as", "country", "time zone"):
        table.add_column(column)
    settings = {row["user_id"]: row for row in lake.read("ops.user_settings").collect()}
    for row in lake.read("ops.accounts").orderBy("user_name").collect():
        own = settings.get(row["user_id"])
        name = row["user_name"]
        shown = (
            [own["display_name"] or name, own["country"] or "-", own["time_zone"] or DEFAULT_TIME_ZONE]
            if own
            else [name, "-", DEFAULT_TIME_ZONE]
        )
        table.add_row(*map(escape, (name, *shown)))
    console.print(table)


def _same_users(lake: Lake, rows: list[dict[str, Any]]) -> DataFrame:
    return lake.read("ops.user_settings").where(F.col("user_id").isin(*[row["user_id"] for row in rows]))
