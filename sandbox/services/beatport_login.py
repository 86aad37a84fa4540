"""Beatport's logins, sessions, codes and tokens (they live 600 seconds by the sandbox clock)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from flask import request

from sandbox.services.accounts import Vault
from sandbox.services.clock import Clock

ACCESS_SECONDS = 600  # 36000 in 2023, 600 seen in 2026
CODE_SECONDS = 60
SCOPE = "app:docs user:dj"


@dataclass(frozen=True)
class Login:
    user: str  # the listener
    username: str
    password: str = field(repr=False)
    two_factor: bool = False

    @property
    def email(self) -> str:
        return f"{self.username}@moodlake.example"


@dataclass(frozen=True)
class Grant:
    login: Login
    expires_ms: int
    redirect_uri: str = ""


class Logins:
    def __init__(self, clock: Clock, vault: Vault, users: list[str]) -> None:
        """The first listener has a plain login, the second one with a second factor."""
        self._clock = clock
        self._vault = vault
        self.client_id = secrets.token_hex(20)  # public: it stands in the documentation
        self.all = [
            Login(user, f"dj_{user}", vault.make(), two_factor=number == 1) for number, user in enumerate(users[:2])
        ]
        self._sessions: dict[str, Login] = {}
        self._codes: dict[str, Grant] = {}
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Login] = {}

    def check(self, username: object, password: object) -> Login | None:
        return next((one for one in self.all if (one.username, one.password) == (username, password)), None)

    def open_session(self, login: Login) -> str:
        session = self._vault.make()
        self._sessions[session] = login
        return session

    def by_session(self) -> Login | None:
        return self._sessions.get(request.cookies.get("sessionid", ""))

    def make_code(self, login: Login, redirect_uri: str) -> str:
        code = self._vault.make()
        self._codes[code] = Grant(login, self._clock.now_ms() + CODE_SECONDS * 1000, redirect_uri)
        return code

    def take_code(self, code: str, redirect_uri: str) -> Login | None:
        """The code's owner: once, in time, and with the redirect it was made for."""
        grant = self._codes.pop(code, None)
        if grant is None or self._clock.now_ms() >= grant.expires_ms or grant.redirect_uri != redirect_uri:
            return None
        return grant.login

    def by_refresh(self, token: str) -> Login | None:
        return self._refresh.get(token)

    def make_tokens(self, login: Login) -> dict[str, object]:
        """A token answer; earlier refresh tokens stay good, as an answer may get lost."""
        access, refresh = self._vault.make(size=30), self._vault.make(size=30)
        self._access[access] = Grant(login, self._clock.now_ms() + ACCESS_SECONDS * 1000)
        self._refresh[refresh] = login
        return {
            "access_token": access,
            "expires_in": ACCESS_SECONDS,
            "token_type": "Bearer",
            "scope": SCOPE,
            "refresh_token": refresh,
        }

    def by_access(self, *, expire: bool = False) -> Login | None:
        """Whose good token the request carries; `expire` ends it first."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if expire:
            self._access.pop(token, None)
        grant = self._access.get(token)
        return grant.login if grant and self._clock.now_ms() < grant.expires_ms else None
