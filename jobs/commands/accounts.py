"""`accounts`: connect listeners' accounts at services, list and disconnect them, and see which of them answer."""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.runtime.errors import LakeMissingError
from jobs.terminal import PARTIAL, open_lake, open_services, out

if TYPE_CHECKING:
    from jobs.accounts import Connection

accounts_app = typer.Typer(help="Accounts at services: connect, list, disconnect, check.", rich_markup_mode=None)

User = Annotated[str, typer.Argument(metavar="USER", help="The listener's name; a new one is added.")]
Source = Annotated[str, typer.Argument(metavar="SOURCE", help="spotify, lastfm or listenbrainz.")]


@accounts_app.command(
    "add",
    epilog="Examples: run_ingestion.py accounts add anna lastfm anna_on_lastfm  |  "
    "run_ingestion.py accounts add anna listenbrainz anna  |  run_ingestion.py auth spotify --user anna",
)
def add(
    user: User,
    source: Source,
    source_user: Annotated[str, typer.Argument(metavar="SOURCE_USER", help="Who the listener is at the service.")],
    credential: Annotated[
        str | None, typer.Option("--credential", help="Name of the token that reaches it; the listener's unless given.")
    ] = None,
) -> None:
    """Connect an account; the next run fetches it. Spotify's are connected by `auth spotify`, consent included."""
    from jobs.accounts import add_connection

    with open_lake("accounts add", writes=True) as (lake, _):
        added = add_connection(lake, user, source, source_user, credential=credential)
    out.print(f"{added.user_name} is {added.source_user} at {source}.", markup=False, soft_wrap=True)
    services = open_services()
    if source == "spotify" and services.spotify.user_auth.store.get(added.credential) is None:
        _say_next("auth", "spotify", "--user", added.credential)
    elif not services.is_configured(source):
        _say_next("auth", source)
    else:
        _say_next("accounts", "check")


@accounts_app.command("list")
def list_() -> None:
    """The connected accounts."""
    from jobs.accounts import connections, print_connections

    with open_lake("accounts list", writes=False) as (lake, _):
        print_connections(connections(lake), out)


@accounts_app.command("remove", epilog="Example: run_ingestion.py accounts remove anna lastfm")
def remove(
    user: User,
    source: Source,
    source_user: Annotated[
        str | None, typer.Argument(metavar="[SOURCE_USER]", help="Which one, where there are several.")
    ] = None,
) -> None:
    """Disconnect an account: it is fetched no more, and its plays stay."""
    from jobs.accounts import remove_connection

    with open_lake("accounts remove", writes=True) as (lake, _):
        removed = remove_connection(lake, user, source, source_user)
    out.print(
        f"{removed.source_user} at {source} is fetched no more for {removed.user_name}. Its plays stay in the lake.",
        markup=False,
        soft_wrap=True,
    )
    if source == "spotify":
        out.print("Its token stays too, until it is cleared.")
        _say_next("auth", "spotify", "--user", removed.credential, "--clear")


@accounts_app.command("check")
def check() -> None:
    """Ask each connected service once: what works, and what to do about the rest. Exit code 3 where some fail."""
    from jobs.accounts import check_connections, connections, print_checks

    found: list[Connection] = []
    with suppress(LakeMissingError), open_lake("accounts check", writes=False) as (lake, _):
        found = connections(lake)
    checks = check_connections(open_services(), found)
    print_checks(checks, out)
    if not found:
        out.print("No account is connected: accounts add, or auth spotify")
    if not all(one.works for one in checks):
        raise typer.Exit(PARTIAL)


def _say_next(*command: str) -> None:
    out.print(f"Next: {shlex.join(('run_ingestion.py', *command))}", markup=False, soft_wrap=True)
