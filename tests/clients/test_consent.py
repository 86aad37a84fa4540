"""Consent in a browser, played by requests: PKCE, the right state alone, denial, a page that gives nothing away."""

from __future__ import annotations

import socket
import stat
import webbrowser
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from werkzeug import Request

from clients.auth.consent import RedirectUriError, check_redirect_uri
from clients.auth.token_store import Token, TokenStore
from clients.auth.user_auth import SCOPES, SpotifyAuthClient
from clients.errors import AuthenticationError, AuthorizationError, ClientError
from tests.clocks import FakeClock
from tests.services import STEADY, said, serve

ANY_PORT = "http://127.0.0.1/callback"
CODE = "s3cr3t-authorization-code"
GRANTED = {"access_token": "access-1", "refresh_token": "refresh-1", "expires_in": 3600, "scope": " ".join(SCOPES)}

Visits = list[requests.Response]


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    return TokenStore(tmp_path / ".spotify_tokens.json")


@pytest.fixture
def make(httpserver: HTTPServer, fake: FakeClock, store: TokenStore) -> Callable[[str], SpotifyAuthClient]:
    def auth(redirect_uri: str) -> SpotifyAuthClient:
        url = httpserver.url_for("/")
        return SpotifyAuthClient(
            "an-id", store, redirect_uri=redirect_uri, accounts_url=url, clock=fake.clock, retry=STEADY
        )

    return auth


@pytest.fixture
def exchanges(httpserver: HTTPServer) -> list[Request]:
    return serve(httpserver, "/api/token", said(GRANTED), method="POST")


