"""Answers for a service on loopback: JSON said in turn, and no waits between attempts that a test would notice."""

from __future__ import annotations

import json
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from clients.http import RetryPolicy

SECRET = "s3cr3t-value-of-a-key"
STEADY = RetryPolicy(jitter=0)


def said(payload: Any, status: int = 200, **headers: str) -> Response:
    """A JSON answer; underscores in header names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(json.dumps(payload), status, named, content_type="application/json")


def serve(httpserver: HTTPServer, path: str, *responses: Response, method: str = "GET") -> list[Request]:
    """Answer `path` with these in turn, the last one for ever; returns the list of requests as it grows."""
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return responses[min(len(seen), len(responses)) - 1]

    httpserver.expect_request(path, method=method).respond_with_handler(answer)
    return seen
