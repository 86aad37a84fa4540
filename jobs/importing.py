"""Import a file: read, pseudonymise, turn into events, drop repeats, publish, and account for every record.

Records stream from the reader into a spool of column files inside the lake's staging, so that a file may be larger
than memory; from there Spark does the rest. The account, the quarantine and the events are one publish group: a crash
leaves all or nothing, and the next command that writes completes it.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from pyspark.sql import DataFrame, Observation, Window
from pyspark.sql import functions as F

from clients.exports import READERS
from clients.exports.archive import ArchiveLimits
from clients.exports.detect import KAGGLE_COLUMNS
from clients.exports.reading import ReadOptions
from jobs.plan import IMPORT_FORMATS, ImportFormat
from jobs.runtime import ops
from jobs.runtime.errors import UsageError
from jobs.runtime.lake import Lake, check_free_space
from jobs.runtime.ops import new_run_id
from jobs.runtime.publish import Entry, Group, decide, publish, recover
from jobs.runtime.settings import Settings
from jobs.runtime.spark import tune
from jobs.spool import Spool
from transformations.bronze.events import MAX_PLAY_MS

SMALL_IMPORT = 200_000  # rows up to which one query with a sort beats several without
IDS_IN_MEMORY = 3_000_000  # event ids of an import up to which they are held in memory against the table's, 200 MB
LABEL = re.compile(r"^[a-z0-9_-]+$")
SPACE_FACTOR = 4  # spool, staged events and table, all compressed, against a plain file
HASH_BLOCK_BYTES = 1 << 20
CSV_COLUMNS = (
    "played_at",
    "artist_name",
    "track_name",
    "album_name",
    "duration_ms",
    "ms_played",
    "spotify_id",
    "isrc",
    "recording_mbid",
)
# Of a file with a header all else is dropped, and these come in this order: ids are hashes of them.
KNOWN_COLUMNS = {"csv": CSV_COLUMNS, "kaggle-tracks": KAGGLE_COLUMNS}
CATALOGUE = "bronze.kaggle_tracks"
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Request:
    """What the caller asks for. `since` and `until` are a half-open window on the start of plays, UTC."""

    format: str
    path: Path
    user: str | None = None
    since: date | None = None
    until: date | None = None
    label: str = "file"
    delimiter: str | None = None
    encoding: str | None = None
    time_zone: str = "UTC"
    dry_run: bool = False


DEFAULTS = Request("", Path())  # what options are that were not given


@dataclass
class Report:
    """The account of an import: attempted = stored + duplicate + skipped + quarantined."""

    import_id: str
    format: str
    source: str
    dry_run: bool
    stored: int = 0
    duplicate: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    attempted: int = 0
    listeners: int = 0

    def check(self) -> None:
        """Raises AssertionError where a record is unaccounted for: that is a defect, never the file's fault."""
        accounted = self.stored + self.duplicate + self.skipped.total() + self.quarantined.total()
        if accounted != self.attempted:
            raise AssertionError(f"import {self.import_id}: {self.attempted} records found, {accounted} accounted for")


def import_format(name: str) -> ImportFormat:
    """The format of that name. Raises UsageError with the known ones."""
    for candidate in IMPORT_FORMATS:
        if candidate.format == name:
            return candidate
    raise UsageError(f"no format {name!r}; known: {', '.join(f.format for f in IMPORT_FORMATS)}")


def import_file(lake: Lake, settings: Settings, request: Request, progress: Progress = lambda _: None) -> Report:
    """Import one file, folder or archive. Raises UsageError, DiskSpaceError, and ExportError of the reader."""
    target = import_format(request.format)
    request = checked(request)
    recover(lake)
    reader = READERS[target.format]
    limits = limits_of(settings)
    total_bytes = reader.total_bytes(request.path, limits=limits)
    check_free_space(lake.root, settings.lake.min_free_bytes + SPACE_FACTOR * total_bytes)
    tune(lake.spark, total_bytes + lake.bytes_of(target.table))
    import_id = f"{new_run_id()}-import"
    report = Report(import_id, target.format, target.feed.format(label=request.label), request.dry_run)
    started_at = datetime.now(UTC)
    is_decided = False
    try:
        spool = Spool(
            lake,
            lake.staging(import_id, "spool"),
            request.user,
            KNOWN_COLUMNS.get(target.format, ()),
            of_listeners=target.table != CATALOGUE,
        )
        options = ReadOptions(
            encoding=request.encoding,
            delimiter=request.delimiter,
            skip_incognito=settings.imports.skip_incognito,
            user_given=request.user is not None,
            limits=limits,
        )
        for chunk in reader.chunks(request.path, options=options):
            spool.add(chunk)
            progress(chunk.bytes_read)
        spool.close()
        entries = _staged(lake, request, target, report, spool)
        if not request.dry_run:
            sha256 = files_sha256(reader.files(request.path, limits=limits))
            entries.append(_account(lake, request, report, started_at, total_bytes, sha256))
            group = Group(import_id, started_at.date().isoformat(), tuple(entries))
            decide(lake, group)
            is_decided = True
            publish(lake, group)
        return report
    finally:
        if not is_decided:  # what is decided is published, if not by this process then by the next
            lake.files.delete(lake.staging(import_id))


