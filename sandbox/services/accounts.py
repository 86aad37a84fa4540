"""Who has an account where, and the secrets that open it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from sandbox.listeners import Listener
from sandbox.services.history import History, listens, scrobbles, spotify_plays
from sandbox.services.library import base62, stable_uuid
from sandbox.world import World

# Every listener has Spotify; the n-th also has the others, so that all combinations exist.
LASTFM_EVERY = 2
LISTENBRAINZ_EVERY = 3


class Vault:
    """Makes secrets and remembers them all, so that a test can look for them where they must not be."""

    def __init__(self) -> None:
        self._issued: set[str] = set()
        self._lock = threading.Lock()

    def make(self, prefix: str = "", size: int = 24) -> str:
        return self.keep(prefix + secrets.token_urlsafe(size))

    def keep(self, secret: str) -> str:
        with self._lock:
            self._issued.add(secret)
        return secret

    def all(self) -> frozenset[str]:
        with self._lock:
            return frozenset(self._issued)


@dataclass(frozen=True)
class Account:
    """One listener's account at one service, and what a client needs to open it."""

    user: str  # the listener, the same at all services
    service: str
    source_user: str  # the user's name at the service
    credentials: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Person:
    """A listener with the histories that their accounts keep."""

    listener: Listener
    histories: Mapping[str, History]  # by service
    spotify_id: str
    account_id: str
    listenbrainz_token: str = field(repr=False)

    @property
    def user(self) -> str:
        return self.listener.name


class People:
    """All listeners, by every name that a request may call them."""

    def __init__(self, world: World, vault: Vault) -> None:
        self.by_user: dict[str, Person] = {}
        for number, listener in enumerate(world.listeners):
            plays = world.plays[listener.name]
            histories = {"spotify": History(partial(spotify_plays, listener, plays))}
            if number % LASTFM_EVERY == 0:
                histories["lastfm"] = History(partial(scrobbles, plays))
            if number % LISTENBRAINZ_EVERY == 0:
                histories["listenbrainz"] = History(partial(listens, listener, plays))
            self.by_user[listener.name] = Person(
                listener,
                histories,
                spotify_id=base62("user", world.seed, listener.name).lower(),
                account_id=base62("account", world.seed, listener.name)[:10],
                # not of the seed: a token that is a secret must not be guessable from the world
                listenbrainz_token=vault.keep(stable_uuid(vault.make())),
            )
        self.by_token = {person.listenbrainz_token: person for person in self.by_user.values()}

    def find(self, user: str, service: str) -> Person | None:
        """The person with that name at Last.fm or ListenBrainz (names are not case-sensitive there)."""
        person = self.by_user.get(user.casefold())
        return person if person and service in person.histories else None
