"""What stands in the lake: tables, runs, bookmarks, imports, accounts and their gaps, and what was quarantined and why.

It names listeners, as `accounts list` does: it is for the terminal.
"""

from __future__ import annotations

from pyspark.sql import functions as F
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.runtime.lake import Lake, table_names
from schemas.catalog import contract_of

SHOWN_RUNS = 8
SHOWN_RULES = 20


def print_status(lake: Lake, console: Console) -> None:
    """The whole status, in a few tables."""
    console.print(f"Lake: {lake.root}", highlight=False, markup=False, soft_wrap=True)
    tables = _table("Tables", "table", "rows", "version", "what it is")
    for name in table_names():
        version = lake.version(name)
        if version is not None:
            tables.add_row(name, f"{lake.read(name).count():,}", str(version), contract_of(name).grain.rstrip("."))
    if not tables.row_count:
        console.print("The lake is empty: `make run` fills it with a sample world, `import` with your own history.")
        return
    console.print(tables)

    runs = _table("Last runs", "run", "stage", "status", "as of", "tables", "rows", "seconds", "message")
    newest = lake.read("ops.runs").orderBy(F.col("started_at").desc()).limit(SHOWN_RUNS)
    for row in newest.collect():
        seconds = (row["ended_at"] - row["started_at"]).total_seconds()
        runs.add_row(
            row["run_id"],
            row["stage"],
            row["status"],
            str(row["as_of_date"]),
            str(row["tables_written_count"]),
            f"{row['rows_written_count']:,}",
            f"{seconds:.0f}",
            escape((row["message"] or "")[:60]),
        )
    _print(console, runs)

    imports = _table("Last imports", "import", "format", "attempted", "stored", "duplicate", "skipped", "quarantined")
    for row in lake.read("ops.imports").orderBy(F.col("started_at").desc()).limit(SHOWN_RUNS).collect():
        counts = [f"{row[f'{c}_count']:,}" for c in ("attempted", "stored", "duplicate", "skipped", "quarantined")]
        imports.add_row(row["import_id"], row["format"], *counts)
    _print(console, imports)

    bookmarks = _table("Watermarks: how far each table has read", "table", "input", "read", "newest")
    marks = lake.read("ops.bookmarks").groupBy("consumer", "input").agg(F.max_by("version", "run_id").alias("version"))
    for row in marks.orderBy("consumer", "input").collect():
        bookmarks.add_row(row["consumer"], row["input"], str(row["version"]), str(lake.version(row["input"])))
    _print(console, bookmarks)

    names = {row["user_id"]: row["user_name"] for row in lake.read("ops.accounts").collect()}
    states = _table("Accounts: how far each was fetched", "listener", "source", "stream", "status", "fetched up to")
    fetched = lake.read("ops.source_states").where(F.col("user_id").isNotNull())
    for row in fetched.orderBy("source", "stream", "connection_id").collect():
        until = f"{row['watermark_at']:%Y-%m-%d %H:%M}" if row["watermark_at"] else "-"
        listener = escape(names.get(row["user_id"], "-"))
        states.add_row(listener, row["source"], row["stream"], row["status"], until)
    _print(console, states)

    gaps = _table("Gaps: plays may be missing, an export fills them", "listener", "source", "gaps", "first", "last")
    spans = lake.read("ops.gaps").groupBy("user_id", "source")
    found = spans.agg(F.count("*").alias("gaps"), F.min("start_at").alias("first"), F.max("end_at").alias("last"))
    for row in found.orderBy("source", "user_id").collect():
        span = (f"{row[edge]:%Y-%m-%d}" for edge in ("first", "last"))
        gaps.add_row(escape(names.get(row["user_id"], "-")), row["source"], str(row["gaps"]), *span)
    _print(console, gaps)

    refused = _table("Quarantine", "table", "source", "rule", "records")
    rules = lake.read("ops.quarantine").select("table", "source", F.explode("rules").alias("rule"))
    counted = rules.groupBy("table", "source", "rule").count().orderBy(F.col("count").desc(), "table", "rule")
    for row in counted.limit(SHOWN_RULES).collect():
        refused.add_row(row["table"], row["source"], row["rule"], f"{row['count']:,}")
    _print(console, refused)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _print(console: Console, table: Table) -> None:
    if table.row_count:
        console.print(table)
