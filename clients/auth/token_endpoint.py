"""Spotify's token endpoint: a grant in, a token out.

The trap: fields go as a form (JSON is `unsupported_grant_type`), and any field of the answer but the token may lack.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import requests
from pydantic import SecretStr

from clients.auth.token_store import Token
from clients.clock import SYSTEM_CLOCK, Clock
from clients.errors import AuthenticationError, BadPayloadError, ClientError
from clients.http import DEFAULT_RETRY, TIMEOUT, Fields, RetryPolicy, ServiceClient
from clients.limits import Limiter
from clients.replies import Reply
from clients.spotify_errors import SERVICE

ACCOUNTS_URL = "https://accounts.spotify.com"
ROUTE = "/api/token"
DEFAULT_LIFETIME = 3600  # seconds, where an answer has no `expires_in` (issue; all that Spotify gives have it)
WORDS_LENGTH = 100  # characters; a longer description is no description


class GrantRefusedError(AuthenticationError):
    """`invalid_grant`: the code or refresh token is not, or no longer, good; during outages also when it is."""

    service = SERVICE


class TokenEndpoint:
    """`accounts_url` is where `/api/token` lives, `secrets` are kept out of messages. Threads may share it."""

    def __init__(
        self,
        accounts_url: str = ACCOUNTS_URL,
        *,
        clock: Clock = SYSTEM_CLOCK,
        retry: RetryPolicy = DEFAULT_RETRY,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = TIMEOUT,
        secrets: tuple[SecretStr, ...] = (),
    ) -> None:
        self.clock = clock
        self._http = ServiceClient(
            SERVICE,
            accounts_url,
            limiter=Limiter(clock=clock),
            retry=retry,
            session=session,
            timeout=timeout,
            secrets=secrets,
            explain=_explain,
        )

    def ask(self, grant: Fields, *, authorization: SecretStr | None = None, repeatable: bool = True) -> Token:
        """The token for a grant; `repeatable=False` for a code, which is good for one request.

        Raises GrantRefusedError, AuthenticationError (client id or secret), BadPayloadError and as `send` does.
        """
        payload = self._http.post(ROUTE, form=grant, headers={"Authorization": authorization}, retry_unsafe=repeatable)
        return _token(payload, self.clock.now())


def _token(payload: Any, now: datetime) -> Token:
    answer = payload if isinstance(payload, dict) else {}
    access, refresh, scope = (answer.get(name) for name in ("access_token", "refresh_token", "scope"))
    if not (isinstance(access, str) and access):
        raise BadPayloadError(f"{SERVICE} API error (POST {ROUTE}): the answer holds no access token", service=SERVICE)
    lifetime = answer.get("expires_in")
    if not (isinstance(lifetime, int) and 0 < lifetime < 10 * 366 * 86_400):
        lifetime = DEFAULT_LIFETIME
    return Token(
        access_token=SecretStr(access),
        expires_at=now + timedelta(seconds=lifetime),
        refresh_token=SecretStr(refresh) if isinstance(refresh, str) and refresh else None,
        scope=tuple(scope.split()) if isinstance(scope, str) else (),
    )


def _explain(reply: Reply) -> ClientError | None:
    answer = reply.payload if isinstance(reply.payload, dict) else {}
    code, words = answer.get("error"), answer.get("error_description")
    if reply.status not in (400, 401) or code not in ("invalid_grant", "invalid_client", "unauthorized_client"):
        return None
    problem = f"{SERVICE} API error (POST {ROUTE}): {code}"
    if isinstance(words, str) and words and len(words) <= WORDS_LENGTH:
        problem += f", {words}"  # whole, so that the frame finds a secret in it
    if code == "invalid_grant":
        return GrantRefusedError(problem)
    return AuthenticationError(problem, remedy="Check SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET in .env.")
