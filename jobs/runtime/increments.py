"""What a step must build anew: the changes of its inputs since its bookmarks, narrowed to the keys they touch.

Increments follow the change feed, never event time. Where the feed cannot be followed (first build, a rebuilt or
restored input, a feed that no longer reaches back) the step is built in full, and the reason is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any

import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, MapType

from jobs.plan import Scope, Step, stored_inputs
from jobs.runtime.lake import CHANGE, SIGN, Commit, Lake
from jobs.runtime.quality import VIOLATIONS
from schemas.catalog import contract_of
from schemas.silver.listens import MEMBER_FIELDS

# How far back the last session start of a listener is looked for before their whole history is taken.
SESSION_SEARCH = timedelta(days=8)  # more than the longest play and a silence
# How far before the first listen of a session its records may begin: one stamped its play earlier than the record whose
# stamp was taken. A test holds it between transformations.silver.one_play's spans and the silence that ends a session.
EARLY_RECORDS = timedelta(minutes=10)
ONE_DAY = timedelta(days=1)
THE_BEGINNING = "1900-01-01T00:00:00Z"
FEW_KEYS = 20_000  # as many keys are a few hundred kilobytes: cheaper on the driver than as a job each time
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class StagedTable:
    """Rows of this group that are not published yet: `rows` with `_change` unless it is a rewrite.

    `own_rows` are those that were built; what is carried over from the published table is not among them.
    """

    rows: DataFrame
    is_rewrite: bool
    own_rows: DataFrame


@dataclass
class Snapshot:
    """The lake as a group in the making sees it: published tables, with the group's own staged rows over them."""

    lake: Lake
    bookmarks: Mapping[tuple[str, str], int]
    staged: dict[str, StagedTable] = field(default_factory=dict)

    def rows(self, table: str) -> DataFrame:
        staged = self.staged.get(table)
        if staged is None:
            return self.lake.read(table)
        names = contract_of(table).names
        kept = staged.rows
        if staged.is_rewrite:
            return kept.selectExpr(*names)
        key = list(contract_of(table).key)
        gone = F.broadcast(kept.where(f"{CHANGE} <> 'quarantine'").select(*key).distinct())
        fresh = kept.where(f"{CHANGE} IN ('insert', 'update')").selectExpr(*names)
        return self.lake.read(table).join(gone, key, "left_anti").selectExpr(*names).unionByName(fresh)

    def bookmark(self, consumer: str, last: Commit | None, table: str) -> int:
        """The version of `table` that `consumer` has seen, -1 for none: its last commit says, or ops.bookmarks."""
        return max(last.reads.get(table, -1) if last else -1, self.bookmarks.get((consumer, table), -1))


@dataclass(frozen=True)
class Assessment:
    """Whether and how a step has to be built."""

    step: Step
    full_reason: str | None
    changes: dict[str, DataFrame]
    reads: dict[str, int]
    reads_in_group: tuple[str, ...]
    bookmarks: dict[str, int]
    published_as_of: date | None
    as_of_date: date
    models: Mapping[str, str]
    updated: tuple[str, ...] = ()

    @property
    def as_of_moved(self) -> bool:
        return self.step.takes_as_of_date and self.published_as_of != self.as_of_date

    @property
    def moves_every_row(self) -> bool:
        """Whether an input of the step's population changed in what the step uses of it."""
        return any(
            not net_changes(self.changes[table], table, self.step).isEmpty()
            for table in self.step.population
            if table in self.changes
        )

    @property
    def is_needed(self) -> bool:
        return self.full_reason is not None or bool(self.changes) or self.as_of_moved


