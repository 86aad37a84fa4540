"""Lakes that sections measure in: made once per run from the shared data by the project's own import and build."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.groups import Run
from jobs.importing import Request, import_file
from jobs.runner import execute
from jobs.runtime.lake import Lake
from jobs.runtime.logs import configure_logs
from jobs.runtime.ops import new_run_id
from jobs.runtime.settings import LakeSettings, LogSettings, Settings, load_settings
from jobs.runtime.spark import open_session

AS_OF = date(2026, 11, 21)  # any fixed day: nothing that is measured depends on it
_made: dict[Path, Lake] = {}


@contextmanager
def closed_lakes() -> Iterator[None]:
    """Lakes made within the block go with it, and Spark with them."""
    try:
        yield
    finally:
        for lake in _made.values():
            shutil.rmtree(Path(lake.root).parent, ignore_errors=True)
        _made.clear()
        if (spark := SparkSession.getActiveSession()) is not None:
            spark.stop()


def session() -> SparkSession:
    """The one Spark of a run, as the settings have it."""
    return open_session(load_settings().spark)


def catalogue_lake(shared: Path) -> Lake:
    """Silver of the catalogue alone."""
    if shared not in _made:
        configure_logs(LogSettings(level="WARNING"))
        folder = Path(tempfile.mkdtemp(prefix="moodlake-evaluation-"))
        settings = Settings(lake=LakeSettings(root=str(folder / "lake")))
        lake = _made[shared] = Lake(session(), settings.lake)
        import_file(lake, settings, Request("kaggle-tracks", shared / "catalogue" / "spotify_tracks_114k.csv"))
        (outcome,) = execute(lake, settings, Run(new_run_id(), AS_OF), only=("silver",))
        if outcome.status != "ok":
            raise AssertionError(f"silver {outcome.status}: {'; '.join(outcome.messages)}")
    return _made[shared]
