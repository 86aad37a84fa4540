"""A window of the past again: every stage of the plan in order for the event days [from, to), started by hand."""

from __future__ import annotations

import shlex
import sys
from datetime import timedelta
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Param, chain

# Airflow puts dags/ on the path, ours is the folder above; at the end, so that it shadows nothing.
if (project := str(Path(__file__).resolve().parents[1])) not in sys.path:
    sys.path.append(project)

from dags.commands import DAY, PROJECT, WRITER_POOL, command, window
from jobs.plan import stages

with DAG(
    "moodlake_backfill",
    description="Rebuild the event days of a window; neither watermarks nor the as_of date move.",
    doc_md=f"Needs the pool once: `airflow pools set {WRITER_POOL} 1 'one writer per lake'`.",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=10), "pool": WRITER_POOL},
    params={
        "from": Param(type="string", description="First day (YYYY-MM-DD, UTC).", **DAY),
        "to": Param(type="string", description="The day after the last (YYYY-MM-DD, UTC).", **DAY),
    },
    user_defined_macros={"window": window},
    tags=["moodlake"],
) as dag:
    chain(
        *(
            BashOperator(
                task_id=stage,
                bash_command=command(f'build --stage {shlex.quote(stage)} --from "$MOODLAKE_FROM" --to "$MOODLAKE_TO"'),
                env={
                    "MOODLAKE_FROM": "{{ window(params['from'], params['to'])[0] }}",
                    "MOODLAKE_TO": "{{ window(params['from'], params['to'])[1] }}",
                },
                append_env=True,
                cwd=str(PROJECT),
                skip_on_exit_code=None,  # 99 would pass for "skipped"
            )
            for stage in stages()
        )
    )
