"""A publish group in the making: its tables built, conformed to their contracts, staged, audited, published.

Row rules split quarantine from good rows in the query that builds them; set metrics of all the group's tables are
judged at once, and only then is the first table committed.
"""

from __future__ import annotations

import importlib
import inspect
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial, reduce
from types import ModuleType
from typing import Any

import structlog
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, TimestampType

from jobs.plan import Scope, Step, Write, stored_inputs, view
from jobs.runtime import ops
from jobs.runtime.errors import AuditError, ContractError
from jobs.runtime.frames import local_frame
from jobs.runtime.increments import (
    Assessment,
    Snapshot,
    StagedTable,
    Touched,
    assess,
    difference,
    gathered,
    in_tails,
    linked_keys,
    narrowed,
    reached,
    refit_reason,
    settled,
    stand_and_stood,
    touched_keys,
    touched_tails,
    touches_days,
)
from jobs.runtime.lake import CHANGE, Lake
from jobs.runtime.models import Models
from jobs.runtime.publish import Entry, Group, carried_over, decide, publish
from jobs.runtime.quality import VIOLATIONS, judge, measure, warm_up, with_violations
from jobs.runtime.settings import Settings
from jobs.runtime.spark import LITTLE_BYTES, tune
from schemas.catalog import contract_of
from schemas.contract import Contract

# Shuffle partitions of a full build: one per so many bytes that it reads, at least the small-table setting.
SHUFFLE_BYTES = 48_000_000
LARGE_BYTES = 200_000_000  # of a group's inputs, from which a full build is given the machine alone
SIDE_BY_SIDE = 3
MOST_LISTENERS = 0.5  # share of listeners from which narrowing a table made per listener saves nothing
MIN_LISTENS_FOR_SHARE = 10_000  # below, a full build is as quick and the share says little

log = structlog.get_logger()
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """One run: its id, its fixed date, whether everything is rebuilt, and the event days that are rebuilt.

    `window` is half-open in UTC days; plays that start in it are built anew from bronze even if nothing is new there.
    """

    run_id: str
    as_of_date: date
    full: bool = False
    window: tuple[date, date] | None = None


