"""How often a service may be asked: several rates at once, per key, shared by threads.

Why not pyrate-limiter 4: its Limiter sleeps by its own clock up to a timeout before it refuses and does not say how
long the wait would be, and its buckets reject 5 a second with 300 a minute once each is given the same margin.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from threading import Lock

from clients.clock import SYSTEM_CLOCK, Clock

# Seconds that a rate's span is stretched by: a service counts arrivals, which the network moves against each other.
ARRIVAL_MARGIN = 0.05


@dataclass(frozen=True)
class Rate:
    """At most `requests` within any span of `seconds`; `Rate(1, 0.5)` is a minimal spacing."""

    requests: int
    seconds: float

    def __post_init__(self) -> None:
        if self.requests < 1 or self.seconds <= 0:
            raise ValueError(f"a rate needs at least one request and a span above 0 s, not {self}")


class Limiter:
    """Rates that all hold at once, for each key by itself; without rates it only knows pauses. Threads may share it."""

    def __init__(self, *rates: Rate, clock: Clock = SYSTEM_CLOCK) -> None:
        self.clock = clock
        self._rates = rates
        self._longest = max((rate.requests for rate in rates), default=0)
        self._taken: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=self._longest))
        self._not_before = float("-inf")
        self._lock = Lock()

    def take(self, key: str = "") -> float:
        """Book one request now and return 0.0, or book nothing and return the seconds until it is worth asking again.

        It never sleeps: the caller decides whether the wait is worth it.
        """
        with self._lock:
            now, taken = self.clock.monotonic(), self._taken[key]
            free = [self._not_before]
            free += [
                taken[-rate.requests] + rate.seconds + ARRIVAL_MARGIN
                for rate in self._rates
                if len(taken) >= rate.requests
            ]
            wait = round(max(free) - now, 6)  # microseconds: a float's last digit must not cost another round
            if wait > 0:
                return wait
            taken.append(now)
            return 0.0

    def pause(self, seconds: float) -> None:
        """Let no request of any key through for so long, as the service asked; a longer pause stands."""
        with self._lock:
            self._not_before = max(self._not_before, self.clock.monotonic() + seconds)
