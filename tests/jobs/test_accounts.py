"""Connected accounts: added with their listener, once; removed without their plays; checked one by one."""

from __future__ import annotations

import io
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
import requests
from pydantic import SecretStr
from rich.console import Console

from clients.auth.token_store import TokenStore
from jobs.accounts import (
    Check,
    Connection,
    add_connection,
    check_connections,
    connections,
    print_connections,
    remove_connection,
)
from jobs.commands import accounts as accounts_module
from jobs.commands import auth as auth_module
from jobs.commands import ingest as ingest_module
from jobs.connecting import connect_spotify
from jobs.plan import INGESTS, Fetch
from jobs.runtime.errors import UsageError
from jobs.runtime.lake import SAMPLE_MARK, Lake
from jobs.runtime.settings import Settings, load_settings
from jobs.services import Services
from sandbox.services.server import Sandbox
from schemas.vocab import ACCOUNT_SOURCES
from tests.boxes import NOW, environment, give_token, small_world
from tests.commands import call, clean_machine


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sandbox]:
    clean_machine(monkeypatch, tmp_path)
    with Sandbox(small_world(), now=NOW) as running:
        for name, value in environment(running, tmp_path).items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, lake: Lake) -> None:
    """The verbs open this test's lake, in the session that all tests share."""

    @contextmanager
    def open_lake(_doing: str, *, writes: bool) -> Iterator[tuple[Lake, Settings]]:  # noqa: ARG001
        yield lake, load_settings()

    for module in (accounts_module, auth_module, ingest_module):
        monkeypatch.setattr(module, "open_lake", open_lake)


