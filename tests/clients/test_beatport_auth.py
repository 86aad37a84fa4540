"""Beatport's token: the login of its documentation page, ten minutes of life, a second factor, a token by hand."""

from __future__ import annotations

import json
import logging
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from werkzeug import Response

from clients.auth.beatport_auth import SPACING, BeatportAuth
from clients.auth.token_store import TokenStore
from clients.beatport_errors import (
    BeatportAuthError,
    BeatportError,
    BeatportForbiddenError,
    BeatportMissingCredentialError,
    BeatportPayloadError,
    BeatportTwoFactorError,
    BeatportUnavailableError,
)
from clients.errors import AuthenticationError, MissingCredentialError
from clients.limits import Limiter, Rate
from tests.beatport import CLIENT_ID, CODE, NAME, PASSWORD, SESSION, FakeBeatport
from tests.clocks import FakeClock
from tests.services import STEADY, said

FLOW = [
    "POST /auth/login/",
    "GET /docs/",
    "GET /docs/static/app.js",
    "GET /auth/o/authorize/",
    "POST /auth/o/token/",
]


@pytest.fixture
def beatport(httpserver: HTTPServer) -> FakeBeatport:
    return FakeBeatport(httpserver)


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    return TokenStore(tmp_path / ".beatport_tokens.json")


@pytest.fixture
def options(beatport: FakeBeatport, fake: FakeClock) -> dict[str, Any]:
    return {
        "username": NAME,
        "password": SecretStr(PASSWORD),
        "base_url": beatport.url,
        "limiter": Limiter(Rate(1, SPACING), clock=fake.clock),
        "retry": STEADY,
    }


@pytest.fixture
def auth(store: TokenStore, options: dict[str, Any]) -> BeatportAuth:
    return BeatportAuth(store, **options)


def paths(beatport: FakeBeatport) -> list[str]:
    return [request.partition("?")[0] for request in beatport.seen]


def test_a_login_goes_as_the_documentation_page_does_it(
    beatport: FakeBeatport, auth: BeatportAuth, store: TokenStore, fake: FakeClock
) -> None:
    assert auth.get_valid_token().get_secret_value() == "access-1"
    assert paths(beatport) == FLOW
    assert auth.requests_sent == len(FLOW)
    assert all(seconds == pytest.approx(0.55) for seconds in fake.sleeps)
    assert len(fake.sleeps) == len(FLOW) - 1
    token = store.get("beatport")
    assert token is not None
    assert token.expires_at - fake.clock.now() == timedelta(seconds=600)
    assert store.path.stat().st_mode & 0o777 == 0o600
    assert auth.get_valid_token().get_secret_value() == "access-1"
    assert len(beatport.seen) == len(FLOW)


def test_a_given_client_id_spares_the_page(beatport: FakeBeatport, store: TokenStore, options: dict[str, Any]) -> None:
    BeatportAuth(store, client_id=CLIENT_ID, **options).login()
    assert paths(beatport) == [path for path in FLOW if "docs" not in path]


def test_ten_minutes_end_within_a_run(beatport: FakeBeatport, auth: BeatportAuth, fake: FakeClock) -> None:
    auth.get_valid_token()
    fake.seconds += 600 - 60
    assert auth.get_valid_token().get_secret_value() == "access-2"
    assert paths(beatport)[len(FLOW) :] == ["POST /auth/o/token/"]


def test_a_refused_token_is_renewed_once_for_all_threads(beatport: FakeBeatport, auth: BeatportAuth) -> None:
    first = auth.get_valid_token()
    with ThreadPoolExecutor(4) as pool:
        tokens = {pool.submit(auth.get_valid_token, refused=first) for _ in range(8)}
    assert {token.result().get_secret_value() for token in tokens} == {"access-2"}
    assert beatport.issued == 2


def test_a_refresh_that_fails_becomes_a_login(beatport: FakeBeatport, auth: BeatportAuth, fake: FakeClock) -> None:
    auth.get_valid_token()
    fake.seconds += 3600
    beatport.refresh_works = False
    assert auth.get_valid_token().get_secret_value() == "access-2"
    assert paths(beatport)[-1] == "POST /auth/o/token/"


def test_a_refresh_that_fails_without_a_login_is_told(
    beatport: FakeBeatport, auth: BeatportAuth, store: TokenStore, options: dict[str, Any], fake: FakeClock
) -> None:
    auth.get_valid_token()
    fake.seconds += 3600
    beatport.refresh_works = False
    options |= {"username": None, "password": None}
    with pytest.raises(BeatportAuthError, match=r"invalid_grant.*auth beatport --token") as caught:
        BeatportAuth(store, **options).get_valid_token()
    assert isinstance(caught.value, AuthenticationError)
    assert store.get("beatport") is not None


def test_an_outage_costs_no_token(
    beatport: FakeBeatport, auth: BeatportAuth, fake: FakeClock, httpserver: HTTPServer, store: TokenStore
) -> None:
    kept = auth.get_valid_token()
    fake.seconds += 3600
    httpserver.clear()
    httpserver.expect_request("/v4/auth/o/token/").respond_with_data("down", 503)
    with pytest.raises(BeatportUnavailableError):
        auth.get_valid_token()
    token = store.get("beatport")
    assert token is not None
    assert token.access_token == kept
    assert beatport.issued == 1


