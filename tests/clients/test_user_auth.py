"""Listeners' tokens through their life: renewed, rotated, refused by mistake, ended after six months; none shown."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from werkzeug import Request, Response

from clients.auth.token_store import Token, TokenFileError, TokenStore
from clients.auth.user_auth import REFUSAL_PAUSE, SCOPES, SpotifyAuthClient, end_of_consent
from clients.errors import (
    AuthenticationError,
    BadPayloadError,
    ClientError,
    MissingCredentialError,
    RateLimitError,
    UnavailableError,
)
from clients.spotify_errors import MissingScopeError
from tests.clocks import EPOCH, FakeClock
from tests.services import SECRET, STEADY, said, serve

TOKEN = "/api/token"
HOUR = timedelta(hours=1)
CONSENT = EPOCH - timedelta(days=10)
ANN = Token(
    access_token=SecretStr("access-0"),
    expires_at=EPOCH + HOUR,
    refresh_token=SecretStr(SECRET),
    scope=SCOPES,
    authorized_at=CONSENT,
)
OLD = replace(ANN, expires_at=EPOCH)
REFUSED = said({"error": "invalid_grant", "error_description": "Refresh token revoked"}, 400)


def granted(number: int = 1, **more: Any) -> Response:
    answer = {"access_token": f"access-{number}", "token_type": "Bearer", "expires_in": 3600, "scope": " ".join(SCOPES)}
    return said(answer | more)


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    return TokenStore(tmp_path / ".spotify_tokens.json")


@pytest.fixture
def auth(httpserver: HTTPServer, fake: FakeClock, store: TokenStore) -> SpotifyAuthClient:
    return SpotifyAuthClient("an-id", store, accounts_url=httpserver.url_for("/"), clock=fake.clock, retry=STEADY)


def kept(store: TokenStore, user: str = "ann") -> Token:
    token = store.get(user)
    assert token is not None
    return token


# --- renewal ---


def test_a_valid_token_is_given_without_a_request(store: TokenStore, fake: FakeClock) -> None:
    store.put("ann", ANN)
    auth = SpotifyAuthClient(None, store, accounts_url="http://127.0.0.1:1", clock=fake.clock)
    assert auth.get_valid_token("ann").get_secret_value() == "access-0"


def test_it_is_renewed_early_by_form_without_a_client_secret(
    httpserver: HTTPServer, auth: SpotifyAuthClient, store: TokenStore, fake: FakeClock
) -> None:
    seen = serve(httpserver, TOKEN, granted(), method="POST")
    store.put("ann", ANN)
    fake.seconds += 3600 - 300
    assert auth.get_valid_token("ann").get_secret_value() == "access-1"
    assert dict(seen[0].form) == {"grant_type": "refresh_token", "refresh_token": SECRET, "client_id": "an-id"}
    assert "Authorization" not in seen[0].headers
    assert kept(store).expires_at == fake.clock.now() + HOUR


def test_a_new_refresh_token_replaces_and_an_absent_one_keeps_the_old(
    httpserver: HTTPServer, auth: SpotifyAuthClient, store: TokenStore, fake: FakeClock
) -> None:
    seen = serve(httpserver, TOKEN, granted(1), granted(2, refresh_token="next"), granted(3), method="POST")
    store.put("ann", OLD)
    for _ in range(3):
        auth.get_valid_token("ann")
        fake.seconds += 3600
    assert [request.form["refresh_token"] for request in seen] == [SECRET, SECRET, "next"]
    token = kept(store)
    assert token.refresh_token == SecretStr("next")
    assert token.authorized_at == CONSENT


def test_a_renewal_keeps_what_the_answer_leaves_out(
    httpserver: HTTPServer, auth: SpotifyAuthClient, store: TokenStore
) -> None:
    serve(httpserver, TOKEN, said({"access_token": "access-1"}), method="POST")
    store.put("ann", OLD)
    auth.get_valid_token("ann")
    assert kept(store) == replace(OLD, access_token=SecretStr("access-1"), expires_at=EPOCH + HOUR)


def test_a_token_answered_with_401_is_renewed_once(
    httpserver: HTTPServer, auth: SpotifyAuthClient, store: TokenStore
) -> None:
    seen = serve(httpserver, TOKEN, granted(1), granted(2), method="POST")
    store.put("ann", ANN)
    refused = ANN.access_token
    assert auth.get_valid_token("ann", refused=refused).get_secret_value() == "access-1"
    assert auth.get_valid_token("ann", refused=refused).get_secret_value() == "access-1"
    assert len(seen) == 1


class RotatingService:
    """Takes only the newest refresh token, as Spotify does with PKCE."""

    def __init__(self, httpserver: HTTPServer) -> None:
        self.newest = {"ann": SECRET, "bob": "bobs-0"}
        self.renewals = 0
        httpserver.expect_request(TOKEN, method="POST").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        for user, token in self.newest.items():
            if request.form["refresh_token"] == token:
                self.renewals += 1
                self.newest[user] = f"{user}s-{self.renewals}"
                return granted(self.renewals, refresh_token=self.newest[user])
        return REFUSED


def test_threads_rotate_once_per_user(httpserver: HTTPServer, auth: SpotifyAuthClient, store: TokenStore) -> None:
    service = RotatingService(httpserver)
    store.put("ann", OLD)
    store.put("bob", replace(OLD, refresh_token=SecretStr("bobs-0")))
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(auth.get_valid_token, ["ann", "bob"] * 8))
    assert service.renewals == len(set(tokens)) == 2
    for user in ("ann", "bob"):
        assert kept(store, user).refresh_token == SecretStr(service.newest[user])


RENEW = """
import sys
from clients.auth.token_store import TokenStore
from clients.auth.user_auth import SpotifyAuthClient
SpotifyAuthClient("an-id", TokenStore(sys.argv[1]), accounts_url=sys.argv[2]).get_valid_token("ann")
"""


def test_processes_rotate_once(httpserver: HTTPServer, store: TokenStore) -> None:
    service = RotatingService(httpserver)
    store.put("ann", replace(OLD, expires_at=datetime(2020, 1, 1, tzinfo=UTC)))
    command = [sys.executable, "-c", RENEW, str(store.path), httpserver.url_for("/")]
    running = [subprocess.Popen(command, cwd=Path(__file__).parents[2], env=dict(os.environ)) for _ in range(2)]
    assert [process.wait(30) for process in running] == [0, 0]
    assert service.renewals == 1
    assert kept(store).refresh_token == SecretStr(service.newest["ann"])


# --- refusal ---


def test_one_false_refusal_is_not_believed(
    httpserver: HTTPServer, auth: SpotifyAuthClient, store: TokenStore, fake: FakeClock
) -> None:
    serve(httpserver, TOKEN, REFUSED, granted(), method="POST")
    store.put("ann", OLD)
    assert auth.get_valid_token("ann").get_secret_value() == "access-1"
    assert fake.sleeps == [REFUSAL_PAUSE]
    assert kept(store).refused_at is None


def test_a_second_refusal_is_told_and_the_token_kept(
    httpserver: HTTPServer, auth: SpotifyAuthClient, store: TokenStore, fake: FakeClock
) -> None:
    seen = serve(httpserver, TOKEN, REFUSED, REFUSED, granted(), method="POST")
    store.put("ann", OLD)
    with pytest.raises(AuthenticationError) as caught:
        auth.get_valid_token("ann")
    assert str(caught.value) == (
        "Failed to renew the Spotify token: Spotify API error (POST /api/token): invalid_grant, Refresh token revoked; "
        "the token of ann was kept. Run `auth spotify --user ann`."
    )
    assert len(seen) == 2
    assert kept(store) == replace(OLD, refused_at=fake.clock.now())
    assert "refused to renew the token on 2026-11-20 12:00 UTC. Run `auth spotify --user ann`." in auth.status("ann")
    assert auth.get_valid_token("ann").get_secret_value() == "access-1"  # the outage is over
    assert kept(store).refused_at is None


def test_the_end_of_a_consent_is_called_so(httpserver: HTTPServer, auth: SpotifyAuthClient, store: TokenStore) -> None:
    serve(httpserver, TOKEN, REFUSED, method="POST")
    store.put("ann", replace(OLD, authorized_at=datetime(2026, 5, 1, tzinfo=UTC)))
    with pytest.raises(AuthenticationError) as caught:
        auth.get_valid_token("ann")
    assert str(caught.value) == (
        "The consent of ann at Spotify ended on 2026-11-01, 6 months after it was given. Run `auth spotify --user ann`."
    )


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (Response("<html>", 502), UnavailableError),
        (said({}, 429, Retry_After="7300"), RateLimitError),
        (said({"error": "invalid_client"}, 400), AuthenticationError),
        (said({"token_type": "Bearer"}), BadPayloadError),
    ],
)
def test_another_failure_changes_nothing(
    httpserver: HTTPServer, auth: SpotifyAuthClient, store: TokenStore, response: Response, kind: type[ClientError]
) -> None:
    serve(httpserver, TOKEN, response, method="POST")
    store.put("ann", OLD)
    with pytest.raises(kind, match=r"^Failed to renew the Spotify token: "):
        auth.get_valid_token("ann")
    assert kept(store) == OLD


def test_a_token_without_a_refresh_token_ends_with_its_hour(auth: SpotifyAuthClient, store: TokenStore) -> None:
    store.put("ann", replace(OLD, refresh_token=None))
    with pytest.raises(AuthenticationError, match=r"no refresh token.*Run `auth spotify --user ann`"):
        auth.get_valid_token("ann")


def test_what_is_missing_is_told_before_any_request(store: TokenStore, fake: FakeClock) -> None:
    auth = SpotifyAuthClient("", store, accounts_url="http://127.0.0.1:1", clock=fake.clock)
    with pytest.raises(MissingCredentialError, match=r"^No Spotify token found for ann\. Run `auth spotify"):
        auth.get_valid_token("ann")
    store.put("ann", OLD)
    with pytest.raises(MissingCredentialError, match=r"^No Spotify API key found\."):
        auth.get_valid_token("ann")
    with pytest.raises(MissingCredentialError, match=r"^No Spotify API key found\."):
        auth.authorize("ann")


def test_one_broken_account_stops_no_other(httpserver: HTTPServer, auth: SpotifyAuthClient, store: TokenStore) -> None:
    serve(httpserver, TOKEN, REFUSED, method="POST")
    store.put("ann", OLD)
    store.put("bob", ANN)
    with pytest.raises(AuthenticationError):
        auth.get_valid_token("ann")
    assert auth.get_valid_token("bob") == ANN.access_token


# --- scopes ---


def test_a_missing_scope_is_told(auth: SpotifyAuthClient, store: TokenStore) -> None:
    store.put("ann", replace(ANN, scope=SCOPES[:1]))
    assert auth.get_valid_token("ann", scope=SCOPES[0]) == ANN.access_token
    with pytest.raises(MissingScopeError, match=r"does not cover user-top-read\. Run `auth spotify --user ann`"):
        auth.get_valid_token("ann", scope="user-top-read")
    assert auth.missing_scopes("ann") == SCOPES[1:]
    assert "The consent does not cover user-top-read, user-modify-playback-state. Run" in auth.status("ann")


def test_an_unknown_scope_is_left_to_spotify(auth: SpotifyAuthClient, store: TokenStore) -> None:
    store.put("ann", replace(ANN, scope=()))
    assert auth.get_valid_token("ann", scope="user-top-read") == ANN.access_token
    assert auth.missing_scopes("ann") == ()


# --- the six months ---


@pytest.mark.parametrize(
    ("consent", "end"),
    [
        (datetime(2026, 5, 20, 8, tzinfo=UTC), datetime(2026, 11, 20, 8, tzinfo=UTC)),
        (datetime(2026, 8, 31, tzinfo=UTC), datetime(2027, 2, 28, tzinfo=UTC)),
        (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)),
        (datetime(2026, 6, 30, tzinfo=UTC), datetime(2026, 12, 30, tzinfo=UTC)),
    ],
)
def test_a_consent_lasts_six_months(consent: datetime, end: datetime) -> None:
    assert end_of_consent(consent) == end


def test_the_end_is_warned_of_from_thirty_days_before(
    auth: SpotifyAuthClient, store: TokenStore, fake: FakeClock
) -> None:
    store.put("ann", replace(ANN, authorized_at=EPOCH))
    days_left = (end_of_consent(EPOCH) - EPOCH).days
    assert auth.expiry_warning("ann") is None
    assert auth.status("ann") == "ann is connected to Spotify since 2026-11-20. The consent ends on 2027-05-20."
    fake.seconds += (days_left - 30) * 86_400 - 1
    assert auth.expiry_warning("ann") is None
    fake.seconds += 1
    warning = "The consent of ann at Spotify ends on 2027-05-20, in 30 days. Run `auth spotify --user ann`."
    assert auth.expiry_warning("ann") == warning
    assert auth.status("ann").endswith(warning)
    fake.seconds += 30 * 86_400
    assert auth.expiry_warning("ann") == (
        "The consent of ann at Spotify ended on 2027-05-20. Run `auth spotify --user ann`."
    )


def test_nothing_is_warned_of_where_nothing_is_known(auth: SpotifyAuthClient, store: TokenStore) -> None:
    assert auth.expiry_warning("ann") is None
    assert auth.status("ann") == "ann is not connected to Spotify. Run `auth spotify --user ann`."
    store.put("ann", replace(ANN, authorized_at=None))
    assert auth.expiry_warning("ann") is None
    assert auth.status("ann") == "ann is connected to Spotify since an unknown day."


# --- a token given, a token removed ---


def test_a_pasted_refresh_token_is_tried_and_kept(
    httpserver: HTTPServer, auth: SpotifyAuthClient, store: TokenStore
) -> None:
    seen = serve(httpserver, TOKEN, granted(refresh_token="next"), method="POST")
    auth.store_refresh_token("ann", SecretStr("pasted"), authorized_at=CONSENT)
    assert seen[0].form["refresh_token"] == "pasted"
    assert kept(store) == replace(ANN, access_token=SecretStr("access-1"), refresh_token=SecretStr("next"))


def test_a_refused_refresh_token_replaces_nothing(
    httpserver: HTTPServer, auth: SpotifyAuthClient, store: TokenStore
) -> None:
    serve(httpserver, TOKEN, REFUSED, method="POST")
    store.put("ann", ANN)
    with pytest.raises(AuthenticationError, match=r"^Failed to connect ann: .*invalid_grant"):
        auth.store_refresh_token("ann", SecretStr("pasted"))
    assert kept(store) == ANN


def test_clearing_forgets_one_account(auth: SpotifyAuthClient, store: TokenStore) -> None:
    store.put("ann", ANN)
    store.put("bob", ANN)
    assert auth.clear("ann")
    assert not auth.clear("ann")
    assert auth.users() == ["bob"]


def test_a_damaged_file_is_told_before_a_token_is_used_up(auth: SpotifyAuthClient, store: TokenStore) -> None:
    store.path.write_text("{")
    for use in (
        lambda: auth.get_valid_token("ann"),
        lambda: auth.store_refresh_token("ann", SecretStr("pasted")),
        lambda: auth.authorize("ann", open_browser=False),
    ):
        with pytest.raises(TokenFileError, match="is damaged"):
            use()
    assert store.path.read_text() == "{"


# --- secrets ---


def test_no_token_in_logs_reprs_exceptions_or_tracebacks(
    httpserver: HTTPServer, auth: SpotifyAuthClient, store: TokenStore
) -> None:
    echo = said({"error": "invalid_grant", "error_description": f"no such token: {SECRET}"}, 400)
    serve(httpserver, TOKEN, echo, method="POST")
    store.put("ann", OLD)
    with capture_logs() as events, pytest.raises(AuthenticationError) as caught:
        auth.get_valid_token("ann")
    error = caught.value
    told = [
        *traceback.format_exception(error),
        repr(error),
        str(vars(error)),
        str(events),
        repr(kept(store)),
        repr(auth),
    ]
    assert SECRET not in "\n".join(told)
    assert "access-0" not in "\n".join(told)
    assert error.__context__ is None
    assert {event["event"] for event in events} >= {"token_refused", "request_failed"}
