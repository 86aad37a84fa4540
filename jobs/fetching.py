"""Ask the services side by side: what came is spooled, what went wrong is told per account and stops no other.

The trap: a spooled record is on disk, so what a stream redacts is taken out before, and a name is a pseudonym by then.
"""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import structlog

from clients.clock import Clock
from clients.errors import AuthorizationError, ClientError, OwnLimitError, RateLimitError
from clients.feeds import Account, AccountFeed, Answer, Gap, SnapshotFeed, TrackFeed, TrackQuery, Window
from jobs.plan import Fetch, Ingest, Keep
from jobs.runtime.lake import Lake
from jobs.spool import ColumnFiles

if TYPE_CHECKING:
    from clients.mood_api import MoodAPIClient

FEWEST_QUERIES = 50  # that a worker is given: about what one request of the services with batches takes

log = structlog.get_logger()


class Feeds(Protocol):
    """Where a stream's feed comes from: jobs.services."""

    def feed(self, ingest: Ingest) -> Any: ...

    @property
    def ai(self) -> MoodAPIClient: ...

    @property
    def clock(self) -> Clock: ...


@dataclass(frozen=True)
class Connected:
    """An account to fetch, with the listener's pseudonym and what the lake knows of the account by."""

    connection_id: str
    user_id: str
    account: Account


@dataclass
class Result:
    """What came of one account of a stream, or of a stream without accounts.

    `covered_to` is how far the watermark may move; `is_whole` says that all batches came; `retry_not_before` is set
    where the service asked to be left alone; `is_closed` where it does not offer this to us at all.
    """

    ingest: Ingest
    connected: Connected | None = None
    record_count: int = 0
    gaps: list[Gap] = field(default_factory=list)
    covered_to: datetime | None = None
    is_whole: bool = False
    is_closed: bool = False
    retry_not_before: datetime | None = None
    error: Exception | None = None

    @property
    def status(self) -> str:
        """As ops.source_states tells it."""
        if self.error is None:
            return "ok"
        if self.is_closed:
            return "closed"
        return "waiting" if self.retry_not_before else "failed"


class Harvest:
    """The records of one stream from one source, spooled by many threads."""

    def __init__(self, lake: Lake, folder: str, ingest: Ingest) -> None:
        self.ingest = ingest
        self.count = 0
        self._files = ColumnFiles(lake, folder)
        self._lock = threading.Lock()
        self._redacted = redacted(ingest)

    def add(self, records: Sequence[Any], *, user_id: str | None = None, track_keys: Sequence[str] = ()) -> None:
        """Take over raw records, in the order in which they came."""
        if not records:
            return
        payloads = [json.dumps(without(r, self._redacted), ensure_ascii=False, sort_keys=True) for r in records]
        rows = {"payload": pa.array(payloads, pa.string())}
        if self.ingest.fetch is Fetch.ACCOUNT:
            rows["user_id"] = pa.array([user_id] * len(records), pa.string())
        if self.ingest.fetch is Fetch.TRACK:
            rows["track_key"] = pa.array(track_keys, pa.string())
        with self._lock:
            rows["_row"] = pa.array(range(self.count, self.count + len(records)), pa.int64())
            self._files.add(pa.table(rows))
            self.count += len(records)

    def rows(self) -> Any:
        """The records as a DataFrame, None where there is not one; no more can be added."""
        self._files.flush()
        return self._files.rows()


