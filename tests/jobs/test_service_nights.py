"""Nights of randomly mixed faults over many accounts, time compressed: nothing in reach is lost, what was not is told.

The services' clock is the clients' clock, and a wait moves it on. CI runs a few nights (MOODLAKE_SERVICE_NIGHTS).
"""

from __future__ import annotations

import io
import os
import re
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
import structlog
from pyspark.sql import functions as F

from clients.clock import Clock
from clients.errors import RateLimitError
from clients.limits import Limiter
from jobs.accounts import add_connection
from jobs.ingesting import Asked, Report, ingest
from jobs.runtime.lake import Lake
from jobs.runtime.logs import configure_logs
from jobs.runtime.ops import new_run_id
from jobs.runtime.settings import LogSettings, Settings, load_settings
from jobs.services import Services
from sandbox.services.accounts import Account
from sandbox.services.faults import FaultMix
from sandbox.services.history import Entry
from sandbox.services.server import Sandbox
from sandbox.world import make_world
from tests.boxes import environment, give_token
from tests.lakes import SILVER, run

NIGHTS = int(os.environ.get("MOODLAKE_SERVICE_NIGHTS", "5"))
IS_LONG = NIGHTS > 50
LISTENERS = 20 if IS_LONG else 7
SEED = 2026
WARNED_NIGHTS = 154  # from the first on, until listeners are told that their consent of six months ends
FIRST_NIGHT = datetime(2026, 3, 1, 3, tzinfo=UTC)
FAULT_RATE = 0.15
STREAMS = {"spotify": "spotify_plays", "lastfm": "lastfm_scrobbles", "listenbrainz": "listenbrainz_listens"}
WORD = re.compile(r"[\w.~+/=-]+")  # what tokens are made of
Where = tuple[str, str | None]  # service and listener
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


def one_night(lake: Lake, settings: Settings, services: Services, box: Sandbox) -> Report:
    lists = () if IS_LONG else ("spotify_top_items", "lastfm_loved_tracks")  # the long form is about plays
    streams = (*STREAMS.values(), *lists)
    now = box.clock.now()
    return ingest(lake, settings, services, new_run_id(), now.date(), Asked(streams=streams), now=now)


def consent_anew(box: Sandbox, services: Services, folder: Path) -> list[str]:
    """Listeners who are told that their consent ends give it again."""
    tokens = services.spotify.user_auth
    warned = [user for user in tokens.users() if tokens.expiry_warning(user)]
    for user in warned:
        box.authorize(user)
        give_token(box, folder, user)
    return warned


