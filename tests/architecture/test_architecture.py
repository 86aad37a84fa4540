"""The frame holds: one word per table everywhere, the plan matches the code, only the lake writes."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

from jobs.plan import (
    CURRENT_DAYS,
    IMPORT_FORMATS,
    INGESTS,
    PERIOD_DAYS,
    STEPS,
    VIEWS,
    Scope,
    Step,
    View,
    stages,
    stored_inputs,
)
from jobs.runtime.models import Models
from jobs.runtime.settings import ModelSettings, setting_names
from schemas import vocab
from schemas.catalog import contracts

ROOT = Path(__file__).resolve().parents[2]
ENTRIES: tuple[Step | View, ...] = (*VIEWS, *STEPS)
OF_MANY = tuple(step.of_many for step in STEPS if step.of_many is not None)
OURS = ("dags", "jobs", "clients", "transformations", "schemas", "sandbox")


def modules(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.table)
def test_every_entry_of_the_plan_has_contract_module_and_test(entry: Step | View) -> None:
    layer, name = entry.table.split(".")
    assert entry.table in contracts()
    assert (ROOT / "transformations" / layer / f"{name}.py").is_file()
    assert (ROOT / "tests" / "transformations" / layer / f"test_{name}.py").is_file()


@pytest.mark.parametrize("entry", [*ENTRIES, *OF_MANY], ids=lambda entry: entry.table)
def test_build_takes_what_the_plan_says_it_reads(entry: Step | View) -> None:
    module = importlib.import_module(f"transformations.{entry.table}")
    parameters = dict(inspect.signature(getattr(module, getattr(entry, "build", "build"))).parameters)
    expected = {table.split(".")[1] for table in entry.reads}
    if isinstance(entry, Step):
        expected |= {"as_of_date"} if entry.takes_as_of_date else set()
        expected |= {*entry.models, *entry.fitted, *(setting.split(".")[1] for setting in entry.settings)}
        if entry.scope is Scope.FOLD:  # what new rows say, and the rows of before, make the evidence that is built from
            parameters |= inspect.signature(module.said).parameters | inspect.signature(module.evidence).parameters
            expected |= {"said", "previous", "evidence"}
        if entry.scope is Scope.PINNED:  # whether it still stands is asked apart
            parameters |= inspect.signature(module.outgrown).parameters
            expected |= {"previous"}
        if entry.scope is Scope.LISTS:  # who is nearest is settled first; the model's version is all that it needs
            parameters |= inspect.signature(module.nearest).parameters
            expected |= {"touched", "previous", "nearest"}
            expected -= entry.fitted.keys()
    assert set(parameters) == expected
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters.values())


@pytest.mark.parametrize("name", sorted({name for step in STEPS for name in step.models}))
def test_every_model_of_the_plan_is_committed_read_and_described(name: str) -> None:
    (model,) = Models(ModelSettings()).of((name,)).values()
    assert model.version
    cards = [path.read_text() for path in (ROOT / "docs").glob("*-model.md")]
    assert any(f"data/models/{name}.json" in card for card in cards)


def test_every_contract_of_silver_and_gold_is_built_by_the_plan() -> None:
    built = {entry.table for entry in ENTRIES}
    assert built == {name for name, c in contracts().items() if c.layer in ("silver", "gold")}


def test_every_bronze_table_is_filled_by_a_format_or_a_service() -> None:
    filled = {target.table for target in (*IMPORT_FORMATS, *INGESTS)}
    filled.add("bronze.lyric_scores")  # what the ingest job made of bronze.lyrics: it comes from no service as it is
    filled |= {"bronze.mood_entries", "bronze.track_feedback"}  # what listeners say: `mood`, `feedback`
    assert filled == {name for name, contract in contracts().items() if contract.layer == "bronze"}


@pytest.mark.parametrize("table", sorted({ingest.table for ingest in INGESTS}))
def test_every_stream_of_a_service_has_its_build(table: str) -> None:
    parameters = inspect.signature(importlib.import_module(f"transformations.{table}").build).parameters
    assert {"records", "feed", "now"} == {name for name, p in parameters.items() if p.default is p.empty}


def test_a_step_reads_only_what_stands_before_it() -> None:
    known = {name for name, contract in contracts().items() if contract.layer in ("bronze", "ops")}
    for step in STEPS:
        assert {*stored_inputs(step), *stored_inputs(step.of_many or step)} <= known, step.table
        known.add(step.table)


def test_a_group_stands_in_one_stage_and_is_not_interrupted() -> None:
    places = [(step.stage, step.group) for step in STEPS]
    runs = [place for i, place in enumerate(places) if i == 0 or places[i - 1] != place]
    assert len(runs) == len(set(runs))
    assert [stage for i, (stage, _) in enumerate(runs) if i == 0 or runs[i - 1][0] != stage] == list(stages())


def test_scope_and_use_columns_exist() -> None:
    for step in (*STEPS, *OF_MANY):
        own = contracts()[step.table].names
        assert set(step.scope_columns) <= set(own), step.table
        for table, columns in step.uses.items():
            assert table in step.reads
            assert {name.split(".")[0] for name in columns} <= set(contracts()[table].names), (step.table, table)
        if step.via is not None:
            assert set(step.via_names.values()) <= set(contracts()[step.via].names), step.table


def test_the_plan_knows_the_periods_of_the_vocabulary() -> None:
    from transformations.gold import periods

    assert set(PERIOD_DAYS) == set(vocab.PERIOD_DAYS.values())
    assert CURRENT_DAYS == periods.CURRENT_DAYS


def test_only_the_lake_writes_tables() -> None:
    writers = re.compile(r'\.write\b.*format\("delta"\)|DeltaTable|saveAsTable|writeTo\(')
    found = [path.relative_to(ROOT).as_posix() for path in modules(*OURS) if writers.search(path.read_text())]
    assert found == ["jobs/runtime/classes.py", "jobs/runtime/lake.py"]  # the former makes one that nobody sees


def test_only_publish_and_ops_call_the_lakes_writing_methods() -> None:
    calls = re.compile(r"\blake\.(append|replace|replace_where|merge)\(")
    found = [path.relative_to(ROOT).as_posix() for path in modules("jobs") if calls.search(path.read_text())]
    assert found == ["jobs/runtime/ops.py", "jobs/runtime/publish.py"]


def test_transformations_read_no_clock_and_run_no_action() -> None:
    forbidden = re.compile(
        r"current_timestamp|current_date|datetime\.now|date\.today|time\.time|\.collect\(\)|\.count\(\)|toPandas|"
        r"SparkSession|@udf|F\.udf|pandas_udf|F\.rand\b"
    )
    for path in modules("transformations"):
        hits = [line for line in path.read_text().splitlines() if forbidden.search(line) and "groupBy" not in line]
        assert not hits, f"{path.relative_to(ROOT)}: {hits}"


def test_every_module_opens_with_a_sentence() -> None:
    for path in modules(*OURS):
        doc = ast.get_docstring(ast.parse(path.read_text()))
        assert doc, path.relative_to(ROOT)


def test_no_forbidden_names() -> None:
    vague = {"utils", "helpers", "common", "process", "handle", "manager"}
    assert not [path for path in modules(*OURS) if path.stem in vague]


def test_env_example_lists_every_setting_with_its_default() -> None:
    told = dict(
        line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if line and line[0] != "#"
    )
    assert told == {name: default for name, (default, _) in setting_names().items()}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_locks_are_hashed_and_name_no_download_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "--index-url" not in text
    pins = re.findall(r"^[A-Za-z0-9_.-]+(?:\[[^\]]+\])?==", text, flags=re.M)
    assert len(pins) > 50
    assert text.count("--hash=sha256:") >= len(pins)


def test_the_run_lock_is_part_of_the_development_lock() -> None:
    pins = {
        lock: set(re.findall(r"^([A-Za-z0-9_.-]+==[^ ;\\]+)", (ROOT / lock).read_text(), flags=re.M))
        for lock in ("requirements.lock", "requirements-dev.lock")
    }
    assert pins["requirements.lock"] <= pins["requirements-dev.lock"]
