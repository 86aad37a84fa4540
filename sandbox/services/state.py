"""What all services of a sandbox share, and what they know of the request at hand."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from flask import Blueprint, Request, Response, g, json, request

from sandbox.services.accounts import People, Vault
from sandbox.services.clock import Clock
from sandbox.services.faults import Faults, Options
from sandbox.services.history import Entry, History
from sandbox.services.journal import Requests, Violation, Violations
from sandbox.services.library import Library
from sandbox.services.limits import Limiter
from sandbox.world import World


class Service(Protocol):
    """One of the services: its routes, and how it reads and refuses requests."""

    name: str

    def blueprint(self) -> Blueprint: ...

    def identify(self) -> tuple[str | None, str]:
        """The listener whose account the request is about, and a name for what it asks."""

    def admit(self) -> Response | None:
        """The refusal of a request before it is looked at (limits, tokens), or None."""


@dataclass
class State:
    world: World
    clock: Clock
    faults: Faults
    requests: Requests
    violations: Violations
    limiter: Limiter
    vault: Vault
    library: Library
    people: People
    stopping: threading.Event = field(default_factory=threading.Event)

    def violate(self, kind: str, detail: str) -> None:
        self.violations.add(Violation(kind, g.service, g.account, g.endpoint, detail))

    def parameters(self, known: Iterable[str], source: Mapping[str, Any] | None = None) -> None:
        """Note parameters that the endpoint does not have, and repeated ones."""
        sent = request.args if source is None else source
        for name in sorted(set(sent) - set(known)):
            self.violate("parameter", f"unknown parameter {name!r}")
        if source is None:
            for name, values in request.args.lists():
                if len(values) > 1:
                    self.violate("parameter", f"parameter {name!r} given {len(values)} times")

    def expect_user_agent(self) -> None:
        """Note senders that do not say who they are, where the service asks for it."""
        agent = request.headers.get("User-Agent", "")
        if not agent or agent.startswith(("python-requests", "python-urllib3", "Python-urllib", "curl")):
            self.violate("header", "User-Agent does not name the application")


def fault(name: str) -> bool:
    """Whether this request meets the fault."""
    return name in g.faults


def options(name: str) -> Options | None:
    """The options of a fault that has some, where this request meets it."""
    met: dict[str, Options] = g.faults
    return met.get(name)


def reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer in exactly the order in which `body` is written."""
    text = json.dumps(body, sort_keys=False, ensure_ascii=False)
    return Response(text, status, dict(headers or {}), content_type="application/json; charset=utf-8")


def plain(text: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(text, status, dict(headers or {}), content_type="text/plain; charset=utf-8")


def show(history: History, entries: Iterable[Entry]) -> None:
    """Note which plays the answer carries; they count as served once it has gone out whole."""
    g.shown.append((history, list(entries)))


def whole(name: str, default: int, asked: Request | None = None) -> int | None:
    """The query's parameter as a whole number; None where it is something else."""
    text = (asked or request).args.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        return None
