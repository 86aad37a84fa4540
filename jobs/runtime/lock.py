"""One writer per lake at a time: an advisory lock that the kernel drops when its holder dies, even by kill -9.

The trap: it guards a lake on a local disk. On an object store there is no such lock; one scheduler pool of size 1
must do (two drivers there can each believe they committed).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from jobs.runtime.errors import LakeBusyError
from jobs.runtime.files import is_local, local_path
from jobs.runtime.lake import absolute_root

LOCK = "_lock"


@contextmanager
def writer_lock(root: str, doing: str) -> Iterator[None]:
    """Hold the lake while the block runs. Raises LakeBusyError with who holds it."""
    where = absolute_root(root)
    if not is_local(where):
        yield
        return
    folder = local_path(where)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / LOCK, "a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise LakeBusyError(f"{_holder(lock.read())} is writing this lake: wait until it is done") from None
        lock.truncate(0)
        told = {"pid": os.getpid(), "doing": doing, "since": datetime.now(UTC).isoformat(timespec="seconds")}
        lock.write(json.dumps(told))
        lock.flush()
        yield
        lock.truncate(0)


def _holder(text: str) -> str:
    try:
        told = json.loads(text)
    except ValueError:
        return "another process"
    return f"process {told['pid']} (`{told['doing']}`, since {told['since']})"
