"""`matches`: who listens like a listener, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.runtime.errors import UsageError
from jobs.terminal import open_lake, out
from schemas.vocab import PERIOD_DAYS

MOST_MATCHES = 50
DEFAULT_LIMIT = 10
EXAMPLES = (
    "Examples: run_ingestion.py matches --user anna --limit 20  |  "
    "run_ingestion.py matches --user anna --country DE --min-shared 5  |  run_ingestion.py matches --user anna --with 1"
)


def matches(
    user: Annotated[str, typer.Option("--user", help="The listener's name.")],
    with_: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar="WHO",
            help="Why this one is a match: a rank, the pseudonym shown, or a shown name.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, max=MOST_MATCHES, help="How many; 10.")] = None,
    country: Annotated[
        str | None, typer.Option("--country", help="Of the 50 nearest those who live there, such as DE.")
    ] = None,
    period: Annotated[
        str | None,
        typer.Option("--period", help=f"With plays in it, where both show theirs; one of: {', '.join(PERIOD_DAYS)}."),
    ] = None,
    min_shared: Annotated[
        int | None,
        typer.Option("--min-shared", min=0, help="With as many artists in common at least; 3, if any has 3."),
    ] = None,
) -> None:
    """Who listens like a listener; with --with why, and what the two could talk about.

    Matches are worked out by every run. Who set `privacy set NAME --no-matched`, and who blocks or is blocked, is not
    shown; names are shown where both sides set --name.
    """
    if with_ is not None and (limit, country, period, min_shared) != (None,) * 4:
        raise UsageError("--with tells of one match: it goes without --limit, --country, --period and --min-shared")
    from jobs.matches import print_explanation, print_matches

    with open_lake("matches", writes=False) as (lake, _):
        if with_ is not None:
            print_explanation(lake, user, with_, out)
            return
        print_matches(
            lake,
            user,
            out,
            limit=limit or DEFAULT_LIMIT,
            country=country,
            period=period,
            min_shared=min_shared,
        )
