"""Nights of random faults: the same seed gives every account the same night, however its threads run."""

from __future__ import annotations

from datetime import timedelta

import requests

from sandbox.services.accounts import Account
from sandbox.services.clock import to_ms
from sandbox.services.faults import FaultMix
from sandbox.services.server import Sandbox
from sandbox.world import World
from tests.sandbox.services.calling import refresh, together
from tests.sandbox.services.conftest import NOW

NIGHTS = 6
TRIES = 3  # calls per account and night
MIX = FaultMix(seed=11, rate=0.4, without=("spotify.timeout", "spotify-accounts"), options={"rate": {"seconds": 0}})


def poll(box: Sandbox, user: str) -> list[int]:
    """The statuses of one account's night, 0 for a cut connection: a client that knows nothing of overlap."""
    account: Account = box.account(user, "spotify")
    headers = {"Authorization": f"Bearer {refresh(box, account).json()['access_token']}"}
    statuses = []
    for _ in range(TRIES):
        url = f"{box.url('spotify')}/v1/me/player/recently-played?limit=50"
        try:
            statuses.append(requests.get(url, headers=headers, timeout=10).status_code)
        except requests.ConnectionError:
            statuses.append(0)
    return statuses


def nights(world: World) -> tuple[list[list[list[int]]], dict[str, set[int]]]:
    """Statuses by night and account, and what each account was served (epoch ms)."""
    users = [listener.name for listener in world.listeners]
    with Sandbox(world, now=NOW, frozen=True, mix=MIX) as box:
        statuses = []
        for _ in range(NIGHTS):
            statuses.append(together(len(users), lambda number: poll(box, users[number])))
            box.clock.advance(timedelta(days=1))
        accounts = [box.account(user, "spotify") for user in users]
        for account in accounts:
            assert box.served(account) <= set(box.truth(account))
            assert all(entry.end_ms <= to_ms(box.clock.now()) for entry in box.served(account))
        return statuses, {a.user: {entry.start_ms for entry in box.served(a)} for a in accounts}


def test_the_same_seed_gives_the_same_nights(world: World) -> None:
    statuses, served = nights(world)
    assert (statuses, served) == nights(world)
    met = {status for night in statuses for account in night for status in account}
    assert 200 in met
    assert len(met) > 4


def test_what_is_served_is_what_was_in_reach(world: World) -> None:
    """Without faults, polls a day apart are served exactly what was in reach of one of them."""
    with Sandbox(world, now=NOW, frozen=True) as box:
        account = box.accounts()[0]
        reached = set()
        for _ in range(NIGHTS):
            reached |= set(box.reachable(account))
            poll(box, account.user)
            box.clock.advance(timedelta(days=1))
        assert box.served(account) == reached
