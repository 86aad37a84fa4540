"""Connected accounts: which listener has which account at which service, and whether each of them answers.

The trap: an account is data, its credential is not; tokens and keys never enter the lake, only the name of a token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import functions as F
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clients.errors import ClientError
from clients.feeds import Account
from jobs.plan import INGESTS, Fetch
from jobs.runtime import ops
from jobs.runtime.errors import UsageError
from jobs.runtime.lake import CHANGE, Lake
from jobs.runtime.publish import Entry, Group, decide, publish, recover
from jobs.services import Services
from schemas.catalog import contract_of
from schemas.vocab import ACCOUNT_SOURCES
from transformations.ids import digest

TABLE = "ops.connections"
SHORT_LYRICS = "A quiet morning and a song about nothing"  # scored to see whether the AI service answers
ANY_TRACK = "4cOdK2wGLETKBW3PvgPWqT"  # an id as Spotify makes them; whether it is known does not matter
ANY_SONG = ("Moodlake", "Is anybody there")


@dataclass(frozen=True)
class Connection:
    """A listener's account at a service. It names a person: for the terminal, never for logs."""

    connection_id: str
    user_id: str
    user_name: str = field(repr=False)
    source: str
    source_user: str = field(repr=False)
    credential: str = field(repr=False)
    added_at: datetime

    @property
    def account(self) -> Account:
        """The same, as feeds take it."""
        return Account(self.user_name, self.source_user, self.credential, self.added_at)


@dataclass(frozen=True)
class Check:
    """Whether something works, and in words what, or what to do."""

    what: str = field(repr=False)
    works: bool
    words: str = field(repr=False)


def connections(lake: Lake) -> list[Connection]:
    """All connected accounts, by listener and source."""
    names = lake.read("ops.accounts").select("user_id", "user_name")
    rows = lake.read(TABLE).join(names, "user_id").orderBy("user_name", "source", "source_user").collect()
    return [
        Connection(
            row["connection_id"],
            row["user_id"],
            row["user_name"],
            row["source"],
            row["source_user"],
            row["credential"],
            row["added_at"].replace(tzinfo=UTC),
        )
        for row in rows
    ]


def add_connection(
    lake: Lake,
    user: str,
    source: str,
    source_user: str,
    *,
    credential: str | None = None,
    now: datetime | None = None,
) -> Connection:
    """Connect an account, with its listener if the lake does not know them yet; a repeat changes nothing.

    `credential` is the name of the token that reaches it, the listener's name unless given; given anew, it replaces
    the one of before. `now` is when it is connected, the clock's time unless given. Raises UsageError for a source
    without accounts, for empty names, and where that token reaches another Spotify account.
    """
    user, source_user = user.strip(), source_user.strip()
    _check_source(source)
    if not user or not source_user:
        raise UsageError("give the listener's name and the name at the service")
    now = now or datetime.now(UTC)
    recover(lake)
    known = connections(lake)
    account_id = connection_id(lake, user, source, source_user)
    before = next((one for one in known if one.connection_id == account_id), None)
    found = Connection(
        account_id,
        lake.pseudonym(user),
        user,
        source,
        source_user,
        (credential or "").strip() or user,
        before.added_at if before else now,
    )
    if before and (credential is None or before.credential == found.credential):
        return before
    if source == "spotify" and any(
        one.credential == found.credential and one is not before for one in known if one.source == source
    ):
        raise UsageError(
            f"the token {found.credential!r} reaches another Spotify account: name another one with --credential"
        )
    tables: dict[str, tuple[dict[str, Any], str]] = {
        TABLE: (_row(found), "update" if before else "insert"),
    }
    if lake.read("ops.accounts").where(F.col("user_id") == found.user_id).isEmpty():
        tables["ops.accounts"] = ({"user_id": found.user_id, "user_name": user, "created_at": now}, "insert")
    _publish(lake, tables)
    return found


def remove_connection(lake: Lake, user: str, source: str, source_user: str | None = None) -> Connection:
    """Disconnect an account, so that it is fetched no more; what was fetched stays, and so does its token.

    Raises UsageError where there is none such, or several and `source_user` does not say which.
    """
    _check_source(source)
    recover(lake)
    user_id = lake.pseudonym(user.strip())
    found = [one for one in connections(lake) if (one.user_id, one.source) == (user_id, source)]
    if source_user is not None:
        wanted = connection_id(lake, user.strip(), source, source_user.strip())
        found = [one for one in found if one.connection_id == wanted]
    if not found:
        raise UsageError("no such account is connected: `accounts list` shows which are")
    if len(found) > 1:
        names = ", ".join(one.source_user for one in found)
        raise UsageError(f"several {source} accounts are connected, say which: {names}")
    _publish(lake, {TABLE: (_row(found[0]), "delete")})
    return found[0]


def connection_id(lake: Lake, user: str, source: str, source_user: str) -> str:
    """The id of an account; services do not tell names apart by case, so neither does it."""
    return digest(lake.pseudonym(user), source, source_user.casefold())