class Fetcher:
    """Fetches with a bounded number of threads that share each source's client, and so its limiter.

    A source that asks for a pause is asked no more, in anybody's name: services limit the application or the address.
    """

    def __init__(self, feeds: Feeds, workers: int, now: datetime) -> None:
        self._feeds = feeds
        self._began, self._began_ticks = now, feeds.clock.monotonic()
        self._workers = workers
        self._stops: dict[str, tuple[datetime, Exception]] = {}

    def accounts(
        self, wanted: Iterable[tuple[Ingest, Connected, Window]], harvests: dict[Ingest, Harvest], limit: int | None
    ) -> list[Result]:
        """Fetch accounts; the results are in the order of what was wanted."""
        with ThreadPoolExecutor(self._workers, thread_name_prefix="fetch") as pool:
            tasks = [
                pool.submit(self._account, ingest, connected, window, harvests[ingest], limit)
                for ingest, connected, window in wanted
            ]
            return [task.result() for task in tasks]

    def service(self, ingest: Ingest, harvest: Harvest) -> Result:
        """Fetch a stream that belongs to no account."""
        result = Result(ingest)

        def fetch() -> None:
            feed: SnapshotFeed = self._feeds.feed(ingest)
            for batch in feed.records():
                harvest.add(batch.records)
                result.record_count += len(batch.records)

        return self._guarded(result, fetch)

    def tracks(self, ingest: Ingest, queries: Sequence[TrackQuery], harvest: Harvest) -> tuple[Result, list[Answer]]:
        """Ask about tracks. Returns what came, and every definite answer, those that know nothing included."""
        size = max(FEWEST_QUERIES, -(-len(queries) // self._workers))
        parts = [queries[first : first + size] for first in range(0, len(queries), size)]
        answers: list[Answer] = []
        lock = threading.Lock()

        def ask(part: Sequence[TrackQuery]) -> Result:
            result = Result(ingest)

            def fetch() -> None:
                feed: TrackFeed = self._feeds.feed(ingest)
                for answer in feed.answers(part):
                    if answer.payload is not None:
                        harvest.add([answer.payload], track_keys=[answer.track_key])
                        result.record_count += 1
                    with lock:
                        answers.append(answer)

            return self._guarded(result, fetch)

        with ThreadPoolExecutor(self._workers, thread_name_prefix="fetch") as pool:
            results = list(pool.map(ask, parts))
        worst = max(results, key=lambda result: _SEVERITY.index(result.status), default=Result(ingest, is_whole=True))
        worst.record_count = sum(result.record_count for result in results)
        return worst, answers

    @property
    def now(self) -> datetime:
        """The run's time: what a service says counts from when it said it, not from the start of the run."""
        return self._began + timedelta(seconds=self._feeds.clock.monotonic() - self._began_ticks)

    def _account(
        self, ingest: Ingest, connected: Connected, window: Window, harvest: Harvest, limit: int | None
    ) -> Result:
        result = Result(ingest, connected)

        def fetch() -> None:
            feed: AccountFeed = self._feeds.feed(ingest)
            for batch in feed.batches(connected.account, window, limit):
                harvest.add(batch.records, user_id=connected.user_id)
                result.record_count += len(batch.records)
                result.gaps += batch.gaps
                if batch.covered_to is not None:
                    result.covered_to = max(batch.covered_to, result.covered_to or batch.covered_to)

        return self._guarded(result, fetch)

    def _guarded(self, result: Result, fetch: Any) -> Result:
        """Run one task; whatever it raises is told in its result. Errors may hold names: only their class is logged."""
        source = result.ingest.source
        if source in self._stops:
            result.retry_not_before, result.error = self._stops[source]
            return result
        try:
            fetch()
            result.is_whole = True
        except RateLimitError as error:
            result.error = error
            result.retry_not_before = self.now + timedelta(seconds=error.retry_after)
            if not isinstance(error, OwnLimitError):
                self._stops[source] = (result.retry_not_before, error)
        except ClientError as error:
            result.error = error
            result.is_closed = result.connected is None and isinstance(error, AuthorizationError)
        except Exception as error:  # a defect of ours must not cost the other accounts their night
            result.error = error
        if result.error is not None:
            told = {"error": type(result.error).__name__, "status": result.status}
            log.warning("not fetched whole", stream=result.ingest.name, source=source, **told)
        return result


_SEVERITY = ("ok", "closed", "failed", "waiting")


def redacted(ingest: Ingest) -> frozenset[str]:
    """The fields that the stream never stores, as its bronze build declares them."""
    build = importlib.import_module(f"transformations.{ingest.table}")
    declared: frozenset[str] = getattr(build, "REDACTED", frozenset())
    return declared


def without(value: Any, names: frozenset[str]) -> Any:
    """A JSON value less the keys of these names, at any depth."""
    if not names:
        return value
    if isinstance(value, dict):
        return {key: without(inner, names) for key, inner in value.items() if key not in names}
    return [without(inner, names) for inner in value] if isinstance(value, list) else value


def window_of(
    ingest: Ingest, watermark: datetime | None, start: datetime | None, end: datetime | None, now: datetime
) -> Window:
    """What to ask an account for: the explicit window, else from the watermark less the overlap to now."""
    until = min(end or now, now)
    if start is None and watermark is not None:
        start = min(watermark - timedelta(hours=ingest.overlap_hours), until)
    return Window(start, until)


def aware(moment: datetime | None) -> datetime | None:
    """A moment as Spark gives it (naive UTC), with its zone."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def deletes(ingest: Ingest) -> bool:
    """Whether what an account no longer has is deleted."""
    return ingest.keep is Keep.SNAPSHOT and ingest.fetch is Fetch.ACCOUNT
