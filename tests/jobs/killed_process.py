"""Run the command line and kill this process with -9 at the n-th step towards a publish: `killed_process.py N ARGS...`.

The steps are the lake's own writes and the journal's, before and after each, and of a delete its midst too, so that
every state a crash can leave on disk is met. With MOODLAKE_COUNT_STEPS=1 it says at its end how many there were.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from jobs import groups, importing
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


def killing_amid(delete: Callable[[Files, str], None], at: int) -> Callable[[Files, str], None]:
    """The delete, with a kill in its midst: of what a folder holds the first half in order is gone, the rest stays."""

    def dying(files: Files, path: str) -> None:
        if next(STEPS) == at:
            names = files.names(path)
            for name in names[: -(-len(names) // 2)]:
                delete(files, f"{path}/{name}")
            os.kill(os.getpid(), signal.SIGKILL)
        delete(files, path)

    return dying


if __name__ == "__main__":
    at = int(sys.argv[1])
    for name in ("append", "replace", "replace_where", "merge"):
        setattr(Lake, name, killing(getattr(Lake, name), at))
    Files.delete = killing(killing_amid(Files.delete, at), at)  # type: ignore[method-assign]
    decide = publish.decide
    for module in (groups, importing):
        module.decide = killing(decide, at)  # type: ignore[attr-defined]
    sys.argv = ["run_ingestion.py", *sys.argv[2:]]
    try:
        main()
    finally:
        if os.environ.get("MOODLAKE_COUNT_STEPS"):
            print(f"{next(STEPS) - 1} steps", file=sys.stderr)