class GroupBuilder:
    """Builds, audits and publishes the tables of one publish group."""

    def __init__(
        self,
        lake: Lake,
        settings: Settings,
        run: Run,
        group_id: str,
        bookmarks: dict[tuple[str, str], int],
        progress: Progress,
    ) -> None:
        self.lake = lake
        self.settings = settings
        self.run = run
        self.group_id = group_id
        self.snapshot = Snapshot(lake, bookmarks)
        self.progress = progress
        self.models = Models(settings.model)
        self.entries: list[Entry] = []
        self.assessments: list[Assessment] = []
        self.refused: list[DataFrame] = []
        self.rows_written = 0
        self.quarantined = 0
        self.full_builds: list[str] = []
        self._unmoved: set[str] = set()  # empty tables that are replaced by nothing: Delta makes no commit of that
        self._listener_count: int | None = None
        self._kept: dict[str, DataFrame] = {}  # what a fold keeps cached until its table is staged
        self._fitted: dict[str, Any] = {}  # models that tables hold, by table
        self._lock = threading.Lock()

    # --- building

    def build(self, steps: tuple[Step, ...]) -> None:
        """Build and stage the group's tables, those that do not need each other side by side.

        Planning a small query keeps one core busy; a large full build takes all of them and its memory alone.
        """
        in_order = [step.table for step in steps]
        steps = tuple(made for step in steps if (made := self._of_size(step)) is not None)
        input_bytes = sum(self.lake.bytes_of(table) for table in {t for step in steps for t in stored_inputs(step)})
        tune(self.lake.spark, input_bytes)
        is_large = self.run.full and input_bytes > LARGE_BYTES
        partitions = self.lake.spark.conf.get("spark.sql.shuffle.partitions")
        started: dict[str, Future[None]] = {}
        try:
            with ThreadPoolExecutor(1 if is_large else SIDE_BY_SIDE) as pool:
                for step in steps:
                    needs = [started[table] for table in (*stored_inputs(step), step.via) if table in started]
                    started[step.table] = pool.submit(self._build_after, needs, step)
            for future in started.values():
                future.result()
        finally:
            self.lake.spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
        self.entries.sort(key=lambda entry: in_order.index(entry.table))

    def _build_after(self, needs: list[Future[None]], step: Step) -> None:
        for need in needs:
            need.result()
        self._build(step)

    def _build(self, step: Step) -> None:
        """Build and stage one table, or nothing where none of its inputs changed."""
        models = {name: model.version for name, model in self.models.of(step.models).items()}
        models |= {name: f"{value:g}" for name, value in self._settings_of(step).items()}
        models |= {name: model.version if model else "nothing" for name, model in self._fitted_of(step).items()}
        if step.beyond:
            models |= {"build": step.build}
        assessment = assess(step, self.snapshot, self.run.as_of_date, full=self.run.full, models=models)
        self.assessments.append(assessment)
        is_in_window = self.run.window is not None and touches_days(step)
        if not assessment.is_needed and not is_in_window:
            return
        if not self.entries:
            warm_up()
        began = time.monotonic()
        self.progress(step.table)
        if step.scope is Scope.PINNED:
            self._build_pinned(step, assessment)
        elif assessment.full_reason is not None:
            self._stage_whole(step, assessment, assessment.full_reason)
        else:
            {
                Scope.WHOLE: self._build_whole,
                Scope.KEYS: self._build_keys,
                Scope.FOLD: self._build_fold,
                Scope.TAILS: self._build_tails,
                Scope.LISTS: self._build_lists,
            }[Scope.WHOLE if assessment.moves_every_row else step.scope](step, assessment)
        if step.table in self._kept:
            self._kept.pop(step.table).unpersist()
        log.info("built", table=step.table, seconds=round(time.monotonic() - began, 1))

    def _build_whole(self, step: Step, assessment: Assessment) -> None:
        built = self._transformed(step, self._inputs(step))
        current = self.lake.read(step.table)
        if step.write is Write.REPLACE_WINDOW:
            current = current.where(self._window(step))
        self._stage_difference(step, assessment, built, current)

    def _build_keys(self, step: Step, assessment: Assessment) -> None:
        touched = touched_keys(assessment, self.snapshot, self.run.window)
        if touched.count == 0 and not assessment.as_of_moved:
            return
        if self._is_most_listeners(step, touched):
            touched.keys.unpersist()
            self._stage_whole(step, assessment, f"{touched.count} listeners are touched")
            return
        inputs = {name: narrowed(rows, touched, step.scope_columns) for name, rows in self._inputs(step).items()}
        built = self._transformed(step, inputs)
        if assessment.as_of_moved:
            self._stage_moved(step, assessment, built, touched)
        else:
            current = narrowed(self.lake.read(step.table), touched, step.scope_columns)
            self._stage_difference(step, assessment, built, current)
        touched.keys.unpersist()

    def _build_pinned(self, step: Step, assessment: Assessment) -> None:
        """All of it where there is none, it was fitted otherwise, or is outgrown; a rebuild, `--full` too, keeps it."""
        previous = self.lake.read(step.table)
        reason = refit_reason(assessment, self.lake)
        if reason is None:
            given = {**self._inputs(step), **self._settings_of(step), "previous": previous}
            found = _called(_module_of(step.table).outgrown, given).first()
            reason = found["reason"] if found else None
        if reason is not None:
            self._stage_whole(step, assessment, reason)

    def _build_lists(self, step: Step, assessment: Assessment) -> None:
        touched = touched_keys(assessment, self.snapshot, None)
        if touched.count == 0:
            return
        if self._is_most_listeners(step, touched):
            touched.keys.unpersist()
            self._stage_whole(step, assessment, f"{touched.count} listeners are touched")
            return
        self._raise_shuffle_partitions(self._bytes_read(step))
        previous = self.lake.read(step.table)
        given = {**self._inputs(step), "touched": touched.keys, "previous": previous}
        nearest = _called(_module_of(step.table).nearest, given).persist()
        matches = touched.keys.withColumnRenamed("user_id", "match_user_id")
        losers = previous.join(F.broadcast(matches), "match_user_id", "left_semi").select("user_id")
        affected = nearest.select("user_id").unionByName(losers).unionByName(touched.keys.select("user_id"))
        lists = gathered(self.lake, affected.distinct())
        built = self._transformed(step, {**given, "nearest": nearest})
        self._stage_difference(step, assessment, built, narrowed(previous, lists, step.scope_columns))
        for rows in (nearest, lists.keys, touched.keys):
            rows.unpersist()

    def _build_fold(self, step: Step, assessment: Assessment) -> None:
        """New plays and what stands for their keys. What an updated play said before is not folded in again.

        What new plays say, and the evidence, are used several times and of few keys: they are worked out once.
        """
        streams = set(view_inputs(step))
        nothing = {table: self.lake.read(table).limit(0) for table in streams}
        fresh, former = dict(nothing), dict(nothing)
        updated = streams.intersection(assessment.updated)
        for table in streams & assessment.changes.keys():
            if table in updated:
                fresh[table], former[table] = stand_and_stood(assessment.changes[table], table)
            else:
                fresh[table] = assessment.changes[table].select(*contract_of(table).names)
        inputs = self._inputs(step, fresh)
        if updated:
            identity = ["event_id", *step.scope_columns]
            was, now = self._inputs(step, former)["plays"].select(*identity), inputs["plays"].select(*identity)
            if not was.join(now, identity, "left_anti").isEmpty():
                self._stage_whole(step, assessment, "records that were updated have other track keys than before")
                return
        module, stood = _module_of(step.table), self.lake.read(step.table)
        inputs["said"] = settled(self.lake, _called(module.said, inputs))
        news = _called(module.evidence, {**inputs, "previous": self._nothing(step)})
        links = settled(self.lake, news.select(*step.scope_columns, *step.linked_by))
        changes = {table: assessment.changes[table] for table in set(assessment.changes) - streams}
        keys = linked_keys(self.lake, step, stood, links, reached(step, stood, changes, inputs))
        log.info("decided anew", table=step.table, keys=keys.count)
        previous = narrowed(stood, keys, step.scope_columns)
        evidence = settled(self.lake, _called(module.evidence, {**inputs, "previous": previous}))
        built = self._transformed(step, {**inputs, "evidence": evidence})
        self._stage_difference(step, assessment, built, previous)
        for rows in (inputs["said"], links, evidence, keys.keys):
            rows.unpersist()

    def _build_tails(self, step: Step, assessment: Assessment) -> None:
        tails = touched_tails(assessment, self.snapshot, self.run.window, view_inputs(step))
        if tails.count == 0:
            return
        current = in_tails(self.lake.read(step.table), tails, "played_at")
        # A tail is at most a listener's history: only where many listeners are touched is counting worth it.
        if self._is_most_listeners(step, tails):
            total = self.lake.read(step.table).count()
            share = current.count() / total if total else 0.0
            if total > MIN_LISTENS_FOR_SHARE and share > self.settings.run.full_above_share:
                tails.keys.unpersist()
                self._stage_whole(step, assessment, f"{share:.0%} of listens are touched")
                return
        events = {table: in_tails(self.lake.read(table), tails, "event_at") for table in view_inputs(step)}
        built = self._transformed(step, self._inputs(step, events))
        self._stage_difference(step, assessment, built, current)
        tails.keys.unpersist()

    def _is_most_listeners(self, step: Step, touched: Touched) -> bool:
        if step.scope is Scope.KEYS and step.scope_columns != ("user_id",):
            return False
        limit = self.settings.run.full_above_share if step.scope is Scope.TAILS else MOST_LISTENERS
        return touched.count > max(limit, self.settings.run.full_above_share) * self._listeners()

    def _listeners(self) -> int:
        with self._lock:
            if self._listener_count is None:
                self._listener_count = self.lake.read("silver.users").count()
            return self._listener_count

    def _of_size(self, step: Step) -> Step | None:
        """The step that makes the table at the lake's size; of one for many listeners None where there are few, and
        what it made of more is dropped."""
        if not step.exact_up_to:
            return step
        if self.lake.has_more_rows("silver.users", int(self._setting(step.exact_up_to))):
            return step.of_many or replace(step, build=step.beyond or step.build)
        if step.for_many and self.lake.exists(step.table) and not self.lake.read(step.table).isEmpty():
            nothing = assess(step, self.snapshot, self.run.as_of_date, full=True)
            self._stage_rewrite(step, nothing, self._nothing(step))
        return None if step.for_many else step

    def _inputs(self, step: Step, instead: dict[str, DataFrame] | None = None) -> dict[str, DataFrame]:
        """The step's inputs by short name, views composed; `instead` gives other rows for some stored tables."""
        given = instead or {}

        def rows(table: str) -> DataFrame:
            return given[table] if table in given else self.snapshot.rows(table)

        inputs: dict[str, DataFrame] = {}
        for table in step.reads:
            opened = view(table)
            if opened is None:
                inputs[_short(table)] = rows(table)
            else:
                inputs[_short(table)] = _build_of(table)(**{_short(name): rows(name) for name in opened.reads})
        return inputs

    def _transformed(self, step: Step, inputs: dict[str, DataFrame]) -> DataFrame:
        if step.scope is Scope.FOLD and "evidence" not in inputs:
            module = _module_of(step.table)
            inputs |= {"said": _called(module.said, inputs), "previous": self._nothing(step)}
            evidence = _called(module.evidence, inputs)
            is_little = sum(self.lake.bytes_of(table) for table in stored_inputs(step)) <= LITTLE_BYTES
            self._kept[step.table] = settled(self.lake, evidence) if is_little else evidence.persist()
            inputs["evidence"] = self._kept[step.table]
        arguments: dict[str, Any] = {**inputs, **self.models.of(step.models), **self._settings_of(step)}
        arguments |= self._fitted_of(step)
        if step.takes_as_of_date:
            arguments["as_of_date"] = self.run.as_of_date
        if step.scope is Scope.LISTS and "nearest" not in inputs:
            arguments |= {"touched": None, "previous": None}
            arguments["nearest"] = _called(_module_of(step.table).nearest, arguments)
        return conformed(self._built(step, arguments), contract_of(step.table))

    def _built(self, step: Step, arguments: dict[str, Any]) -> DataFrame:
        module, _, name = step.build.rpartition(":")
        if not module:
            return _called(getattr(_module_of(step.table), name), arguments)
        job = getattr(importlib.import_module(f"jobs.{module}"), name)
        found: DataFrame = job(self.lake.spark, partial(self._keep, step.table), **arguments)
        return found

    def _keep(self, table: str, rows: DataFrame) -> DataFrame:
        self._kept[table] = rows.persist()
        return rows

    def _nothing(self, step: Step) -> DataFrame:
        return local_frame(self.lake.spark, [], contract_of(step.table).struct())

    def _fitted_of(self, step: Step) -> dict[str, Any]:
        """The models that tables hold, as this group sees them, by argument; each is read once."""
        found = {}
        for name, table in step.fitted.items():
            with self._lock:
                if table not in self._fitted:
                    module = _module_of(table)
                    self._fitted[table] = module.read(module.artefact(self.snapshot.rows(table)).toArrow())
                found[name] = self._fitted[table]
        return found

    def _settings_of(self, step: Step) -> dict[str, float]:
        return {setting.split(".")[1]: self._setting(setting) for setting in step.settings}

    def _setting(self, name: str) -> float:
        section, _, name = name.partition(".")
        value: float = getattr(getattr(self.settings, section), name)
        return value

    def _window(self, step: Step) -> str:
        return f"{step.scope_columns[0]} = DATE'{self.run.as_of_date.isoformat()}'"

    # --- staging

    def _stage_whole(self, step: Step, assessment: Assessment, reason: str) -> None:
        """Every row anew, over whatever the table held; of a history table only the run's window."""
        self.full_builds.append(f"{step.table} in full: {reason}")
        log.info("built in full", table=step.table, reason=reason)
        self._raise_shuffle_partitions(self._bytes_read(step))
        self._stage_rewrite(step, assessment, self._transformed(step, self._inputs(step)))

    def _bytes_read(self, step: Step) -> int:
        if step.scope is not Scope.LISTS:
            return sum(self.lake.bytes_of(table) for table in stored_inputs(step))
        staged = [
            self.lake.staging(self.group_id, table) for table in stored_inputs(step) if table in self.snapshot.staged
        ]
        stored = sum(self.lake.bytes_of(table) for table in stored_inputs(step))
        meetings: int = _module_of(step.table).MEETINGS
        return meetings * max(stored, sum(map(self.lake.files.size, staged)))

    def _raise_shuffle_partitions(self, input_bytes: int) -> None:
        """More shuffle partitions from here to the end of the group, so that none of a large build has to spill."""
        with self._lock:
            wanted = -(-input_bytes // SHUFFLE_BYTES)
            if wanted > int(self.lake.spark.conf.get("spark.sql.shuffle.partitions") or 0):
                self.lake.spark.conf.set("spark.sql.shuffle.partitions", str(wanted))

    def _stage_rewrite(self, step: Step, assessment: Assessment, built: DataFrame) -> None:
        is_history = step.write is Write.REPLACE_WINDOW and self.lake.exists(step.table)
        rows = with_violations(built, contract_of(step.table))
        self._stage(step, assessment, rows, "replace_where" if is_history else "replace")

    def _stage_moved(self, step: Step, assessment: Assessment, built: DataFrame, touched: Touched) -> None:
        """as_of_date is a column: the rows of untouched keys are carried over to the new date when it is published.

        They were audited in the night that made them, so only the touched ones are staged.
        """
        keys_path = f"{self._staging_path(step)}-keys"
        touched.keys.coalesce(1).write.mode("overwrite").parquet(keys_path)
        self._stage(step, assessment, with_violations(built, contract_of(step.table)), "carry_over", keys_path)

    def _stage_difference(self, step: Step, assessment: Assessment, built: DataFrame, current: DataFrame) -> None:
        judged = with_violations(built, contract_of(step.table))
        self._stage(step, assessment, difference(judged, current, step.table).coalesce(1), "merge")

    def _stage(self, step: Step, assessment: Assessment, rows: DataFrame, mode: str, keys_path: str = "") -> None:
        """Write the rows to staging, counting on the way, and enter them into the group."""
        contract = contract_of(step.table)
        path = self._staging_path(step)
        is_refused = F.size(VIOLATIONS) > 0
        is_written = F.col(CHANGE).isin("insert", "update", "delete") if mode == "merge" else ~is_refused
        observed = Observation(step.table)
        counts = [F.count_if(is_refused).alias("refused"), F.count_if(is_written).alias("written")]
        ordered_by = bounded_column(contract) if mode == "merge" else None
        if ordered_by:
            counts += [F.min(ordered_by).alias("lowest"), F.max(ordered_by).alias("highest")]
        rows.observe(observed, *counts).write.mode("overwrite").parquet(path, compression="lz4")
        counted = observed.get
        staged = self.lake.spark.read.schema(rows.schema).parquet(path)
        if counted["refused"]:
            with self._lock:
                self.quarantined += counted["refused"]
            log.warning("rows broke a rule", table=step.table, rows=counted["refused"])
            self.refused.append(ops.quarantined_rows(staged.where(is_refused), contract, self.run.run_id))
            if mode != "merge":
                path = f"{path}-kept"
                staged.where(~is_refused).write.mode("overwrite").parquet(path, compression="lz4")
                staged = self.lake.spark.read.schema(rows.schema).parquet(path)
        if mode == "merge" and not counted["written"]:
            return
        stays_empty = mode == "replace" and not counted["written"] and self.lake.exists(step.table)
        if stays_empty and self.lake.read(step.table).isEmpty():
            self._unmoved.add(step.table)
        with self._lock:
            self.rows_written += counted["written"]
        own = {table: self._next_version(table) for table in assessment.reads_in_group}
        predicate = "true"
        if mode == "replace_where":
            predicate = self._window(step)
        elif ordered_by:
            predicate = within(contract, ordered_by, counted["lowest"], counted["highest"])
        entry = Entry(
            step.table,
            path,
            mode,
            {**assessment.reads, **own},
            predicate,
            keys_path=keys_path,
            rules=step.rules,
            models=dict(assessment.models),
        )
        self.entries.append(entry)
        rows = carried_over(self.lake, entry, staged, self.run.as_of_date) if mode == "carry_over" else staged
        self.snapshot.staged[step.table] = StagedTable(rows, is_rewrite=mode != "merge", own_rows=staged)

    def _next_version(self, table: str) -> int:
        """The version a table staged in this group will have: there is one writer, so the next."""
        version = self.lake.version(table)
        if version is not None and table in self._unmoved:
            return version
        return 0 if version is None else version + 1

    def _staging_path(self, step: Step) -> str:
        return self.lake.staging(self.group_id, step.table)

    # --- auditing and publishing

    def audit(self) -> None:
        """Judge the set metrics of all staged tables at once. Raises AuditError; `warn` checks are only logged."""
        audited = []
        for entry in self.entries:
            if self.lake.exists(entry.table):
                self.lake.guard_schema(entry.table)
            staged = self.snapshot.staged[entry.table].own_rows
            rows = staged.where(F.col(CHANGE).isin("insert", "update")) if entry.mode == "merge" else staged
            audited.append((contract_of(entry.table), rows, entry.mode == "replace"))
        if not audited:
            return
        self.progress("checks")
        broken = [v for v in judge(measure(audited, self.snapshot.rows, self.run.as_of_date)) if not v.holds]
        for verdict in broken:
            if verdict.metric.severity == "warn":
                log.warning("check", verdict=str(verdict))
        fatal = [str(verdict) for verdict in broken if verdict.metric.severity == "fail"]
        if fatal:
            raise AuditError(f"nothing of this group was published: {'; '.join(fatal)}")

    def publish(self) -> dict[str, int]:
        """Commit what was staged. Returns the new version of every table that got one."""
        if self.refused:
            path = self.lake.staging(self.group_id, "quarantine")
            rows = reduce(DataFrame.unionByName, self.refused).dropDuplicates(["record_id"])
            rows.coalesce(1).write.mode("overwrite").parquet(path)
            self.entries.append(Entry("ops.quarantine", path, "append", once_by="record_id"))
        if not self.entries:
            self.lake.files.delete(self.lake.staging(self.group_id))
            return {}
        self.progress("publish")
        group = Group(self.group_id, self.run.as_of_date.isoformat(), tuple(self.entries))
        decide(self.lake, group)
        return publish(self.lake, group)

    def bookmarks_after(self, versions: dict[str, int]) -> dict[tuple[str, str], int]:
        """Where the bookmarks of the steps stand now, those that moved: an input staged in this group was read as
        published, any other as it stood."""
        moved = {}
        for assessment in self.assessments:
            read = assessment.reads | {t: versions[t] for t in assessment.reads_in_group if t in versions}
            for table, seen in assessment.bookmarks.items():
                if read.get(table, -1) != seen:
                    moved[(assessment.step.table, table)] = read.get(table, -1)
        return moved


def conformed(rows: DataFrame, contract: Contract) -> DataFrame:
    """The contract's columns in its order. Raises ContractError where a column is missing or of another type."""
    given = {f.name: f.dataType.simpleString() for f in rows.schema}
    wrong = [
        f"{c.name} is {given.get(c.name, 'missing')}, declared {c.type.simpleString()}"
        for c in contract.columns
        if given.get(c.name) != c.type.simpleString()
    ]
    extra = sorted(set(given) - set(contract.names))
    if wrong or extra:
        raise ContractError(f"{contract.table}: {'; '.join([*wrong, *(f'{name} is not declared' for name in extra)])}")
    return rows.selectExpr(*contract.names)


def bounded_column(contract: Contract) -> str | None:
    """The first column of the table's order, where it is a day or a moment: a span of it names few files."""
    first = contract.clustering[0] if contract.clustering else None
    is_time = first is not None and isinstance(contract.column(first).type, DateType | TimestampType)
    return first if is_time else None


def within(contract: Contract, column: str, lowest: date | datetime, highest: date | datetime) -> str:
    """A literal predicate on the target of a merge: old and new rows of the increment lie in this span."""
    kind = "DATE" if isinstance(contract.column(column).type, DateType) else "TIMESTAMP"
    return f"t.{column} BETWEEN {kind}'{lowest}' AND {kind}'{highest}'"


def view_inputs(step: Step) -> tuple[str, ...]:
    """The stored tables that the step reads through views."""
    return tuple(table for name in step.reads if (opened := view(name)) for table in opened.reads)


def _short(table: str) -> str:
    return table.split(".")[1]


def _called(function: Callable[..., DataFrame], arguments: dict[str, Any]) -> DataFrame:
    """What the function makes of those of the arguments that it takes."""
    return function(**{name: arguments[name] for name in inspect.signature(function).parameters})


def _build_of(table: str) -> Callable[..., DataFrame]:
    build: Callable[..., DataFrame] = _module_of(table).build
    return build


def _module_of(table: str) -> ModuleType:
    return importlib.import_module(f"transformations.{table}")
