"""The sandbox's own time: real time, moved to wherever a test sets it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Runs on with real time from the moment it was set to; `frozen` stops it there."""

    def __init__(self, now: datetime | None = None, *, frozen: bool = False) -> None:
        self._lock = threading.Lock()
        self._ahead_ms = 0  # of real time
        self._frozen_ms: int | None = None
        if now is not None or frozen:
            self.set(now or datetime.now(UTC), frozen=frozen)

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        frozen = self._frozen_ms
        return frozen if frozen is not None else int(time.time() * 1000) + self._ahead_ms

    def now(self) -> datetime:
        return from_ms(self.now_ms())

    def set(self, now: datetime, *, frozen: bool = False) -> None:
        """Jump to `now`, which must have a time zone; time goes on from there unless `frozen`."""
        moment = to_ms(now)
        self._ahead_ms = moment - int(time.time() * 1000)
        self._frozen_ms = moment if frozen else None

    def advance(self, step: timedelta | float) -> None:
        """Jump ahead by `step` (seconds, where it is a number)."""
        step_ms = int((step.total_seconds() if isinstance(step, timedelta) else step) * 1000)
        with self._lock:  # the sleepers of many threads may move it on
            self._ahead_ms += step_ms
            if self._frozen_ms is not None:
                self._frozen_ms += step_ms


def to_ms(moment: datetime) -> int:
    """Epoch milliseconds of a moment that knows its time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return round(moment.timestamp() * 1000)


def from_ms(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
