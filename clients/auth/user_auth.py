"""Listeners' tokens at Spotify: consent once, then renewed for six months from that consent.

The trap: a renewal may bring a new refresh token and end the old one, so no two may renew one account at a time, and
during outages Spotify refuses tokens that are good, so a refusal deletes none.
"""

from __future__ import annotations

import webbrowser
from calendar import monthrange
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import requests
import structlog
from pydantic import SecretStr

from clients.auth.consent import ask_consent
from clients.auth.token_endpoint import ACCOUNTS_URL, GrantRefusedError, TokenEndpoint
from clients.auth.token_store import Token, TokenStore
from clients.clock import SYSTEM_CLOCK, Clock
from clients.errors import AuthenticationError, MissingCredentialError
from clients.http import DEFAULT_RETRY, TIMEOUT, Fields, RetryPolicy
from clients.spotify_errors import SERVICE, MissingScopeError, no_key, reconnect, told_as

SCOPES = ("user-read-recently-played", "user-top-read", "user-modify-playback-state")
REDIRECT_URI = "http://127.0.0.1:8888/callback"
CONSENT_PATIENCE = 300.0  # seconds for a person to log in and agree
CONSENT_MONTHS = 6  # refresh tokens die so long after the ORIGINAL consent (contracts 2.1, 2026-06-18)
WARNED_BEFORE = timedelta(days=30)
REFUSAL_PAUSE = 2.0  # seconds until a refused renewal is tried once more

log = structlog.get_logger()


