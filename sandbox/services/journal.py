"""What the sandbox was asked and what was wrong with it (grain: one request, one violation).

Neither holds a query string, a body or a header: a journal may be printed, and secrets travel there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Ticks = Literal["real", "sandbox"]


@dataclass(frozen=True, slots=True)
class Request:
    service: str
    account: str | None  # the listener whose account it was, where the request says so
    endpoint: str
    method: str
    path: str
    status: int  # 0: the connection was cut
    real_s: float  # monotonic; when it arrived
    sandbox_ms: int  # epoch, by the sandbox clock
    faults: tuple[str, ...]  # what was switched on for it


@dataclass(frozen=True, slots=True)
class Violation:
    """A breach of the service's contract by the client, or of the description by the sandbox.

    kind: method, endpoint, parameter, header, body, redirect, token, limit, early (before Retry-After had passed),
    spacing, openapi-request, openapi-response.
    """

    kind: str
    service: str
    account: str | None
    endpoint: str
    detail: str


class Requests:
    """All requests in order of arrival; filters are fields of `Request`, compared for equality."""

    def __init__(self) -> None:
        self._all: list[Request] = []

    def add(self, request: Request) -> None:
        self._all.append(request)

    def clear(self) -> None:
        self._all.clear()

    def __iter__(self) -> Iterator[Request]:
        return iter(tuple(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def where(self, **fields: object) -> list[Request]:
        return [r for r in self if all(getattr(r, name) == value for name, value in fields.items())]

    def count(self, **fields: object) -> int:
        return len(self.where(**fields))

    def by_endpoint(self) -> dict[tuple[str, str | None, str], int]:
        """(service, account, endpoint) -> number of requests."""
        return dict(Counter((r.service, r.account, r.endpoint) for r in self))

    def most_in(self, seconds: float, *, ticks: Ticks = "real", **fields: object) -> int:
        """The largest number of requests in any window of that length: proves that a limit was kept."""
        times = self._times(ticks, fields)
        most = first = 0
        for last, moment in enumerate(times):
            while moment - times[first] >= seconds:
                first += 1
            most = max(most, last - first + 1)
        return most

    def shortest_gap(self, *, ticks: Ticks = "real", **fields: object) -> float | None:
        """Seconds between the two requests that came closest after one another; None below two requests."""
        times = self._times(ticks, fields)
        return min((later - earlier for earlier, later in pairwise(times)), default=None)

    def _times(self, ticks: Ticks, fields: dict[str, object]) -> list[float]:
        found = self.where(**fields)
        return sorted(r.real_s if ticks == "real" else r.sandbox_ms / 1000 for r in found)


class Violations:
    """All violations in the order in which they were noticed."""

    def __init__(self) -> None:
        self._all: list[Violation] = []

    def add(self, violation: Violation) -> None:
        self._all.append(violation)

    def clear(self) -> None:
        self._all.clear()

    def __iter__(self) -> Iterator[Violation]:
        return iter(tuple(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def of(self, *kinds: str) -> list[Violation]:
        return [violation for violation in self if violation.kind in kinds]
