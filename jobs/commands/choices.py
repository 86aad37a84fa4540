"""`privacy` and the blocks of `users`: what a listener lets others see, and whom they do not want to meet."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.runtime.errors import UsageError
from jobs.terminal import open_lake, out

privacy_app = typer.Typer(help="What a listener lets others see: show it, set it.", rich_markup_mode=None)

User = Annotated[str, typer.Argument(metavar="USER", help="The listener's name.")]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="The other listener's name.")]
BLOCK_EXAMPLE = "Example: run_ingestion.py users block anna ben"
UNBLOCK_EXAMPLE = "Example: run_ingestion.py users unblock anna ben"
BLOCKED_EXAMPLE = "Example: run_ingestion.py users blocked anna"


@privacy_app.command("show", epilog="Example: run_ingestion.py privacy show anna")
def show(user: User) -> None:
    """What a listener lets others see."""
    from jobs.choices import print_privacy, privacy_of

    with open_lake("privacy show", writes=False) as (lake, _):
        print_privacy(user.strip(), privacy_of(lake, user), out)


@privacy_app.command(
    "set",
    epilog="Examples: run_ingestion.py privacy set anna --no-matched  |  "
    "run_ingestion.py privacy set anna --activity --name",
)
def set_(
    user: User,
    matched: Annotated[
        bool | None, typer.Option("--matched/--no-matched", help="Have matches, and be one; on unless set.")
    ] = None,
    activity: Annotated[
        bool | None, typer.Option("--activity/--no-activity", help="Show recent plays to matches who show theirs.")
    ] = None,
    name: Annotated[
        bool | None, typer.Option("--name/--no-name", help="Be named to matches who are named themselves.")
    ] = None,
) -> None:
    """Set what a listener lets others see; the next run follows, in both directions."""
    from jobs.choices import print_privacy, set_privacy

    wanted = {"is_matched": matched, "is_activity_shown": activity, "is_name_shown": name}
    if set(wanted.values()) == {None}:
        raise UsageError("choose one at least of --matched, --activity, --name, or their --no- forms")
    with open_lake("privacy set", writes=True) as (lake, _):
        print_privacy(user.strip(), set_privacy(lake, user, wanted), out)


def block(user: User, other: Other) -> None:
    """Let two listeners not meet: neither is shown to the other, from the next run on."""
    from jobs.choices import block as block_

    with open_lake("users block", writes=True) as (lake, _):
        is_news = block_(lake, user, other)
    stood = "" if is_news else " (as before)"
    out.print(f"{user.strip()} blocks {other.strip()}{stood}: neither is shown to the other.", markup=False)


def unblock(user: User, other: Other) -> None:
    """Take a block back; one by the other listener stays."""
    from jobs.choices import unblock as unblock_

    with open_lake("users unblock", writes=True) as (lake, _):
        is_news = unblock_(lake, user, other)
    told = "does not block" if is_news else "did not block"
    out.print(f"{user.strip()} {told} {other.strip()}{' any more' if is_news else ''}.", markup=False)


def blocked(user: User) -> None:
    """Whom a listener blocks."""
    from jobs.choices import blocked_names, print_blocked

    with open_lake("users blocked", writes=False) as (lake, _):
        print_blocked(user.strip(), blocked_names(lake, user), out)
