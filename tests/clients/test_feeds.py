"""A window knows its time zone and its direction."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clients.feeds import Batch, Window

EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def test_a_window_may_have_no_start_but_no_other_holes() -> None:
    assert Window(None, LATE).start is None
    with pytest.raises(ValueError, match="before it starts"):
        Window(LATE, EARLY)
    with pytest.raises(ValueError, match="time zone"):
        Window(EARLY, datetime(2026, 2, 1))  # noqa: DTZ001


def test_a_batch_moves_no_watermark_by_default() -> None:
    assert Batch([{}]) == Batch([{}], [], None)
