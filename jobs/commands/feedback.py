"""`feedback`: what a listener says of a track, and what they said."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.runtime.errors import UsageError
from jobs.terminal import open_lake, out


def feedback(
    user: Annotated[str, typer.Option("--user", help="The listener's name.")],
    track: Annotated[
        str | None,
        typer.Argument(
            metavar="TRACK",
            help="Spotify id, URI or address, a track_id, or 'Artist - Title'; without it, what was said is listed.",
        ),
    ] = None,
    like: Annotated[bool, typer.Option("--like", help="They like it.")] = False,
    dislike: Annotated[bool, typer.Option("--dislike", help="They do not want to hear it.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Take back what was said of it.")] = False,
) -> None:
    """Say what a listener thinks of a track; the next run follows. The last word counts."""
    verdicts = {"like": like, "dislike": dislike, "none": clear}
    chosen = [verdict for verdict, is_chosen in verdicts.items() if is_chosen]
    if len(chosen) != (0 if track is None else 1):
        raise UsageError("say one of --like, --dislike, --clear of a track; without a track what was said is listed")
    from jobs.feedback import SAID, print_said, said_by, say

    if track is None:
        with open_lake("feedback", writes=False) as (lake, _):
            print_said(user.strip(), said_by(lake, user), out)
        return
    with open_lake("feedback", writes=True) as (lake, _):
        found, is_news = say(lake, user, track, chosen[0])
    stood = "" if is_news else " (as before)"
    out.print(f"{user.strip()} {SAID[chosen[0]]} {found}{stood}", markup=False, soft_wrap=True)
