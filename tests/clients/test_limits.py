"""Several rates hold at once, per key and across threads, and a wait is told instead of slept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.limits import ARRIVAL_MARGIN, Limiter, Rate
from tests.clocks import FakeClock


def taken_at(limiter: Limiter, fake: FakeClock, requests: int) -> list[float]:
    times = []
    for _ in range(requests):
        while (wait := limiter.take()) > 0:
            fake.seconds += wait
        times.append(fake.seconds)
    return times


def most_within(times: list[float], seconds: float) -> int:
    return max(sum(start <= other < start + seconds for other in times) for start in times)


def test_all_rates_hold_at_once() -> None:
    fake = FakeClock()
    times = taken_at(Limiter(Rate(5, 1), Rate(300, 60), clock=fake.clock), fake, 700)
    assert most_within(times, 1) == 5
    assert most_within(times, 60) <= 300
    assert times[-1] - times[0] < 150  # 700 at 5/s, with the margin


def test_a_spacing_is_a_rate_of_one() -> None:
    fake = FakeClock()
    times = taken_at(Limiter(Rate(1, 0.5), clock=fake.clock), fake, 4)
    assert [round(b - a, 6) for a, b in pairwise(times)] == [0.5 + ARRIVAL_MARGIN] * 3


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60), st.integers(1, 6), st.floats(0.1, 5))
def test_no_window_holds_more_than_its_rate(idle: list[float], requests: int, seconds: float) -> None:
    fake = FakeClock()
    limiter = Limiter(Rate(requests, seconds), clock=fake.clock)
    times = []
    for pause in idle:
        fake.seconds += pause
        times += taken_at(limiter, fake, 1)
    assert most_within(times, seconds) <= requests


def test_each_key_has_its_own_bucket() -> None:
    limiter = Limiter(Rate(1, 3600), clock=FakeClock().clock)
    assert [limiter.take("ann"), limiter.take("bob")] == [0.0, 0.0]
    assert limiter.take("ann") == 3600 + ARRIVAL_MARGIN


def test_a_refused_request_is_not_booked() -> None:
    fake = FakeClock()
    limiter = Limiter(Rate(2, 10), clock=fake.clock)
    assert [limiter.take() > 0 for _ in range(9)] == [False] * 2 + [True] * 7
    fake.seconds += 10 + ARRIVAL_MARGIN
    assert limiter.take() == 0.0


def test_a_pause_holds_for_every_key_and_is_not_shortened() -> None:
    fake = FakeClock()
    limiter = Limiter(clock=fake.clock)
    limiter.pause(30)
    limiter.pause(5)
    assert [limiter.take("ann"), limiter.take("bob")] == [30.0, 30.0]
    fake.seconds += 30
    assert limiter.take("ann") == 0.0


def test_threads_together_get_no_more_than_the_rate() -> None:
    limiter = Limiter(Rate(50, 60), clock=FakeClock().clock)
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda _: limiter.take(), range(400)))
    assert waits.count(0.0) == 50


@pytest.mark.parametrize(("requests", "seconds"), [(0, 1), (1, 0), (-1, 1)])
def test_a_rate_that_lets_nothing_through_is_refused(requests: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="at least one request"):
        Rate(requests, seconds)