def agree(box: Sandbox, monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    """From now on, it is this listener who sits before the browser."""
    box.spotify_accounts.consenting = user

    def visit(url: str) -> bool:
        Thread(target=requests.get, args=(url,), kwargs={"timeout": 10}).start()
        return True

    monkeypatch.setattr(webbrowser, "open", visit)


def connection(user: str, source: str, source_user: str, credential: str = "") -> Connection:
    return Connection("0" * 32, "0" * 32, user, source, source_user, credential or user, NOW)


# --- in the lake


def test_an_account_is_added_once_with_its_listener_and_removed(lake: Lake) -> None:
    first = add_connection(lake, "anna", "lastfm", "AnnaOnLastfm")
    versions = [lake.version(table) for table in ("ops.accounts", "ops.connections")]
    assert versions == [0, 0]
    assert add_connection(lake, " anna ", "lastfm", "annaonlastfm") == first
    assert [lake.version(table) for table in ("ops.accounts", "ops.connections")] == versions
    assert first.account.credential == first.user_name == "anna"

    second = add_connection(lake, "anna", "lastfm", "anna_at_work")
    add_connection(lake, "ben", "listenbrainz", "ben")
    assert [(one.user_name, one.source_user) for one in connections(lake)] == [
        ("anna", "AnnaOnLastfm"),
        ("anna", "anna_at_work"),
        ("ben", "ben"),
    ]
    assert lake.version("ops.accounts") == 1
    with pytest.raises(UsageError, match="say which: AnnaOnLastfm, anna_at_work"):
        remove_connection(lake, "anna", "lastfm")
    assert remove_connection(lake, "anna", "lastfm", "ANNA_AT_WORK") == second
    assert remove_connection(lake, "anna", "lastfm") == first
    with pytest.raises(UsageError, match="accounts list"):
        remove_connection(lake, "anna", "lastfm")
    assert [row["user_name"] for row in lake.read("ops.accounts").orderBy("user_name").collect()] == ["anna", "ben"]


def test_a_token_reaches_one_spotify_account(lake: Lake) -> None:
    first = add_connection(lake, "anna", "spotify", "spotify-1")
    with pytest.raises(UsageError, match="--credential"):
        add_connection(lake, "anna", "spotify", "spotify-2")
    second = add_connection(lake, "anna", "spotify", "spotify-2", credential="anna-work")
    with pytest.raises(UsageError, match="another Spotify account"):
        connect_spotify(lake, "anna", "anna", ("spotify-2", "its-older-name"))
    assert connect_spotify(lake, "anna-work", "anna-work", ("stable", "SPOTIFY-2")) == second
    moved = connect_spotify(lake, "anna", "anna-phone", ("stable", "spotify-1"))
    assert (moved.connection_id, moved.credential) == (first.connection_id, "anna-phone")
    assert len(connections(lake)) == 2


@pytest.mark.usefixtures("opened")
def test_spotify_is_connected_by_consent(
    lake: Lake, box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one, other = [account.user for account in box.accounts() if account.service == "spotify"][:2]
    agree(box, monkeypatch, one)
    told = call(capsys, "auth", "spotify", "--user", "anna")
    assert (told.code, told.err) == (0, "")
    assert "anna is connected to Spotify" in told.out
    assert "bronze.spotify_plays: 50 records fetched, 50 new" in told.out
    assert "bronze.spotify_top_items: " in told.out
    assert lake.read("bronze.spotify_plays").count() == 50
    (connected,) = connections(lake)
    assert (connected.user_name, connected.credential) == ("anna", "anna")
    assert not list(box.violations)

    agree(box, monkeypatch, other)  # logged in at Spotify as somebody else
    told = call(capsys, "auth", "spotify", "--user", "anna")
    assert told.code == 2
    assert "another Spotify account" in told.complaint
    told = call(capsys, "auth", "spotify", "--user", "anna", "--credential", "anna-2")
    assert told.code == 0
    assert sorted(one.credential for one in connections(lake)) == ["anna", "anna-2"]

    checked = call(capsys, "accounts", "check")
    assert checked.code == 0, checked.out
    assert checked.out.count("works  anna at spotify: Spotify lists recent plays") == 2
    listed = call(capsys, "accounts", "list")
    assert "anna-2" in listed.out
    removed = call(capsys, "accounts", "remove", "anna", "spotify", connected.source_user)
    assert "Its plays stay in the lake." in removed.out
    assert "auth spotify --user anna --clear" in removed.out
    written = "".join(path.read_text() for path in (tmp_path / "lake").rglob("*.json"))
    everything = told.out + told.err + checked.out + listed.out + removed.out + written
    assert not [secret for secret in box.secrets() if secret in everything]


@pytest.mark.usefixtures("opened")
def test_a_refresh_token_connects_too(lake: Lake, box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    user = box.accounts()[0].user
    told = call(capsys, "auth", "spotify", "--user", "anna", "--token", typed=box.authorize(user) + "\n")
    assert (told.code, told.err) == (0, "")
    assert [one.user_name for one in connections(lake)] == ["anna"]
    told = call(capsys, "accounts", "add", "ben", "spotify", "bens-name")
    assert "Next: run_ingestion.py auth spotify --user ben" in told.out
    told = call(capsys, "accounts", "add", "ben", "deezer", "ben")
    assert told.code == 2
    assert "known: spotify, lastfm, listenbrainz" in told.complaint


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("opened")
def test_a_missing_token_is_asked_for_at_a_terminal(
    lake: Lake, box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    one, other = [account for account in box.accounts() if account.service == "spotify"][:2]
    add_connection(lake, "anna", "spotify", one.source_user)
    add_connection(lake, "anna", "lastfm", "no-such-person")
    asked = ("ingest", "spotify_plays", "lastfm_scrobbles")
    unattended = call(capsys, *asked)
    assert unattended.code == 3
    assert "auth spotify --user anna" in unattended.out

    agree(box, monkeypatch, other.user)  # somebody else sits before the browser
    told = call(capsys, *asked, typed=Terminal("y\n"))
    assert told.code == 3
    assert "another Spotify account" in told.out
    assert TokenStore(tmp_path / ".spotify_tokens.json").users() == []
    box.faults.on("spotify-accounts.consent_denied")
    assert call(capsys, *asked, typed=Terminal("y\n")).code == 3
    box.faults.off("spotify-accounts.consent_denied")

    agree(box, monkeypatch, one.user)
    requests_of_lastfm = box.requests.count(service="lastfm")
    told = call(capsys, *asked, typed=Terminal("y\n"))
    assert told.code == 3, "Last.fm still knows nobody of that name"
    assert lake.read("bronze.spotify_plays").count() == 50
    assert box.requests.count(service="lastfm") == requests_of_lastfm + 1, "the others were asked again"
    remove_connection(lake, "anna", "lastfm")
    assert call(capsys, *asked).code == 0


@pytest.mark.usefixtures("opened")
def test_nobody_is_asked_unless_somebody_wants_it(
    lake: Lake, box: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_connection(lake, "anna", "listenbrainz", "anna")
    lake.files.write_text(f"{lake.root}/{SAMPLE_MARK}", "{}")
    assert "no service is asked about the sample world" in call(capsys, "ingest").out
    lake.files.delete(f"{lake.root}/{SAMPLE_MARK}")
    remove_connection(lake, "anna", "listenbrainz")
    clean_machine(monkeypatch, tmp_path)
    told = call(capsys, "ingest")
    assert (told.code, len(box.requests)) == (0, 0)
    assert "no account is connected and no key is set" in told.out


# --- without a lake


def test_the_plan_and_the_vocabulary_know_the_same_sources() -> None:
    assert {ingest.source for ingest in INGESTS if ingest.fetch is Fetch.ACCOUNT} == set(ACCOUNT_SOURCES)


def test_each_account_is_checked_whatever_the_others_do(box: Sandbox, tmp_path: Path) -> None:
    user = next(a.user for a in box.accounts() if a.service == "listenbrainz")
    give_token(box, tmp_path, user)
    found = [
        connection(user, "spotify", "x"),
        connection("nobody", "spotify", "y"),
        connection("anna", "lastfm", "no-such-person"),
        connection(user, "listenbrainz", user),
    ]
    box.faults.on("ai.error")
    checks = check_connections(Services(load_settings()), found)
    assert [(one.what, one.works) for one in checks] == [
        (f"{user} at spotify", True),
        ("nobody at spotify", False),
        ("anna at lastfm", False),
        (f"{user} at listenbrainz", True),
        ("Spotify's app", True),
        ("ReccoBeats", True),
        ("LRCLIB", True),
        ("Kaggle", True),
        ("AI", False),
        ("Beatport", True),
    ]
    words = {one.what: one.words for one in checks}
    assert words["nobody at spotify"].endswith("Run `auth spotify --user nobody`.")
    assert "accounts list" in words["anna at lastfm"]
    assert not [secret for secret in box.secrets() if any(secret in text for text in words.values())]
    asked = [request for request in box.requests if request.service == "lastfm"]
    assert len(asked) == 1


def test_a_defect_of_ours_hides_nobody_else(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise KeyError("s3cr3t")

    monkeypatch.setattr("clients.lastfm_api.LastfmScrobbles.check", broken)
    user = next(a.user for a in box.accounts() if a.service == "listenbrainz")
    found = [connection("anna", "lastfm", "anna"), connection(user, "listenbrainz", user)]
    checks = check_connections(Services(load_settings()), found)[:2]
    assert [one.works for one in checks] == [False, True]
    assert "s3cr3t" not in checks[0].words


def test_a_narrow_consent_is_told(box: Sandbox) -> None:
    user = box.accounts()[0].user
    services = Services(load_settings())
    refresh = box.authorize(user, scopes=["user-read-recently-played"])
    services.spotify.user_auth.store_refresh_token(user, SecretStr(refresh))
    check = check_connections(services, [connection(user, "spotify", "x")])[0]
    assert check.works
    assert "does not cover user-top-read, user-modify-playback-state" in check.words


def test_what_is_not_configured_is_not_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, box: Sandbox) -> None:
    clean_machine(monkeypatch, tmp_path)
    monkeypatch.setenv("RECCOBEATS_API_URL", box.url("reccobeats"))
    monkeypatch.setenv("LYRICS_LRCLIB_URL", box.url("lrclib"))
    checks = check_connections(Services(load_settings()), [])
    assert [one.what for one in checks] == ["ReccoBeats", "LRCLIB"]


def test_reprs_name_nobody() -> None:
    one = connection("anna", "lastfm", "anna_on_lastfm", "anna-token")
    assert "anna" not in repr(one) + repr(Check("anna at lastfm", True, "anna"))


def test_names_are_shown_as_they_are() -> None:
    console = Console(record=True, width=120)
    print_connections([connection("[bold]x", "lastfm", "[/]")], console)
    shown = console.export_text()
    assert "[bold]x" in shown
    assert "[/]" in shown
