"""Reads what services answer: bodies that may be no JSON, waits in three spellings, error texts of any shape.

The trap: nothing here may believe a service; a broken header or body is a value, never an exception.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from json import loads
from math import isfinite
from typing import Any

from requests.structures import CaseInsensitiveDict

from clients.secrets import Redactor

LONGEST_BELIEVED_WAIT = 7 * 86_400.0  # seconds; Spotify's longest seen is a day
ERROR_TEXT_LENGTH = 200  # characters of a service's own words in a message


@dataclass(frozen=True)
class Reply:
    """An answer as it came; only `status` and `route` may be logged. `payload` is its JSON, None if it is none."""

    status: int
    route: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    payload: Any = field(repr=False)

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


def parsed(content: bytes) -> tuple[Any, str]:
    """The JSON and "", or None and its flaw: "no JSON" at all, "cut short", or "NaN" and its like."""
    start = content.lstrip()[:1]
    if not start or start == b"<":
        return None, "no JSON"
    try:
        return loads(content, parse_constant=_no_number, parse_float=_finite), ""
    except _NotANumberError:
        return None, "NaN"
    except (ValueError, RecursionError):
        return None, "cut short" if start in b'{["' else "no JSON"


class _NotANumberError(ValueError):
    """A number that JSON does not have, or that no float holds."""


def _no_number(name: str) -> float:
    raise _NotANumberError(name)


def _finite(digits: str) -> float:
    number = float(digits)
    return number if isfinite(number) else _no_number(digits)


def told_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds by Retry-After (a number or a date), else by ListenBrainz's X-RateLimit-Reset-In; None if neither."""
    for name in ("Retry-After", "X-RateLimit-Reset-In"):
        wait = _seconds(CaseInsensitiveDict(headers).get(name, ""), now)
        if wait > 0:
            return min(wait, LONGEST_BELIEVED_WAIT)
    return None


def _seconds(value: str, now: datetime) -> float:
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]+)?", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    except (ValueError, IndexError, OverflowError):  # whatever else a broken service writes there
        return 0.0


def is_quota(payload: Any) -> bool:
    error = payload.get("error") if isinstance(payload, dict) else None
    return isinstance(error, dict) and error.get("reason") == "QUOTA_EXCEEDED"


def own_words(reply: Reply, redact: Redactor) -> str:
    """What the service says of its error, redacted before it is shortened."""
    words = _message(reply.payload) or ("" if reply.content.lstrip()[:1] == b"<" else reply.text)
    words = " ".join(redact(words).split()) or "no reason given"
    return words if len(words) <= ERROR_TEXT_LENGTH else words[: ERROR_TEXT_LENGTH - 1] + "…"


def _message(payload: Any, depth: int = 2) -> str:
    """The message of the error bodies seen so far: Spotify (one level deeper), ListenBrainz, LRCLIB, Django, OAuth."""
    if isinstance(payload, str):
        return payload
    if not isinstance(payload, dict) or depth == 0:
        return ""
    found = (_message(payload.get(name), depth - 1) for name in ("error", "error_description", "message", "detail"))
    return ", ".join(filter(None, found))
