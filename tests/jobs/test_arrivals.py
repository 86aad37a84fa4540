"""What is fetched and breaks a rule lies in quarantine under the feed it came from, whole and with its listener."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from jobs.arrivals import Arrivals, Counts
from jobs.plan import INGESTS
from jobs.runtime.lake import Lake
from tests import worlds

NOW = datetime(2026, 10, 1, tzinfo=UTC)


def test_a_refused_play_names_its_feed_and_its_listener(lake: Lake) -> None:
    plays = next(ingest for ingest in INGESTS if ingest.table == "bronze.spotify_plays")
    good = worlds.recent_play(worlds.Play("ash", datetime(2026, 9, 1), worlds.Song("A", "B", worlds.spotify_id(1))))  # noqa: DTZ001
    arrivals = Arrivals(lake, "a-group", "a-run", NOW, Counts())
    harvest = arrivals.harvest(plays)
    harvest.add([good, good | {"played_at": "never"}], user_id=lake.pseudonym("ash"))
    arrivals.add_stream(harvest)
    arrivals.publish(NOW.date())

    assert lake.read(plays.table).count() == 1
    (row,) = lake.read("ops.quarantine").collect()
    assert (row["table"], row["source"], row["rules"]) == (plays.table, "spotify_api", ["bad_timestamp"])
    assert (row["user_id"], row["run_id"]) == (lake.pseudonym("ash"), "a-run")
    assert json.loads(row["payload"])["played_at"] == "never"
