"""The lake: the one place that knows paths, and the only writer of tables.

A table lives at <root>/<layer>/<table>. Every commit says in its userMetadata which publish group of which run wrote
it, which versions of its inputs were read, and by which rules and models: that is the truth after a crash. Change feed
on at creation, deletion vectors off, so that outside readers stay simple.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from jobs.runtime.errors import ContractError, DiskSpaceError, LakeMissingError, LakeVersionError
from jobs.runtime.files import Files, is_local, local_path
from jobs.runtime.frames import local_frame
from jobs.runtime.settings import LakeSettings, absolute_path
from jobs.runtime.spark import tuned_like
from schemas.catalog import contract_of, contracts
from schemas.contract import Contract
from transformations.ids import ID_LENGTH

LAKE_FORMAT = 1  # grows when an older Moodlake could no longer read or write the lake
MARKER = "_lake.json"
SAMPLE_MARK = "_sample"  # file in the root of a lake that holds the sample world
STAGING = "_staging"
TARGET_FILE_BYTES = 40_000_000
KEEP_DELETED_FILES = "interval 14 days"
USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
CHANGE, SIGN = "_change", "_sign"
# Of the operationMetrics of a DELETE, an UPDATE and a MERGE.
DELETED_ROWS = ("numDeletedRows", "numTargetRowsDeleted")
UPDATED_ROWS = ("numUpdatedRows", "numTargetRowsUpdated")


@dataclass(frozen=True)
class Commit:
    """One version of a table: what wrote it, as its userMetadata says; all empty for a commit of another hand."""

    version: int
    operation: str
    group_id: str = ""
    mode: str = ""
    as_of_date: str = ""
    reads: dict[str, int] = field(default_factory=dict)
    rules: int = 1  # also of a commit from before rules and models were recorded
    models: dict[str, str] = field(default_factory=dict)
    deleted_rows: int = 0
    updated_rows: int = 0

    @property
    def is_rewrite(self) -> bool:
        """Whether readers must not follow it row by row: a full build, or a restore by any hand."""
        return self.mode == "replace" or self.operation == "RESTORE"


@dataclass(frozen=True)
class Stamp:
    """What a commit writes into its userMetadata."""

    group_id: str
    as_of_date: str
    reads: dict[str, int] = field(default_factory=dict)
    rules: int = 1
    models: dict[str, str] = field(default_factory=dict)

    def text(self, mode: str) -> str:
        return json.dumps({**asdict(self), "mode": mode}, sort_keys=True)


class Lake:
    """Tables by name under one root.

    A lake is made by who writes to it: with `creates=False` there has to be one. Raises LakeMissingError, and
    LakeVersionError on opening a lake that a newer Moodlake wrote.
    """

    def __init__(self, spark: SparkSession, settings: LakeSettings, *, creates: bool = True) -> None:
        self.spark = spark
        self.files = Files(spark)
        self.root = absolute_root(settings.root)
        self._marker = self._open_marker(creates)

    def with_own_session(self) -> Lake:
        """The same lake through a session of its own, whose settings nobody else changes."""
        own = copy.copy(self)
        own.spark = tuned_like(self.spark.newSession(), self.spark)
        return own

    def path(self, table: str) -> str:
        layer, name = table.split(".")
        return f"{self.root}/{layer}/{name}"

    @property
    def salt(self) -> bytes:
        """The secret that turns names into pseudonyms; made with the lake, kept in its marker file."""
        return bytes.fromhex(self._marker["salt"])

    def pseudonym(self, user_name: str) -> str:
        """HMAC-SHA256(salt, user_name), first 32 hex digits."""
        return hmac.new(self.salt, user_name.encode(), hashlib.sha256).hexdigest()[:ID_LENGTH]

    # --- reading

    def exists(self, table: str) -> bool:
        return self.version(table) is not None

    def version(self, table: str) -> int | None:
        """The newest version, or None where the table does not exist."""
        versions = self._versions(table)
        return versions[-1] if versions else None

    def bytes_of(self, table: str) -> int:
        """Bytes in the table's folder, past versions among them; 0 where it does not exist yet."""
        return self.files.size(self.path(table)) if self.exists(table) else 0

    def has_more_rows(self, table: str, count: int) -> bool:
        """Whether a table has more rows than that; where its folder has no more bytes, it is not read."""
        return self.bytes_of(table) > count and self.read(table).count() > count

    def commits(self, table: str, after: int) -> list[Commit] | None:
        """The commits after a version, oldest first; None where the log does not lead on from it: it no longer
        reaches back that far, or the table was made anew."""
        versions = self._versions(table)
        if versions and after > versions[-1]:
            return None
        wanted = [version for version in versions if version > after]
        newest = versions[-1] if versions else -1
        if wanted != list(range(after + 1, newest + 1)):
            return None
        return [self._commit(table, version) for version in wanted]

    def last_commits(self, table: str, count: int) -> list[Commit]:
        """The newest commits whose log is there, oldest first; fewer where it does not reach back that far."""
        return [self._commit(table, version) for version in self._versions(table)[-count:]]

    def last_commit(self, table: str) -> Commit | None:
        """The newest commit that a run of ours wrote, or a restore if that is newer; None without any."""
        for version in reversed(self._versions(table)):
            commit = self._commit(table, version)
            if commit.group_id or commit.operation == "RESTORE":
                return commit
        return None

    def read(self, table: str) -> DataFrame:
        """The table's rows with the contract's columns; no rows where it does not exist yet."""
        contract = contract_of(table)
        if not self.exists(table):
            return local_frame(self.spark, [], contract.struct())
        rows = self.spark.read.format("delta").load(self.path(table))
        return rows if rows.columns == list(contract.names) else rows.selectExpr(*_declared(rows, contract))

    def missing_columns(self, table: str) -> list[str]:
        """Columns of the contract that the stored table does not have yet: an additive change, null until built."""
        stored = self.spark.read.format("delta").load(self.path(table)).columns
        return [name for name in contract_of(table).names if name not in stored]

    def read_changes(self, table: str, first: int, last: int) -> DataFrame:
        """Changed rows of the versions first..last: the contract's columns and `_sign`, 1 for new, -1 for old."""
        changes = (
            self.spark.read.format("delta")
            .option("readChangeFeed", "true")
            .option("startingVersion", first)
            .option("endingVersion", last)
            .load(self.path(table))
        )
        sign = f"IF(_change_type IN ('insert', 'update_postimage'), 1, -1) AS {SIGN}"
        return changes.selectExpr(*_declared(changes, contract_of(table)), sign)

    # --- writing: jobs.runtime.publish is the one caller

    def append(self, table: str, rows: DataFrame, stamp: Stamp) -> None:
        self._writer(table, rows, "append", stamp).mode("append").save(self.path(table))

    def replace(self, table: str, rows: DataFrame, stamp: Stamp) -> None:
        """The whole table, in one commit."""
        self._writer(table, rows, "replace", stamp).mode("overwrite").save(self.path(table))

    def replace_where(self, table: str, rows: DataFrame, predicate: str, stamp: Stamp) -> None:
        """The rows under a predicate, in one commit; rows outside of it fail the write."""
        writer = self._writer(table, rows, "replace_where", stamp).mode("overwrite")
        writer.option("replaceWhere", predicate).save(self.path(table))

    def merge(self, table: str, changes: DataFrame, stamp: Stamp, predicate: str = "true") -> None:
        """Changed rows by key: `_change` says insert, update or delete; `predicate` bounds the target's files."""
        contract = contract_of(table)
        self.guard_schema(table)
        self._add_columns(table, self.missing_columns(table))
        on_key = " AND ".join(f"t.{name} = s.{name}" for name in contract.key)
        with self._user_metadata(stamp.text("merge")):
            (
                DeltaTable.forPath(self.spark, self.path(table))
                .alias("t")
                .merge(changes.alias("s"), f"{on_key} AND ({predicate})")
                .whenMatchedDelete(f"s.{CHANGE} = 'delete'")
                .whenMatchedUpdate(set={name: f"s.{name}" for name in contract.names})
                .whenNotMatchedInsert(f"s.{CHANGE} <> 'delete'", {name: f"s.{name}" for name in contract.names})
                .execute()
            )

    def staging(self, *parts: str) -> str:
        """A path for what is not published yet."""
        return "/".join((self.root, STAGING, *parts))

    def guard_schema(self, table: str) -> None:
        """Raises ContractError where a stored column is unknown to the contract or of another type.

        A column that is missing is an additive change: it is null until the next write.
        """
        rows = self.spark.read.format("delta").load(self.path(table))
        declared = {column.name: column.type.simpleString() for column in contract_of(table).columns}
        wrong = sorted(f.name for f in rows.schema if declared.get(f.name) != f.dataType.simpleString())
        if wrong:
            raise ContractError(
                f"{table}: the stored columns {', '.join(wrong)} are not those of the contract; a breaking change "
                "needs a new version of the contract and `run --full` on a fresh table"
            )

    # --- inside

    def _writer(self, table: str, rows: DataFrame, mode: str, stamp: Stamp) -> Any:
        contract = contract_of(table)
        writer = rows.write.format("delta").option("userMetadata", stamp.text(mode))
        if self.exists(table):
            self.guard_schema(table)
            return writer.option("mergeSchema", "true")
        return (
            writer.option("delta.enableChangeDataFeed", "true")
            .option("delta.enableDeletionVectors", "false")
            .option("delta.deletedFileRetentionDuration", KEEP_DELETED_FILES)
            .option("delta.dataSkippingStatsColumns", ",".join(contract.statistics_columns))
            .option("description", contract.doc)
        )

    def _add_columns(self, table: str, names: list[str]) -> None:
        """A MERGE takes only columns that the table has; the other writes add theirs by mergeSchema."""
        if names:
            contract = contract_of(table)
            added = ", ".join(f"{name} {contract.column(name).type.simpleString()}" for name in names)
            self.spark.sql(f"ALTER TABLE delta.`{self.path(table)}` ADD COLUMNS ({added})")

    @contextmanager
    def _user_metadata(self, text: str) -> Iterator[None]:
        """MERGE takes its userMetadata from the session, not from an option."""
        self.spark.conf.set(USER_METADATA, text)
        try:
            yield
        finally:
            self.spark.conf.unset(USER_METADATA)

    def _versions(self, table: str) -> list[int]:
        names = self.files.names(f"{self.path(table)}/_delta_log")
        return [int(name[:20]) for name in names if name.endswith(".json") and name[:20].isdigit()]

    def _commit(self, table: str, version: int) -> Commit:
        text = self.files.read_text(f"{self.path(table)}/_delta_log/{version:020d}.json")
        info: dict[str, Any] = {}
        for line in text.splitlines():
            if line.startswith('{"commitInfo"'):
                info = json.loads(line)["commitInfo"]
                break
        try:
            told = json.loads(info.get("userMetadata", ""))
        except ValueError:
            told = {}
        metrics = info.get("operationMetrics", {})
        return Commit(
            version=version,
            operation=info.get("operation", ""),
            group_id=told.get("group_id", ""),
            mode=told.get("mode", ""),
            as_of_date=told.get("as_of_date", ""),
            reads=told.get("reads", {}),
            rules=told.get("rules", 1),
            models=told.get("models", {}),
            deleted_rows=sum(int(metrics.get(name, 0)) for name in DELETED_ROWS),
            updated_rows=sum(int(metrics.get(name, 0)) for name in UPDATED_ROWS),
        )

    @property
    def is_sample(self) -> bool:
        """Whether its listeners are the sample world's."""
        return self.files.exists(f"{self.root}/{SAMPLE_MARK}")

    def _open_marker(self, creates: bool) -> dict[str, Any]:
        marker = f"{self.root}/{MARKER}"
        if self.files.exists(marker):
            told: dict[str, Any] = json.loads(self.files.read_text(marker))
            if told["format"] > LAKE_FORMAT:
                raise LakeVersionError(
                    f"this lake has format {told['format']}, this Moodlake knows up to {LAKE_FORMAT}: update Moodlake"
                )
            return told
        if self.files.names(f"{self.root}/bronze"):
            raise LakeVersionError(
                f"the lake has tables but no {MARKER}: restore that file from a backup, the pseudonyms hang on it"
            )
        if not creates:
            raise LakeMissingError(
                f"there is no lake at {self.root}: LAKE__ROOT says where it is; `make run` makes one with a sample "
                "world, `run_ingestion.py import` one with your own history"
            )
        told = {
            "format": LAKE_FORMAT,
            "salt": secrets.token_hex(32),
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self.files.write_text(marker, json.dumps(told))
        if is_local(self.root):
            os.chmod(local_path(self.root) / MARKER, 0o600)
        return told


def _declared(rows: DataFrame, contract: Contract) -> list[str]:
    """The contract's columns in its order, in SQL; null where the stored table does not have one yet."""
    stored = set(rows.columns)
    return [
        column.name if column.name in stored else f"CAST(NULL AS {column.type.simpleString()}) AS {column.name}"
        for column in contract.columns
    ]


def absolute_root(root: str) -> str:
    """The lake's root as Spark takes it: a relative folder lies under the project, `~` is opened."""
    return root.rstrip("/") if "://" in root else str(absolute_path(root).resolve())


def check_free_space(root: str, needed_bytes: int) -> None:
    """Raises DiskSpaceError where a local lake's disk has less than `needed_bytes` free."""
    if not is_local(root):
        return
    folder = local_path(root)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise DiskSpaceError(
            f"the lake's disk has {free / 1e9:.1f} GB free, {needed_bytes / 1e9:.1f} GB are needed: free some space, "
            "or point LAKE__ROOT elsewhere (LAKE__MIN_FREE_BYTES is the reserve)"
        )


def table_names() -> tuple[str, ...]:
    """All stored tables by name."""
    return tuple(name for name, contract in contracts().items() if contract.stored)