def assess(
    step: Step, snapshot: Snapshot, as_of_date: date, *, full: bool, models: Mapping[str, str] | None = None
) -> Assessment:
    """Compare the step's bookmarks with its inputs, and its rules and models (by version) with those that built the
    table; no rows are read yet."""
    lake = snapshot.lake
    last = lake.last_commit(step.table)
    reason = "asked for" if full else None
    if last is None:
        reason = reason or "first build"
    elif last.operation == "RESTORE":
        reason = reason or "the table was restored"
    elif not reason and (other := _built_otherwise(step, models or {}, last)):
        reason = other
    elif not reason and (new := lake.missing_columns(step.table)):
        reason = f"the contract has new columns: {', '.join(new)}"
    changes: dict[str, DataFrame] = {}
    reads: dict[str, int] = {}
    bookmarks: dict[str, int] = {}
    in_group, updated = [], []
    for table in stored_inputs(step):
        seen = bookmarks[table] = snapshot.bookmark(step.table, last, table)
        newest = lake.version(table)
        deltas: list[DataFrame] = []
        if newest is not None:
            reads[table] = newest
            commits = lake.commits(table, seen)
            if commits is None:
                reason = reason or f"the feed of {table} no longer reaches back to version {seen}"
            elif any(commit.is_rewrite and not _is_followed(commit, table, step) for commit in commits):
                reason = reason or f"{table} was rebuilt"
            elif step.scope is Scope.FOLD and any(commit.deleted_rows for commit in commits):
                reason = reason or f"rows of {table} were deleted, and a fold cannot take them back"
            elif commits and not reason:
                deltas.append(lake.read_changes(table, seen + 1, newest))
                updated += [table] if any(commit.updated_rows for commit in commits) else []
        staged = snapshot.staged.get(table)
        if staged is not None:
            in_group.append(table)
            if staged.is_rewrite and table not in step.follows:
                reason = reason or f"{table} is rebuilt"
            else:
                deltas.append(_staged_changes(table, staged, lake))
        if deltas:
            changes[table] = reduce(DataFrame.unionByName, deltas)
    return Assessment(
        step=step,
        full_reason=reason,
        changes={} if reason else changes,
        reads=reads,
        reads_in_group=tuple(in_group),
        bookmarks=bookmarks,
        published_as_of=date.fromisoformat(last.as_of_date) if last and last.as_of_date else None,
        as_of_date=as_of_date,
        models=models or {},
        updated=tuple(updated),
    )


def _is_followed(commit: Commit, table: str, step: Step) -> bool:
    return table in step.follows and commit.operation != "RESTORE"


def _built_otherwise(step: Step, models: Mapping[str, str], last: Commit) -> str | None:
    """Why what stands in the table is not what the step would build of the same inputs now; None where it is."""
    if last.rules != step.rules:
        return f"its rules are {step.rules}, the table was built by {last.rules}"
    for name in sorted({*models, *last.models}):
        now, before = models.get(name, "no longer used"), last.models.get(name)
        if now != before:
            return f"{name} is {now}, the table was built " + (f"by {before}" if before else "without it")
    return None


def refit_reason(assessment: Assessment, lake: Lake) -> str | None:
    """Why a pinned model has to be fitted whatever its inputs say; None where they may decide."""
    step, last = assessment.step, lake.last_commit(assessment.step.table)
    if last is None or lake.read(step.table).isEmpty():
        return "first build"
    if new := lake.missing_columns(step.table):
        return f"the contract has new columns: {', '.join(new)}"
    return _built_otherwise(step, assessment.models, last)


@dataclass(frozen=True)
class Touched:
    """What a step is narrowed to: distinct keys, how many, and the span of each of their columns."""

    keys: DataFrame
    count: int
    spans: Mapping[str, tuple[Any, ...]]


def touches_days(step: Step) -> bool:
    """Whether a backfill's window of event days says by itself what of the table is built anew."""
    return step.scope is Scope.TAILS or "listen_date" in step.scope_columns


