"""What happens to every request, whichever service it is for: who asks, which faults it meets, what is written down."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Mapping
from typing import Protocol

from flask import Flask, Request, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from sandbox.services import journal
from sandbox.services.faults import Asked
from sandbox.services.state import Service, State, reply

GATEWAY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"


class Checker(Protocol):
    """Compares a request and its answer with a description of the service."""

    def check(self, asked: Request, answer: Response) -> list[tuple[str, str]]:
        """(kind, detail) of each mismatch."""


def connect(app: Flask, state: State, services: Mapping[str, Service], checkers: Mapping[str, Checker]) -> None:
    """Hang the steps below into the application."""

    def begin() -> Response | None:
        g.arrived, g.shown, g.faults, g.cut = time.monotonic(), [], {}, False
        g.service = request.blueprint or request.path.strip("/").partition("/")[0] or "none"
        g.account, g.endpoint = None, "unknown"
        service = services.get(g.service)
        if service is None or request.blueprint is None:
            return None
        g.account, g.endpoint = service.identify()
        g.faults = state.faults.draw(
            Asked(g.service, g.account, g.endpoint, _content() if g.account is None else "", state.clock.now_ms())
        )
        if state.limiter.is_early(g.service, g.account or "", state.clock.now_ms()):
            state.violate("early", "came before the Retry-After of an earlier answer had passed")
        return _misbehave(state) or service.admit()

    def finish(response: Response) -> Response:
        if g.service == "_sandbox":
            return response
        if g.service in checkers:
            for kind, detail in checkers[g.service].check(request, response):
                state.violate(kind, detail)
        if f"{g.service}.truncated" in g.faults and response.status_code == 200:
            response.direct_passthrough = False  # of a file: else its bytes cannot be had here
            response.set_data(response.get_data()[: len(response.get_data()) // 2])
        elif response.status_code == 200 and f"{g.service}.timeout" not in g.faults:
            for history, entries in g.shown:
                history.served.update(entries)
        if response.status_code == 429:
            wait = response.headers.get("Retry-After") or response.headers.get("X-RateLimit-Reset-In") or "0"
            state.limiter.close(g.service, g.account or "", state.clock.now_ms() + int(wait) * 1000)
        status = 0 if g.cut else response.status_code
        state.requests.add(
            journal.Request(
                g.service,
                g.account,
                g.endpoint,
                request.method,
                request.path,
                status,
                g.arrived,
                state.clock.now_ms(),
                tuple(g.faults),
            )
        )
        return response

    def refuse(error: HTTPException) -> Response:
        if g.service in services:
            kind = "method" if isinstance(error, MethodNotAllowed) else "endpoint"
            state.violate(kind, f"{request.method} {request.path}: {error.code} {error.name}")
        return reply({"error": {"status": error.code, "message": error.name}}, error.code or 500)

    app.before_request(begin)
    app.after_request(finish)
    app.register_error_handler(HTTPException, refuse)


def _content() -> str:
    """A short name for what is asked, the same for the same question."""
    body = request.get_data(cache=True)
    return hashlib.sha256(request.full_path.encode() + body).hexdigest()[:16]


def _misbehave(state: State) -> Response | None:
    """The faults that any server has."""
    met = {name.partition(".")[2]: options for name, options in g.faults.items()}
    if "timeout" in met:
        state.stopping.wait(met["timeout"]["seconds"])
    if "reset" in met:
        g.cut = True
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return Response(status=500)
    if "gateway" in met:
        return Response(GATEWAY_PAGE, 502, content_type="text/html")
    if "unavailable" in met:
        return Response("", 503)
    if "error" in met:
        return reply({"error": {"status": 500, "message": "Internal server error"}}, 500)
    return None