def print_connections(found: Sequence[Connection], console: Console) -> None:
    """Who is connected where."""
    if not found:
        console.print("No account is connected: `accounts add USER lastfm NAME`, or `auth spotify --user USER`.")
        return
    table = Table(header_style="bold")
    for column in ("listener", "source", "name there", "credential"):
        table.add_column(column, overflow="fold")
    for one in found:
        table.add_row(*map(escape, (one.user_name, one.source, one.source_user, one.credential)))
    console.print(table)


def check_connections(services: Services, found: Sequence[Connection]) -> list[Check]:
    """Ask each connected account, and each configured service without accounts, one cheap thing, some at a time.

    A failure is a check that does not work; it never stops another.
    """
    asked = [(f"{one.user_name} at {one.source}", _account_check(services, one)) for one in found]
    asked += _service_checks(services)
    with ThreadPoolExecutor(services.settings.ingest.workers) as pool:
        return list(pool.map(lambda ask: checked(*ask), asked))


def print_checks(checks: Sequence[Check], console: Console) -> None:
    """A line for each: what works, and what to do about what does not."""
    for check in checks:
        verdict = "[green]works [/]" if check.works else "[red]FAILED[/]"
        console.print(f"{verdict} ", end="")
        console.print(f"{check.what}: {check.words}", markup=False, soft_wrap=True)
    working = sum(check.works for check in checks)
    console.print(f"{working} of {len(checks)} work.")


def checked(what: str, ask: Callable[[], str]) -> Check:
    """What `ask` says, or why it failed; raises nothing."""
    try:
        words = ask()
    except ClientError as error:
        return Check(what, works=False, words=str(error))
    except Exception as error:  # a defect of ours must not hide the others' state; its text may hold a secret
        return Check(what, works=False, words=f"failed unexpectedly ({type(error).__name__}); report it.")
    return Check(what, works=True, words=words if words.endswith(".") else f"{words}.")


def _account_check(services: Services, connection: Connection) -> Callable[[], str]:
    ingest = next(i for i in INGESTS if i.source == connection.source and i.fetch is Fetch.ACCOUNT)

    def check() -> str:
        words: str = services.feed(ingest).check(connection.account)
        if connection.source != "spotify":
            return words
        missing = services.spotify.user_auth.missing_scopes(connection.credential)
        wanting = f" The consent does not cover {', '.join(missing)}: run `auth spotify` again." if missing else ""
        return f"{words}{wanting}"

    return check


def _service_checks(services: Services) -> list[tuple[str, Callable[[], str]]]:
    """What is asked in nobody's name, of what is configured."""

    def spotify_app() -> str:
        services.spotify.app_auth.get_access_token()
        return "Spotify gives the app its token."

    def reccobeats() -> str:
        services.reccobeats.get_audio_features([ANY_TRACK])
        return "ReccoBeats answers."

    def lrclib() -> str:
        services.lyrics.from_lrclib(*ANY_SONG)
        return "LRCLIB answers."

    def kaggle() -> str:
        return f"{services.kaggle.check(services.settings.kaggle.dataset)}."

    def ai() -> str:
        services.ai.score_lyrics(SHORT_LYRICS)
        return "The AI service scores lyrics."

    def beatport() -> str:
        return f"{services.beatport.check()}."

    asked: dict[str, tuple[str, Callable[[], str]]] = {
        "spotify": ("Spotify's app", spotify_app),
        "reccobeats": ("ReccoBeats", reccobeats),
        "lyrics": ("LRCLIB", lrclib),
        "kaggle": ("Kaggle", kaggle),
        "ai": ("AI", ai),
        "beatport": ("Beatport", beatport),
    }
    return [ask for source, ask in asked.items() if services.is_configured(source)]


def _check_source(source: str) -> None:
    if source == "beatport":
        raise UsageError("Beatport has one account for all, and no listener's: `auth beatport` connects it")
    if source not in ACCOUNT_SOURCES:
        raise UsageError(f"no accounts at {source!r}; known: {', '.join(ACCOUNT_SOURCES)}")


def _row(connection: Connection) -> dict[str, Any]:
    return {
        "connection_id": connection.connection_id,
        "user_id": connection.user_id,
        "source": connection.source,
        "source_user": connection.source_user,
        "credential": connection.credential,
        "added_at": connection.added_at,
    }


def _publish(lake: Lake, rows: dict[str, tuple[dict[str, Any], str]]) -> None:
    """One row a table, all or none; each with what it does to the row of its key."""
    group_id = f"{ops.new_run_id()}-accounts"
    entries = []
    for table, (row, change) in rows.items():
        path = lake.staging(group_id, table.split(".")[1])
        ops.frame(lake, table, [row]).withColumn(CHANGE, F.lit(change)).coalesce(1).write.parquet(path)
        (key,) = contract_of(table).key
        is_new = change == "insert"
        entries.append(Entry(table, path, "append", once_by=key) if is_new else Entry(table, path, "merge"))
    group = Group(group_id, datetime.now(UTC).date().isoformat(), tuple(entries))
    decide(lake, group)
    publish(lake, group)
