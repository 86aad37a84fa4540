"""The app's own token at Spotify (client credentials), for what belongs to no listener.

The trap: many threads need it at the same moment; one renews it, the others wait for that one.
"""

from __future__ import annotations

from threading import Lock

import requests
from pydantic import SecretStr

from clients.auth.token_endpoint import ACCOUNTS_URL, TokenEndpoint
from clients.auth.token_store import Token
from clients.clock import SYSTEM_CLOCK, Clock
from clients.http import DEFAULT_RETRY, TIMEOUT, RetryPolicy
from clients.secrets import basic_authorization
from clients.spotify_errors import NO_APP_TOKEN, no_key, told_as


class SpotifyAppAuth:
    """Keeps the token in memory and renews it 5 minutes early. Threads may share it.

    `client_id` and `client_secret` may be empty until the first use (SPOTIFY_CLIENT_ID, SPOTIFY_CLIENT_SECRET).
    """

    def __init__(
        self,
        client_id: str | None,
        client_secret: SecretStr | None,
        *,
        accounts_url: str = ACCOUNTS_URL,
        clock: Clock = SYSTEM_CLOCK,
        retry: RetryPolicy = DEFAULT_RETRY,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._clock = clock
        secrets = (client_secret,) if client_secret else ()
        self._endpoint = TokenEndpoint(
            accounts_url, clock=clock, retry=retry, session=session, timeout=timeout, secrets=secrets
        )
        self._token: Token | None = None
        self._lock = Lock()

    def get_access_token(self, refused: SecretStr | None = None) -> SecretStr:
        """A token that lives for at least 5 minutes, and another than `refused`, which Spotify answered with 401.

        Raises MissingCredentialError, or the error of the request beginning `Failed to get app token`.
        """
        if not self._client_id or not self._client_secret or not self._client_secret.get_secret_value():
            raise no_key()
        with self._lock:
            token = self._token
            if token is None or not token.is_valid(self._clock.now()) or token.access_token == refused:
                with told_as(NO_APP_TOKEN):
                    token = self._endpoint.ask(
                        {"grant_type": "client_credentials"},
                        authorization=basic_authorization(self._client_id, self._client_secret),
                    )
                self._token = token
            return token.access_token