def touched_keys(assessment: Assessment, snapshot: Snapshot, window: tuple[date, date] | None) -> Touched:
    """The distinct values of the step's scope columns that a changed input names, or an old play that fell out.

    Of a table by days, those that a backfill's window meets too, in the table or in what it is made of.
    """
    step = assessment.step
    found = [
        _scope_of(net_changes(changes, table, step), table, step, snapshot)
        for table, changes in assessment.changes.items()
        if table not in step.population
    ]
    if assessment.as_of_moved:
        found += [_crossing_an_edge(assessment, snapshot, *of_day) for of_day in step.period_inputs.items()]
    if window is not None and touches_days(step):
        # Local days of a UTC window: those beside it may hold plays of it.
        days = F.col("listen_date").between(F.lit(window[0] - ONE_DAY), F.lit(window[1]))
        found += [
            snapshot.rows(table).where(days).select(*step.scope_columns).distinct()
            for table in (step.table, step.reads[0])
        ]
    if not found:
        found = [snapshot.lake.read(step.table).select(*step.scope_columns).limit(0)]
    return gathered(snapshot.lake, reduce(DataFrame.unionByName, found).distinct())


def gathered(lake: Lake, keys: DataFrame) -> Touched:
    """Take few keys to the driver, in one action, so that every use of them is free; keep many cached in Spark."""
    some = keys.limit(FEW_KEYS + 1).toArrow()
    if some.num_rows <= FEW_KEYS:
        spans = {name: tuple(pc.min_max(some[name]).as_py().values()) for name in keys.columns if some.num_rows}
        return Touched(lake.spark.createDataFrame(some, keys.schema), some.num_rows, spans)
    cached = keys.persist()
    extremes = [f(name).alias(f"{f.__name__}_{name}") for name in keys.columns for f in (F.min, F.max)]
    row = cached.agg(F.count("*").alias("rows"), *extremes).first()
    assert row is not None
    spans = {name: (_aware(row[f"min_{name}"]), _aware(row[f"max_{name}"])) for name in keys.columns}
    return Touched(cached, row["rows"], spans)


def settled(lake: Lake, rows: DataFrame) -> DataFrame:
    """The rows, worked out once for several uses: few taken to the driver, many cached, for which `unpersist` is."""
    some = rows.limit(FEW_KEYS + 1).toArrow()
    return lake.spark.createDataFrame(some, rows.schema) if some.num_rows <= FEW_KEYS else rows.persist()


