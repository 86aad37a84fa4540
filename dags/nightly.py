"""The night: fetch, then every stage of the plan in order for one as_of date, then all checks, at 03:00 UTC."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, CronDataIntervalTimetable, Param, chain

# Airflow puts dags/ on the path, ours is the folder above; at the end, so that it shadows nothing.
if (project := str(Path(__file__).resolve().parents[1])) not in sys.path:
    sys.path.append(project)

from dags.commands import DAY, PROJECT, WRITER_POOL, as_of_date, command
from jobs.plan import stages

with DAG(
    "moodlake_nightly",
    description="Fetch what is new, bring silver and gold up to date, check, publish.",
    doc_md=f"Needs the pool once: `airflow pools set {WRITER_POOL} 1 'one writer per lake'`. "
    "A window of the past is rebuilt by `moodlake_backfill`, not by backfilling this DAG.",
    # Named, not "0 3 * * *" as text: Airflow 3 turns that into a timetable whose data interval has no width.
    schedule=CronDataIntervalTimetable("0 3 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,  # increments follow ingest: one night takes in whatever the missed ones left
    max_active_runs=1,
    max_active_tasks=1,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=10), "pool": WRITER_POOL},
    params={
        "as_of": Param(
            None,
            type=["null", "string"],
            description="The date that periods end on (YYYY-MM-DD); empty: the end of the data interval, in UTC.",
            **DAY,
        )
    },
    user_defined_macros={"as_of_date": as_of_date},
    tags=["moodlake"],
) as dag:

    def task(task_id: str, verb: str, options: str = '--as-of "$MOODLAKE_AS_OF"') -> BashOperator:
        return BashOperator(
            task_id=task_id,
            bash_command=command(f"{verb} {options}".strip()),
            env={"MOODLAKE_AS_OF": "{{ as_of_date(params.as_of, dag_run) }}"},
            append_env=True,
            cwd=str(PROJECT),
            skip_on_exit_code=None,  # 99 would pass for "skipped"
        )

    builds = [task(stage, f"build --stage {shlex.quote(stage)}") for stage in stages()]
    chain(task("ingest", "ingest", options=""), *builds, task("check", "check"))
