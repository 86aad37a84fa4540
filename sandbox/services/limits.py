"""The services' own rate limits, counted over a rolling window, and the Retry-After they handed out."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# The network brings requests closer together than they were sent: a window is judged this much shorter.
SLACK = 0.9
# Requests already on their way when a 429 is sent could not know of it.
IN_FLIGHT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many requests in any window of that many seconds."""

    requests: int
    seconds: float

    def scaled(self, factor: float) -> Limit:
        """The same limit in a time that runs `factor` times as fast."""
        return Limit(self.requests, self.seconds / factor)


# Where the service publishes no number, ours is a guess on the strict side.
LIMITS: Mapping[str, Limit] = {
    "spotify": Limit(180, 30.0),  # rolling 30 s is documented (concepts/rate-limits), its size is not
    "lastfm": Limit(5, 1.0),  # terms of service: 5 a second and address
    "listenbrainz": Limit(30, 10.0),  # brainzutils/ratelimit.py: a fixed window per address
    "reccobeats": Limit(40, 10.0),  # unpublished
    "beatport": Limit(1, 0.5),  # a courtesy, not enforced: closer requests are noted as `spacing`
}


class Limiter:
    """Counts requests per service and key; `ticks` is the clock they are counted by (seconds)."""

    def __init__(self, limits: Mapping[str, Limit | None], ticks: Callable[[], float] = time.monotonic) -> None:
        self.limits: dict[str, Limit | None] = {**LIMITS, **limits}
        self.ticks = ticks
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], deque[float]] = {}
        self._closed: dict[tuple[str, str], tuple[int, float]] = {}

    def take(self, service: str, key: str) -> float | None:
        """Count a request; the seconds to wait where it is one too many, else None."""
        limit = self.limits.get(service)
        if limit is None:
            return None
        now = self.ticks()
        with self._lock:
            seen = self._seen.setdefault((service, key), deque())
            while seen and now - seen[0] >= limit.seconds * SLACK:
                seen.popleft()
            if len(seen) >= limit.requests:
                return max(0.0, limit.seconds - (now - seen[0]))
            seen.append(now)
            return None

    def close(self, service: str, key: str, until_ms: int) -> None:
        """Remember a Retry-After: nothing should come before `until_ms` (sandbox clock)."""
        self._closed[service, key] = (until_ms, time.monotonic())

    def is_early(self, service: str, key: str, now_ms: int) -> bool:
        """Whether a request that comes now ignores a Retry-After that its sender has had the time to read."""
        until_ms, sent = self._closed.get((service, key), (0, 0.0))
        return now_ms < until_ms and time.monotonic() - sent > IN_FLIGHT_SECONDS
