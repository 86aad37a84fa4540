"""Names are data: whatever stands in one is printed as it is, in every table that shows names."""

from __future__ import annotations

import io
from datetime import date, datetime

import pytest
from rich.console import Console

from jobs.people import print_users
from jobs.runtime.lake import Lake, Stamp
from jobs.status import print_status
from jobs.summary import print_profiles
from schemas.catalog import contract_of
from tests.rows import make_rows

STAMP = Stamp("a-group", "2026-10-01")
SET = {"user_id": "0" * 32, "user_name": "[unknown]", "display_name": "[/x]", "time_zone": "UTC"}


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def put(lake: Lake, table: str, **values: object) -> None:
    lake.append(table, make_rows(lake.spark, contract_of(table), values), STAMP)


def told(console: Console) -> str:
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_names_of_listeners_and_artists_are_no_markup(lake: Lake, console: Console) -> None:
    of_all = {"user_id": SET["user_id"], "period": "all", "as_of_date": date(2026, 10, 1)}
    put(lake, "silver.users", **SET)
    put(lake, "gold.user_mood_profiles", **of_all, status="too_few_plays", listen_count=3)
    put(lake, "gold.listening_stats", **of_all, entity="artist", rank=1, name="[unknown]", listen_count=3)
    print_profiles(lake, console)
    assert "[/x]" in told(console)
    assert "[unknown]" in told(console)


def test_names_of_people_are_no_markup(lake: Lake, console: Console) -> None:
    put(lake, "ops.accounts", user_id=SET["user_id"], user_name=SET["user_name"])
    put(lake, "ops.user_settings", user_id=SET["user_id"], display_name=SET["display_name"])
    print_users(lake, console)
    assert "[unknown]" in told(console)
    assert "[/x]" in told(console)


def test_status_tells_how_far_accounts_are_and_where_plays_are_missing(lake: Lake, console: Console) -> None:
    ash, lastfm = {"user_id": SET["user_id"]}, {"source": "lastfm", "stream": "lastfm_scrobbles"}
    put(lake, "ops.accounts", **ash, user_name="[unknown]")
    put(lake, "ops.source_states", **ash, **lastfm, status="ok", watermark_at=datetime(2026, 9, 30, 8, 5))  # noqa: DTZ001
    put(lake, "ops.source_states", source="beatport", stream="beatport_charts", connection_id="", user_id=None)
    for day in (1, 7):
        span = {"start_at": datetime(2026, 9, day), "end_at": datetime(2026, 9, day + 1)}  # noqa: DTZ001
        put(lake, "ops.gaps", **ash, **lastfm, gap_id=str(day), certainty="possible", **span)
    print_status(lake, console)
    lines = [" ".join(line.replace("│", " ").split()) for line in told(console).splitlines()]
    assert "[unknown] lastfm lastfm_scrobbles ok 2026-09-30 08:05" in lines
    assert "[unknown] lastfm 2 2026-09-01 2026-09-08" in lines
    assert not [line for line in lines if "beatport_charts" in line]


def test_messages_of_runs_are_no_markup(lake: Lake, console: Console) -> None:
    put(lake, "ops.runs", run_id="1", stage="silver", status="failed", message="allowed [any, 30] and [/x]")
    print_status(lake, console)
    assert "allowed [any, 30] and [/x]" in told(console)