def limits_of(settings: Settings) -> ArchiveLimits:
    """How far an archive may unpack."""
    return ArchiveLimits(max_uncompressed_bytes=settings.imports.max_archive_bytes)


def checked(request: Request) -> Request:
    """The request with its listener's name trimmed. Raises UsageError where it asks for what its format has not."""
    target = import_format(request.format)
    if request.user is not None:
        request = replace(request, user=request.user.strip())
        if not request.user:
            raise UsageError("--user is blank: give the listener's name")
    if not target.names_users and request.user is None:
        raise UsageError(f"a {target.format} export does not name its listener: add --user NAME")
    if target.table == CATALOGUE and request.user is not None:
        raise UsageError("a catalogue is nobody's listening: leave --user out")
    if target.format == "lastfm-1k" and request.user is not None:
        raise UsageError("a lastfm-1k file names its listeners: leave --user out, or all their plays would be one's")
    _check_options(request, target)
    if not LABEL.match(request.label):
        raise UsageError(f"--label {request.label!r}: use small letters, digits, - and _")
    if request.time_zone not in available_timezones():
        raise UsageError(f"--time-zone {request.time_zone!r}: not an IANA time zone, such as Europe/Berlin")
    if request.since and request.until and request.since >= request.until:
        raise UsageError("--from must lie before --to: the window is [from, to)")
    return request


def _check_options(request: Request, target: ImportFormat) -> None:
    """Raises UsageError for an option that the format does not take: ignored, it would not be missed."""
    of_csv = {"--label": "label", "--delimiter": "delimiter", "--time-zone": "time_zone"}
    of_plays = {"--from": "since", "--to": "until"}
    not_taken = of_csv if target.format != "csv" else {}
    if target.table == CATALOGUE:
        not_taken = not_taken | of_plays
    given = [option for option, name in not_taken.items() if getattr(request, name) != getattr(DEFAULTS, name)]
    if given:
        raise UsageError(f"{target.format} takes no {', '.join(given)}: leave it out")


def _staged(lake: Lake, request: Request, target: ImportFormat, report: Report, spool: Spool) -> list[Entry]:
    """Stage new events, refused records and new listeners; fill in the report."""
    report.skipped.update(spool.skipped)
    report.attempted = spool.row_count + spool.rejected.total() + spool.skipped.total()
    report.quarantined.update(spool.rejected)
    entries: list[Entry] = []
    rejects = spool.rejects(target.table, report.source, report.import_id)
    refused = [rejects] if rejects is not None else []
    records = spool.records()
    if records is not None:
        events = _events(records, request, target, report.source)
        path, measured = _write_events(lake, events, request, report)
        staged = lake.spark.read.parquet(path)
        if measured["bad"]:
            bad = staged.where(F.size("_violations") > 0)
            by_rule = bad.groupBy(F.element_at("_violations", 1).alias("rule")).count().collect()
            report.quarantined.update({row["rule"]: row["count"] for row in by_rule})
            refused.append(_refused_rows(bad, target, report))
        good = staged.where((F.size("_violations") == 0) & ~F.col("_outside"))
        if measured["outside"]:
            report.skipped["outside_window"] += measured["outside"]
        fresh, stored = _fresh(lake, target.table, good, measured, lake.staging(report.import_id, "fresh"))
        report.stored = stored
        report.duplicate = measured["good"] - stored
        if stored:
            entries.append(Entry(target.table, fresh, "append"))
    if refused:
        path = lake.staging(report.import_id, "refused")
        rows = refused[0] if len(refused) == 1 else refused[0].unionByName(refused[1])
        rows.dropDuplicates(["record_id"]).write.parquet(path)
        entries.append(Entry("ops.quarantine", path, "append", once_by="record_id"))
    entries += _new_accounts(lake, report, spool.user_ids)
    report.check()
    return entries


def _events(records: DataFrame, request: Request, target: ImportFormat, feed: str) -> DataFrame:
    build = importlib.import_module(f"transformations.{target.table}").build
    arguments: dict[str, Any] = {"records": records, "feed": feed}
    if target.table != CATALOGUE:
        arguments["now"] = datetime.now(UTC).replace(tzinfo=None)
    if target.format == "csv":
        arguments["time_zone"] = request.time_zone
    events: DataFrame = build(**arguments)
    return events


def _write_events(lake: Lake, events: DataFrame, request: Request, report: Report) -> tuple[str, dict[str, Any]]:
    """Stage all events once, counting on the way."""
    outside = F.lit(False)
    if request.since:
        outside = outside | (F.col("event_at") < F.lit(request.since))
    if request.until:
        outside = outside | (F.col("event_at") >= F.lit(request.until))
    broken = F.size("_violations") > 0
    tagged = events.withColumn("_outside", F.coalesce(outside & ~broken, F.lit(False))).select(
        "*", F.lit(report.import_id).alias("_run_id"), F.lit(datetime.now(UTC)).alias("_ingested_at")
    )
    observed = Observation("import")
    is_good = ~broken & ~F.col("_outside")
    counted = tagged.observe(
        observed,
        F.count_if(F.size("_violations") > 0).alias("bad"),
        F.count_if(F.col("_outside")).alias("outside"),
        F.count_if(is_good).alias("good"),
        F.min(F.when(is_good, F.col("event_at"))).alias("first"),
        F.max(F.when(is_good, F.col("event_at"))).alias("last"),
    )
    path = lake.staging(report.import_id, "events")
    counted.write.parquet(path, compression="lz4")
    return path, dict(observed.get)


