"""`queue`: add a track to what a listener hears at the moment."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.terminal import open_services, out


def queue(
    track: Annotated[str, typer.Argument(metavar="TRACK", help="Spotify id, URI or address of a track.")],
    user: Annotated[str, typer.Option("--user", help="The listener, or the name of a token.")],
) -> None:
    """Queue a track on the listener's active Spotify device (Premium). It is asked for once, never again by itself."""
    open_services().spotify.queue_track(user.strip(), track)
    out.print("Queued.")
