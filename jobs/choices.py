"""What listeners choose to show, and whom they do not want to meet. Names are for the terminal; the lake keeps
pseudonyms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pyspark.sql import functions as F
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.people import listener
from jobs.runtime import ops
from jobs.runtime.errors import UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.publish import recover
from transformations.gold.choices import DEFAULTS

PRIVACY, BLOCKS = "ops.privacy_settings", "ops.user_blocks"
WORDS = {
    "is_matched": ("has matches, and is one", "has no matches, and appears nowhere at others"),
    "is_activity_shown": ("shows recent plays to matches who show theirs", "shows no recent plays"),
    "is_name_shown": ("is named to matches who are named", "is not named to matches"),
}


def privacy_of(lake: Lake, user: str) -> dict[str, bool]:
    """What a listener shows. Raises UsageError for an unknown listener."""
    row = lake.read(PRIVACY).where(F.col("user_id") == listener(lake, user)).first()
    return {name: row[name] if row else default for name, default in DEFAULTS.items()}


def set_privacy(lake: Lake, user: str, wanted: Mapping[str, bool | None]) -> dict[str, bool]:
    """Set what a listener shows, None leaving a choice as it is; the next run follows. Returns all choices.

    Raises UsageError for an unknown listener.
    """
    recover(lake)
    before = privacy_of(lake, user)
    after = before | {name: value for name, value in wanted.items() if value is not None}
    if after != before:
        row = {"user_id": listener(lake, user), **after, "updated_at": datetime.now(UTC)}
        ops.change_rows(lake, PRIVACY, [row], doing="privacy")
    return after


def block(lake: Lake, user: str, other: str) -> bool:
    """Let two listeners not meet any more; False where `user` had blocked `other` already.

    Raises UsageError for unknown listeners, and for one and the same.
    """
    recover(lake)
    pair = _pair(lake, user, other)
    if _is_blocked(lake, pair):
        return False
    ops.change_rows(lake, BLOCKS, [{**pair, "blocked_at": datetime.now(UTC)}], doing="block")
    return True


def unblock(lake: Lake, user: str, other: str) -> bool:
    """Take a block back; what the other one blocked stays. False where there was none.

    Raises UsageError for unknown listeners, and for one and the same.
    """
    recover(lake)
    pair = _pair(lake, user, other)
    if not _is_blocked(lake, pair):
        return False
    ops.change_rows(lake, BLOCKS, [{**pair, "blocked_at": datetime.now(UTC)}], doing="unblock", change="delete")
    return True


def blocked_names(lake: Lake, user: str) -> list[tuple[str, datetime]]:
    """Whom a listener blocks by name, and since when; not who blocks them: that is nobody's business but theirs."""
    names = lake.read("ops.accounts").select(F.col("user_id").alias("blocked_user_id"), "user_name")
    blocks = lake.read(BLOCKS).where(F.col("user_id") == listener(lake, user))
    rows = blocks.join(names, "blocked_user_id").orderBy("user_name").collect()
    return [(row["user_name"], row["blocked_at"]) for row in rows]


def print_privacy(user: str, choices: Mapping[str, bool], console: Console) -> None:
    """A line a choice."""
    for name, is_yes in choices.items():
        console.print(f"{user} {WORDS[name][not is_yes]}", markup=False, soft_wrap=True)


def print_blocked(user: str, blocked: list[tuple[str, datetime]], console: Console) -> None:
    """Whom a listener blocks, since when."""
    if not blocked:
        console.print(f"{user} blocks nobody.", markup=False)
        return
    table = Table(header_style="bold")
    for column in ("blocked", "since"):
        table.add_column(column)
    for name, since in blocked:
        table.add_row(escape(name), f"{since:%Y-%m-%d}")
    console.print(table)


def _pair(lake: Lake, user: str, other: str) -> dict[str, str]:
    pair = {"user_id": listener(lake, user), "blocked_user_id": listener(lake, other)}
    if pair["user_id"] == pair["blocked_user_id"]:
        raise UsageError("a listener cannot block themselves")
    return pair


def _is_blocked(lake: Lake, pair: Mapping[str, str]) -> bool:
    rows = lake.read(BLOCKS)
    for name, value in pair.items():
        rows = rows.where(F.col(name) == value)
    return not rows.isEmpty()
