"""Nights of randomly mixed faults over many accounts, time compressed: nothing in reach is lost, what was not is told.

The services' clock is the clients' clock, and a wait moves it on. CI runs a few nights (MOODLAKE_SERVICE_NIGHTS).
"""

from __future__ import annotations

import os
import threading
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

import pytest
import requests
from pyspark.sql import functions as F

from clients.clock import Clock
from clients.limits import Limiter
from jobs.accounts import add_connection
from jobs.ingesting import Asked, Report, ingest
from jobs.runtime.lake import Lake
from jobs.runtime.ops import new_run_id
from jobs.runtime.settings import Settings, load_settings
from jobs.services import Services
from sandbox.services.accounts import Account
from sandbox.services.faults import FaultMix
from sandbox.services.history import Entry
from sandbox.services.server import Sandbox
from sandbox.world import make_world
from tests.boxes import environment, give_token
from tests.lakes import run

NIGHTS = int(os.environ.get("MOODLAKE_SERVICE_NIGHTS", "5"))
LISTENERS = 20 if NIGHTS > 50 else 7
SEED = 2026
FIRST_NIGHT = datetime(2026, 3, 1, 3, tzinfo=UTC)
FAULT_RATE = 0.15
STREAMS = {"spotify": "spotify_plays", "lastfm": "lastfm_scrobbles", "listenbrainz": "listenbrainz_listens"}
DRIFT = timedelta(minutes=15)  # a drifted stamp lies at most a song from the true one


@pytest.fixture
def box() -> Sandbox:
    end = (FIRST_NIGHT + timedelta(days=NIGHTS + 2)).date()
    world = make_world(seed=SEED, listeners=LISTENERS, days=NIGHTS + 12, end=end)
    quick = {"timeout": {"seconds": 0.05}, "slow": {"seconds": 0.05}}
    mix = FaultMix(SEED, FAULT_RATE, options=quick)
    return Sandbox(world, now=FIRST_NIGHT, frozen=True, mix=mix, limits_by="sandbox")


