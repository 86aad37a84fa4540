"""Run by test_dags.py in a process of its own: loads the DAGs, runs them in process, and reports as JSON.

Its own process, because Airflow configures logs, the database and signal handlers for all of it when imported.
Usage: airflow_probe.py SCENARIOS.json REPORT.json, with AIRFLOW_HOME set.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

LOOPBACK = ("127.", "::1", "localhost")
reached_out: list[str] = []


def watch_sockets(event: str, arguments: tuple[Any, ...]) -> None:
    """Note whatever leaves loopback or listens beyond it; inherited by whatever Airflow forks."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.bind") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host is not None and not str(host).startswith(LOOPBACK):
        reached_out.append(f"{event} {host}")


def described(dag: Any) -> dict[str, Any]:
    return {
        "order": [task.task_id for task in dag.topological_sort()],
        "upstream": {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks},
        "bash": {task.task_id: task.bash_command for task in dag.tasks},
        "operators": sorted({type(task).__name__ for task in dag.tasks}),
        "pools": sorted({task.pool for task in dag.tasks}),
        "retries": sorted({task.retries for task in dag.tasks}),
        "timetable": f"{type(dag.timetable).__module__}.{type(dag.timetable).__name__}",
        "expression": getattr(dag.timetable, "expression", None),
        "time_zone": str(getattr(dag.timetable, "timezone", None)),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "max_active_tasks": dag.max_active_tasks,
    }


def run(dag: Any, scenario: dict[str, Any]) -> dict[str, Any]:
    """One run of the DAG with the stub in Python's place: what was called, and how each task ended."""
    calls = Path(scenario["calls"])
    os.environ |= {"STUB_CALLS": str(calls), "STUB_CODES": scenario.get("codes", "")}
    logical_date = scenario.get("logical_date")
    try:
        run = dag.test(
            logical_date=datetime.fromisoformat(logical_date) if logical_date else None,
            run_conf=scenario.get("conf"),
        )
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}", "calls": []}
    return {
        "state": str(run.state),
        "tasks": {ti.task_id: str(ti.state) for ti in run.get_task_instances()},
        "run_after": run.run_after.isoformat(),
        "calls": calls.read_text().splitlines() if calls.exists() else [],
    }


def refusals(dag: Any, values: dict[str, list[Any]]) -> dict[str, dict[str, bool]]:
    """Per parameter and value, whether it is refused."""
    from airflow.sdk.exceptions import ParamValidationError

    def is_refused(name: str, value: Any) -> bool:
        try:
            dag.params.get_param(name).resolve(value)
        except ParamValidationError:
            return True
        return False

    return {name: {json.dumps(value): is_refused(name, value) for value in tried} for name, tried in values.items()}


def main(scenarios_file: str, report_file: str) -> None:
    sys.addaudithook(watch_sockets)
    scenarios = json.loads(Path(scenarios_file).read_text())

    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.pool import Pool
    from airflow.utils.db import initdb

    initdb()
    bag = DagBag()
    ours = sorted(name for name in sys.modules if name.split(".")[0] in ("jobs", "clients", "schemas", "pyspark"))
    Pool.create_or_update_pool("moodlake_writer", slots=1, description="", include_deferred=False)

    def fresh(dag_id: str) -> Any:
        """Loaded anew, as a worker does for each task: in one process parameters keep the values of the run before."""
        dag = DagBag().dags[dag_id]
        for task in dag.tasks:
            task.retry_delay = timedelta(0)
        return dag

    report = {
        "import_errors": bag.import_errors,
        "dags": {dag_id: described(dag) for dag_id, dag in bag.dags.items()},
        "modules": ours,
        "refusals": {name: refusals(fresh(name), values) for name, values in scenarios["values"].items()},
        "runs": {name: run(fresh(scenario["dag"]), scenario) for name, scenario in scenarios["runs"].items()},
        "reached_out": reached_out,
    }
    Path(report_file).write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
