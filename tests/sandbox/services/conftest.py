"""A small world behind real HTTP, new for each test, its clock standing in the middle of the world's days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from sandbox.services.accounts import Account
from sandbox.services.server import Sandbox
from sandbox.world import World, make_world

END = date(2026, 10, 31)
NOW = datetime(2026, 10, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def world() -> World:
    return make_world(seed=7, listeners=6, days=40, end=END)


@pytest.fixture
def box(world: World) -> Iterator[Sandbox]:
    with Sandbox(world, now=NOW) as running:
        yield running


@pytest.fixture
def person(box: Sandbox) -> Account:
    """The first listener's Spotify account; the same person has Last.fm and ListenBrainz too."""
    return box.accounts()[0]
