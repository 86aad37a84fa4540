"""The services of one world as HTTP servers on loopback, in this process or (`python -m sandbox.services`) alone."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sandbox.services.accounts import Account, People, Person, Vault
from sandbox.services.ai import Ai
from sandbox.services.beatport import Beatport
from sandbox.services.clock import Clock, from_ms, to_ms
from sandbox.services.control import control
from sandbox.services.exchange import Checker, connect
from sandbox.services.faults import FaultMix, Faults
from sandbox.services.history import Entry, History
from sandbox.services.journal import Requests, Violations
from sandbox.services.kaggle import Kaggle
from sandbox.services.lastfm import LastFm
from sandbox.services.library import Library
from sandbox.services.limits import Limit, Limiter
from sandbox.services.listenbrainz import ListenBrainz
from sandbox.services.lyrics import Lrclib, LyricsOvh
from sandbox.services.openapi import SpotifyDescription
from sandbox.services.reccobeats import ReccoBeats
from sandbox.services.scenarios import SERVICES
from sandbox.services.spotify import Spotify, in_reach
from sandbox.services.spotify_accounts import SpotifyAccounts
from sandbox.services.spotify_tokens import READY_SCOPES, App, Tokens
from sandbox.services.state import Service, State
from sandbox.world import World, make_world

HOST = "127.0.0.1"


class Handler(WSGIRequestHandler):
    """Silent, as Last.fm's keys travel in the request line, and without Nagle's 40 ms per answer."""

    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Sandbox:
    """All services of `world` under one port; a context manager, listening from entry to exit.

    Attributes: `clock` (set, advance), `faults` (on, off, mix), `requests` and `violations` (journals), `limiter`
    (limits, to scale them), `spotify` (queued), `spotify_accounts` (consenting: who sits before the browser).
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        now: datetime | None = None,
        frozen: bool = False,
        port: int = 0,
        faults: Iterable[str] = (),
        mix: FaultMix | None = None,
        limits: Mapping[str, Limit | None] | None = None,
        limits_by: Literal["real", "sandbox"] = "real",
        redirect_uris: tuple[str, ...] = (),
        openapi: Path | str | None = None,
    ) -> None:
        """`now` sets the clock (else real time), `frozen` stops it; `port` 0 takes a free one; `faults` are on from the
        start; `limits` replaces the services' own (None: no limit), counted by real or sandbox time; `redirect_uris`
        are those registered for the Spotify app (none: any well-formed one); `openapi` is a description of Spotify.
        """
        world = world or make_world()
        vault = Vault()
        self.clock = Clock(now, frozen=frozen)
        self.faults = Faults(mix)
        for name in faults:
            self.faults.on(name)
        self.requests = Requests()
        self.violations = Violations()
        by_sandbox = limits_by == "sandbox"
        self.limiter = Limiter(limits or {}, (lambda: self.clock.now_ms() / 1000) if by_sandbox else time.monotonic)
        self._people = People(world, vault)
        self._state = State(
            world, self.clock, self.faults, self.requests, self.violations, self.limiter, vault, Library(world),
            self._people,
        )  # fmt: skip
        app = App(secrets.token_hex(16), vault.make(), redirect_uris)
        self._tokens = Tokens(self.clock, vault, app)
        self.spotify = Spotify(self._state, self._tokens)
        self.spotify_accounts = SpotifyAccounts(self._state, self._tokens)
        self.lastfm = LastFm(self._state)
        self.kaggle = Kaggle(self._state)
        self.beatport = Beatport(self._state)
        services: tuple[Service, ...] = (
            self.spotify,
            self.spotify_accounts,
            self.lastfm,
            ListenBrainz(self._state),
            ReccoBeats(self._state),
            Lrclib(self._state),
            LyricsOvh(self._state),
            Ai(self._state),
            self.kaggle,
            self.beatport,
        )
        self._services = {service.name: service for service in services}
        self._checkers: dict[str, Checker] = {}
        if openapi:
            self._checkers["spotify"] = SpotifyDescription(Path(openapi))
        self._port = port
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    # Life

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; returns once requests are answered."""
        if self._server:
            raise RuntimeError("this sandbox is already listening")
        self._state.stopping.clear()
        app = Flask("sandbox")
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        connect(app, self._state, self._services, self._checkers)
        for service in self._services.values():
            app.register_blueprint(service.blueprint())
        app.register_blueprint(control(self._state, self.settings, self._accounts_as_json))
        self._server = make_server(HOST, self._port, app, threaded=True, request_handler=Handler)
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; answers on their way are cut short."""
        if self._server and self._thread:
            self._state.stopping.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
        self._server = self._thread = None

    def url(self, service: str = "") -> str:
        """What stands in place of the service's `https://host`; without a name, of the sandbox itself."""
        if service and service not in SERVICES:
            raise ValueError(f"no service is called {service!r}: {', '.join(SERVICES)}")
        if not self._server:
            raise RuntimeError("the sandbox is not listening: use it as a context manager, or start it")
        return f"http://{HOST}:{self._port}/{service}".rstrip("/")

    # Accounts

    def accounts(self) -> list[Account]:
        """Every listener's accounts, with what it takes to connect them without a browser."""
        found: list[Account] = []
        for person in self._people.by_user.values():
            user = person.user
            found.append(Account(user, "spotify", person.spotify_id, self._spotify_credentials(person)))
            if "lastfm" in person.histories:
                found.append(Account(user, "lastfm", user, {"api_key": self.lastfm.api_key}))
            if "listenbrainz" in person.histories:
                found.append(Account(user, "listenbrainz", user, {"token": person.listenbrainz_token}))
        for login in self.beatport.logins.all:
            credentials = {"username": login.username, "password": login.password}
            found.append(Account(login.user, "beatport", login.username, credentials))
        return found

    def account(self, user: str, service: str) -> Account:
        """One of `accounts()`; KeyError where the listener has none there."""
        for account in self.accounts():
            if (account.user, account.service) == (user, service):
                return account
        raise KeyError(f"{user} has no account at {service}")

    def settings(self) -> dict[str, str]:
        """What a `.env` would say: the apps' and the data services' credentials by the names that people use."""
        login = self.beatport.logins.all[0]
        return {
            "SPOTIFY_CLIENT_ID": self._tokens.app.client_id,
            "SPOTIFY_CLIENT_SECRET": self._tokens.app.client_secret,
            "LASTFM_API_KEY": self.lastfm.api_key,
            "AI_API_URL": self.url("ai"),
            "BEATPORT_CLIENT_ID": self.beatport.logins.client_id,
            "BEATPORT_USERNAME": login.username,
            "BEATPORT_PASSWORD": login.password,
            "KAGGLE_USERNAME": self.kaggle.username,
            "KAGGLE_KEY": self.kaggle.key,
        }

    def authorize(self, user: str, *, scopes: Iterable[str] = READY_SCOPES, pkce: bool = True) -> str:
        """Consent without a browser: a new Spotify refresh token of the user, authorized now (sandbox clock)."""
        return self._tokens.make_refresh(self._people.by_user[user], scopes, pkce=pkce).token

    def _spotify_credentials(self, person: Person) -> dict[str, str]:
        current = self._tokens.current.get(person.user)
        if current is None or not self._tokens.is_good(current):
            current = self._tokens.make_refresh(person, READY_SCOPES, pkce=True)
        app = self._tokens.app
        return {
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "refresh_token": current.token,
            "scope": " ".join(sorted(current.scopes)),
        }

    def _accounts_as_json(self) -> list[dict[str, Any]]:
        return [
            {"user": a.user, "service": a.service, "source_user": a.source_user, "credentials": dict(a.credentials)}
            for a in self.accounts()
        ]

    def secrets(self) -> frozenset[str]:
        """Every secret that was ever issued here: none of them may stand in a file or a log of the client's."""
        return self._state.vault.all()

    # Truth

    def truth(self, account: Account, start: datetime | None = None, end: datetime | None = None) -> list[Entry]:
        """The plays that happened and that the service would ever list, by their true start, `end` not included."""
        history = self._history(account)
        start_ms = 0 if start is None else to_ms(start)
        return history.between(start_ms, to_ms(end) if end else 1 << 62)

    def reachable(self, account: Account, now: datetime | None = None) -> list[Entry]:
        """The plays that can be had at `now` (else: by the clock) by however many calls, the oldest first.

        Of Spotify the last 50, with spotify.lag and spotify.gap where they are on; scrobblers keep all.
        """
        now_ms = self.clock.now_ms() if now is None else to_ms(now)
        history = self._history(account)
        if account.service != "spotify":
            return list(history.listed(now_ms))
        lag, gap = (self.faults.peek(f"spotify.{name}", account.user, now_ms) for name in ("lag", "gap"))
        return [entry for _, entry in in_reach(history, now_ms, lag, gap)]

    def served(self, account: Account) -> set[Entry]:
        """The plays that went out in whole answers so far: a client that kept less of them has lost some."""
        return set(self._history(account).served)

    def after_plays(self, account: Account, count: int) -> datetime:
        """The moment at which `count` more plays will be listed: 51 open a gap at Spotify."""
        return from_ms(self._history(account).next_ends(self.clock.now_ms(), count))

    def _history(self, account: Account) -> History:
        return self._people.by_user[account.user].histories[account.service]