def _aware(value: Any) -> Any:
    """A moment as Arrow gives it: with its zone, which is UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def reached(
    step: Step, stood: DataFrame, changes: Mapping[str, DataFrame], inputs: Mapping[str, DataFrame]
) -> list[DataFrame]:
    """Keys of the table's rows that changed inputs reach by the columns that the step names for them, and by those of
    the rows that describe them (of `inputs`, by name without the layer)."""
    found = []
    for table, changed in changes.items():
        net = net_changes(changed, table, step)
        rows_of = {table: net}
        if table in step.described_by:
            name, other = step.described_by[table]
            (key,) = contract_of(other).key
            keys = net.select(F.col(name).alias(key)).distinct()
            rows_of[other] = inputs[other.split(".")[1]].join(F.broadcast(keys), key, "left_semi")
        for reaching, rows in rows_of.items():
            for name, own_name in step.reached_by[reaching].items():
                values = _values(rows, name).where("value IS NOT NULL").distinct()
                own = _values(stood, own_name, *step.scope_columns)
                found.append(own.join(F.broadcast(values), "value", "left_semi").select(*step.scope_columns))
    return found


def linked_keys(lake: Lake, step: Step, stood: DataFrame, links: DataFrame, found: list[DataFrame]) -> Touched:
    """Keys of new rows (`links` has their key and linking columns), those found, and all that are linked with them.

    What a key was linked by before counts as well as what it is linked by now: who stays behind is decided anew.
    """
    scope = list(step.scope_columns)
    new = _links_of(links, step)
    own = links.select(*scope)  # a row a key
    touched = gathered(lake, reduce(DataFrame.unionByName, found, own).distinct() if found else own)
    standing = _links_of(stood, step)
    while True:
        shared = standing.join(F.broadcast(touched.keys), scope, "left_semi").unionByName(new).select("by", "value")
        linked = standing.join(F.broadcast(shared.distinct()), ["by", "value"], "left_semi").select(*scope)
        wider = gathered(lake, linked.unionByName(touched.keys.select(*scope)).distinct())
        touched.keys.unpersist()
        if wider.count == touched.count:
            return wider
        touched = wider


def _links_of(rows: DataFrame, step: Step) -> DataFrame:
    """A row per key and value by which it is linked with others."""
    pairs = F.array(*[F.struct(F.lit(name).alias("by"), F.col(name).alias("value")) for name in step.linked_by])
    return rows.select(*step.scope_columns, F.inline(pairs)).where("value IS NOT NULL")


def _values(rows: DataFrame, name: str, *others: str) -> DataFrame:
    """The values of a column as `value`, those of an array one by one."""
    is_array = isinstance(rows.schema[name].dataType, ArrayType)
    return rows.select(*others, (F.explode(name) if is_array else F.col(name)).alias("value"))


def touched_tails(
    assessment: Assessment, snapshot: Snapshot, window: tuple[date, date] | None, streams: tuple[str, ...]
) -> Touched:
    """Per touched listener the moment (`since`) from which on listens are built anew: the start of a session.

    New plays touch from their own start; a changed identity, track or loved track from the first listen it concerns,
    by any of its records; a changed time zone all listens of its listener; a backfill's window every listener of
    `streams` with a play in it.

    The cut is that of a rebuild: sessions are made of records, whose order no merge changes, and plays are merged
    within a session. A session before the one that is cut at ended 30 minutes before its first record, so between that
    record and `since`, at most EARLY_RECORDS before the session's first listen, there is nothing.
    """
    step = assessment.step
    listens = snapshot.lake.read(step.table)
    firsts = []
    for table, changes in assessment.changes.items():
        columns = contract_of(table).names
        if "event_at" in columns:
            firsts.append(changes.groupBy("user_id").agg(F.min("event_at").alias("first")))
            continue
        net = net_changes(changes, table, step)
        shared = [name for name in contract_of(table).key if name in contract_of(step.table).names]
        if shared == ["user_id"]:
            beginning = F.to_timestamp(F.lit(THE_BEGINNING)).alias("first")
            firsts.append(net.select("user_id", beginning).distinct())
            continue
        records = _records_of(listens, shared)
        concerned = records.join(F.broadcast(net.select(*shared).distinct()), shared, "left_semi")
        firsts.append(concerned.groupBy("user_id").agg(F.min("played_at").alias("first")))
    if window is not None:
        in_window = (F.col("event_at") >= F.lit(window[0])) & (F.col("event_at") < F.lit(window[1]))
        for table in streams:
            plays = snapshot.lake.read(table).where(in_window)
            firsts.append(plays.groupBy("user_id").agg(F.min("event_at").alias("first")))
    first = reduce(DataFrame.unionByName, firsts).groupBy("user_id").agg(F.min("first").alias("first"))
    starts = gathered(snapshot.lake, first)
    tails = gathered(snapshot.lake, _from_session_start(starts, listens))
    starts.keys.unpersist()
    return tails


def _records_of(listens: DataFrame, columns: list[str]) -> DataFrame:
    """The columns of every record of a listen: of its members, or its own where it has no other record."""
    told = [name for name in columns if name in MEMBER_FIELDS]
    rest = [name for name in dict.fromkeys(["user_id", "played_at", *columns]) if name not in told]
    if not told:
        return listens.select(*rest)
    members = F.transform("members", lambda member: F.struct(*[member[name].alias(name) for name in told]))
    return listens.select(*rest, F.inline(F.coalesce(members, F.array(F.struct(*told)))))


def net_changes(changes: DataFrame, table: str, step: Step) -> DataFrame:
    """Old and new rows of the columns the step uses that did not cancel out, with `_sign`."""
    contract = contract_of(table)
    if table in step.rows_of_use:
        changes = changes.where(step.rows_of_use[table])
    comparable = [n for n in contract.business_columns if not isinstance(contract.column(n).type, MapType)]
    used = [name for name in step.uses.get(table, comparable) if name.split(".")[0] in comparable]
    if not step.uses.get(table) and len(comparable) < len(contract.business_columns):
        # A map cannot be grouped by: a row whose key changed in any way counts.
        return changes.select(*comparable, SIGN)
    by = [F.col(name).alias(name.replace(".", "_")) if "." in name else name for name in used]
    return changes.groupBy(*by).agg(F.sum(SIGN).alias(SIGN)).where(F.col(SIGN) != 0)


def stand_and_stood(changes: DataFrame, table: str) -> tuple[DataFrame, DataFrame]:
    """The changed rows as they stand now, and those that stood before the changes and do not any more."""
    names = contract_of(table).names
    net = changes.groupBy(*names).agg(F.sum(SIGN).alias(SIGN))
    return net.where(F.col(SIGN) > 0).select(*names), net.where(F.col(SIGN) < 0).select(*names)


def narrowed(rows: DataFrame, touched: Touched, columns: tuple[str, ...]) -> DataFrame:
    """The rows whose values of the shared scope columns are among the keys; all rows where none is shared.

    The span of dates stands beside as a literal, so that files outside of it are not read.
    """
    shared = [name for name in columns if name in rows.columns]
    if not shared:
        return rows
    for name in shared:
        if name.endswith("_date"):
            first, last = touched.spans.get(name, (None, None))
            rows = rows.where(F.col(name).between(F.lit(first), F.lit(last)))
    keys = touched.keys if len(shared) == len(columns) else touched.keys.select(*shared).distinct()
    return rows.join(F.broadcast(keys), shared, "left_semi")


def in_tails(rows: DataFrame, tails: Touched, moment: str) -> DataFrame:
    """The rows of touched listeners from their `since` on; the earliest bounds what is read of the files."""
    earliest, _ = tails.spans["since"]
    of_user = tails.keys.withColumnRenamed("user_id", "_tail")
    return (
        rows.where(F.col(moment) >= F.lit(earliest))
        .join(F.broadcast(of_user), F.expr(f"user_id = _tail AND {moment} >= since"))
        .drop("_tail", "since")
    )


def difference(judged: DataFrame, current: DataFrame, table: str) -> DataFrame:
    """What turns the current rows into the judged ones: insert, update (and the row before), delete, quarantine.

    Rows alike in all business columns give nothing, so a build without news commits nothing. A row that breaks a rule
    goes to quarantine, and what it would have replaced is deleted. Out: `_change`, the contract's columns,
    `_violations`.
    """
    contract = contract_of(table)

    def row(side: str) -> str:
        return f"struct({', '.join(f'{side}.{name}' for name in contract.names)})"

    def comparable(side: str) -> str:
        columns = [
            f"array_sort(map_entries({side}.{name}))" if _is_map(table, name) else f"{side}.{name}"
            for name in contract.business_columns
        ]
        return f"struct({', '.join(columns)})"

    def change(kind: str, side: str) -> str:
        return f"struct('{kind}' AS {CHANGE}, {row(side)} AS row)"

    # In SQL, as one text each: a table has dozens of columns, and each would be several calls to the JVM.
    on_key = " AND ".join(f"n.{name} = o.{name}" for name in contract.key)
    is_new, is_old = f"n.{VIOLATIONS} IS NOT NULL", f"o.{contract.key[0]} IS NOT NULL"
    is_refused = f"size(n.{VIOLATIONS}) > 0"
    is_same = f"{is_new} AND {is_old} AND NOT {is_refused} AND {comparable('n')} <=> {comparable('o')}"
    changes = f"""CASE
        WHEN {is_new} AND {is_refused} AND {is_old} THEN array({change("quarantine", "n")}, {change("delete", "o")})
        WHEN {is_new} AND {is_refused} THEN array({change("quarantine", "n")})
        WHEN {is_new} AND {is_old} THEN array({change("before", "o")}, {change("update", "n")})
        WHEN {is_new} THEN array({change("insert", "n")})
        ELSE array({change("delete", "o")}) END"""
    joined = judged.alias("n").join(current.alias("o"), F.expr(on_key), "full")
    exploded = joined.where(f"NOT coalesce({is_same}, false)").selectExpr(
        f"n.{VIOLATIONS} AS {VIOLATIONS}", f"explode({changes}) AS c"
    )
    rules = f"IF(c.{CHANGE} = 'quarantine', {VIOLATIONS}, CAST(array() AS array<string>)) AS {VIOLATIONS}"
    return exploded.selectExpr(f"c.{CHANGE}", "c.row.*", rules)


def _is_map(table: str, name: str) -> bool:
    return isinstance(contract_of(table).column(name).type, MapType)


def _staged_changes(table: str, staged: StagedTable, lake: Lake) -> DataFrame:
    if staged.is_rewrite:
        names = contract_of(table).names
        now, then = staged.rows.selectExpr(*names, f"1 AS {SIGN}"), lake.read(table).selectExpr("*", f"-1 AS {SIGN}")
        return now.unionByName(then)
    kept = staged.rows.where(F.col(CHANGE) != "quarantine")
    sign = f"IF({CHANGE} IN ('insert', 'update'), 1, -1) AS {SIGN}"
    return kept.selectExpr(*contract_of(table).names, sign)


def _scope_of(net: DataFrame, table: str, step: Step, snapshot: Snapshot) -> DataFrame:
    """The scope columns of changed rows: their own, or those that `via` leads to."""
    if set(step.scope_columns) <= set(net.columns):
        return net.select(*step.scope_columns).distinct()
    if step.via is None:
        raise ValueError(f"{step.table} cannot be narrowed to changes of {table}: the plan gives no via")
    via = contract_of(step.via).names
    called = {name: step.via_names.get(name, name) for name in contract_of(table).key}
    shared = {name: there for name, there in called.items() if there in via}
    keys = net.select(*[F.col(name).alias(there) for name, there in shared.items()]).distinct()
    reached = snapshot.rows(step.via).join(F.broadcast(keys), list(shared.values()), "left_semi")
    return reached.select(*step.scope_columns).distinct()


def _crossing_an_edge(assessment: Assessment, snapshot: Snapshot, table: str, day_column: str) -> DataFrame:
    """Listeners with rows of `table` on days that left or entered a period since the published as_of_date."""
    step, old, new = assessment.step, assessment.published_as_of, assessment.as_of_date
    assert old is not None
    first, last = sorted((old, new))
    day = F.col(day_column)
    crossing = (day > F.lit(first)) & (day <= F.lit(last))
    for days in step.period_days:
        back = timedelta(days=days)
        crossing = crossing | ((day > F.lit(first - back)) & (day <= F.lit(last - back)))
    if step.decaying_days:
        crossing = crossing | ((day > F.lit(first - timedelta(days=step.decaying_days))) & (day <= F.lit(last)))
    return snapshot.rows(table).where(crossing).select(*step.scope_columns).distinct()


def _from_session_start(touched: Touched, listens: DataFrame) -> DataFrame:
    """Move each listener's first touched moment back to the last session start at or before it.

    Without a listen in the days before, the moment itself starts a session; with listens but no session start among
    them (days of uninterrupted play) the whole history is taken.
    """
    if not touched.count:
        return touched.keys.select("user_id", F.col("first").alias("since"))
    first, (earliest, _) = touched.keys, touched.spans["first"]
    before = (
        listens.where(F.col("played_at") >= F.lit(max(earliest, EPOCH) - SESSION_SEARCH))
        .join(F.broadcast(first), "user_id")
        .where((F.col("played_at") <= F.col("first")) & (F.col("played_at") >= F.col("first") - F.lit(SESSION_SEARCH)))
        .groupBy("user_id")
        .agg(
            F.max(F.when(F.col("listen_id") == F.col("session_id"), F.col("played_at"))).alias("session_start"),
            F.count("*").alias("listens_before"),
        )
    )
    since = (
        F.when(F.col("listens_before").isNull(), F.col("first"))
        .when(F.col("session_start").isNull(), F.to_timestamp(F.lit(THE_BEGINNING)))
        .otherwise(F.col("session_start"))
    )
    return first.join(before, "user_id", "left").select("user_id", (since - F.lit(EARLY_RECORDS)).alias("since"))