@pytest.mark.parametrize("lifetime", [None, 0, -5, 10**12])
def test_an_odd_lifetime_counts_as_ten_minutes(
    beatport: FakeBeatport, auth: BeatportAuth, fake: FakeClock, lifetime: int | None
) -> None:
    beatport.lifetime = lifetime
    assert auth.login().expires_at == fake.clock.now() + timedelta(seconds=600)


# --- refusals ---


@pytest.mark.parametrize(
    "answer",
    [
        said({"detail": "Two-factor authentication code required."}, 401),
        said({"otp_required": True}, 200),
        said({"two_factor": {"methods": ["totp"]}}, 403),
        said({"message": "Enter your verification code"}, 400),
    ],
)
def test_a_second_factor_is_not_supported(beatport: FakeBeatport, auth: BeatportAuth, answer: Response) -> None:
    beatport.login_answer = answer
    with pytest.raises(BeatportTwoFactorError, match=r"not supported, use `auth beatport --token`"):
        auth.get_valid_token()
    assert paths(beatport) == ["POST /auth/login/"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said({"detail": "Unable to log in with provided credentials."}, 401), BeatportAuthError),
        (said({"non_field_errors": ["Unable to log in"]}, 400), BeatportAuthError),
        (said({"detail": "Request blocked."}, 403), BeatportForbiddenError),
        (said({"username": NAME, "email": NAME}), BeatportAuthError),
        (said([]), BeatportAuthError),
        (said({}, 502), BeatportUnavailableError),
    ],
)
def test_a_login_that_opens_no_session(
    beatport: FakeBeatport, auth: BeatportAuth, answer: Response, kind: type[BeatportError]
) -> None:
    beatport.login_answer = answer
    with pytest.raises(kind, match=r"^Beatport API error") as caught:
        auth.get_valid_token()
    assert type(caught.value) is kind


def test_a_wrong_client_id(beatport: FakeBeatport, store: TokenStore, options: dict[str, Any]) -> None:
    with pytest.raises(BeatportAuthError, match=r"HTTP 400.*Check BEATPORT_CLIENT_ID"):
        BeatportAuth(store, client_id="another", **options).login()
    assert beatport.issued == 0


def test_documentation_without_a_client_id(httpserver: HTTPServer, beatport: FakeBeatport, auth: BeatportAuth) -> None:
    httpserver.clear()
    httpserver.expect_request("/v4/docs/").respond_with_data("<html>new docs</html>")
    session = said({"username": NAME})
    session.set_cookie("sessionid", SESSION)
    httpserver.expect_request("/v4/auth/login/").respond_with_handler(lambda _: session)
    with pytest.raises(BeatportPayloadError, match="Set BEATPORT_CLIENT_ID"):
        auth.login()
    assert beatport.seen == []


@pytest.mark.parametrize("missing", ["username", "password"])
def test_without_a_login(store: TokenStore, options: dict[str, Any], beatport: FakeBeatport, missing: str) -> None:
    options[missing] = None
    with pytest.raises(BeatportMissingCredentialError, match=r"^No Beatport login found\. Set BEATPORT_") as caught:
        BeatportAuth(store, **options).get_valid_token()
    assert isinstance(caught.value, MissingCredentialError)
    assert beatport.seen == []


# --- by hand ---


@pytest.mark.parametrize("whole", [True, False])
def test_a_token_by_hand_is_tried_first(
    beatport: FakeBeatport, store: TokenStore, options: dict[str, Any], fake: FakeClock, whole: bool
) -> None:
    options |= {"username": None, "password": None}
    auth = BeatportAuth(store, client_id=CLIENT_ID, **options)
    answer = beatport.issue()
    token = auth.store_token(SecretStr(json.dumps(answer) if whole else " access-1\n"))
    assert (token.access_token.get_secret_value(), token.refresh_token is not None) == ("access-1", whole)
    assert paths(beatport) == ["GET /auth/o/introspect/"]
    assert auth.status().startswith("Beatport is connected until 2026-11-20")
    fake.seconds += 36_000
    if whole:
        assert auth.get_valid_token().get_secret_value() == "access-2"
    else:
        with pytest.raises(BeatportMissingCredentialError, match="auth beatport --token"):
            auth.get_valid_token()


@pytest.mark.parametrize(
    ("pasted", "kind"), [("access-9", BeatportAuthError), ("{", BeatportPayloadError), ("", BeatportPayloadError)]
)
def test_a_wrong_token_by_hand_is_not_stored(
    auth: BeatportAuth, store: TokenStore, pasted: str, kind: type[BeatportError]
) -> None:
    with pytest.raises(kind):
        auth.store_token(SecretStr(pasted))
    assert store.get("beatport") is None
    assert auth.status().startswith("Beatport is not connected. Set BEATPORT_USERNAME")
    assert not auth.clear()


def test_no_secret_is_told(
    beatport: FakeBeatport, auth: BeatportAuth, fake: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    structlog.reset_defaults()
    with capture_logs() as events, caplog.at_level(logging.DEBUG):
        auth.get_valid_token()
        fake.seconds += 3600
        auth.get_valid_token()
        beatport.login_answer = said({"detail": f"wrong password {PASSWORD}"}, 401)
        with pytest.raises(BeatportAuthError, match=r"\[redacted\]") as caught:
            auth.login()
    assert caught.value.__context__ is None
    told = [str(events), repr(auth), repr(caught.value), *traceback.format_exception(caught.value)]
    told += [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    for secret in (PASSWORD, SESSION, CODE, "access-1", "refresh-1"):
        assert secret not in "".join(told)
