"""Fetch every connected account, and what the services know of the tracks heard, into bronze.

One publish group a phase: the plays, how far each account was read and where plays may be missing are committed
together, so a crash loses nothing that the next run does not fetch again. An account that fails keeps its watermark
and stops no other; the run is then `partial`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import structlog

from clients.errors import OwnLimitError, RateLimitError
from jobs.accounts import Connection, connections
from jobs.arrivals import Arrivals, Counts
from jobs.fetching import Connected, Feeds, Fetcher, Result, aware, deletes, window_of
from jobs.lookups import answered, queries
from jobs.plan import INGESTS, LYRIC_SCORES, Fetch, Ingest
from jobs.runtime import ops
from jobs.runtime.errors import UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.ops import Outcome
from jobs.runtime.publish import recover
from jobs.runtime.settings import Settings
from jobs.scoring import Scorer, scored, scorer, unscored, without_text

STAGE = "ingest"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WAITING = "not asked, a pause lasts"
Progress = Callable[[str], None]

log = structlog.get_logger()


@dataclass(frozen=True)
class Asked:
    """What of the plan is fetched. `streams` and `users` empty mean all; an explicit window moves no watermark.

    `limit` is a quick look at the newest so many records of an account: it moves no watermark either.
    """

    streams: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    limit: int | None = None

    @property
    def moves_watermarks(self) -> bool:
        return self.start is None and self.end is None and self.limit is None

    def wants(self, ingest: Ingest) -> bool:
        return not self.streams or ingest.name in self.streams or ingest.table in self.streams


@dataclass
class Report:
    """What an ingest did: per stream the records it fetched and stored, and the results that a person must see."""

    outcome: Outcome
    counts: Counts = field(default_factory=Counts)
    troubles: list[Result] = field(default_factory=list)
    waiting: list[Ingest] = field(default_factory=list)
    gap_count: int = 0

    @property
    def is_partial(self) -> bool:
        """Whether something that could be had on another day was not fetched."""
        return bool(self.waiting) or any(not result.is_closed for result in self.troubles)


State = dict[tuple[str, str, str], dict[str, Any]]


def ingest(
    lake: Lake,
    settings: Settings,
    feeds: Feeds,
    run_id: str,
    as_of_date: date,
    asked: Asked | None = None,
    progress: Progress = lambda _: None,
    *,
    now: datetime | None = None,
    is_configured: Callable[[str], bool] = lambda _: True,
) -> Report:
    """Fetch what is asked for. Raises UsageError for an unknown stream or listener; never for a service."""
    asked = asked or Asked()
    now = now or datetime.now(UTC)
    streams = (*INGESTS, LYRIC_SCORES)
    unknown = set(asked.streams) - {name for i in streams for name in (i.name, i.table)}
    if unknown:
        known = ", ".join(dict.fromkeys(i.name for i in streams))
        raise UsageError(f"no stream {', '.join(sorted(unknown))}; known: {known}")
    recover(lake)
    report = Report(Outcome(STAGE))
    job = _Job(lake, settings, Fetcher(feeds, settings.ingest.workers, now), run_id, as_of_date, asked, report, now)
    job.accounts(progress)
    for ingest_ in _of(Fetch.SERVICE, asked):
        if is_configured(ingest_.source):
            progress(ingest_.table)
            job.service(ingest_)
    for ingest_ in _of(Fetch.TRACK, asked):
        if is_configured(ingest_.source):
            progress(f"{ingest_.table} from {ingest_.source}")
            job.tracks(ingest_)
    if asked.wants(LYRIC_SCORES):
        chosen = scorer(settings.model.lyric_scorer, lambda: feeds.ai, has_service=is_configured(LYRIC_SCORES.source))
        progress(f"{LYRIC_SCORES.table} from {chosen.source}")
        job.scores(chosen)
    outcome = report.outcome
    if report.is_partial:
        outcome.status = "partial"
    outcome.messages += sorted({f"{i.name} from {i.source}: {WAITING}" for i in report.waiting})
    outcome.messages += sorted({_told(result) for result in report.troubles})
    outcome.tables = [table for table in dict.fromkeys(i.table for i in streams) if report.counts.stored[table]]
    outcome.rows_written = report.counts.stored.total()
    outcome.quarantined = report.counts.quarantined.total()
    if outcome.tables or outcome.messages:
        ops.record_stage(lake, run_id, as_of_date, outcome, {})
    return report


def _of(fetch: Fetch, asked: Asked) -> list[Ingest]:
    return [ingest for ingest in INGESTS if ingest.fetch is fetch and asked.wants(ingest)]


def _told(result: Result) -> str:
    """A trouble in words without names: the class of the error says what it was."""
    return f"{result.ingest.name} from {result.ingest.source}: {result.status}, {type(result.error).__name__}"


class _Job:
    """One ingest: its phases share the lake, the states and the report."""

    def __init__(
        self,
        lake: Lake,
        settings: Settings,
        fetcher: Fetcher,
        run_id: str,
        as_of_date: date,
        asked: Asked,
        report: Report,
        now: datetime,
    ) -> None:
        self.lake = lake
        self.settings = settings
        self.fetcher = fetcher
        self.run_id = run_id
        self.as_of_date = as_of_date
        self.asked = asked
        self.report = report
        self.now = now
        self.states: State = {
            (row["source"], row["stream"], row["connection_id"]): row.asDict()
            for row in lake.read("ops.source_states").collect()
        }

    # --- phases

    def accounts(self, progress: Progress) -> None:
        """All accounts of all streams at once, in one publish group."""
        found = connections(self.lake)
        if self.asked.users:
            missing = set(self.asked.users) - {connection.user_name for connection in found}
            if missing:
                raise UsageError("no connected account of that listener: `accounts list` shows who is connected")
            found = [connection for connection in found if connection.user_name in self.asked.users]
        wanted, waiting = [], []
        for ingest_ in _of(Fetch.ACCOUNT, self.asked):
            for connection in _asked_of(ingest_, found):
                connected = Connected(connection.connection_id, connection.user_id, connection.account)
                state = self._state(ingest_, connected)
                if self._must_wait(ingest_, connected):
                    waiting.append((ingest_, connected))
                    continue
                window = window_of(
                    ingest_, aware(state.get("watermark_at")), self.asked.start, self.asked.end, self.now
                )
                wanted.append((ingest_, connected, window))
        self.report.waiting += [ingest_ for ingest_, _ in waiting]
        if not wanted:
            return
        # Who waited longest comes first: a source that stops in the middle must not always stop before the same.
        wanted.sort(key=lambda one: aware(self._state(one[0], one[1]).get("last_success_at")) or EPOCH)
        progress(f"{len(wanted)} account streams")
        arrivals = self._arrivals("accounts")
        harvests = {ingest_: arrivals.harvest(ingest_) for ingest_ in dict.fromkeys(i for i, _, _ in wanted)}
        results = self.fetcher.accounts(wanted, harvests, self.asked.limit)
        for ingest_, harvest in harvests.items():
            progress(ingest_.table)
            late = {connected.user_id for waiting_, connected in waiting if waiting_ == ingest_}
            whole = _whole_users([result for result in results if result.ingest == ingest_]) - late
            arrivals.add_stream(harvest, sorted(whole) if deletes(ingest_) and not self.asked.limit else ())
        if self.asked.moves_watermarks:  # how far back an explicit window lies says nothing of what was lost
            arrivals.add_rows("ops.gaps", self._gaps(results))
        arrivals.add_rows("ops.source_states", self._states_after(results))
        arrivals.publish(self.as_of_date)

    def service(self, ingest_: Ingest) -> None:
        """A stream that belongs to no account."""
        if self._must_wait(ingest_):
            self.report.waiting.append(ingest_)
            return
        arrivals = self._arrivals(ingest_.name)
        harvest = arrivals.harvest(ingest_)
        result = self.fetcher.service(ingest_, harvest)
        arrivals.add_stream(harvest)
        arrivals.add_rows("ops.source_states", self._states_after([result]))
        arrivals.publish(self.as_of_date)

    def tracks(self, ingest_: Ingest) -> None:
        """What a source knows of the tracks heard that it was not asked about yet."""
        if self._must_wait(ingest_):
            self.report.waiting.append(ingest_)
            return
        own = self.settings.ingest
        most = own.one_by_one_per_run if ingest_.is_one_by_one else own.tracks_per_run
        asked = queries(self.lake, ingest_, most, self.as_of_date, self.now)
        if not asked:
            return
        arrivals = self._arrivals(f"{ingest_.name}-{ingest_.source}")
        harvest = arrivals.harvest(ingest_)
        result, answers = self.fetcher.tracks(ingest_, asked, harvest)
        arrivals.add_stream(harvest)
        lifetime = timedelta(days=self.settings.ingest.unknown_days)
        arrivals.add_rows("ops.lookups", answered(ingest_, answers, self.now, self.now + lifetime))
        arrivals.add_rows("ops.source_states", self._states_after([result]))
        arrivals.publish(self.as_of_date)

    def scores(self, scorer: Scorer) -> None:
        """The moods of lyrics that have no score by this scorer yet; after that, texts past their time are dropped."""
        own = self.settings.ingest
        ingest_ = replace(LYRIC_SCORES, source=scorer.source)
        is_service = ingest_ == LYRIC_SCORES
        arrivals = self._arrivals(ingest_.name)
        if self._must_wait(ingest_):
            self.report.waiting.append(ingest_)
        else:
            most = own.one_by_one_per_run if is_service else own.tracks_per_run
            wanted = unscored(self.lake, scorer, most, self.run_id)
            rows, error = scored(wanted, scorer, own.workers if is_service else 1, self.run_id, self.now)
            self.report.counts.fetched[ingest_.table] += len(rows)
            self.report.counts.stored[ingest_.table] += len(rows)
            result = Result(ingest_, record_count=len(rows), is_whole=error is None, error=error)
            if isinstance(error, RateLimitError):
                result.retry_not_before = self.fetcher.now + timedelta(seconds=error.retry_after)
            arrivals.add_rows(ingest_.table, rows)
            if wanted:
                arrivals.add_rows("ops.source_states", self._states_after([result]))
        arrivals.add_rows(
            "bronze.lyrics", without_text(self.lake, self.now - timedelta(days=own.lyrics_days), own.tracks_per_run)
        )
        arrivals.publish(self.as_of_date)

    # --- what goes with the records

    def _arrivals(self, name: str) -> Arrivals:
        return Arrivals(self.lake, f"{self.run_id}-{STAGE}-{name}", self.run_id, self.now, self.report.counts)

    def _gaps(self, results: Sequence[Result]) -> list[dict[str, Any]]:
        rows = [
            {
                "gap_id": "|".join((result.connected.connection_id, result.ingest.name, gap.start.isoformat())),
                "user_id": result.connected.user_id,
                "source": result.ingest.source,
                "stream": result.ingest.name,
                "start_at": gap.start,
                "end_at": gap.end,
                "certainty": gap.certainty,
                "reason": gap.reason,
                "run_id": self.run_id,
                "noted_at": self.now,
            }
            for result in results
            if result.connected is not None
            for gap in result.gaps
        ]
        self.report.gap_count += len(rows)
        return rows

    def _states_after(self, results: Sequence[Result]) -> list[dict[str, Any]]:
        """How far each account was read and how it went; states that say the same stay as they are."""
        self.report.troubles += [result for result in results if result.error is not None]
        rows = []
        for result in results:
            before = self._state(result.ingest, result.connected)
            watermark = aware(before.get("watermark_at"))
            if self.asked.moves_watermarks and result.covered_to is not None:
                watermark = max(result.covered_to, watermark or result.covered_to)
            is_ok = result.error is None
            row = {
                "source": result.ingest.source,
                "stream": result.ingest.name,
                "connection_id": result.connected.connection_id if result.connected else "",
                "user_id": result.connected.user_id if result.connected else None,
                "status": result.status,
                "watermark_at": watermark,
                "retry_not_before": result.retry_not_before,
                "last_success_at": self.now if is_ok else aware(before.get("last_success_at")),
                "message": None if is_ok else type(result.error).__name__,
                "updated_at": self.now,
            }
            self.states[_key(result.ingest, result.connected)] = row
            rows.append(row)
        return rows

    # --- inside

    def _state(self, ingest_: Ingest, connected: Connected | None) -> dict[str, Any]:
        return self.states.get(_key(ingest_, connected), {})

    def _must_wait(self, ingest_: Ingest, connected: Connected | None = None) -> bool:
        """Whether our own limit holds this account back, or the service asked to be left alone, by whomever."""
        own = self._state(ingest_, connected)
        told = [
            state
            for (source, _, _), state in self.states.items()
            if source == ingest_.source and state["message"] != OwnLimitError.__name__
        ]
        until = [aware(state.get("retry_not_before")) for state in (own, *told)]
        return any(moment is not None and moment > self.now for moment in until)


def _key(ingest_: Ingest, connected: Connected | None) -> tuple[str, str, str]:
    return ingest_.source, ingest_.name, connected.connection_id if connected else ""


def _whole_users(results: Sequence[Result]) -> set[str]:
    """The listeners all of whose accounts came whole: only of them what did not come is gone."""
    is_whole: dict[str, bool] = {}
    for result in results:
        if result.connected is not None:
            user_id = result.connected.user_id
            is_whole[user_id] = is_whole.get(user_id, True) and result.is_whole
    return {user_id for user_id, whole in is_whole.items() if whole}


def _asked_of(ingest_: Ingest, found: Sequence[Connection]) -> list[Connection]:
    """The accounts that a stream is fetched from; the first of each listener where one list is all there is."""
    theirs = [connection for connection in found if connection.source == ingest_.source]
    if not ingest_.is_one_list:
        return theirs
    return list({connection.user_id: connection for connection in reversed(theirs)}.values())[::-1]
