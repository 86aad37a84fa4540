"""`recommend`: what a listener may play next, by a list of the night or by any mood."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from jobs.runtime.errors import UsageError
from jobs.terminal import err, open_lake, open_services, out
from schemas.vocab import RECOMMENDATION_LISTS

MOST = 50


class Engine(StrEnum):
    """Who works out what fits a mood."""

    LOCAL = "local"
    REMOTE = "remote"


def recommend(
    user: Annotated[str, typer.Option("--user", help="The listener's name.")],
    mood: Annotated[
        str | None,
        typer.Option("--mood", help="Worked out now for this mood, such as happy=.7,relaxed=.3, or one word."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--list", help=f"A list of the last night, for_you unless given: {', '.join(RECOMMENDATION_LISTS)}."
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST, help="How many tracks.")] = 20,
    queued: Annotated[
        bool, typer.Option("--queue", help="Send them to the listener's active Spotify device (Premium).")
    ] = False,
    engine: Annotated[
        Engine, typer.Option("--engine", help="With --mood: this machine, or the service at AI_API_URL.")
    ] = Engine.LOCAL,
) -> None:
    """What a listener may play next, and why: a list of the last night, or any mood, worked out when asked.

    A service that does not answer, or knows no song of the lake, is made up for by this machine, which is then said.
    """
    from jobs.recommending import (
        asked,
        by_mood,
        given_mood,
        of_service,
        print_recommendations,
        queue_all,
        stored_list,
    )

    if mood is not None and name is not None:
        raise UsageError("give --list or --mood, not both: a list was worked out in the night, a mood is now")
    if mood is None and engine is Engine.REMOTE:
        raise UsageError("--engine remote recommends by mood alone: give --mood, such as happy=.7,relaxed=.3")
    wanted = None if mood is None else given_mood(mood)
    is_remote = wanted is not None and engine is Engine.REMOTE
    songs, problem = asked(lambda: open_services().ai, wanted or {}, limit) if is_remote else ([], "")
    with open_lake("recommend", writes=False) as (lake, settings):
        found = of_service(lake, user, songs, limit) if songs else []
        if songs and not found:
            problem = f"Of the AI service's {len(songs)} songs none is in the lake."
        if problem:
            err.print(f"{problem} So it is worked out here.", markup=False, soft_wrap=True)
        if wanted and not found:
            most = settings.recommendations.exact_up_to_users
            found = by_mood(lake, user, wanted, limit, exact_up_to_users=most)
        elif not found:
            found = stored_list(lake, user, name or "for_you", limit)
    print_recommendations(found, out)
    if queued:
        spotify = open_services().spotify
        count, without = queue_all(found, lambda track: spotify.queue_track(user.strip(), track))
        rest = f" {without} have no Spotify id." if without else ""
        out.print(f"Queued {count}.{rest}")