@pytest.fixture
def log(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:  # noqa: ARG001 (the session's comes first)
    """All that is logged, attempts at HTTP included."""
    written, before = io.StringIO(), structlog.get_config()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", written)
        configure_logs(LogSettings(level="DEBUG"))
    yield written
    structlog.configure(**before)


def test_nothing_in_reach_is_lost(
    lake: Lake, tmp_path: Path, box: Sandbox, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    with box:
        settings = settings_of(box, tmp_path, monkeypatch)
        accounts = [account for account in box.accounts() if account.service in STREAMS]
        for account in accounts:
            add_connection(lake, account.user, account.service, account.source_user, now=FIRST_NIGHT)
            if account.service == "spotify":
                give_token(box, tmp_path, account.user)
        clock = Compressed(box, monkeypatch).clock()
        statuses: Counter[str] = Counter()
        consents: Counter[str] = Counter()
        due: dict[Where, set[Entry]] = defaultdict(set)
        for night in range(NIGHTS):
            box.clock.set(FIRST_NIGHT + timedelta(days=night), frozen=True)
            in_reach = {where(account): box.reachable(account) for account in accounts}
            first_request = len(box.requests)
            services = Services(settings, clock=clock)
            report = one_night(lake, settings, services, box)
            consents.update(consent_anew(box, services, tmp_path))
            statuses[report.outcome.status] += 1
            faulty = faulty_accounts(box, first_request)
            assert_blocked_by_none(report, faulty)
            if not report.waiting and not any(isinstance(r.error, RateLimitError) for r in report.troubles):
                for at in in_reach.keys() - faulty:
                    due[at].update(in_reach[at])
        box.faults.mix = None
        box.clock.set(FIRST_NIGHT + timedelta(days=NIGHTS), frozen=True)
        last = one_night(lake, settings, Services(settings, clock=clock), box)
        assert [str(result.error) for result in last.troubles] == []
        assert statuses["partial"] > 0, "the mix was too mild to prove anything"
        assert set(consents.values()) == ({1} if NIGHTS > WARNED_NIGHTS else set())

        for account in accounts:
            assert_complete(lake, box, account, due[where(account)])
        assert [str(violation) for violation in box.violations] == []
        assert_limits(box, accounts)
        assert "request" in log.getvalue()
        assert_no_secret(tmp_path, box.secrets(), log.getvalue())
        night_after = (FIRST_NIGHT + timedelta(days=NIGHTS)).date()
        assert_once_in_silver(lake, settings, night_after)


def where(account: Account) -> Where:
    return account.service, account.user


def faulty_accounts(box: Sandbox, first_request: int) -> set[Where]:
    """The accounts that met a fault since a request; faults of a token are its account's."""
    night = islice(box.requests, first_request, None)
    return {(request.service.partition("-")[0], request.account) for request in night if request.faults}


def assert_blocked_by_none(report: Report, faulty: set[Where]) -> None:
    """An account failed by a fault of its own, or because its service asked to be left alone."""
    for result in report.troubles:
        assert result.connected is not None
        at = result.ingest.source, result.connected.account.user
        assert at in faulty or isinstance(result.error, RateLimitError), f"{at[0]}: {result.error}"


def assert_limits(box: Sandbox, accounts: Sequence[Account]) -> None:
    """The limits that are settings: Spotify's 100 an hour and user, Last.fm's 300 a minute."""
    for account in accounts:
        if account.service == "spotify":
            most = box.requests.most_in(3600, ticks="sandbox", service="spotify", account=account.user)
            assert most <= 100
    assert 0 < box.requests.most_in(60, ticks="sandbox", service="lastfm") <= 300


def assert_complete(lake: Lake, box: Sandbox, account: Account, due: set[Entry]) -> None:
    """What was served is in bronze, once but for drifted stamps, and so is what was `due`: in reach on a night
    without a fault. What was never in reach lies in a gap, and only Spotify has such."""
    stored = stamps(lake, account)
    gaps = gaps_of(lake, account)
    until = box.clock.now()
    assert account.service == "spotify" or not gaps
    for entry in box.served(account) | due:
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
    assert found_in(log, secrets) == set()
    for path in folder.rglob("*"):
        if path.is_file() and "tokens.json" not in path.name:
            content = texts_of(path) if path.suffix == ".parquet" else path.read_bytes().decode(errors="replace")
            assert found_in(content, secrets) == set(), path.name


def found_in(text: str, secrets: frozenset[str]) -> set[str]:
    """The secrets that a text has anywhere. Of many nights there are thousands: each is looked up in the long words of
    the text, at every place, instead of in the whole text; one that is no word is."""
    words = {secret for secret in secrets if WORD.fullmatch(secret)}
    lengths = sorted({len(secret) for secret in words})
    found = {secret for secret in secrets - words if secret in text}
    for word in set(WORD.findall(text)):
        for length in lengths:
            found.update(words.intersection(word[at : at + length] for at in range(len(word) - length + 1)))
    return found


def test_a_secret_is_found_within_a_word_and_without() -> None:
    secrets = frozenset({"BQabc-1", "longer-than-it", "two words"})
    assert found_in("Bearer xBQabc-1y, two words; longer-than-i t", secrets) == {"BQabc-1", "two words"}
    assert found_in("", secrets) == set()


def texts_of(path: Path) -> str:
    """Every text of a Parquet file, whose pages are compressed."""
    table = pq.read_table(path)
    texts = (column for column in table.columns if pa.types.is_string(column.type))
    return "\n".join(text for column in texts for text in column.to_pylist() if text)


def assert_once_in_silver(lake: Lake, settings: Settings, as_of_date: date) -> None:
    run(lake, settings, as_of_date, only=SILVER)
    listens = lake.read("silver.listens")
    bronze = sum(lake.read(f"bronze.{stream}").count() for stream in STREAMS.values())
    assert listens.agg(F.sum("record_count")).first()[0] == bronze
    alike = listens.groupBy("source", "user_id", "played_at", "artist_name", "track_name").count()
    assert alike.where("count > 1").isEmpty()
