"""The merge between feeds: its bounds, and how often it is right on plays whose truth is known."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pyspark.sql import SparkSession

from jobs.runtime.increments import EARLY_RECORDS
from schemas.vocab import CSV_FEED, FEEDS
from tests.evaluation.one_play import judged, score
from tests.evaluation.witnesses import make_plays, seen
from transformations.silver.listens import SESSION_GAP_SECONDS
from transformations.silver.one_play import ALBUM, DURATION, MS_PLAYED, SPANS, START, TRACK

FLOOR = 0.995


def test_every_order_of_feeds_names_every_feed() -> None:
    for order in (START, TRACK, ALBUM, MS_PLAYED, DURATION, tuple(SPANS)):
        assert sorted(order) == sorted((*FEEDS, CSV_FEED))


def test_records_before_a_sessions_first_listen_are_within_the_cut_and_no_others() -> None:
    latest = max(after for _, after in SPANS.values())
    earliest = max(before for before, _ in SPANS.values())
    assert timedelta(milliseconds=earliest + latest) < EARLY_RECORDS < timedelta(seconds=SESSION_GAP_SECONDS)


@pytest.mark.parametrize("seed", [1, 2])
def test_plays_seen_through_several_feeds_are_found_again(spark: SparkSession, seed: int) -> None:
    plays = make_plays(2_000, seed=seed)
    records = seen(plays, seed=seed)
    assert len(records) > 1.8 * len(plays)
    overall = score(records, judged(spark, plays, records))["all"]
    assert min(overall.precision, overall.recall) >= FLOOR
