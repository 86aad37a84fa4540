"""The DAGs as Airflow loads and runs them, with a stub in the command line's place: no JVM, no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from dags.commands import as_of_date, command, window
from jobs.plan import stages

pytestmark = pytest.mark.airflow

PROJECT = Path(__file__).resolve().parents[2]
PROBE = Path(__file__).with_name("airflow_probe.py")
CLI = str(PROJECT / "run_ingestion.py")
DAGS = ("moodlake_nightly", "moodlake_backfill")
FIRST, LAST = stages()[0], stages()[-1]

# Notes its arguments, then ends with the code that STUB_CODES ("silver=3 gold=1") gives the stage.
STUB = """#!/bin/sh
echo "$*" >> "$STUB_CALLS"
for pair in $STUB_CODES; do
  case " $* " in *" --stage ${pair%=*} "*) exit "${pair#*=}" ;; esac
done
exit 0
"""

BAD_DAYS: list[Any] = ["", "tonight", "2026-02-30", "20261120", "2026-11-20\n", "2026-11-20; id", "$(id)", 20261120]
RUNS: dict[str, dict[str, Any]] = {
    "scheduled": {"dag": "moodlake_nightly", "logical_date": "2026-11-20T03:00:00+00:00"},
    "partial": {
        "dag": "moodlake_nightly",
        "logical_date": "2026-11-21T03:00:00+00:00",
        "codes": f"{FIRST}=3",
    },
    "failed": {"dag": "moodlake_nightly", "logical_date": "2026-11-22T03:00:00+00:00", "codes": f"{FIRST}=1"},
    "wrong_call": {"dag": "moodlake_nightly", "logical_date": "2026-11-23T03:00:00+00:00", "codes": f"{LAST}=2"},
    "override": {
        "dag": "moodlake_nightly",
        "logical_date": "2026-11-24T03:00:00+00:00",
        "conf": {"as_of": "2026-01-31"},
    },
    "by_hand": {"dag": "moodlake_nightly", "logical_date": None},
    "injected": {
        "dag": "moodlake_nightly",
        "logical_date": "2026-11-25T03:00:00+00:00",
        "conf": {"as_of": "2026-11-25; touch stolen"},
    },
    "window": {
        "dag": "moodlake_backfill",
        "logical_date": "2026-11-20T03:00:00+00:00",
        "conf": {"from": "2026-10-01", "to": "2026-11-01"},
    },
    "no_window": {"dag": "moodlake_backfill", "logical_date": "2026-11-21T03:00:00+00:00", "conf": {}},
    "empty_window": {
        "dag": "moodlake_backfill",
        "logical_date": "2026-11-22T03:00:00+00:00",
        "conf": {"from": "2026-11-01", "to": "2026-11-01"},
    },
}


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Airflow makes of the DAGs: one start of it for all tests here."""
    home = tmp_path_factory.mktemp("airflow")
    stub = home / "stub python"  # a path with a space, as people have them
    stub.write_text(STUB)
    stub.chmod(0o755)
    runs = {name: scenario | {"calls": str(home / f"{name}.calls")} for name, scenario in RUNS.items()}
    values = {
        "moodlake_nightly": {"as_of": [None, "2026-11-20", *BAD_DAYS]},
        "moodlake_backfill": {name: ["2026-11-20", None, *BAD_DAYS] for name in ("from", "to")},
    }
    (home / "scenarios.json").write_text(json.dumps({"runs": runs, "values": values}))
    # No PYTHONPATH and another working directory: the DAG files must find the project by themselves.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "PYTHON", "MOODLAKE"))}
    env = inherited | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # asks no name server
        "MOODLAKE_PYTHON": str(stub),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    report = home / "report.json"
    done = subprocess.run(
        [sys.executable, str(PROBE), str(home / "scenarios.json"), str(report)],
        cwd=home,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    found: dict[str, Any] = json.loads(report.read_text()) | {"log": done.stdout, "home": home}
    return found


def nightly_calls(as_of: str) -> list[str]:
    builds = [f"{CLI} build --stage {stage} --as-of {as_of}" for stage in stages()]
    return [f"{CLI} ingest", *builds, f"{CLI} check --as-of {as_of}"]


def test_both_dags_load_without_error_and_without_our_other_code(probe: dict[str, Any]) -> None:
    assert probe["import_errors"] == {}
    assert sorted(probe["dags"]) == sorted(DAGS)
    assert probe["modules"] == ["jobs", "jobs.plan"]


@pytest.mark.parametrize(
    ("dag_id", "expected"),
    [("moodlake_nightly", ["ingest", *stages(), "check"]), ("moodlake_backfill", [*stages()])],
)
def test_there_is_one_task_per_stage_in_the_order_of_the_plan(
    probe: dict[str, Any], dag_id: str, expected: list[str]
) -> None:
    dag = probe["dags"][dag_id]
    assert dag["order"] == expected
    assert dag["upstream"] == {task: expected[:n][-1:] for n, task in enumerate(expected)}
    assert dag["operators"] == ["BashOperator"]


@pytest.mark.parametrize("dag_id", DAGS)
def test_one_writer_at_a_time(probe: dict[str, Any], dag_id: str) -> None:
    dag = probe["dags"][dag_id]
    assert (dag["max_active_runs"], dag["max_active_tasks"]) == (1, 1)
    assert dag["pools"] == ["moodlake_writer"]
    assert dag["retries"] == [1]
    assert dag["catchup"] is False


def test_the_night_has_a_data_interval_and_the_backfill_no_schedule(probe: dict[str, Any]) -> None:
    nightly, backfill = (probe["dags"][name] for name in DAGS)
    assert nightly["timetable"] == "airflow.sdk.definitions.timetables.interval.CronDataIntervalTimetable"
    assert (nightly["expression"], nightly["time_zone"]) == ("0 3 * * *", "UTC")
    assert backfill["timetable"].endswith(".NullTimetable")


def test_a_scheduled_night_calls_each_stage_then_check_with_one_date(probe: dict[str, Any]) -> None:
    run = probe["runs"]["scheduled"]
    assert run["state"] == "success"
    assert run["calls"] == nightly_calls("2026-11-20")


def test_partial_lets_the_stages_after_it_run_and_says_so(probe: dict[str, Any]) -> None:
    run = probe["runs"]["partial"]
    assert run["state"] == "success"
    assert run["calls"] == nightly_calls("2026-11-21")
    assert probe["log"].count("WARNING: partial (exit code 3)") == 1


def test_a_failure_is_tried_twice_and_stops_what_follows(probe: dict[str, Any]) -> None:
    run = probe["runs"]["failed"]
    assert run["state"] == "failed"
    fetched, built, *_ = nightly_calls("2026-11-22")
    assert run["calls"] == [fetched, built, built]
    assert run["tasks"] == {"ingest": "success", FIRST: "failed"} | dict.fromkeys(
        [*stages()[1:], "check"], "upstream_failed"
    )


def test_a_wrong_call_fails_too(probe: dict[str, Any]) -> None:
    run = probe["runs"]["wrong_call"]
    assert run["state"] == "failed"
    assert (run["tasks"][LAST], run["tasks"]["check"]) == ("failed", "upstream_failed")


def test_a_run_by_hand_without_a_logical_date_takes_the_day_it_was_asked_for(probe: dict[str, Any]) -> None:
    run = probe["runs"]["by_hand"]
    assert run["state"] == "success"
    assert run["calls"] == nightly_calls(run["run_after"][:10])


def test_a_typed_date_overrides(probe: dict[str, Any]) -> None:
    assert probe["runs"]["override"]["calls"] == nightly_calls("2026-01-31")


def test_a_backfill_hands_its_window_to_each_stage(probe: dict[str, Any]) -> None:
    run = probe["runs"]["window"]
    assert run["state"] == "success"
    assert run["calls"] == [f"{CLI} build --stage {s} --from 2026-10-01 --to 2026-11-01" for s in stages()]


@pytest.mark.parametrize("name", ["injected", "no_window", "empty_window"])
def test_a_run_with_bad_parameters_calls_nothing(probe: dict[str, Any], name: str) -> None:
    run = probe["runs"][name]
    assert run["calls"] == []
    assert "refused" in run or run["state"] == "failed"


def test_parameters_are_days(probe: dict[str, Any]) -> None:
    bad = {json.dumps(value): True for value in BAD_DAYS}
    assert probe["refusals"]["moodlake_nightly"]["as_of"] == bad | {"null": False, '"2026-11-20"': False}
    for name in ("from", "to"):
        assert probe["refusals"]["moodlake_backfill"][name] == bad | {"null": True, '"2026-11-20"': False}


def test_airflow_stays_on_this_machine(probe: dict[str, Any]) -> None:
    assert probe["reached_out"] == []


def moments(end: datetime | None, after: datetime) -> SimpleNamespace:
    return SimpleNamespace(data_interval_end=end, run_after=after)


@pytest.mark.parametrize(
    ("override", "run", "expected"),
    [
        pytest.param(
            None,
            moments(datetime(2026, 11, 20, 3, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)),
            "2026-11-20",
            id="scheduled, started late",
        ),
        pytest.param(
            None,
            moments(datetime(2026, 11, 20, 1, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 11, 20, tzinfo=UTC)),
            "2026-11-19",
            id="the day in UTC",
        ),
        pytest.param(None, moments(None, datetime(2026, 11, 20, 23, tzinfo=UTC)), "2026-11-20", id="no interval"),
        pytest.param("", moments(None, datetime(2026, 11, 20, tzinfo=UTC)), "2026-11-20", id="left empty"),
        pytest.param("2026-01-31", moments(None, datetime(2026, 11, 20, tzinfo=UTC)), "2026-01-31", id="typed"),
    ],
)
def test_as_of_date(override: str | None, run: SimpleNamespace, expected: str) -> None:
    assert as_of_date(override, run) == expected


def test_as_of_date_refuses_what_is_no_day() -> None:
    with pytest.raises(ValueError, match="tonight"):
        as_of_date("tonight", moments(None, datetime(2026, 11, 20, tzinfo=UTC)))


def test_a_window_holds_at_least_one_day() -> None:
    assert window("2026-10-01", "2026-10-02") == ("2026-10-01", "2026-10-02")
    for end in (date(2026, 10, 1), date(2026, 9, 30)):
        with pytest.raises(ValueError, match="holds no day"):
            window("2026-10-01", end.isoformat())


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 1), (2, 2), (3, 0), (99, 99)])
def test_only_partial_is_turned_into_success(tmp_path: Path, code: int, expected: int) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexit {code}\n")
    python.chmod(0o755)
    env = os.environ | {"MOODLAKE_PYTHON": str(python)}
    done = subprocess.run(["bash", "-c", command("status")], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == expected
    assert ("WARNING: partial" in done.stdout) is (code == 3)


def test_without_another_python_it_is_this_one() -> None:
    assert f"{{MOODLAKE_PYTHON:-{sys.executable}}}" in command("check")


def test_compose_runs_the_pipeline_and_opens_nothing() -> None:
    compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
    service = compose["services"]["spotify-pipeline"]
    assert service["command"] == ["python3", "run_ingestion.py"]
    assert "ports" not in service
    assert service["env_file"] == [{"path": ".env", "required": False}]
    assert "./data:/app/data" in service["volumes"]


def test_the_image_holds_what_the_command_imports_and_no_secrets() -> None:
    compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
    dockerfile = compose["services"]["spotify-pipeline"]["build"]["dockerfile_inline"].splitlines()
    copied = {name for line in dockerfile if line.startswith("COPY ") for name in line.split()[1:-1]}
    assert {"clients/", "jobs/", "sandbox/", "schemas/", "transformations/", "run_ingestion.py"} <= copied
    assert not copied & {".", "./", ".env", "data/"}
    assert all((PROJECT / name).exists() for name in copied)
    order = [
        n
        for n, line in enumerate(dockerfile)
        for start in (
            "COPY requirements",
            "RUN python3 -m pip",
            "RUN python3 -m jobs.runtime.jars",
            "COPY jobs/ ",
            "USER moodlake",
        )
        if line.startswith(start)
    ]
    assert order == sorted(order)
    assert len(order) == 5
