"""What the DAGs share: the command line as a bash text, and the days it is given, worked out once per run.

The trap: a value that a person typed must never become part of the bash text. It travels in the environment, and the
text names the variable in double quotes. Standard library only, so that it is tested without Airflow.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

PROJECT = Path(__file__).resolve().parents[1]

# One writer per lake. The lake's own lock guards a local disk only (jobs/runtime/lock.py), so a pool with one slot,
# which both DAGs share, must do on an object store. It has to exist:
# airflow pools set moodlake_writer 1 "one writer per lake"
WRITER_POOL = "moodlake_writer"

# JSON schema of a day. `format` refuses 30 February, `pattern` the other ISO spellings that it lets through (20261120,
# 2026-W47-5), `maxLength` a line break at the end, which `$` would overlook.
DAY: Mapping[str, Any] = {"format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "maxLength": 10}

PARTIAL = 3  # exit code of the command line: some source could not be fetched, what could be was published


class RunMoments(Protocol):
    """What is asked of Airflow's `dag_run`; only `run_after` is always there."""

    @property
    def data_interval_end(self) -> datetime | None: ...

    @property
    def run_after(self) -> datetime: ...


def as_of_date(override: str | None, run: RunMoments) -> str:
    """The date that periods end on, the same for every task of a run, however late or often it is tried.

    The end of the data interval; a run without one (started by hand or by an asset) takes the moment from which it was
    to run. Not `start_date`: Airflow sets that anew when tasks are cleared, and half a run would get another date.
    """
    if override:
        return date.fromisoformat(override).isoformat()
    return (run.data_interval_end or run.run_after).astimezone(UTC).date().isoformat()


def window(start: str, end: str) -> tuple[str, str]:
    """The days of a half-open window [start, end). Raises ValueError where it holds no day."""
    first, after_last = date.fromisoformat(start), date.fromisoformat(end)
    if first >= after_last:
        raise ValueError(f"the window from {first} to {after_last} holds no day: `to` is the first day after it")
    return first.isoformat(), after_last.isoformat()


def command(arguments: str) -> str:
    """The bash text that runs one verb of the command line; `arguments` is bash and holds no value from outside.

    Partial counts as done, with a line in the log: what could be had was published, and the stages after it must run.
    MOODLAKE_PYTHON is read when the task runs; without it the Python of the worker is used.
    """
    python, cli = shlex.quote(sys.executable), shlex.quote(str(PROJECT / "run_ingestion.py"))
    return f"""set -u
python=${{MOODLAKE_PYTHON:-{python}}}
code=0
"$python" {cli} {arguments} || code=$?
if [ "$code" -eq {PARTIAL} ]; then
  echo "WARNING: partial (exit code $code): what could be had was published, see ops.runs for what is missing"
  code=0
fi
exit "$code"
"""
