"""What the verbs share: the consoles, the exit codes, and how settings, lake and services are opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

from jobs.runtime.logs import configure_logs
from jobs.runtime.settings import LogSettings, Settings, load_settings

if TYPE_CHECKING:
    from jobs.runtime.lake import Lake
    from jobs.services import Services

FAILED, WRONG_CALL, PARTIAL = 1, 2, 3

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@contextmanager
def open_lake(doing: str, *, writes: bool) -> Iterator[tuple[Lake, Settings]]:
    """Settings, logs, the writer's lock, Spark and the lake, in this order; Spark ends with the block."""
    from jobs.runtime.lake import absolute_root, check_free_space
    from jobs.runtime.lock import writer_lock

    settings = load_settings()
    configure_logs(settings.log)
    if not writes:
        with _session(settings, creates=False) as lake:
            yield lake, settings
        return
    check_free_space(absolute_root(settings.lake.root), settings.lake.min_free_bytes)
    with writer_lock(settings.lake.root, doing), _session(settings, creates=True) as lake:
        yield lake, settings


def open_services() -> Services:
    """The services for a person who waits at the terminal: attempts are logged only where they ask for DEBUG."""
    from jobs.services import Services

    settings = load_settings()
    is_default = settings.log.level == "INFO"
    configure_logs(LogSettings(level="WARNING", format=settings.log.format) if is_default else settings.log)
    return Services(settings)


@contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """A spinner that names the table at work on a terminal, silence elsewhere (the log tells)."""
    if not err.is_terminal:
        yield lambda _: None
        return
    with err.status("starting") as spinner:
        yield lambda doing: spinner.update(doing)


@contextmanager
def _session(settings: Settings, *, creates: bool) -> Iterator[Lake]:
    from jobs.runtime.lake import Lake
    from jobs.runtime.spark import open_session

    spark = open_session(settings.spark)
    try:
        yield Lake(spark, settings.lake, creates=creates)
    finally:
        spark.stop()
