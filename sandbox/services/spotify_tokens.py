"""Spotify's codes and tokens: who they stand for, what they permit and how long they live (sandbox clock)."""

from __future__ import annotations

import base64
import hashlib
import threading
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from sandbox.names import words
from sandbox.services.accounts import Person, Vault
from sandbox.services.clock import Clock, from_ms, to_ms

ACCESS_SECONDS = 3600  # expires_in of every token answer
CODE_SECONDS = 600  # concepts/authorization: a code is exchanged within ten minutes
REFRESH_MONTHS = 6  # from the ORIGINAL authorization (blog 2026-06-18); refreshing does not extend it
SCOPES = frozenset(
    words(
        "user-read-recently-played user-top-read user-modify-playback-state user-read-private user-read-email "
        "user-read-playback-state user-read-currently-playing user-library-read user-library-modify user-follow-read "
        "user-follow-modify playlist-read-private playlist-read-collaborative playlist-modify-public "
        "playlist-modify-private user-read-playback-position ugc-image-upload streaming app-remote-control"
    )
)
READY_SCOPES = ("user-read-recently-played", "user-top-read", "user-modify-playback-state")


@dataclass(frozen=True)
class App:
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uris: tuple[str, ...] = ()  # empty: every well-formed one counts as registered


@dataclass
class Refresh:
    token: str = field(repr=False)
    person: Person
    scopes: frozenset[str]
    authorized_ms: int
    pkce: bool
    alive: bool = True
    replaces: Refresh | None = None  # dies at the first use of this one, so that a lost answer locks nobody out


@dataclass
class Access:
    person: Person | None  # None: an app token
    scopes: frozenset[str]
    expires_ms: int
    refresh: Refresh | None


@dataclass
class Code:
    person: Person
    scopes: frozenset[str]
    redirect_uri: str
    challenge: str | None
    expires_ms: int


class Tokens:
    """All codes and tokens of one app."""

    def __init__(self, clock: Clock, vault: Vault, app: App) -> None:
        self.app = app
        self.clock = clock
        self._vault = vault
        self._lock = threading.Lock()
        self.access: dict[str, Access] = {}
        self.refresh: dict[str, Refresh] = {}
        self.codes: dict[str, Code] = {}
        self.current: dict[str, Refresh] = {}  # user -> the newest refresh token

    def make_code(self, person: Person, scopes: Iterable[str], redirect_uri: str, challenge: str | None) -> str:
        code = self._vault.make("AQ")
        expires_ms = self.clock.now_ms() + CODE_SECONDS * 1000
        self.codes[code] = Code(person, frozenset(scopes), redirect_uri, challenge, expires_ms)
        return code

    def take_code(self, code: str) -> Code | None:
        """A code works once and in time."""
        with self._lock:
            found = self.codes.pop(code, None)
        return found if found and self.clock.now_ms() < found.expires_ms else None

    def make_refresh(
        self, person: Person, scopes: Iterable[str], *, pkce: bool, replaces: Refresh | None = None
    ) -> Refresh:
        """A new refresh token; one that replaces another inherits the time of its authorization."""
        token = self._vault.make("AQ", 32)
        authorized_ms = replaces.authorized_ms if replaces else self.clock.now_ms()
        refresh = Refresh(token, person, frozenset(scopes), authorized_ms, pkce, replaces=replaces)
        with self._lock:
            self.refresh[token] = self.current[person.user] = refresh
        return refresh

    def make_access(
        self, person: Person | None, scopes: Iterable[str], refresh: Refresh | None, seconds: float = ACCESS_SECONDS
    ) -> str:
        token = self._vault.make("BQ", 32)
        expires_ms = self.clock.now_ms() + int(seconds * 1000)
        self.access[token] = Access(person, frozenset(scopes), expires_ms, refresh)
        return token

    def is_good(self, refresh: Refresh) -> bool:
        return refresh.alive and self.clock.now_ms() < dies_ms(refresh.authorized_ms)

    def use(self, refresh: Refresh | None) -> None:
        """The first use of a token, or of the access token that came with it, ends the one it replaced."""
        if refresh and refresh.replaces:
            refresh.replaces.alive = False


def dies_ms(authorized_ms: int) -> int:
    """The same day of the month six months on, or that month's last."""
    start = from_ms(authorized_ms)
    months = start.month - 1 + REFRESH_MONTHS
    year, month = start.year + months // 12, months % 12 + 1
    end: datetime = start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))
    return to_ms(end)


def fits_challenge(verifier: str, challenge: str) -> bool:
    """RFC 7636, S256; a verifier has 43 to 128 characters."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return 43 <= len(verifier) <= 128 and digest == challenge


def redirect_fault(uri: str, app: App) -> str | None:
    """Why a redirect URI is refused (rules since 2025-04-09), or None."""
    parts = urlsplit(uri)
    if parts.scheme == "http":
        try:
            loopback = ip_address(parts.hostname or "").is_loopback  # `localhost` is a name, not an address
        except ValueError:
            loopback = False
        if not loopback:
            return "INVALID_CLIENT: Insecure redirect URI"
    elif parts.scheme != "https" or not parts.hostname:
        return "INVALID_CLIENT: Invalid redirect URI"
    if app.redirect_uris and not any(_is_registered(uri, registered) for registered in app.redirect_uris):
        return "INVALID_CLIENT: Invalid redirect URI"
    return None


def _is_registered(uri: str, registered: str) -> bool:
    """Exactly the same, but for the port of a loopback address that was registered without one."""
    if uri == registered:
        return True
    mine, theirs = urlsplit(uri), urlsplit(registered)
    same = (mine.scheme, mine.hostname, mine.path, mine.query) == (
        theirs.scheme, theirs.hostname, theirs.path, theirs.query,
    )  # fmt: skip
    return mine.scheme == "http" and theirs.port is None and same
