"""`auth`: get, show, store and forget what opens a service. Tokens come from a browser or from standard input, never
from the command line, and are never shown."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from getpass import getpass
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import SecretStr

from clients.errors import AuthorizationError, ClientError, NotFoundError
from jobs.runtime.errors import MoodlakeError, UsageError
from jobs.terminal import PARTIAL, open_lake, open_services, out

if TYPE_CHECKING:
    from clients.feeds import Account
    from jobs.services import Services

SOURCES = ("spotify", "beatport", "lastfm", "listenbrainz")
ANYBODY = "rj"  # somebody is asked about, so that the service looks at the key; whether it knows them does not matter


def auth(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=f"One of: {', '.join(SOURCES)}.")],
    user: Annotated[str | None, typer.Option("--user", help="spotify: the listener, or the name of a token.")] = None,
    credential: Annotated[
        str | None, typer.Option("--credential", help="spotify: names the token of a listener's second account.")
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Show what is known here; asks nobody.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Forget the token.")] = False,
    token: Annotated[bool, typer.Option("--token", help="Take a token from standard input, without echo.")] = False,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="spotify: open the address, or only print it.")
    ] = True,
    paste: Annotated[
        bool, typer.Option("--paste", help="spotify: the browser runs elsewhere; type the address at which it ends.")
    ] = False,
) -> None:
    """Connect a service: by consent in a browser (spotify), by login (beatport), or by a key in .env."""
    if context.args:
        raise UsageError("one service at a time; a token is not given here, where others see it, but typed when asked")
    if source not in SOURCES:
        raise UsageError(f"no source {source!r}; known: {', '.join(SOURCES)}")
    if status + clear + token > 1:
        raise UsageError("--status, --clear and --token exclude one another")
    services = open_services()
    if source == "spotify":
        _spotify(services, user, credential, status=status, clear=clear, token=token, browser=browser, paste=paste)
    elif source == "beatport":
        _beatport(services, status=status, clear=clear, token=token)
    else:
        setting = "LASTFM_API_KEY" if source == "lastfm" else "LISTENBRAINZ_TOKEN"
        if clear or token:
            raise UsageError(f"nothing is stored for {source}: its credential is {setting} in .env")
        _by_setting(services, source, setting, status=status)


def _spotify(
    services: Services,
    user: str | None,
    credential: str | None,
    *,
    status: bool,
    clear: bool,
    token: bool,
    browser: bool,
    paste: bool,
) -> None:
    tokens = services.spotify.user_auth
    name = (credential or user or "").strip()
    if status:
        names = [name] if name else tokens.users()
        _say(*(tokens.status(one) for one in names) if names else ["No Spotify account is connected."])
        return
    if not name or not (user or clear):
        raise UsageError("say whose account: auth spotify --user NAME")
    if clear:
        was_there = tokens.clear(name)
        _say(
            f"The token of {name} is forgotten." if was_there else f"There was no token of {name}.",
            "At Spotify the consent stands: https://www.spotify.com/account/apps ends it.",
        )
        return
    with _on_trial(services, name):
        if token:
            tokens.store_refresh_token(name, _typed_secret("Refresh token: "))
        else:
            _consent(services, name, browser=browser, paste=paste)
        _connect(services, (user or "").strip(), name)


@contextmanager
def _on_trial(services: Services, name: str) -> Iterator[None]:
    """What is done with a new token; where it does not reach the account it is meant for, the one before is kept."""
    before = services.spotify.user_auth.store.get(name)
    try:
        yield
    except (ClientError, UsageError):
        if before is None:
            services.spotify.user_auth.store.remove(name)
        else:
            services.spotify.user_auth.store.put(name, before)
        raise


def _consent(services: Services, name: str, *, browser: bool, paste: bool) -> None:
    """Ask in the browser; an https redirect address is not ours to listen at, so there the answer is typed, too."""
    is_typed = paste or services.settings.spotify.redirect_uri.startswith("https://")
    opens = browser and not paste
    if opens:
        _say("Agree in the browser that opens.")

    def show(url: str) -> None:
        _say("Open this address and agree:", url)

    tokens = services.spotify.user_auth
    tokens.authorize(name, open_browser=opens, show=show, read_address=_typed_address if is_typed else None)
    if missing := tokens.missing_scopes(name):
        _say(f"Not agreed to: {', '.join(missing)}. What hangs on it is left out; auth spotify asks again.")


def offer_consent(services: Services, accounts: Sequence[Account]) -> list[Account]:
    """At a terminal, offer the consent to accounts whose Spotify token is missing. Returns those that have one now."""
    from jobs.connecting import check_same_account, spotify_ids

    agreed = []
    for account in accounts if sys.stdin.isatty() else ():
        name = account.credential or account.user
        if not typer.confirm(f"There is no Spotify token of {name}. Ask for consent in the browser now?"):
            continue
        try:
            with _on_trial(services, name):
                _consent(services, name, browser=True, paste=False)
                check_same_account(account.source_user, name, spotify_ids(services, name))
        except (ClientError, UsageError) as error:  # theirs alone: the night goes on with the others
            _say(str(error))
        else:
            agreed.append(account)
    return agreed


def _connect(services: Services, user: str, name: str) -> None:
    """From a new token to a connected account and its first plays."""
    from jobs.commands.ingest import tell
    from jobs.connecting import connect_spotify, first_fetch, spotify_ids

    ids = spotify_ids(services, name)
    try:
        with open_lake("auth spotify", writes=True) as (lake, settings):
            connection = connect_spotify(lake, user, name, ids)
            _say(f"{connection.user_name} is connected to Spotify. {services.spotify.user_auth.status(name)}")
            report = first_fetch(lake, settings, services, connection)
    except UsageError:
        raise
    except MoodlakeError:
        again = shlex.join(("run_ingestion.py", "accounts", "add", user, "spotify", ids[0], "--credential", name))
        _say("The token is stored, but the lake does not know the account yet. Once it can be written:", again)
        raise
    tell(report)
    _say("Next: run_ingestion.py run")
    if report.is_partial:
        raise typer.Exit(PARTIAL)


def _beatport(services: Services, *, status: bool, clear: bool, token: bool) -> None:
    auth = services.beatport.auth
    if clear:
        _say("Beatport's token is forgotten." if auth.clear() else "There was no token of Beatport.")
        return
    if token:
        auth.store_token(_typed_secret("Beatport token, or the JSON of a token answer: "))
    elif not status:
        auth.login()
    _say(auth.status())


def _by_setting(services: Services, source: str, setting: str, *, status: bool) -> None:
    """Last.fm and ListenBrainz: what they need stands in .env, and is tried."""
    own = services.settings.lastfm.api_key if source == "lastfm" else services.settings.listenbrainz.token
    if status:
        _say(f"{setting} is {'set' if own else 'not set'}.")
        return
    if own is None and source == "listenbrainz":
        _say("ListenBrainz needs no token: listens are public. One of your own goes into LISTENBRAINZ_TOKEN in .env.")
    else:
        try:
            if source == "lastfm":
                services.lastfm.count_scrobbles(ANYBODY)
            else:
                services.listenbrainz.count_listens(ANYBODY)
        except (NotFoundError, AuthorizationError):
            pass  # about the person asked about: the key was taken
        _say(f"{setting} works.")
    _say(f"Next: run_ingestion.py accounts add USER {source} NAME_THERE")


def _typed_secret(question: str) -> SecretStr:
    text = (getpass(question) if sys.stdin.isatty() else sys.stdin.read()).strip()
    if not text:
        raise UsageError("no token came: type it when asked, or give it on standard input")
    return SecretStr(text)


def _typed_address() -> str:
    question = "The address at which the browser ended (it is not shown): "
    return getpass(question) if sys.stdin.isatty() else sys.stdin.readline()


def _say(*lines: str) -> None:
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)
