"""Night after night of new plays: every check holds, no play is lost, and at the end it is what a rebuild makes.

MOODLAKE_NIGHTS lengthens it (`make soak`).
"""

from __future__ import annotations

import os
import random
from datetime import date, datetime, time, timedelta
from pathlib import Path

from jobs.checking import check_lake
from jobs.runtime.lake import Lake
from jobs.runtime.settings import LakeSettings, RunSettings, Settings
from tests import worlds
from tests.lakes import SILVER, business_rows, import_catalogue, import_plays, run

NIGHTS = int(os.environ.get("MOODLAKE_NIGHTS", "10"))
FIRST_NIGHT = date(2026, 9, 1)
CHECK_EVERY = 5
GOLD_NIGHTS = (1, 4)  # of those; between them it is late, and has several nights to catch up with
USERS = ("ash", "birch", "cedar", "dogwood")


def test_nights_in_a_row(lake: Lake, tmp_path: Path) -> None:
    settings = Settings(lake=LakeSettings(root=lake.root), run=RunSettings(full_above_share=1.0))
    rng = random.Random(42)
    songs = worlds.songs(40, seed=42)
    import_catalogue(lake, settings, tmp_path, songs)
    told = 0
    for number in range(NIGHTS):
        night = FIRST_NIGHT + timedelta(days=number)
        day = datetime.combine(night - timedelta(days=1), time())
        # A day's plays, and now and then an old history that turns up late.
        first, days = (day, 1) if rng.random() < 0.8 else (day - timedelta(days=200), 150)
        users = rng.sample(USERS, rng.randrange(1, len(USERS)))
        plays = worlds.plays(songs, users=users, first=first, days=days, count=25, seed=number)
        told += import_plays(lake, settings, tmp_path, plays).stored
        is_whole = number % CHECK_EVERY in GOLD_NIGHTS or number == NIGHTS - 1
        run(lake, settings, night, only=() if is_whole else SILVER)
        assert lake.read("silver.listens").selectExpr("sum(record_count)").first() == (told,)
        if number % CHECK_EVERY == CHECK_EVERY - 1:
            broken = [str(v) for v in check_lake(lake, night) if not v.holds and v.metric.severity == "fail"]
            assert broken == []
    incremental = business_rows(lake, night)
    run(lake, settings, night, full=True)
    assert incremental == business_rows(lake, night)