class SpotifyAuthClient:
    """Tokens by user in `store` (data/.spotify_tokens.json). Threads and processes may share the store.

    `client_id` is SPOTIFY_CLIENT_ID and may be empty until a request needs it; PKCE needs no client secret.
    `redirect_uri` is SPOTIFY_REDIRECT_URI and looked at by `authorize` alone.
    """

    def __init__(
        self,
        client_id: str | None,
        store: TokenStore,
        *,
        redirect_uri: str = REDIRECT_URI,
        scopes: tuple[str, ...] = SCOPES,
        accounts_url: str = ACCOUNTS_URL,
        clock: Clock = SYSTEM_CLOCK,
        retry: RetryPolicy = DEFAULT_RETRY,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self._client_id = client_id
        self.store = store
        self._redirect_uri = redirect_uri
        self._scopes = scopes
        self._authorize_url = accounts_url.rstrip("/") + "/authorize"
        self._clock = clock
        self._endpoint = TokenEndpoint(accounts_url, clock=clock, retry=retry, session=session, timeout=timeout)

    def get_valid_token(self, user: str, *, scope: str = "", refused: SecretStr | None = None) -> SecretStr:
        """An access token that lives for at least 5 minutes, and another than `refused`, which was answered with 401.

        Raises MissingCredentialError (never connected), AuthenticationError (Spotify does not renew it; it stays in
        the file with `refused_at`), MissingScopeError where the consent is known not to cover `scope`, TokenFileError,
        and what the renewal's request raises.
        """
        token = self._stored(user)
        if self._is_stale(token, refused):
            with self.store.renewing(user):
                token = self._stored(user)  # another thread or process may have renewed it meanwhile
                if self._is_stale(token, refused):
                    token = self._renewed(user, token)
        if scope and token.scope and scope not in token.scope:
            raise MissingScopeError(f"The consent of {user} does not cover {scope}", remedy=reconnect(user))
        return token.access_token

    def authorize(
        self,
        user: str,
        *,
        open_browser: bool = True,
        show: Callable[[str], None] = print,
        timeout: float = CONSENT_PATIENCE,
        read_address: Callable[[], str] | None = None,
    ) -> Token:
        """Let the person consent in a browser and store what comes; `missing_scopes` says what they left out.

        The address is opened here, or given to `show` where no browser opens or `open_browser` is False. With
        `read_address`, nothing listens here: it returns the address at which the browser ended, pasted by the person.
        Raises MissingCredentialError, RedirectUriError, AuthorizationError (denied) and other ClientErrors.
        """

        def ask(url: str) -> None:
            if not (open_browser and webbrowser.open(url)):
                show(url)

        client_id = self._known_client_id()
        self.store.get(user)  # a damaged file shows before anybody is asked
        consent = ask_consent(
            self._authorize_url,
            client_id,
            self._redirect_uri,
            self._scopes,
            ask=ask,
            timeout=timeout,
            read_address=read_address,
        )
        with told_as(f"Failed to connect {user}"):
            given = self._endpoint.ask(
                {
                    "grant_type": "authorization_code",
                    "code": consent.code,
                    "redirect_uri": consent.redirect_uri,
                    "client_id": client_id,
                    "code_verifier": consent.verifier,
                },
                repeatable=False,
            )
        # RFC 6749, 5.1: an answer without a scope grants what was asked for.
        token = replace(given, scope=given.scope or self._scopes, authorized_at=self._clock.now())
        with self.store.renewing(user):
            self.store.put(user, token)
        return token

    def store_refresh_token(
        self, user: str, refresh_token: SecretStr, *, authorized_at: datetime | None = None
    ) -> Token:
        """Connect a user by a refresh token from elsewhere (`--token`); it is tried before anything is stored.

        It must come from a consent with PKCE for this app. Without `authorized_at` its end is not known and no warning
        comes before it. Raises AuthenticationError where Spotify refuses it.
        """
        pasted = Token(SecretStr(""), self._clock.now(), refresh_token, authorized_at=authorized_at)
        with self.store.renewing(user), told_as(f"Failed to connect {user}"):
            self.store.get(user)  # a damaged file shows before the token is used, which may end it
            token = self._asked_anew(pasted)
            self.store.put(user, token)
        return token

    def clear(self, user: str) -> bool:
        """Forget the token of a user; False if there was none. At Spotify the consent stands until they remove it."""
        with self.store.renewing(user):
            return self.store.remove(user)

    def users(self) -> list[str]:
        return self.store.users()

    def missing_scopes(self, user: str) -> tuple[str, ...]:
        """What the app asks for and the user's consent is known not to cover."""
        scope = self._stored(user).scope
        return tuple(name for name in self._scopes if scope and name not in scope)

    def expiry_warning(self, user: str) -> str | None:
        """A sentence with its remedy from 30 days before the consent ends, None before, and without a token."""
        token = self.store.get(user)
        if token is None or token.authorized_at is None:
            return None
        left = end_of_consent(token.authorized_at) - self._clock.now()
        if left > WARNED_BEFORE:
            return None
        when = f"{end_of_consent(token.authorized_at):%Y-%m-%d}"
        told = f"ends on {when}, in {left.days} days" if left > timedelta() else f"ended on {when}"
        return f"The consent of {user} at Spotify {told}. {reconnect(user)}"

    def status(self, user: str) -> str:
        """What the file knows of the user's token, in a sentence or two; asks Spotify nothing."""
        token = self.store.get(user)
        if token is None:
            return f"{user} is not connected to Spotify. {reconnect(user)}"
        since = f"since {token.authorized_at:%Y-%m-%d}" if token.authorized_at else "since an unknown day"
        told = [f"{user} is connected to Spotify {since}."]
        if token.refused_at:
            told.append(f"Spotify refused to renew the token on {token.refused_at:%Y-%m-%d %H:%M} UTC.")
        if missing := self.missing_scopes(user):
            told.append(f"The consent does not cover {', '.join(missing)}.")
        if warning := self.expiry_warning(user):
            told.append(warning)
        elif token.refused_at or missing:
            told.append(reconnect(user))
        elif token.authorized_at:
            told.append(f"The consent ends on {end_of_consent(token.authorized_at):%Y-%m-%d}.")
        return " ".join(told)

    def _stored(self, user: str) -> Token:
        token = self.store.get(user)
        if token is None:
            raise MissingCredentialError(f"No Spotify token found for {user}", service=SERVICE, remedy=reconnect(user))
        return token

    def _is_stale(self, token: Token, refused: SecretStr | None) -> bool:
        return not token.is_valid(self._clock.now()) or token.access_token == refused

    def _renewed(self, user: str, token: Token) -> Token:
        """Renew under the user's lock; what comes is stored at once, as the old refresh token may have ended."""
        try:
            with told_as("Failed to renew the Spotify token"):
                fresh = self._asked_anew(token)
        except GrantRefusedError as error:
            problem = f"{error.problem}; the token of {user} was kept"
        else:
            self.store.put(user, fresh)
            return fresh
        now = self._clock.now()
        self.store.put(user, replace(token, refused_at=now))
        if token.authorized_at and now >= end_of_consent(token.authorized_at):
            when = f"{end_of_consent(token.authorized_at):%Y-%m-%d}"
            problem = f"The consent of {user} at Spotify ended on {when}, {CONSENT_MONTHS} months after it was given"
        raise AuthenticationError(problem, service=SERVICE, remedy=reconnect(user))

    def _asked_anew(self, token: Token) -> Token:
        """The token renewed, with what the answer left out; raises GrantRefusedError if it was refused twice."""
        if token.refresh_token is None:
            raise GrantRefusedError("no refresh token came with it")
        client_id = self._known_client_id()
        grant: Fields = {
            "grant_type": "refresh_token",
            "refresh_token": token.refresh_token,
            "client_id": client_id,
        }
        try:
            fresh = self._endpoint.ask(grant)
        except GrantRefusedError:
            fresh = None
        if fresh is None:
            log.warning("token_refused", service=SERVICE, wait=REFUSAL_PAUSE)
            self._clock.sleep(REFUSAL_PAUSE)
            fresh = self._endpoint.ask(grant)
        return replace(
            fresh,
            refresh_token=fresh.refresh_token or token.refresh_token,
            scope=fresh.scope or token.scope,
            authorized_at=token.authorized_at,
        )

    def _known_client_id(self) -> str:
        if not self._client_id:
            raise no_key()
        return self._client_id


def end_of_consent(authorized_at: datetime) -> datetime:
    """Six calendar months later, on the last day of a shorter month."""
    months = authorized_at.month - 1 + CONSENT_MONTHS
    year, month = authorized_at.year + months // 12, months % 12 + 1
    return authorized_at.replace(year=year, month=month, day=min(authorized_at.day, monthrange(year, month)[1]))