def asked(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class Browser:
    """Opens the address and calls back with these queries in turn, from a thread of its own."""

    def __init__(self, *queries: str, path: str = "") -> None:
        self.queries, self.path = queries, path
        self.urls: list[str] = []
        self.visits: Visits = []
        self._threads: list[Thread] = []

    def __call__(self, url: str) -> None:
        self.urls.append(url)
        self._threads.append(Thread(target=self._visit, args=(url,)))
        self._threads[-1].start()

    def _visit(self, url: str) -> None:
        question = asked(url)
        for query in self.queries:
            address = question["redirect_uri"] + self.path + "?" + query.format(state=question["state"])
            self.visits.append(requests.get(address, timeout=5))

    def close(self) -> None:
        for thread in self._threads:
            thread.join(5)


AGREEING = f"code={CODE}&state={{state}}"


def connect(auth: SpotifyAuthClient, browser: Browser, timeout: float = 10) -> Token:
    try:
        return auth.authorize("ann", open_browser=False, show=browser, timeout=timeout)
    finally:
        browser.close()


def test_a_consent_becomes_a_token(
    make: Callable[[str], SpotifyAuthClient], store: TokenStore, exchanges: list[Request], fake: FakeClock
) -> None:
    browser = Browser(AGREEING)
    token = connect(make(ANY_PORT), browser)
    question, form = asked(browser.urls[0]), dict(exchanges[0].form)
    assert urlsplit(browser.urls[0]).path == "/authorize"
    assert {name: question[name] for name in ("client_id", "response_type", "scope", "code_challenge_method")} == {
        "client_id": "an-id",
        "response_type": "code",
        "scope": "user-read-recently-played user-top-read user-modify-playback-state",
        "code_challenge_method": "S256",
    }
    assert len(question["state"]) >= 32
    assert 43 <= len(form["code_verifier"]) <= 128
    assert create_s256_code_challenge(form.pop("code_verifier")) == question["code_challenge"]
    assert form == {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": question["redirect_uri"],
        "client_id": "an-id",
    }
    assert token == store.get("ann")
    assert (token.authorized_at, token.scope) == (fake.clock.now(), SCOPES)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert make(ANY_PORT).get_valid_token("ann").get_secret_value() == "access-1"


def test_the_page_says_to_close_it_and_holds_no_secret(
    make: Callable[[str], SpotifyAuthClient], exchanges: list[Request], capfd: pytest.CaptureFixture[str]
) -> None:
    browser = Browser(AGREEING)
    with capture_logs() as events:
        connect(make(ANY_PORT), browser)
    page = browser.visits[0]
    assert page.status_code == 200
    assert "You can close this page" in page.text
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    state, verifier = asked(browser.urls[0])["state"], exchanges[0].form["code_verifier"]
    shown = page.text + str(page.headers) + str(events) + "".join(capfd.readouterr())
    assert not [secret for secret in (CODE, state, verifier, "access-1", "refresh-1") if secret in shown]


def test_an_answer_of_another_state_is_refused_and_the_right_one_awaited(
    make: Callable[[str], SpotifyAuthClient], exchanges: list[Request]
) -> None:
    browser = Browser("code=evil&state=other", "code=evil", "error=access_denied", "state={state}", "", AGREEING)
    connect(make(ANY_PORT), browser)
    assert [page.status_code for page in browser.visits] == [400] * 5 + [200]
    assert "not the answer" in browser.visits[0].text
    assert [request.form["code"] for request in exchanges] == [CODE]


def test_another_page_of_the_server_is_none(make: Callable[[str], SpotifyAuthClient]) -> None:
    browser = Browser(AGREEING, path="/favicon.ico")
    with pytest.raises(ClientError, match=r"No answer came from the browser within 0 s\. Try again"):
        connect(make(ANY_PORT), browser, timeout=0.4)
    assert browser.visits[0].status_code == 404


@pytest.mark.parametrize(
    ("query", "words"),
    [("error=access_denied", "access_denied"), ("error=%3Cscript%3E", "no reason given")],
)
def test_a_denial_is_told(make: Callable[[str], SpotifyAuthClient], store: TokenStore, query: str, words: str) -> None:
    browser = Browser(query + "&state={state}")
    with pytest.raises(AuthorizationError, match=rf"^The consent was not given at Spotify \({words}\)\. Ask again"):
        connect(make(ANY_PORT), browser)
    assert "was not given access" in browser.visits[0].text
    assert "script" not in browser.visits[0].text
    assert store.users() == []


def test_a_silent_connection_blocks_nobody(make: Callable[[str], SpotifyAuthClient], exchanges: list[Request]) -> None:
    browser, idle = Browser(AGREEING), []

    def show(url: str) -> None:
        port = urlsplit(asked(url)["redirect_uri"]).port
        idle.append(socket.create_connection(("127.0.0.1", port or 0)))
        browser(url)

    make(ANY_PORT).authorize("ann", open_browser=False, show=show, timeout=10)
    browser.close()
    idle[0].close()
    assert len(exchanges) == 1


def test_a_code_is_sent_once(make: Callable[[str], SpotifyAuthClient], httpserver: HTTPServer) -> None:
    seen = serve(httpserver, "/api/token", said({}, 503), said(GRANTED), method="POST")
    with pytest.raises(ClientError, match=r"^Failed to connect ann: .*HTTP 503"):
        connect(make(ANY_PORT), Browser(AGREEING))
    assert len(seen) == 1


def test_a_refused_code_is_told(make: Callable[[str], SpotifyAuthClient], httpserver: HTTPServer) -> None:
    serve(httpserver, "/api/token", said({"error": "invalid_grant"}, 400), method="POST")
    with pytest.raises(AuthenticationError, match=r"^Failed to connect ann: .*invalid_grant"):
        connect(make(ANY_PORT), Browser(AGREEING))


def test_a_partial_consent_is_kept_and_what_lacks_is_known(
    make: Callable[[str], SpotifyAuthClient], httpserver: HTTPServer
) -> None:
    serve(httpserver, "/api/token", said(GRANTED | {"scope": "user-top-read"}), method="POST")
    auth = make(ANY_PORT)
    connect(auth, Browser(AGREEING))
    assert auth.missing_scopes("ann") == ("user-read-recently-played", "user-modify-playback-state")


@pytest.mark.usefixtures("exchanges")
def test_a_browser_is_opened_where_there_is_one(
    make: Callable[[str], SpotifyAuthClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, shown = Browser(AGREEING), Browser(AGREEING)
    monkeypatch.setattr(webbrowser, "open", lambda url: opened(url) is None)
    make(ANY_PORT).authorize("ann", show=shown, timeout=10)
    assert (len(opened.urls), shown.urls) == (1, [])
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    make(ANY_PORT).authorize("ann", show=shown, timeout=10)
    assert len(shown.urls) == 1
    opened.close()
    shown.close()


# --- the redirect URI ---


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return int(unused.getsockname()[1])


@pytest.mark.parametrize(
    "form", ["http://127.0.0.1:{port}/callback", "http://127.0.0.1:{port}", "http://[::1]:{port}/a/b"]
)
def test_a_fixed_address_is_sent_as_it_stands(
    make: Callable[[str], SpotifyAuthClient], exchanges: list[Request], form: str
) -> None:
    redirect_uri = form.format(port=free_port())
    browser = Browser(AGREEING)
    try:
        connect(make(redirect_uri), browser)
    except ClientError as error:
        if "[::1]" in form and "cannot be listened on" in str(error):
            pytest.skip("no IPv6 here")
        raise
    assert asked(browser.urls[0])["redirect_uri"] == exchanges[0].form["redirect_uri"] == redirect_uri


def test_a_taken_port_is_told(make: Callable[[str], SpotifyAuthClient]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ClientError, match=rf"^Port {port} of 127\.0\.0\.1 cannot be listened on .*Free it"):
            connect(make(f"http://127.0.0.1:{port}/callback"), Browser())


@pytest.mark.parametrize(
    ("uri", "problem", "use"),
    [
        ("http://localhost:8888/callback", "the name localhost", "http://127.0.0.1:8888/callback "),
        ("http://LOCALHOST/back", "the name localhost", "http://127.0.0.1/back "),
        ("https://localhost:1/x", "the name localhost", "http://127.0.0.1:1/x "),
        ("http://app.localhost:1/x", "the name localhost", "http://127.0.0.1:1/x "),
        ("http://0.0.0.0:8888/callback", "plain http only to", "http://127.0.0.1:8888/callback "),
        ("http://example.org/callback", "plain http only to", "http://127.0.0.1/callback "),
        ("127.0.0.1:8888/callback", "is no address", "http://127.0.0.1/callback "),
        ("", "is no address", "http://127.0.0.1/callback "),
        ("http://127.0.0.1:port/callback", "is no address", "http://127.0.0.1/callback "),
        ("http://127.0.0.1/callback?a=1", "is no address", "http://127.0.0.1/callback "),
        ("ftp://127.0.0.1/callback", "is no address", "http://127.0.0.1/callback "),
    ],
)
def test_what_spotify_refuses_is_refused_with_the_form_to_use(
    make: Callable[[str], SpotifyAuthClient], uri: str, problem: str, use: str
) -> None:
    browser = Browser()
    with pytest.raises(RedirectUriError, match=problem) as caught:
        connect(make(uri), browser)
    assert browser.urls == []
    assert f"SPOTIFY_REDIRECT_URI={use}" in str(caught.value)


def test_an_https_address_is_answered_by_hand(
    make: Callable[[str], SpotifyAuthClient], exchanges: list[Request]
) -> None:
    uri = "https://moodlake.example/callback"
    assert check_redirect_uri(uri).hostname == "moodlake.example"
    auth, urls = make(uri), list[str]()
    with pytest.raises(RedirectUriError, match="by hand"):
        auth.authorize("ann", open_browser=False, show=urls.append)
    assert urls == []

    def pasted() -> str:
        return f" {uri}?code={CODE}&state={asked(urls[0])['state']}\n"

    auth.authorize("ann", open_browser=False, show=urls.append, read_address=pasted)
    assert exchanges[0].form["redirect_uri"] == uri
    with pytest.raises(ClientError, match="not the answer to this question"):
        auth.authorize("ann", open_browser=False, show=urls.append, read_address=lambda: f"{uri}?code=x&state=y")
