"""Run the command line and kill this process with -9 at the n-th step towards a publish: `killed_process.py N ARGS...`.

The steps are the lake's own writes and the journal's, before and after each, so that every state a crash can leave
on disk is met.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from jobs import importing, runner
from jobs.cli import main
from jobs.runtime import publish
from jobs.runtime.files import Files
from jobs.runtime.lake import Lake

STEPS = itertools.count(1)


def killing(step: Callable[..., Any], at: int) -> Callable[..., Any]:
    """The step, with a kill before or after it when its number comes up."""

    def dying(*args: Any, **kwargs: Any) -> Any:
        if next(STEPS) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        result = step(*args, **kwargs)
        if next(STEPS) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return dying


if __name__ == "__main__":
    at = int(sys.argv[1])
    for name in ("append", "replace", "replace_where", "merge"):
        setattr(Lake, name, killing(getattr(Lake, name), at))
    Files.delete = killing(Files.delete, at)  # type: ignore[method-assign]
    for module in (publish, runner, importing):
        module.decide = killing(publish.decide, at)  # type: ignore[attr-defined]
    sys.argv = ["run_ingestion.py", *sys.argv[2:]]
    main()
