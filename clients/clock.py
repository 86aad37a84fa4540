"""The three things that clients ask of time, in one place, so that tests and the soak run without waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Clock:
    """`monotonic` seconds for spans, `now` in UTC for dates, `sleep` for waits."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()