def _fresh(lake: Lake, table: str, good: DataFrame, measured: dict[str, Any], path: str) -> tuple[str, int]:
    """Stage the events that are new: the first of those alike in the file, and none that the table has.

    The comparison is bounded by the file's span of time. For a large import ids alone are compared: those of the file
    are held in memory (up to IDS_IN_MEMORY) against a scan of the table's, so that neither is the table shuffled nor
    are payloads sorted.
    """
    first_of_each = F.row_number().over(Window.partitionBy("event_id").orderBy("_row")) == 1
    ids = good.select("event_id")
    repeated = ids.groupBy("event_id").count().where("count > 1").select("event_id")
    stored = lake.read(table).select("event_id", "event_at")
    if measured["first"] is not None:
        # An export stamps the end of a play: records of one id may differ in length, and so in start.
        slack = timedelta(milliseconds=MAX_PLAY_MS)
        first, last = measured["first"] - slack, measured["last"] + slack
        stored = stored.where(F.col("event_at").between(F.lit(first), F.lit(last)))
    if measured["good"] <= SMALL_IMPORT:
        once = good.withColumn("_first", first_of_each).where("_first").drop("_first")
        return path, _counted_write(once.join(stored.select("event_id"), "event_id", "left_anti"), path)
    repeated.persist()
    wanted = F.broadcast(ids) if measured["good"] <= IDS_IN_MEMORY else ids
    known = stored.select("event_id").join(wanted, "event_id", "left_semi").persist()
    try:
        fresh = good
        if not repeated.isEmpty():
            once = good.join(repeated, "event_id", "left_semi").withColumn("_first", first_of_each).where("_first")
            fresh = good.join(repeated, "event_id", "left_anti").unionByName(once.drop("_first"))
        if not known.isEmpty():
            fresh = fresh.join(known, "event_id", "left_anti")
        return path, _counted_write(fresh, path)
    finally:
        repeated.unpersist()
        known.unpersist()


def _counted_write(rows: DataFrame, path: str) -> int:
    observed = Observation("written")
    rows.observe(observed, F.count("*").alias("rows")).write.parquet(path, compression="lz4")
    return int(observed.get["rows"])


def _refused_rows(bad: DataFrame, target: ImportFormat, report: Report) -> DataFrame:
    """Records that could be read but broke a rule: kept whole, so that they can be mended and replayed."""
    return ops.refused_rows(
        bad,
        table=target.table,
        source=report.source,
        run_id=report.import_id,
        rules=F.col("_violations"),
        at=datetime.now(UTC),
        user_id=ops.whose(bad),
        payload=F.col("payload"),
    )


def _new_accounts(lake: Lake, report: Report, user_ids: dict[str, str]) -> list[Entry]:
    """Listeners the lake does not know yet."""
    report.listeners = len(user_ids)
    known = {row["user_id"] for row in lake.read("ops.accounts").select("user_id").collect()}
    now = datetime.now(UTC)
    fresh = [
        {"user_id": user_id, "user_name": name, "created_at": now}
        for name, user_id in user_ids.items()
        if user_id not in known
    ]
    if not fresh or not report.stored + report.duplicate:
        return []
    path = lake.staging(report.import_id, "accounts")
    ops.frame(lake, "ops.accounts", fresh).coalesce(1).write.parquet(path)
    return [Entry("ops.accounts", path, "append", once_by="user_id")]


def _account(lake: Lake, request: Request, report: Report, started_at: datetime, file_bytes: int, sha256: str) -> Entry:
    row = {
        "import_id": report.import_id,
        "format": report.format,
        "source": report.source,
        "file_sha256": sha256,
        "file_bytes": file_bytes,
        "user_id": lake.pseudonym(request.user) if request.user else None,
        "attempted_count": report.attempted,
        "stored_count": report.stored,
        "duplicate_count": report.duplicate,
        "skipped_count": report.skipped.total(),
        "quarantined_count": report.quarantined.total(),
        "skipped_by_reason": dict(report.skipped),
        "quarantined_by_rule": dict(report.quarantined),
        "started_at": started_at,
        "ended_at": datetime.now(UTC),
    }
    path = lake.staging(report.import_id, "account")
    ops.frame(lake, "ops.imports", [row]).coalesce(1).write.parquet(path)
    return Entry("ops.imports", path, "append", once_by="import_id")


def files_sha256(paths: Sequence[Path]) -> str:
    """SHA-256 of the files' bytes, one after another."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as stream:
            while block := stream.read(HASH_BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()
