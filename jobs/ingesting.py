"""Fetch every connected account, and what the services know of the tracks heard, into bronze.

One publish group a phase: the plays, how far each account was read and where plays may be missing are committed
together, so a crash loses nothing that the next run does not fetch again. An account that fails keeps its watermark
and stops no other; the run is then `partial`.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any

import structlog
from pyspark.sql import DataFrame, Observation, Window
from pyspark.sql import functions as F

from clients.feeds import Account
from jobs.accounts import Connection, connections
from jobs.fetching import Connected, Feeds, Fetcher, Harvest, Result, aware, deletes, window_of
from jobs.lookups import answered, queries
from jobs.plan import INGESTS, Fetch, Ingest, Keep
from jobs.runtime import ops
from jobs.runtime.errors import UsageError
from jobs.runtime.increments import difference
from jobs.runtime.lake import CHANGE, Lake
from jobs.runtime.ops import Outcome
from jobs.runtime.publish import Entry, Group, decide, publish, recover
from jobs.runtime.quality import VIOLATIONS
from jobs.runtime.settings import Settings
from jobs.runtime.spark import tune
from schemas.catalog import contract_of
from transformations.ids import hashed

STAGE = "ingest"
FEEDS = {"spotify": "spotify_api"}  # where a service has other feeds beside its API, as exports are
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
    fetched: Counter[str] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    troubles: list[Result] = field(default_factory=list)
    gap_count: int = 0


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
    unknown = set(asked.streams) - {name for i in INGESTS for name in (i.name, i.table)}
    if unknown:
        known = ", ".join(dict.fromkeys(i.name for i in INGESTS))
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
    outcome = report.outcome
    if any(not result.is_closed for result in report.troubles):
        outcome.status = "partial"
    outcome.messages += sorted({_told(result) for result in report.troubles})
    outcome.tables = [table for table in dict.fromkeys(i.table for i in INGESTS) if report.stored[table]]
    outcome.rows_written = report.stored.total()
    outcome.quarantined = report.quarantined.total()
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
        self._refused: list[DataFrame] = []
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
            for connection in found:
                if connection.source != ingest_.source:
                    continue
                connected = _connected(connection)
                state = self._state(ingest_, connected)
                if self._must_wait(state) and self.asked.moves_watermarks:
                    waiting.append((ingest_, connected))
                    continue
                window = window_of(
                    ingest_, aware(state.get("watermark_at")), self.asked.start, self.asked.end, self.now
                )
                wanted.append((ingest_, connected, window))
        for ingest_, _ in waiting:
            self.report.outcome.messages.append(f"{ingest_.name}: the service asked to be left alone until later")
            self.report.outcome.status = "partial"
        if not wanted:
            return
        progress(f"{len(wanted)} account streams")
        group_id = f"{self.run_id}-{STAGE}-accounts"
        harvests = {i: Harvest(self.lake, self._path(group_id, i, "spool"), i) for i in {i for i, _, _ in wanted}}
        results = self.fetcher.accounts(wanted, harvests, self.asked.limit)
        whole: dict[Ingest, list[str]] = {}
        for result in results:
            if result.is_whole and result.connected is not None and deletes(result.ingest) and not self.asked.limit:
                whole.setdefault(result.ingest, []).append(result.connected.user_id)
        entries = []
        for ingest_, harvest in harvests.items():
            progress(ingest_.table)
            entries += self._staged(group_id, ingest_, harvest, whole.get(ingest_, []))
        entries += self._gaps(group_id, results)
        entries += self._states_after(group_id, results)
        self._publish(group_id, entries)

    def service(self, ingest_: Ingest) -> None:
        """A stream that belongs to no account."""
        if self._must_wait(self._state(ingest_, None)):
            return
        group_id = f"{self.run_id}-{STAGE}-{ingest_.name}"
        harvest = Harvest(self.lake, self._path(group_id, ingest_, "spool"), ingest_)
        result = self.fetcher.service(ingest_, harvest)
        entries = self._staged(group_id, ingest_, harvest, []) + self._states_after(group_id, [result])
        self._publish(group_id, entries)

    def tracks(self, ingest_: Ingest) -> None:
        """What a source knows of the tracks heard that it was not asked about yet."""
        if self._must_wait(self._state(ingest_, None)):
            return
        asked = queries(self.lake, ingest_, self.settings.ingest.tracks_per_run, self.as_of_date, self.now)
        if not asked:
            return
        group_id = f"{self.run_id}-{STAGE}-{ingest_.name}-{ingest_.source}"
        harvest = Harvest(self.lake, self._path(group_id, ingest_, "spool"), ingest_)
        result, answers = self.fetcher.tracks(ingest_, asked, harvest)
        entries = self._staged(group_id, ingest_, harvest, [])
        lifetime = timedelta(days=self.settings.ingest.unknown_days)
        rows = answered(ingest_, answers, self.now, self.now + lifetime)
        entries += self._merged(group_id, "ops.lookups", rows)
        entries += self._states_after(group_id, [result])
        self._publish(group_id, entries)

    # --- staging

    def _staged(self, group_id: str, ingest_: Ingest, harvest: Harvest, whole_users: Sequence[str]) -> list[Entry]:
        """What the records of a stream change in its table, and what of them broke a rule."""
        self.report.fetched[ingest_.table] += harvest.count
        records = harvest.rows()
        if records is None and not whole_users:
            return []
        tune(self.lake.spark, self.lake.bytes_of(ingest_.table))
        build = importlib.import_module(f"transformations.{ingest_.table}").build
        if records is None:
            records = self.lake.spark.createDataFrame([], "payload string, user_id string, track_key string, _row long")
        feed = FEEDS.get(ingest_.source, ingest_.source) if ingest_.fetch is Fetch.ACCOUNT else ingest_.source
        built = build(records=records, feed=feed, now=self.now.replace(tzinfo=None))
        path = self._path(group_id, ingest_, "events")
        counted = Observation("events")
        is_bad = F.size(VIOLATIONS) > 0
        built.select("*", F.lit(self.run_id).alias("_run_id"), F.lit(self.now).alias("_ingested_at")).observe(
            counted, F.count_if(is_bad).alias("bad"), F.min("event_at").alias("first"), F.max("event_at").alias("last")
        ).write.parquet(path, compression="lz4")
        measured = counted.get
        events = self.lake.spark.read.parquet(path)
        if measured["bad"]:
            self.report.quarantined[ingest_.table] += measured["bad"]
            self._refused.append(self._quarantined(ingest_, events.where(is_bad)))
        by_order = F.col("_row") if ingest_.keep is Keep.FIRST else F.col("_row").desc()
        place = F.row_number().over(Window.partitionBy("event_id").orderBy(by_order))
        once = events.where(~is_bad).withColumn("_place", place).where("_place = 1")
        return self._changes(group_id, ingest_, once, whole_users, measured)

    def _changes(
        self, group_id: str, ingest_: Ingest, once: DataFrame, whole_users: Sequence[str], measured: dict[str, Any]
    ) -> list[Entry]:
        contract = contract_of(ingest_.table)
        judged = once.select(*contract.names, VIOLATIONS)
        stored = self.lake.read(ingest_.table)
        same = stored
        if measured["first"] is not None and ingest_.keep is not Keep.SNAPSHOT:
            same = stored.where(F.col("event_at").between(F.lit(measured["first"]), F.lit(measured["last"])))
        same = same.join(F.broadcast(once.select("event_id")), "event_id", "left_semi")
        if whole_users:
            theirs = stored.where(F.col("user_id").isin(*whole_users))
            others = same.where(~F.col("user_id").isin(*whole_users))
            same = theirs.unionByName(others)
        changes = difference(judged, same, ingest_.table)
        kinds = ("insert",) if ingest_.keep is Keep.FIRST else ("insert", "update", "delete")
        path = self._path(group_id, ingest_, "changes")
        counted = Observation("changes")
        kept = changes.where(F.col(CHANGE).isin(*kinds)).coalesce(1)
        kept.observe(counted, F.count("*").alias("rows")).write.parquet(path, compression="lz4")
        rows = counted.get["rows"]
        self.report.stored[ingest_.table] += rows
        if not rows:
            return []
        only_new = ingest_.keep is Keep.FIRST or not self.lake.exists(ingest_.table)
        return [Entry(ingest_.table, path, "append" if only_new else "merge")]

    def _quarantined(self, ingest_: Ingest, bad: DataFrame) -> DataFrame:
        """Records that broke a rule, whole, less what the stream redacts."""
        nothing = F.lit(None)
        user_id = F.col("user_id") if "user_id" in bad.columns else nothing.cast("string")
        return bad.select(
            hashed(F.lit(ingest_.table), F.lit(ingest_.source), user_id, F.col("payload")).alias("record_id"),
            F.col("_run_id").alias("run_id"),
            F.lit(ingest_.table).alias("table"),
            F.lit(ingest_.source).alias("source"),
            F.col(VIOLATIONS).alias("rules"),
            "payload",
            nothing.cast("string").alias("place"),
            nothing.cast("bigint").alias("record_length"),
            nothing.cast("string").alias("record_sha256"),
            user_id.alias("user_id"),
            F.col("_ingested_at").alias("quarantined_at"),
        )

    def _gaps(self, group_id: str, results: Sequence[Result]) -> list[Entry]:
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
        return self._merged(group_id, "ops.gaps", rows)

    def _states_after(self, group_id: str, results: Sequence[Result]) -> list[Entry]:
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
        return self._merged(group_id, "ops.source_states", rows)

    def _merged(self, group_id: str, table: str, rows: Sequence[dict[str, Any]]) -> list[Entry]:
        """A few rows of an ops table, replacing those of the same key."""
        if not rows:
            return []
        contract = contract_of(table)
        by_key = {tuple(row[name] for name in contract.key): row for row in rows}
        built = ops.frame(self.lake, table, list(by_key.values()))
        path = self.lake.staging(group_id, table)
        if not self.lake.exists(table):
            built.coalesce(1).write.mode("overwrite").parquet(path)
            return [Entry(table, path, "append")]
        judged = built.withColumn(VIOLATIONS, F.array().cast("array<string>"))
        same = self.lake.read(table).join(F.broadcast(built.select(*contract.key)), list(contract.key), "left_semi")
        difference(judged, same, table).coalesce(1).write.mode("overwrite").parquet(path)
        return [Entry(table, path, "merge")]

    # --- inside

    def _publish(self, group_id: str, entries: list[Entry]) -> None:
        """Commit a phase; what its streams refused goes to quarantine with it."""
        if self._refused:
            path = self.lake.staging(group_id, "refused")
            rows = reduce(DataFrame.unionByName, self._refused).dropDuplicates(["record_id"])
            rows.coalesce(1).write.parquet(path)
            entries = [*entries, Entry("ops.quarantine", path, "append", once_by="record_id")]
            self._refused = []
        if not entries:
            self.lake.files.delete(self.lake.staging(group_id))
            return
        group = Group(group_id, self.as_of_date.isoformat(), tuple(entries))
        decide(self.lake, group)
        publish(self.lake, group)

    def _state(self, ingest_: Ingest, connected: Connected | None) -> dict[str, Any]:
        return self.states.get(_key(ingest_, connected), {})

    def _must_wait(self, state: dict[str, Any]) -> bool:
        until = aware(state.get("retry_not_before"))
        return until is not None and until > self.now

    def _path(self, group_id: str, ingest_: Ingest, part: str) -> str:
        return self.lake.staging(group_id, f"{ingest_.name}-{ingest_.source}-{part}")


def _key(ingest_: Ingest, connected: Connected | None) -> tuple[str, str, str]:
    return ingest_.source, ingest_.name, connected.connection_id if connected else ""


def _connected(connection: Connection) -> Connected:
    account = Account(connection.user_name, connection.source_user, connection.credential)
    return Connected(connection.connection_id, connection.user_id, account)
