"""Compares Spotify's exchanges with an OpenAPI description of its Web API, where one is at hand.

openapi-core is needed only then (the dev group has it), and imported only then.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Request, Response

SERVER = "https://api.spotify.com"  # the description's; the sandbox's own paths begin with OWN
OWN = "/spotify"
# Errors of the documented statuses alone are described; the others (400, 404, 5xx) are plain facts of life.
DESCRIBED = frozenset({200, 204, 401, 403, 429})
# Where the description and a documented or observed fact disagree: path in the answer, words of the error, why.
ACCEPTED = tuple(
    (re.compile(path), words, why)
    for path, words, why in (
        (r"album$", "'available_markets' is a required property", "removed from apps in development mode, 2026-02"),
        (r"^next$|^cursors$", "None", "null on the last page, null cursors on an empty one (observed)"),
        (r"\.context$", "None", "null where the play has no context (documented in the reference, not here)"),
        (r"^audio_features\.\d+$|^tracks\.\d+$", "None", "null for an unknown id (documented in prose)"),
        (r"\.track\.", "None", "a local file has no ids, dates or links (concepts/playlists, observed)"),
        (r"^items\.\d+$", "could not be resolved", "the official description's discriminator names schemas it lacks"),
    )
)


class SpotifyDescription:
    """A description read from a file; `check` names what does not fit it."""

    def __init__(self, path: Path) -> None:
        from openapi_core import Config, OpenAPI

        # Tokens and scopes are the sandbox's own business; openapi-core knows no OAuth, and says so each time.
        warnings.filterwarnings("ignore", message="Unsupported scheme type")
        self._api = OpenAPI.from_file_path(str(path), config=Config(spec_validator_cls=None))
        self._lock = threading.Lock()

    def check(self, asked: Request, answer: Response) -> list[tuple[str, str]]:
        """(kind, detail) of each mismatch that is not among the accepted ones."""
        from openapi_core.testing import MockRequest, MockResponse

        mirrored = MockRequest(
            SERVER,
            asked.method,
            asked.path.removeprefix(OWN),
            args=asked.args,
            headers=dict(asked.headers),
            data=asked.get_data(),
        )
        with self._lock:
            found = [("openapi-request", str(e)) for e in self._api.request_validator.iter_errors(mirrored)]
            if answer.status_code in DESCRIBED and (answer.is_json or answer.status_code == 204):
                body = MockResponse(answer.get_data(), answer.status_code, content_type="application/json")
                for error in self._api.response_validator.iter_errors(mirrored, body):
                    found += [("openapi-response", detail) for detail in _details(error)]
        return found


def _details(error: Exception) -> Iterator[str]:
    """One line for each place in an answer that does not fit and is not accepted."""
    places: list[Any] = list(getattr(error.__cause__, "schema_errors", ()))
    if not places:
        yield f"{error} ({error.__cause__})"
    for place in places:
        path = ".".join(map(str, place.absolute_path))
        if not any(where.search(path) and words in place.message for where, words, _ in ACCEPTED):
            yield f"{path}: {place.message[:120]} ... {place.message[-120:]}"
