"""Beatport's token: by login as its own documentation page does it, by refresh, or by hand (contracts 2.6).

The trap: Beatport has no public programme. The client id is read from the script of its documentation, and tokens
live for ten minutes, so they are renewed within a run.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from pydantic import SecretStr

from clients.auth.token_store import Token, TokenStore
from clients.beatport_errors import (
    SERVICE,
    BeatportAuthError,
    BeatportError,
    BeatportMissingCredentialError,
    BeatportPayloadError,
    BeatportTwoFactorError,
    as_beatport,
)
from clients.errors import ClientError
from clients.http import DEFAULT_RETRY, TIMEOUT, Fields, RetryPolicy, ServiceClient
from clients.limits import Limiter, Rate
from clients.replies import Reply, own_words
from clients.secrets import Redactor, authorization

BASE_URL = "https://api.beatport.com/v4"
SPACING = 0.5  # seconds between requests (issue); the catalogue shares them
ACCOUNT = "beatport"  # its place in the token file: there is one account for all listeners
EARLY = timedelta(minutes=1)  # before its end a token is renewed; it lives for 10 minutes
LIFETIME = 600  # seconds, where an answer does not say; the shortest seen
PASTED_LIFETIME = 36_000  # seconds, where a pasted token does not say; the longest seen, as a 401 ends it anyway

CODE_REMEDY = "Check BEATPORT_CLIENT_ID in .env or leave it out, or use `auth beatport --token`."

SCRIPT = re.compile(r"""<script[^>]+src=["']([^"'{}]+)["']""", re.I)
CLIENT_ID = re.compile(r"""API_CLIENT_ID["']?\s*[:=]\s*["']([^"']+)["']""")
SESSION_COOKIE = re.compile(r"\bsessionid=([^;,\s]+)")
SECOND_FACTOR = re.compile(r"two[-_ ]?(?:factor|step)|2fa|\botp|one[-_ ]?time|mfa\b|verification[-_ ]?code", re.I)


