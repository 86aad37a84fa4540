"""What tests ask of a lake: its rows as plain values, its versions, a run of it."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from pyspark.sql import functions as F

from jobs.groups import Run, conformed
from jobs.importing import Report, Request, import_file
from jobs.runner import execute
from jobs.runtime.increments import difference
from jobs.runtime.lake import Lake, Stamp, table_names
from jobs.runtime.ops import Outcome, new_run_id
from jobs.runtime.quality import with_violations
from jobs.runtime.settings import Settings
from schemas.bronze.audio_features import CONTRACT as AUDIO_FEATURES
from schemas.bronze.lyric_scores import CONTRACT as LYRIC_SCORES
from schemas.catalog import contract_of
from schemas.contract import Column
from tests import worlds
from tests.rows import fetched, imported, make_rows

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SILVER, GOLD = ("silver",), ("gold",)


def built_tables(lake: Lake) -> list[str]:
    return [name for name in table_names() if name.startswith(("silver.", "gold.")) and lake.exists(name)]


def business_rows(lake: Lake, as_of_date: date) -> dict[str, list[str]]:
    """Per silver and gold table its business rows, comparable: of history tables the rows of the date alone."""
    found = {}
    for name in built_tables(lake):
        contract = contract_of(name)
        of_date = [("run_date", "=", as_of_date)] if contract.history else None
        found[name] = sorted(map(_shown, _rows(lake, name, contract.business_columns, of_date)))
    return found


def _rows(lake: Lake, table: str, columns: Sequence[str], filters: list[Any] | None = None) -> list[dict[str, Any]]:
    """Rows of a table as another reader than Spark sees them: in half a hundred small tables it is far sooner."""
    rows = DeltaTable(lake.path(table)).to_pyarrow_table(columns=list(columns), filters=filters)
    found: list[dict[str, Any]] = rows.to_pylist(maps_as_pydicts="strict")
    return found


def dead_tracks(lake: Lake) -> dict[str, set[str]]:
    """Tracks that a silver or gold table names, at any depth, and that are none of silver.tracks; by table and column.

    What was said of tracks, what a service was asked and what a key's own id would be keep the id of then.
    """
    alive = {row["track_id"] for row in _rows(lake, "silver.tracks", ["track_id"])}
    found: dict[str, set[str]] = {}
    for table in sorted(set(built_tables(lake)) - {"silver.track_feedback", "silver.spotify_tracks"}):
        names = [column.name for column in contract_of(table).columns if _names_a_track(column)]
        for row in _rows(lake, table, names) if names else []:
            for path, value in _leaves(row):
                is_now = path.endswith("track_id") and not path.endswith("own_track_id")
                if is_now and value is not None and value not in alive:
                    found.setdefault(f"{table}.{path}", set()).add(value)
    return found


def _names_a_track(column: Column) -> bool:
    return "track_id" in column.name or "track_id" in column.type.json()


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, path)
    else:
        yield path, value


def versions(lake: Lake) -> dict[str, int | None]:
    """The version of every table outside ops."""
    return {name: lake.version(name) for name in table_names() if not name.startswith("ops.")}


def run(
    lake: Lake, settings: Settings, as_of_date: date, *, full: bool = False, only: tuple[str, ...] = ()
) -> list[Outcome]:
    """A night, or some stages of it: of what only those move."""
    outcomes = execute(lake, settings, Run(new_run_id(), as_of_date, full), only=only)
    assert {outcome.status for outcome in outcomes} == {"ok"}, [outcome.messages for outcome in outcomes]
    return outcomes


def import_plays(lake: Lake, settings: Settings, folder: Path, plays: list[worlds.Play]) -> Report:
    path = worlds.write_plays(folder / "plays.csv", plays)
    return import_file(lake, settings, Request("csv", path, label="diary"))


def import_catalogue(lake: Lake, settings: Settings, folder: Path, songs: list[worlds.Song]) -> Report:
    path = worlds.write_catalogue(folder / "catalogue.csv", songs)
    return import_file(lake, settings, Request("kaggle-tracks", path))


def with_tables_of(root: Path, lake: Lake, settings: Settings) -> Lake:
    """The lake with a copy of all that lies under `root`, a lake that was built once for several tests."""
    shutil.copytree(root, settings.lake.root, dirs_exist_ok=True)
    return Lake(lake.spark, settings.lake)


def store(
    lake: Lake,
    table: str,
    feed: str,
    records: list[dict[str, Any]],
    *,
    snapshot: bool = False,
    run_id: str = "run-1",
    **owner: str,
) -> None:
    """Put what a service says into bronze: a later state replaces, and a snapshot drops what its owner has besides."""
    contract, build = contract_of(table), importlib.import_module(f"transformations.{table}").build
    events = build(records=fetched(lake.spark, *records, **owner), feed=feed, now=NOW)
    rows = conformed(imported(events, run_id), contract).dropDuplicates(["event_id"]).localCheckpoint()
    stamp = Stamp(new_run_id(), NOW.date().isoformat())
    if not lake.exists(table):
        lake.append(table, rows, stamp)
        return
    current = lake.read(table)
    if snapshot:
        for name, value in owner.items():
            current = current.where(F.col(name) == value)
    else:
        current = current.join(rows.select("event_id"), "event_id", "left_semi")
    changes = difference(with_violations(rows, contract), current, table)
    lake.merge(table, changes.where("_change <> 'before'").localCheckpoint(), stamp)


def store_scores(lake: Lake, *scores: dict[str, Any]) -> None:
    """Put what models said of lyrics into bronze; of one key nothing must be there."""
    rows = make_rows(lake.spark, LYRIC_SCORES, *({"_source": "local", "confidence": 0.5, **score} for score in scores))
    lake.append(LYRIC_SCORES.table, rows, Stamp(new_run_id(), NOW.date().isoformat()))


def store_features(lake: Lake, source: str, answers: dict[str, dict[str, Any]]) -> None:
    """Put what a service says of tracks it was not asked about before into bronze, by track key, in one commit."""
    rows = make_rows(
        lake.spark,
        AUDIO_FEATURES,
        *(
            {"event_id": f"{source}-{key}", "track_key": key, "payload": json.dumps(said), "_source": source}
            for key, said in answers.items()
        ),
    )
    lake.append(AUDIO_FEATURES.table, rows, Stamp(new_run_id(), NOW.date().isoformat()))


def _shown(row: dict[str, Any]) -> str:
    return repr({name: sorted(value.items()) if isinstance(value, dict) else value for name, value in row.items()})
