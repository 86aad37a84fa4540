"""For clients against real HTTP on loopback: no proxy in between, and a clock that moves only when someone sleeps."""

from __future__ import annotations

import pytest

from tests.clocks import FakeClock


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def fake() -> FakeClock:
    return FakeClock()
