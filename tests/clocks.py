"""A clock for clients that moves only when someone sleeps; what was slept is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Barrier, Lock

from clients.clock import Clock

EPOCH = datetime(2026, 11, 20, 12, tzinfo=UTC)


class FakeClock:
    """`clock` goes into a Limiter. With `sleepers`, sleeping ends once so many threads sleep."""

    def __init__(self, sleepers: int = 1) -> None:
        self.seconds = 1000.0
        self.sleeps: list[float] = []
        self.clock = Clock(monotonic=lambda: self.seconds, now=self._now, sleep=self._sleep)
        self._lock = Lock()
        self._barrier = Barrier(sleepers)

    def _now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.seconds - 1000.0)

    def _sleep(self, seconds: float) -> None:
        until = self.seconds + seconds
        with self._lock:
            self.sleeps.append(seconds)
        self._barrier.wait(timeout=10)
        with self._lock:
            self.seconds = max(self.seconds, until)
