"""The app's token: asked for as Spotify documents it, renewed early, once for many threads, never shown."""

from __future__ import annotations

import base64
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from werkzeug import Response

from clients.auth.app_auth import SpotifyAppAuth
from clients.errors import (
    AuthenticationError,
    BadPayloadError,
    ClientError,
    MissingCredentialError,
    RateLimitError,
    UnavailableError,
)
from tests.clocks import FakeClock
from tests.services import SECRET, STEADY, said, serve

TOKEN = "/api/token"


def granted(number: int, **more: Any) -> Response:
    return said({"access_token": f"app-token-{number}", "token_type": "Bearer", "expires_in": 3600} | more)


@pytest.fixture
def auth(httpserver: HTTPServer, fake: FakeClock) -> SpotifyAppAuth:
    url = httpserver.url_for("/")
    return SpotifyAppAuth("an-id", SecretStr(SECRET), accounts_url=url, clock=fake.clock, retry=STEADY)


def test_it_asks_by_form_and_basic_header(httpserver: HTTPServer, auth: SpotifyAppAuth) -> None:
    seen = serve(httpserver, TOKEN, granted(1), method="POST")
    assert auth.get_access_token().get_secret_value() == "app-token-1"
    assert dict(seen[0].form) == {"grant_type": "client_credentials"}
    assert seen[0].headers["Authorization"] == "Basic " + base64.b64encode(f"an-id:{SECRET}".encode()).decode()
    assert seen[0].headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("lifetime", [{}, {"expires_in": None}, {"expires_in": "soon"}, {"expires_in": 0}])
def test_it_is_renewed_five_minutes_early_and_lives_an_hour_by_default(
    httpserver: HTTPServer, auth: SpotifyAppAuth, fake: FakeClock, lifetime: dict[str, Any]
) -> None:
    answer = {"access_token": "app-token-1", "token_type": "Bearer", **lifetime}
    serve(httpserver, TOKEN, said(answer), granted(2), method="POST")
    auth.get_access_token()
    fake.seconds += 3299
    assert auth.get_access_token().get_secret_value() == "app-token-1"
    fake.seconds += 1
    assert auth.get_access_token().get_secret_value() == "app-token-2"


def test_a_refused_token_is_replaced_once(httpserver: HTTPServer, auth: SpotifyAppAuth) -> None:
    seen = serve(httpserver, TOKEN, granted(1), granted(2), method="POST")
    first = auth.get_access_token()
    second = auth.get_access_token(refused=first)
    assert second.get_secret_value() == "app-token-2"
    assert auth.get_access_token(refused=first) == second  # another thread's late word about the same token
    assert len(seen) == 2


def test_one_renewal_serves_many_threads(httpserver: HTTPServer, auth: SpotifyAppAuth) -> None:
    seen = serve(httpserver, TOKEN, granted(1), method="POST")
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: auth.get_access_token(), range(16)))
    assert len(set(tokens)) == len(seen) == 1


def test_an_outage_is_waited_out(httpserver: HTTPServer, auth: SpotifyAppAuth, fake: FakeClock) -> None:
    serve(httpserver, TOKEN, Response("<html>", 502), granted(1), method="POST")
    assert auth.get_access_token().get_secret_value() == "app-token-1"
    assert fake.sleeps == [1.0]


@pytest.mark.parametrize(
    ("response", "kind", "words"),
    [
        (said({"error": "invalid_client"}, 400), AuthenticationError, "invalid_client. Check SPOTIFY_CLIENT_ID and"),
        (said({"error": "unsupported_grant_type"}, 400), BadPayloadError, "HTTP 400: unsupported_grant_type"),
        (Response("<html>", 503), UnavailableError, "HTTP 503"),
        (said({}, 429, Retry_After="7300"), RateLimitError, "HTTP 429"),
        (said({"token_type": "Bearer"}), BadPayloadError, "the answer holds no access token"),
        (said({"access_token": ""}), BadPayloadError, "the answer holds no access token"),
        (said(["app-token"]), BadPayloadError, "the answer holds no access token"),
    ],
)
def test_failures_say_what_failed_why_and_what_to_do(
    httpserver: HTTPServer, auth: SpotifyAppAuth, response: Response, kind: type[ClientError], words: str
) -> None:
    serve(httpserver, TOKEN, response, method="POST")
    with pytest.raises(ClientError) as caught:
        auth.get_access_token()
    assert type(caught.value) is kind
    assert str(caught.value).startswith("Failed to get app token: Spotify API error (POST /api/token): ")
    assert words in str(caught.value)
    assert caught.value.remedy in str(caught.value)


@pytest.mark.parametrize(("name", "secret"), [(None, SECRET), ("", SECRET), ("an-id", None), ("an-id", "")])
def test_missing_credentials_are_told_before_any_request(name: str | None, secret: str | None) -> None:
    auth = SpotifyAppAuth(name, None if secret is None else SecretStr(secret), accounts_url="http://127.0.0.1:1")
    with pytest.raises(MissingCredentialError, match=r"^No Spotify API key found\. Set SPOTIFY_CLIENT_ID and SPOTIFY"):
        auth.get_access_token()


def test_no_secret_is_shown(httpserver: HTTPServer, auth: SpotifyAppAuth) -> None:
    basic = base64.b64encode(f"an-id:{SECRET}".encode()).decode()
    echo = {"error": "invalid_client", "error_description": f"Basic {basic} {SECRET}"}
    serve(httpserver, TOKEN, granted(1), said(echo, 400), method="POST")
    first = auth.get_access_token()
    with capture_logs() as events, pytest.raises(AuthenticationError) as caught:
        auth.get_access_token(refused=first)
    error = caught.value
    told = [*traceback.format_exception(error), repr(error), str(vars(error)), str(events), repr(first), repr(auth)]
    for secret in (SECRET, basic, "app-token-1"):
        assert secret not in "\n".join(told)
