"""A publish group of fetched records: what they change in their tables, what of them is refused, and the ops rows
that go with them, committed together."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, Observation, Window
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType

from jobs.fetching import Harvest
from jobs.plan import Fetch, Ingest, Keep
from jobs.runtime import ops
from jobs.runtime.frames import local_frame
from jobs.runtime.increments import difference
from jobs.runtime.lake import CHANGE, Lake
from jobs.runtime.publish import Entry, Group, decide, publish
from jobs.runtime.quality import VIOLATIONS
from jobs.runtime.spark import tune
from schemas.catalog import contract_of

ONE_SECOND = timedelta(seconds=1)  # Spotify tells a moment with and without its milliseconds
FEEDS = {"spotify": "spotify_api"}  # where a service has other feeds beside its API, as exports are
RECORDS = StructType([*(StructField(n, StringType()) for n in ("payload", "user_id")), StructField("_row", LongType())])


@dataclass
class Counts:
    """Records by bronze table: as they came, new or changed, and refused."""

    fetched: Counter[str] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)


class Arrivals:
    """Stages stream by stream, then commits all at once; nothing is visible before `publish`."""

    def __init__(self, lake: Lake, group_id: str, run_id: str, now: datetime, counts: Counts) -> None:
        self.lake = lake
        self.group_id = group_id
        self.run_id = run_id
        self.now = now
        self.counts = counts
        self.entries: list[Entry] = []
        self._refused: list[DataFrame] = []

    def harvest(self, ingest: Ingest) -> Harvest:
        """Where the records of a stream are gathered."""
        return Harvest(self.lake, self._path(ingest, "spool"), ingest)

    def add_stream(self, harvest: Harvest, whole_users: Sequence[str] = ()) -> None:
        """Stage what the records change; of `whole_users` all is here, so what they no longer have is deleted."""
        ingest = harvest.ingest
        self.counts.fetched[ingest.table] += harvest.count
        records = harvest.rows()
        if records is None and not whole_users:
            return
        tune(self.lake.spark, self.lake.bytes_of(ingest.table))
        if records is None:
            records = local_frame(self.lake.spark, [], RECORDS)
        feed = FEEDS.get(ingest.source, ingest.source) if ingest.fetch is Fetch.ACCOUNT else ingest.source
        build = importlib.import_module(f"transformations.{ingest.table}").build
        built = build(records=records, feed=feed, now=self.now.replace(tzinfo=None))
        path = self._path(ingest, "events")
        counted = Observation("events")
        is_bad = F.size(VIOLATIONS) > 0
        built.select("*", F.lit(self.run_id).alias("_run_id"), F.lit(self.now).alias("_ingested_at")).observe(
            counted, F.count_if(is_bad).alias("bad"), F.min("event_at").alias("first"), F.max("event_at").alias("last")
        ).write.parquet(path, compression="lz4")
        measured = counted.get
        events = self.lake.spark.read.parquet(path)
        if measured["bad"]:
            self.counts.quarantined[ingest.table] += measured["bad"]
            self._refused.append(self._quarantined(ingest, feed, events.where(is_bad)))
        by_order = F.col("_row") if ingest.keep is Keep.FIRST else F.col("_row").desc()
        place = F.row_number().over(Window.partitionBy("event_id").orderBy(by_order))
        once = events.where(~is_bad).withColumn("_place", place).where("_place = 1")
        self._add_changes(ingest, once, whole_users, measured)

    def add_rows(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        """Stage a few rows that replace those of the same key."""
        if not rows:
            return
        contract = contract_of(table)
        by_key = {tuple(row[name] for name in contract.key): row for row in rows}
        built = ops.frame(self.lake, table, list(by_key.values()))
        path = self.lake.staging(self.group_id, table)
        if not self.lake.exists(table):
            built.coalesce(1).write.parquet(path)
            self.entries.append(Entry(table, path, "append"))
            return
        judged = built.withColumn(VIOLATIONS, F.array().cast("array<string>"))
        same = self.lake.read(table).join(F.broadcast(built.select(*contract.key)), list(contract.key), "left_semi")
        difference(judged, same, table).coalesce(1).write.parquet(path)
        self.entries.append(Entry(table, path, "merge"))

    def publish(self, as_of_date: date) -> None:
        """Commit what was staged, and what was refused to quarantine."""
        if self._refused:
            path = self.lake.staging(self.group_id, "refused")
            rows = reduce(DataFrame.unionByName, self._refused).dropDuplicates(["record_id"])
            rows.coalesce(1).write.parquet(path)
            self.entries.append(Entry("ops.quarantine", path, "append", once_by="record_id"))
        if not self.entries:
            self.lake.files.delete(self.lake.staging(self.group_id))
            return
        group = Group(self.group_id, as_of_date.isoformat(), tuple(self.entries))
        decide(self.lake, group)
        publish(self.lake, group)

    # --- inside

    def _add_changes(
        self, ingest: Ingest, once: DataFrame, whole_users: Sequence[str], measured: dict[str, Any]
    ) -> None:
        contract = contract_of(ingest.table)
        judged = once.select(*contract.names, VIOLATIONS)
        stored = self.lake.read(ingest.table)
        same = stored
        if measured["first"] is not None and ingest.keep is not Keep.SNAPSHOT:
            first, last = measured["first"] - ONE_SECOND, measured["last"] + ONE_SECOND
            same = stored.where(F.col("event_at").between(F.lit(first), F.lit(last)))
        same = same.join(F.broadcast(once.select("event_id")), "event_id", "left_semi")
        if whole_users:
            theirs = stored.where(F.col("user_id").isin(*whole_users))
            same = theirs.unionByName(same.where(~F.col("user_id").isin(*whole_users)))
        kinds = ("insert",) if ingest.keep is Keep.FIRST else ("insert", "update", "delete")
        changes = difference(judged, same, ingest.table).where(F.col(CHANGE).isin(*kinds)).coalesce(1)
        path = self._path(ingest, "changes")
        counted = Observation("changes")
        changes.observe(counted, F.count("*").alias("rows")).write.parquet(path, compression="lz4")
        rows = counted.get["rows"]
        self.counts.stored[ingest.table] += rows
        if rows:
            only_new = ingest.keep is Keep.FIRST or not self.lake.exists(ingest.table)
            self.entries.append(Entry(ingest.table, path, "append" if only_new else "merge"))

    def _quarantined(self, ingest: Ingest, feed: str, bad: DataFrame) -> DataFrame:
        """Records that broke a rule, whole, less what the stream redacts."""
        return ops.refused_rows(
            bad,
            table=ingest.table,
            source=feed,
            run_id=self.run_id,
            rules=F.col(VIOLATIONS),
            at=self.now,
            user_id=ops.whose(bad),
            payload=F.col("payload"),
        )

    def _path(self, ingest: Ingest, part: str) -> str:
        return self.lake.staging(self.group_id, f"{ingest.name}-{ingest.source}-{part}")