class Compressed:
    """The sandbox's clock for the clients: a wait is over at once, and later by as much, rounded up to its ticks.

    Time stands while a request is on its way: otherwise one thread's wait of a second would let the request that
    another has just been allowed arrive a second late, beside those of the next second.
    """

    def __init__(self, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self._box = box
        self._arrival = threading.Condition()
        self._under_way = 0
        take, request = Limiter.take, requests.Session.request

        def counted_take(limiter: Limiter, key: str = "") -> float:
            with self._arrival:
                wait = take(limiter, key)
                self._under_way += wait == 0
                return wait

        def counted_request(*args: Any, **options: Any) -> requests.Response:
            try:
                return request(*args, **options)
            finally:
                with self._arrival:
                    self._under_way -= 1
                    self._arrival.notify_all()

        monkeypatch.setattr(Limiter, "take", counted_take)
        monkeypatch.setattr(requests.Session, "request", counted_request)

    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self._box.clock.now_ms() / 1000, now=self._box.clock.now, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        with self._arrival:
            assert self._arrival.wait_for(lambda: self._under_way == 0, timeout=60), "a request never came back"
            self._box.clock.advance(timedelta(milliseconds=ceil(seconds * 1000)))


def settings_of(box: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    retries = {"SPOTIFY_MAX_RETRIES": "4", "HTTP__MAX_RETRIES": "4"}
    for name, value in (environment(box, folder) | retries).items():
        monkeypatch.setenv(name, value)
    return load_settings()


def one_night(lake: Lake, settings: Settings, box: Sandbox, clock: Clock) -> Report:
    services = Services(settings, clock=clock)
    streams = (*STREAMS.values(), "spotify_top_items", "lastfm_loved_tracks")
    now = box.clock.now()
    return ingest(lake, settings, services, new_run_id(), now.date(), Asked(streams=streams), now=now)


def test_nothing_in_reach_is_lost(
    lake: Lake, tmp_path: Path, box: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with box:
        settings = settings_of(box, tmp_path, monkeypatch)
        accounts = [account for account in box.accounts() if account.service in STREAMS]
        for account in accounts:
            add_connection(lake, account.user, account.service, account.source_user)
            if account.service == "spotify":
                give_token(box, tmp_path, account.user)
        clock = Compressed(box, monkeypatch).clock()
        statuses: Counter[str] = Counter()
        for night in range(NIGHTS):
            box.clock.set(FIRST_NIGHT + timedelta(days=night), frozen=True)
            statuses[one_night(lake, settings, box, clock).outcome.status] += 1
        box.faults.mix = None
        box.clock.set(FIRST_NIGHT + timedelta(days=NIGHTS), frozen=True)
        last = one_night(lake, settings, box, clock)
        assert [str(result.error) for result in last.troubles] == []
        assert statuses["partial"] > 0, "the mix was too mild to prove anything"

        for account in accounts:
            assert_complete(lake, box, account)
        assert [str(violation) for violation in box.violations] == []
        assert_no_secret(tmp_path, box.secrets(), caplog.text)
        night_after = (FIRST_NIGHT + timedelta(days=NIGHTS)).date()
        assert_once_in_silver(lake, settings, night_after)


def assert_complete(lake: Lake, box: Sandbox, account: Account) -> None:
    """What was served is in bronze, once but for drifted stamps; what was never in reach lies in a gap."""
    stored = stamps(lake, account)
    gaps = gaps_of(lake, account)
    until = box.clock.now()
    for entry in box.served(account):
        found = [at for at in stored[key(entry)] if abs(at - stamp(account, entry)) <= DRIFT]
        assert found, f"{account.service}: a play that was served is not in bronze ({entry.started_at})"
        assert found.count(stamp(account, entry)) <= 1
    first = FIRST_NIGHT if account.service == "spotify" else None
    for entry in box.truth(account, first, until):
        if datetime.fromtimestamp(entry.end_ms / 1000, UTC) > until:
            continue
        is_stored = any(abs(at - stamp(account, entry)) <= DRIFT for at in stored[key(entry)])
        is_told = any(start <= entry.stamped_at <= end for start, end in gaps)
        assert is_stored or is_told, f"{account.service}: a play of {entry.started_at} is neither stored nor in a gap"


def key(entry: Entry) -> tuple[str, str]:
    return entry.track.artist.name.casefold(), entry.track.title.casefold()


def stamp(account: Account, entry: Entry) -> datetime:
    at = entry.stamped_at if account.service == "spotify" else entry.started_at
    return at.replace(microsecond=0)


def stamps(lake: Lake, account: Account) -> dict[tuple[str, str], list[datetime]]:
    """The whole seconds of an account's plays in bronze, by artist and title."""
    paths = {
        "spotify": ("$.track.artists[0].name", "$.track.name"),
        "lastfm": ("$.artist.name", "$.name"),
        "listenbrainz": ("$.track_metadata.artist_name", "$.track_metadata.track_name"),
    }
    artist, title = (F.get_json_object("payload", path) for path in paths[account.service])
    rows = lake.read(f"bronze.{STREAMS[account.service]}").where(F.col("user_id") == lake.pseudonym(account.user))
    found: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for row in rows.select(artist.alias("artist"), title.alias("title"), "event_at").collect():
        at = row["event_at"].replace(microsecond=0, tzinfo=UTC)
        found[row["artist"].casefold(), row["title"].casefold()].append(at)
    return found


def gaps_of(lake: Lake, account: Account) -> list[tuple[datetime, datetime]]:
    rows = lake.read("ops.gaps").where(
        (F.col("user_id") == lake.pseudonym(account.user)) & (F.col("source") == account.service)
    )
    return [(row["start_at"].replace(tzinfo=UTC), row["end_at"].replace(tzinfo=UTC)) for row in rows.collect()]


def assert_no_secret(folder: Path, secrets: frozenset[str], log: str) -> None:
    """No secret in any file but the token file, nor in the log."""
    for secret in secrets:
        assert secret not in log
    for path in folder.rglob("*"):
        if path.is_file() and "tokens.json" not in path.name:
            content = path.read_bytes()
            for secret in secrets:
                assert secret.encode() not in content, path.name


def assert_once_in_silver(lake: Lake, settings: Settings, as_of_date: date) -> None:
    run(lake, settings, as_of_date)
    listens = lake.read("silver.listens")
    bronze = sum(lake.read(f"bronze.{stream}").count() for stream in STREAMS.values())
    assert listens.agg(F.sum("record_count")).first()[0] == bronze
    alike = listens.groupBy("source", "user_id", "played_at", "artist_name", "track_name").count()
    assert alike.where("count > 1").isEmpty()
