"""Lakes that sections measure in: made once per run from the shared data by the project's own import and build."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from pyspark.sql import DataFrame, SparkSession

from jobs.groups import Run
from jobs.importing import Request, import_file
from jobs.plan import STEPS
from jobs.runner import execute
from jobs.runtime.lake import Lake
from jobs.runtime.logs import configure_logs
from jobs.runtime.ops import new_run_id
from jobs.runtime.settings import LakeSettings, LogSettings, Settings, load_settings
from jobs.runtime.spark import open_session
from tests.evaluation.unheard_tracks import track_links

AS_OF = date(2026, 11, 21)  # any fixed day: nothing that is measured depends on it
CATALOGUE = Path("catalogue") / "spotify_tracks_114k.csv"
# Last.fm-1K was collected until then. Its links say neither when nor how often, so plays are laid by a seed over the
# year before: a link is played once or more, each time as many days after the one before.
LISTENED_UNTIL = datetime(2009, 5, 1, tzinfo=UTC)
PLAYS_SEED, ONCE, DAYS_BETWEEN, YEAR_DAYS = 0, 0.5, 5, 365
_made: dict[tuple[str, Path], Lake] = {}


@contextmanager
def closed_lakes() -> Iterator[None]:
    """Lakes made within the block go with it, and Spark with them where it was not there before."""
    before = SparkSession.getActiveSession()
    try:
        yield
    finally:
        for lake in _made.values():
            shutil.rmtree(Path(lake.root).parent, ignore_errors=True)
        _made.clear()
        opened = SparkSession.getActiveSession()
        if before is None and opened is not None:
            opened.stop()


def session() -> SparkSession:
    """The one Spark of a run, as the settings have it."""
    return open_session(load_settings().spark)


def catalogue_lake(shared: Path) -> Lake:
    """Silver of the catalogue alone."""
    if ("catalogue", shared) not in _made:
        lake, settings = _imported("catalogue", shared)
        _built(lake, settings, AS_OF, ("silver",))
    return _made["catalogue", shared]


def listeners_lake(shared: Path) -> Lake:
    """Silver and gold of the catalogue and of the listeners of Last.fm-1K, who played each of their tracks."""
    if ("listeners", shared) not in _made:
        lake, settings = _imported("listeners", shared)
        plays = Path(lake.root).parent / "plays.tsv"
        plays.write_text("".join(_played(shared)), encoding="utf-8")
        import_file(lake, settings, Request("lastfm-1k", plays))
        _built(lake, settings, LISTENED_UNTIL.date(), ("silver", "gold"))
    return _made["listeners", shared]


def inputs_of(lake: Lake, table: str) -> dict[str, DataFrame]:
    """What the build of a table reads, by its keywords."""
    (step,) = [step for step in STEPS if step.table == table]
    return {name.split(".")[1]: lake.read(name) for name in step.reads}


def some_listeners(lake: Lake, size: int, seed: int) -> list[str]:
    """So many of the listeners, drawn by a seed."""
    everybody = sorted(row["user_id"] for row in lake.read("silver.users").select("user_id").collect())
    places = np.random.default_rng(seed).permutation(len(everybody))[:size]
    return [everybody[place] for place in sorted(places)]


def _imported(name: str, shared: Path) -> tuple[Lake, Settings]:
    configure_logs(LogSettings(level="WARNING"))
    folder = Path(tempfile.mkdtemp(prefix="moodlake-evaluation-"))
    settings = Settings(lake=LakeSettings(root=str(folder / "lake")))
    lake = _made[name, shared] = Lake(session(), settings.lake)
    import_file(lake, settings, Request("kaggle-tracks", shared / CATALOGUE))
    return lake, settings


def _built(lake: Lake, settings: Settings, as_of_date: date, stages: tuple[str, ...]) -> None:
    for outcome in execute(lake, settings, Run(new_run_id(), as_of_date), only=stages):
        if outcome.status != "ok":
            raise AssertionError(f"{outcome.stage} {outcome.status}: {'; '.join(outcome.messages)}")


def _played(shared: Path) -> Iterator[str]:
    """Lines of the file's own layout: listener, moment, no id, artist, no id, title."""
    links, artists = track_links(shared)
    artist_of = artists.set_index("item_id")["artist_id"]
    rng = np.random.default_rng(PLAYS_SEED)
    seconds = rng.integers(0, YEAR_DAYS * 86_400, len(links))
    times = rng.geometric(ONCE, len(links))
    for user, item, ago, count in zip(links["user_id"], links["item_id"], seconds, times, strict=True):
        artist = artist_of[item]
        title = item.removeprefix(f"{artist}\t")
        for play in range(count):
            at = LISTENED_UNTIL - timedelta(seconds=int(ago)) + timedelta(days=DAYS_BETWEEN * play)
            if at < LISTENED_UNTIL:
                yield f"{user}\t{at:%Y-%m-%dT%H:%M:%SZ}\t\t{artist}\t\t{title}\n"
