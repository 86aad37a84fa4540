"""Runs a step in a process of its own and measures it: seconds by the step's own marks, memory from outside.

Memory is the resident set of the whole process tree (Python and its JVM), sampled through /proc; the peak of a mark
is the highest sample between its begin and end, on the clock that all processes of the machine share.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

SAMPLE_SECONDS = 0.1
PAGE = os.sysconf("SC_PAGE_SIZE")
LAST_LINES = 30


class StepError(Exception):
    """A step failed; the message ends with the last lines it wrote."""


@dataclass
class Marks:
    """What a step reports: named stretches of time, and facts such as row counts."""

    spans: dict[str, tuple[float, float]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.spans[name] = (began, time.monotonic())


@dataclass(frozen=True)
class Measured:
    """Seconds and peak bytes by mark, and the facts."""

    seconds: dict[str, float]
    peaks: dict[str, int]
    facts: dict[str, Any]

    def merged_with(self, other: Measured) -> Measured:
        """The better of two repeats, mark by mark; of memory the higher one."""
        return Measured(
            {name: min(seconds, other.seconds[name]) for name, seconds in self.seconds.items()},
            {name: max(peak, other.peaks[name]) for name, peak in self.peaks.items()},
            other.facts,
        )


def run_step(module: str, step: str, arguments: dict[str, Any], work: Path, *, threads: int | None = None) -> Measured:
    """Run `step` of a steps module in a new process; `threads` bounds those of numpy. Raises StepError."""
    work.mkdir(parents=True, exist_ok=True)
    told, log = work / "marks.json", work / "step.log"
    told.unlink(missing_ok=True)
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", step, json.dumps(arguments), str(told)]
    with open(log, "w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=_environment(work, threads))
        sampler = Sampler(process.pid)
        sampler.start()
        try:
            code = process.wait()
        finally:
            sampler.stop()
            if process.poll() is None:
                process.kill()
    if code != 0 or not told.exists():
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        raise StepError(f"step {step} ended with code {code}:\n" + "\n".join(last))
    marks = json.loads(told.read_text())
    spans = marks["spans"]
    return Measured(
        {name: end - begin for name, (begin, end) in spans.items()},
        {name: sampler.peak(begin, end) for name, (begin, end) in spans.items()},
        marks["facts"],
    )


def step_main(steps: dict[str, Any]) -> None:
    """The main function of a steps module: NAME ARGUMENTS-AS-JSON FILE-FOR-THE-MARKS."""
    _, name, arguments, told = sys.argv
    marks = Marks()
    steps[name](marks, **json.loads(arguments))
    Path(told).write_text(json.dumps({"spans": marks.spans, "facts": marks.facts}))


class Sampler(threading.Thread):
    """Samples the resident memory of a process and all that came from it."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._samples: list[tuple[float, int]] = []
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            self._samples.append((time.monotonic(), tree_bytes(self._pid)))
            self._stopped.wait(SAMPLE_SECONDS)

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def peak(self, begin: float, end: float) -> int:
        """The highest sample of a stretch; of one shorter than the sampling the nearest."""
        inside = [value for at, value in self._samples if begin <= at <= end]
        if inside:
            return max(inside)
        return min(self._samples, key=lambda sample: abs(sample[0] - end), default=(0.0, 0))[1]


def tree_bytes(root: int) -> int:
    """Resident bytes of a process and its descendants; processes that end meanwhile count nothing."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path(f"/proc/{name}/stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(name))
    total, pending = 0, [root]
    while pending:
        pid = pending.pop()
        pending += children.get(pid, [])
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        except OSError:
            continue
    return total


def machine() -> dict[str, str]:
    """What a reader must know of the machine; no names and no paths."""
    memory = os.sysconf("SC_PHYS_PAGES") * PAGE
    java = subprocess.run([_java(), "-version"], capture_output=True, text=True, check=False).stderr
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    return {
        "Processor": f"{len(os.sched_getaffinity(0))} cores, {model}",
        "Memory": f"{memory / 2**30:.0f} GiB",
        "System": f"{platform.system()} {platform.machine()}",
        "Java": java.splitlines()[0].replace('"', "") if java else "unknown",
        "Python": platform.python_version(),
        **{name: version(name) for name in ("pyspark", "delta-spark", "duckdb")},
    }


def load() -> float:
    """The load of the last minute: above 0.5 before a run others are at work, and figures are too high."""
    return os.getloadavg()[0]


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    return f"{home}/bin/java" if home else "java"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _environment(work: Path, threads: int | None) -> dict[str, str]:
    """No .env, no lake but the bench's own, nothing spilled outside the work folder."""
    spill = work / "spill"
    spill.mkdir(exist_ok=True)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("LAKE__", "RUN__", "IMPORTS__"))}
    bounded = {} if threads is None else dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    return {
        **ours,
        **bounded,
        "MOODLAKE_IGNORE_DOTENV": "1",
        "LAKE__ROOT": str(work / "no-lake"),
        "LAKE__MIN_FREE_BYTES": "0",
        "LOG__LEVEL": "ERROR",
        "SPARK__LOCAL_DIR": str(spill),
        "TMPDIR": str(spill),
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }
