"""`mood`: report how a listener feels, read it from what they heard last, and see it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from jobs.runtime.errors import UsageError
from jobs.terminal import open_lake, out
from schemas.vocab import MOODS, PERIODS

mood_app = typer.Typer(help="Moods: report them, read them from recent plays, see them.", rich_markup_mode=None)

User = Annotated[str, typer.Option("--user", help="The listener's name.")]
Share = Annotated[float | None, typer.Option(min=0, max=1, help="From 0 to 1.")]
MOST_PLAYS = 10_000


@mood_app.command(
    "record",
    epilog="Examples: run_ingestion.py mood record --user anna --happy 0.7 --relaxed 0.3 --note 'first snow'  |  "
    "run_ingestion.py mood record --user anna --sad 1 --at 2026-11-20T21:30",
)
def record(
    user: User,
    happy: Share = None,
    angry: Share = None,
    sad: Share = None,
    relaxed: Share = None,
    note: Annotated[str | None, typer.Option("--note", help="Words beside it; kept in the lake, never logged.")] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", help="The moment it is of, the listener's local time unless it has an offset; now."),
    ] = None,
) -> None:
    """Report how a listener feels; what counts is what the four numbers are of each other.

    The next run blends it with the moods of what was heard that day: a report counts as ten plays. Another one of the
    same moment replaces it.
    """
    from jobs.moods import given_moods, print_recorded
    from jobs.moods import record as record_

    moods = given_moods(dict(zip(MOODS, (happy, angry, sad, relaxed), strict=True)))
    moment = _moment(at)
    with open_lake("mood record", writes=True) as (lake, _):
        print_recorded(record_(lake, user, moods, note=note, at=moment), user.strip(), out)


@mood_app.command("analyze", epilog="Example: run_ingestion.py mood analyze --user anna --last 50")
def analyze(
    user: User,
    last: Annotated[int, typer.Option("--last", min=1, max=MOST_PLAYS, help="How many of the latest plays.")] = 50,
) -> None:
    """Store how the latest plays of a listener sound, as an entry that is not blended with them a second time."""
    from jobs.moods import analyze as analyze_
    from jobs.moods import print_recorded

    with open_lake("mood analyze", writes=True) as (lake, _):
        print_recorded(analyze_(lake, user, last=last), user.strip(), out)


@mood_app.command("current", epilog="Example: run_ingestion.py mood current --user anna")
def current(user: User) -> None:
    """How a listener feels of late: the newer a day, the more it counts (PROFILE__CURRENT_HALF_LIFE_DAYS)."""
    from jobs.moods import print_current

    with open_lake("mood current", writes=False) as (lake, _):
        print_current(lake, user.strip(), out)


@mood_app.command("statistics", epilog="Example: run_ingestion.py mood statistics --user anna --period 90d")
def statistics(
    user: User,
    period: Annotated[str, typer.Option("--period", help=f"One of: {', '.join(PERIODS)}.")] = "all",
) -> None:
    """How a listener feels per period, and by weekday and hour of their local time."""
    from jobs.moods import print_statistics

    if period not in PERIODS:
        raise UsageError(f"--period {period!r}: one of {', '.join(PERIODS)}")
    with open_lake("mood statistics", writes=False) as (lake, _):
        print_statistics(lake, user.strip(), period, out)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--at {text!r}: give a moment, such as 2026-11-20T21:30 or 2026-11-20T21:30+01:00") from None