class BeatportAuth:
    """The token of one Beatport account in `store`. Threads and processes may share the store.

    Without `client_id` it is read from the documentation page when it is needed first. All errors are BeatportErrors,
    but those of a damaged token file.
    """

    def __init__(
        self,
        store: TokenStore,
        *,
        username: str | None = None,
        password: SecretStr | None = None,
        client_id: str | None = None,
        base_url: str = BASE_URL,
        limiter: Limiter | None = None,
        retry: RetryPolicy = DEFAULT_RETRY,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self.limiter = limiter or Limiter(Rate(1, SPACING))
        self.store = store
        self._username, self._password = username, password
        self._client_id = client_id
        self._base_url = base_url.rstrip("/")
        parts = urlsplit(self._base_url)
        self._root = f"{parts.scheme}://{parts.netloc}"
        self._redact = Redactor(() if password is None else (password,))
        self._http, self._pages = (
            ServiceClient(
                SERVICE,
                url,
                limiter=self.limiter,
                retry=retry,
                session=session,
                timeout=timeout,
                secrets=() if password is None else (password,),
                explain=self._explained,
            )
            for url in (self._base_url, self._root)
        )

    @property
    def requests_sent(self) -> int:
        return self._http.requests_sent + self._pages.requests_sent

    def get_valid_token(self, *, refused: SecretStr | None = None) -> SecretStr:
        """An access token that lives for a minute at least, and another than `refused`, which was answered with 401.

        It is the stored one, else that one renewed, else a new one by login.
        """
        token = self.store.get(ACCOUNT)
        if token is None or self._is_stale(token, refused):
            with self.store.renewing(ACCOUNT):
                token = self.store.get(ACCOUNT)  # another thread or process may have renewed it meanwhile
                if token is None or self._is_stale(token, refused):
                    token = self._renewed(token) or self._by_login()
                    self.store.put(ACCOUNT, token)
        return token.access_token

    def login(self) -> Token:
        """Log in and store the token, whatever is there."""
        with self.store.renewing(ACCOUNT):
            token = self._by_login()
            self.store.put(ACCOUNT, token)
        return token

    def store_token(self, pasted: SecretStr) -> Token:
        """Store a token from elsewhere: an access token, or the JSON of a token answer, which can be renewed.

        It is tried first; raises BeatportAuthError where Beatport refuses it.
        """
        text = pasted.get_secret_value().strip()
        answer: Any = {"access_token": text, "expires_in": PASTED_LIFETIME}
        if text.startswith("{"):
            try:
                answer = json.loads(text)
            except ValueError:
                answer = None
        token = self._token(answer)
        bearer = authorization("Bearer", token.access_token)
        self._ask("GET", "/auth/o/introspect/", headers={"Authorization": bearer}, expects="text")
        with self.store.renewing(ACCOUNT):
            self.store.put(ACCOUNT, token)
        return token

    def clear(self) -> bool:
        """Forget the token; False if there was none."""
        return self.store.remove(ACCOUNT)

    def status(self) -> str:
        """What the file knows of the token; asks Beatport nothing."""
        token = self.store.get(ACCOUNT)
        if token is None:
            return f"Beatport is not connected. {BeatportMissingCredentialError.remedy}"
        until = f"{token.expires_at:%Y-%m-%d %H:%M} UTC"
        return f"Beatport is connected until {until}{', and renewed after it' if token.refresh_token else ''}."

    def _is_stale(self, token: Token, refused: SecretStr | None) -> bool:
        return not token.is_valid(self.limiter.clock.now(), EARLY) or token.access_token == refused

    def _renewed(self, token: Token | None) -> Token | None:
        """The token by its refresh token, None where that does not work any more."""
        if token is None or token.refresh_token is None:
            return None
        try:
            fresh = self._granted(
                {"grant_type": "refresh_token", "refresh_token": token.refresh_token}, repeatable=True
            )
        except BeatportAuthError:
            if self._username and self._password:
                return None
            raise
        return replace(fresh, refresh_token=fresh.refresh_token or token.refresh_token)

    def _by_login(self) -> Token:
        if not self._username or self._password is None or not self._password.get_secret_value():
            raise BeatportMissingCredentialError("No Beatport login found")
        credentials: dict[str, Any] = {"username": self._username, "password": self._password}
        reply = self._ask("POST", "/auth/login/", json=credentials)
        cookie = SESSION_COOKIE.search(reply.headers.get("Set-Cookie", ""))
        if not isinstance(reply.payload, dict) or "username" not in reply.payload or cookie is None:
            raise BeatportAuthError("Beatport API error (POST /auth/login/): the login opened no session")
        redirect_uri = f"{self._base_url}/auth/o/post-message/"
        reply = self._ask(
            "GET",
            "/auth/o/authorize/",
            params={"response_type": "code", "client_id": self._known_client_id(), "redirect_uri": redirect_uri},
            headers={"Cookie": SecretStr(f"sessionid={cookie[1]}")},
            expects="text",
            follow_redirects=False,
        )
        codes = parse_qs(urlsplit(reply.headers.get("Location", "")).query).get("code")
        if not codes:
            problem = "Beatport API error (GET /auth/o/authorize/): no code came"
            raise BeatportAuthError(problem, remedy=CODE_REMEDY)
        grant: Fields = {
            "grant_type": "authorization_code",
            "code": SecretStr(codes[0]),
            "redirect_uri": redirect_uri,
        }
        return self._granted(grant)

    def _granted(self, grant: Fields, *, repeatable: bool = False) -> Token:
        form = {**grant, "client_id": self._known_client_id()}
        return self._token(self._ask("POST", "/auth/o/token/", form=form, retry_unsafe=repeatable).payload)

    def _token(self, answer: Any) -> Token:
        fields = answer if isinstance(answer, dict) else {}
        access, refresh, lifetime = (fields.get(name) for name in ("access_token", "refresh_token", "expires_in"))
        if not isinstance(access, str) or not access:
            raise BeatportPayloadError("Beatport API error: there is no access token in what came")
        now = self.limiter.clock.now()
        seconds = lifetime if isinstance(lifetime, int) and 0 < lifetime < 86_400 * 366 else LIFETIME
        return Token(
            access_token=SecretStr(access),
            expires_at=now + timedelta(seconds=seconds),
            refresh_token=SecretStr(refresh) if isinstance(refresh, str) and refresh else None,
            scope=tuple(str(fields.get("scope") or "").split()),
            authorized_at=now,
        )

    def _known_client_id(self) -> str:
        """The client id given, else that of the documentation page, read once."""
        if not self._client_id:
            page = self._ask("GET", "/docs/", expects="text").text
            addresses = (urljoin(f"{self._base_url}/docs/", source) for source in SCRIPT.findall(page))
            for address in addresses:
                if not address.startswith(f"{self._root}/"):
                    continue
                script = self._ask("GET", urlsplit(address).path, at=self._pages, expects="text").text
                if found := CLIENT_ID.search(script):
                    self._client_id = found[1]
                    break
            else:
                problem = "Beatport API error (GET /docs/): its documentation names no client id any more"
                raise BeatportPayloadError(problem, remedy="Set BEATPORT_CLIENT_ID in .env.")
        return self._client_id

    def _ask(self, method: str, route: str, *, at: ServiceClient | None = None, **options: Any) -> Reply:
        error: BeatportError | None = None
        try:
            return (at or self._http).send(method, route, **options)
        except ClientError as failed:
            error = as_beatport(failed)
        raise error

    def _explained(self, reply: Reply) -> ClientError | None:
        """Beatport's refusals of a login, a code or a token, which come with any status."""
        if not reply.route.startswith("/auth/"):
            return None
        problem = f"Beatport API error ({reply.route}): HTTP {reply.status}: {own_words(reply, self._redact)}"
        names = " ".join(reply.payload) if isinstance(reply.payload, dict) else ""
        if reply.route == "/auth/login/" and "username" not in names.split() and reply.status < 500:
            if SECOND_FACTOR.search(f"{names} {reply.text}"):
                return BeatportTwoFactorError(problem)
            return BeatportAuthError(problem) if reply.status in (200, 400, 401) else None
        if reply.route == "/auth/o/authorize/" and reply.status in (400, 401, 403):
            return BeatportAuthError(problem, remedy=CODE_REMEDY)
        if reply.route == "/auth/o/token/" and reply.status in (400, 401, 403):
            return BeatportAuthError(problem)
        return None
