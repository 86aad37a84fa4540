"""The real catalogue and histories, where they are at hand: every row accounted for, every listener profiled."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from jobs.importing import Request, import_file
from jobs.runtime.lake import Lake
from jobs.runtime.settings import Settings
from jobs.summary import coverage
from schemas.vocab import PERIODS
from tests.lakes import run, versions

NIGHT = date(2026, 11, 21)
FILES = (
    ("kaggle-tracks", "catalogue/spotify_tracks_114k.csv", 114_000),
    ("csv", "listens/sparkify_2018_11.csv", 6_820),
    ("lastfm-1k", "listens/lastfm_1k_slice.tsv", 5_000),
)


def test_real_histories_from_an_empty_lake(lake: Lake, settings: Settings, shared_data: Path) -> None:
    for format_, path, count in FILES:
        report = import_file(lake, settings, Request(format_, shared_data / path))
        assert report.attempted == count
        assert report.stored + report.duplicate + report.quarantined.total() == count
    run(lake, settings, NIGHT)

    tracks = lake.read("silver.tracks").where("spotify_id IS NOT NULL")
    assert tracks.count() == tracks.select("spotify_id").distinct().count()
    assert lake.read("silver.catalogue_tracks").count() == 89_740
    bronze = lake.read("bronze.file_listens").count()
    assert lake.read("silver.listens").selectExpr("sum(record_count)").first() == (bronze,)
    profiles = lake.read("gold.user_mood_profiles")
    assert profiles.where("period = 'all'").count() == 98
    assert profiles.count() == 98 * len(PERIODS)
    plays, _, by_source = coverage(lake)
    assert plays.total == lake.read("silver.listens").count()
    assert by_source["kaggle"] > 0

    before = versions(lake)
    for format_, path, _ in FILES:
        assert import_file(lake, settings, Request(format_, shared_data / path)).stored == 0
    run(lake, settings, NIGHT)
    assert versions(lake) == before
