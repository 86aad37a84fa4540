"""What tests ask of a lake: its rows as plain values, its versions, a run of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from jobs.groups import Run
from jobs.importing import Report, Request, import_file
from jobs.runner import execute
from jobs.runtime.lake import Lake, table_names
from jobs.runtime.ops import Outcome, new_run_id
from jobs.runtime.settings import Settings
from schemas.catalog import contract_of
from tests import worlds


def built_tables(lake: Lake) -> list[str]:
    return [name for name in table_names() if name.startswith(("silver.", "gold.")) and lake.exists(name)]


def business_rows(lake: Lake, as_of_date: date) -> dict[str, list[str]]:
    """Per silver and gold table its business rows, comparable: of history tables the rows of the date alone."""
    found = {}
    for name in built_tables(lake):
        contract = contract_of(name)
        rows = lake.read(name)
        if contract.history:
            rows = rows.where(f"run_date = DATE'{as_of_date}'")
        found[name] = sorted(
            _shown(row.asDict(recursive=True)) for row in rows.select(*contract.business_columns).collect()
        )
    return found


def versions(lake: Lake) -> dict[str, int | None]:
    """The version of every table outside ops."""
    return {name: lake.version(name) for name in table_names() if not name.startswith("ops.")}


def run(lake: Lake, settings: Settings, as_of_date: date, *, full: bool = False) -> list[Outcome]:
    outcomes = execute(lake, settings, Run(new_run_id(), as_of_date, full))
    assert [outcome.status for outcome in outcomes] == ["ok", "ok"], [outcome.messages for outcome in outcomes]
    return outcomes


def import_plays(lake: Lake, settings: Settings, folder: Path, plays: list[worlds.Play]) -> Report:
    path = worlds.write_plays(folder / "plays.csv", plays)
    return import_file(lake, settings, Request("csv", path, label="diary"))


def import_catalogue(lake: Lake, settings: Settings, folder: Path, songs: list[worlds.Song]) -> Report:
    path = worlds.write_catalogue(folder / "catalogue.csv", songs)
    return import_file(lake, settings, Request("kaggle-tracks", path))


def _shown(row: dict[str, Any]) -> str:
    return repr({name: sorted(value.items()) if isinstance(value, dict) else value for name, value in row.items()})
