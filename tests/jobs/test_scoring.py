"""What is scored and what is not: instrumentals by any word, old models, other scorers, texts that fail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from clients.errors import BadPayloadError, RateLimitError
from jobs.lyric_mood import Score
from jobs.runtime.lake import Lake
from jobs.scoring import INSTRUMENTAL, MOST_FAILURES, scored, unscored
from schemas.vocab import MOODS
from tests.lakes import store, store_scores

NOW = datetime(2026, 11, 1, tzinfo=UTC)
EVEN = dict.fromkeys(MOODS, 0.25)


class Told:
    """A scorer that says what it is told to."""

    def __init__(self, source: str = "local", version: str | None = "words-1", error: Exception | None = None) -> None:
        self.source, self.version, self.error = source, version, error
        self.asked: list[str] = []

    def score(self, text: str) -> Score:
        self.asked.append(text)
        if self.error is not None and text.startswith("bad"):
            raise self.error
        return Score(self.version or "m1", EVEN, 0.5, "en")


def wanted(*texts: str | None) -> list[dict[str, Any]]:
    return [
        {
            "track_key": f"k{n}",
            "lyrics_hash": f"h{n}",
            "lyrics_source": "lrclib",
            "is_instrumental": text is None,
            "text": text,
        }
        for n, text in enumerate(texts)
    ]


def test_a_row_holds_the_score_and_no_text() -> None:
    (row, silent), error = scored(wanted("some words", None), Told(), 1, "run-1", NOW)
    assert error is None
    assert (row["model_version"], row["happy"], row["language"], row["_source"]) == ("words-1", 0.25, "en", "local")
    assert (silent["model_version"], silent["happy"], silent["is_instrumental"]) == (INSTRUMENTAL, None, True)
    assert "some words" not in repr(row)


def test_a_text_that_fails_in_any_way_costs_itself_alone() -> None:
    scorer = Told(error=ZeroDivisionError("some words"))
    rows, error = scored(wanted("a", *["bad"] * 7, "b"), scorer, 1, "run-1", NOW)
    assert [row["track_key"] for row in rows] == ["k0", "k8"]
    assert isinstance(error, ZeroDivisionError)


def test_a_service_that_keeps_failing_is_left_alone_and_a_pause_is_told_first() -> None:
    scorer = Told("ai", None, BadPayloadError("no", service="AI"))
    rows, _ = scored(wanted(*["bad"] * 20, "good", None), scorer, 1, "run-1", NOW)
    assert len(scorer.asked) == MOST_FAILURES
    assert [row["is_instrumental"] for row in rows] == [True]
    paused = Told("ai", None, RateLimitError("wait", service="AI", retry_after=60))
    _, error = scored(wanted("bad", "good"), paused, 1, "run-1", NOW)
    assert isinstance(error, RateLimitError)
    assert len(paused.asked) == 1


@pytest.mark.spark
def test_what_has_no_score_of_this_model_is_wanted(lake: Lake) -> None:
    answers = {
        "sung": {"instrumental": False, "text": "some words"},
        "silent": {"instrumental": True, "text": None},
        "said": {"instrumental": False, "text": " [Instrumental] "},
        "gone": {"instrumental": False, "text": None},
        "twin": {"instrumental": False, "text": "some words"},
    }
    for key, answer in answers.items():
        if answer["text"] or answer["instrumental"]:
            store(lake, "bronze.lyrics", "lyrics", [{"lyrics_source": "lrclib", **answer}], track_key=key)

    def keys(scorer: Told) -> set[str]:
        return {one["track_key"] for one in unscored(lake, scorer, 10, "run-1")}

    def is_silent(one: dict[str, Any]) -> bool:
        return bool(one["is_instrumental"]) and one["text"] is None

    found = unscored(lake, Told(), 10, "run-1")
    assert {one["track_key"]: is_silent(one) for one in found} == {
        "sung": False, "twin": False, "silent": True, "said": True,
    }  # fmt: skip
    assert len(unscored(lake, Told(), 2, "run-1")) == 2

    rows, _ = scored(found, Told(), 1, "run-1", NOW)
    store_scores(lake, *[{name: value for name, value in row.items() if name[0] != "_"} for row in rows])
    assert keys(Told()) == set()
    assert keys(Told(version="words-2")) == {"sung", "twin"}
    assert keys(Told("ai", None)) == {"sung", "twin"}
    store_scores(
        lake, {"track_key": "sung", "lyrics_hash": rows_hash(rows, "sung"), "model_version": "m1", "_source": "ai"}
    )
    assert keys(Told("ai", None)) == {"twin"}


def rows_hash(rows: list[dict[str, Any]], key: str) -> str:
    return str(next(row["lyrics_hash"] for row in rows if row["track_key"] == key))
