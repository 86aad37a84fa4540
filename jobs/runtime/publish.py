"""Publish groups: tables staged and audited together, then committed one after another, or completed after a crash.

A group's folder under <root>/_staging holds its staged rows. Once its journal is written the group is decided: what a
crash leaves unpublished, the next run publishes (`recover`). A folder without a journal was never decided, or is
published already, and is dropped: so the journal goes before the folder does. Commits carry the group's id, so none is
made twice.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import date

import structlog
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.runtime.lake import CHANGE, STAGING, TARGET_FILE_BYTES, Lake, Stamp
from schemas.catalog import contract_of

JOURNAL = "journal.json"
LOOK_BACK = 5  # commits searched for a group's own: it is completed before anything else is written
PARALLEL_COMMITS = 3
CARRIED_VERSIONS = 4  # a replaced table's folder holds a few past versions besides the newest

log = structlog.get_logger()


@dataclass(frozen=True)
class Entry:
    """One table of a group: its staged rows, how they go in, and from which versions of its inputs, by which rules and
    versions of models they were made.

    `mode` is append, replace, merge, replace_where, or carry_over: the staged rows, and of the published ones those
    whose key is not among `keys_path`, moved to the group's as_of_date.
    """

    table: str
    path: str
    mode: str
    reads: dict[str, int] = field(default_factory=dict)
    predicate: str = "true"
    keys_path: str = ""
    once_by: str = ""  # of an append: skip rows whose value in this column the table already has
    rules: int = 1
    models: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """What is published together."""

    group_id: str
    as_of_date: str
    entries: tuple[Entry, ...]


def decide(lake: Lake, group: Group) -> None:
    """Write the journal: from here on the group will be published, by this process or the next.

    Raises ContractError where a table cannot take its rows: decided, it would stand in the way of all that follows.
    """
    for entry in group.entries:
        if lake.exists(entry.table):
            lake.guard_schema(entry.table)
    lake.files.write_text(lake.staging(group.group_id, JOURNAL), json.dumps(asdict(group)))


def publish(lake: Lake, group: Group, *, resumed: bool = False) -> dict[str, int]:
    """Commit the group's tables and drop its folder. Returns the version of every table of the group.

    Tables are committed a few at a time: a commit to a small table is mostly waiting. A resumed group skips what it
    had committed before the crash.
    """
    with ThreadPoolExecutor(PARALLEL_COMMITS) as pool:
        list(pool.map(lambda entry: _commit_once(lake, group, entry, resumed), group.entries))
    versions = {entry.table: lake.version(entry.table) for entry in group.entries}
    lake.files.delete(lake.staging(group.group_id, JOURNAL))
    lake.files.delete(lake.staging(group.group_id))
    return {table: version for table, version in versions.items() if version is not None}


def recover(lake: Lake) -> list[Group]:
    """Complete the groups that a crash interrupted, drop those that were not decided. Returns the completed ones."""
    completed = []
    for name in lake.files.names(f"{lake.root}/{STAGING}"):
        journal = lake.staging(name, JOURNAL)
        if lake.files.exists(journal):
            told = json.loads(lake.files.read_text(journal))
            group = Group(told["group_id"], told["as_of_date"], tuple(Entry(**entry) for entry in told["entries"]))
            log.warning("completing an interrupted publish", group=group.group_id)
            publish(lake, group, resumed=True)
            completed.append(group)
        else:
            lake.files.delete(lake.staging(name))
    return completed


def _commit_once(lake: Lake, group: Group, entry: Entry, resumed: bool) -> None:
    """Commit an entry in a session of its own: MERGE takes its userMetadata from the session's settings."""
    if resumed and (_is_committed(lake, entry.table, group.group_id) or not _is_staged(lake, entry)):
        return
    own = lake.with_own_session()
    _commit(own, entry, Stamp(group.group_id, group.as_of_date, entry.reads, entry.rules, entry.models))


def _is_committed(lake: Lake, table: str, group_id: str) -> bool:
    return any(commit.group_id == group_id for commit in lake.last_commits(table, LOOK_BACK))


def _is_staged(lake: Lake, entry: Entry) -> bool:
    """Whether the staged rows are there still. Rows are dropped only when all are committed, and Delta makes no commit
    of none: an append whose rows the table knew already leaves no other trace."""
    return any(name.endswith(".parquet") for name in lake.files.names(entry.path))


def _commit(lake: Lake, entry: Entry, stamp: Stamp) -> None:
    staged = lake.spark.read.parquet(entry.path)
    if entry.mode == "merge":
        lake.merge(entry.table, staged.where(F.col(CHANGE).isin("insert", "update", "delete")), stamp, entry.predicate)
        return
    rows = staged.select(*contract_of(entry.table).names)
    if entry.once_by:
        rows = rows.join(lake.read(entry.table).select(entry.once_by), entry.once_by, "left_anti")
        rows = rows.select(*contract_of(entry.table).names)
    if entry.mode == "carry_over":
        rows = carried_over(lake, entry, rows, date.fromisoformat(stamp.as_of_date))
    laid_out = _laid_out(lake, rows, entry)
    if entry.mode == "append":
        lake.append(entry.table, laid_out, stamp)
    elif entry.mode in ("replace", "carry_over"):
        lake.replace(entry.table, laid_out, stamp)
    elif entry.mode == "replace_where":
        lake.replace_where(entry.table, laid_out, entry.predicate, stamp)
    else:
        raise ValueError(f"unknown mode {entry.mode}")


def carried_over(lake: Lake, entry: Entry, staged: DataFrame, as_of_date: date) -> DataFrame:
    """The staged rows and the published rows of all other keys, these with the new as_of_date."""
    keys = lake.spark.read.parquet(entry.keys_path)
    others = lake.read(entry.table).join(F.broadcast(keys), keys.columns, "left_anti")
    moved = others.withColumn("as_of_date", F.lit(as_of_date))
    names = contract_of(entry.table).names
    return staged.select(*names).unionByName(moved.select(*names))


def _laid_out(lake: Lake, rows: DataFrame, entry: Entry) -> DataFrame:
    """Files of a good size, in the contract's clustering order, so that file statistics can skip files."""
    staged_bytes = lake.files.size(entry.path)
    if entry.mode == "carry_over":
        staged_bytes += lake.files.size(lake.path(entry.table)) // CARRIED_VERSIONS
    file_count = max(1, round(staged_bytes / TARGET_FILE_BYTES))
    clustering = contract_of(entry.table).clustering
    if file_count == 1:
        rows = rows.coalesce(1)
    elif clustering:
        rows = rows.repartitionByRange(file_count, *clustering)
    return rows.sortWithinPartitions(*clustering) if clustering else rows
