"""The AI service as it may be: slow, failing, malformed, sure of more than 1; and each text is scored once a model."""

from __future__ import annotations

import math
from threading import Event
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Response

from clients.errors import BadPayloadError, ClientError, MissingCredentialError, RateLimitError, UnavailableError
from clients.http import RetryPolicy
from clients.limits import Limiter
from clients.mood_api import Cache, Mood, MoodAPIClient, MoodScores, Song
from tests.clocks import FakeClock
from tests.services import said, serve

TWICE = RetryPolicy(attempts=2, jitter=0)
SCORES = {"happy": 0.1, "sad": 0.6, "angry": 0.0, "relaxed": 0.3}
SAD = Mood(**SCORES)
SONG = {"title": "Low Tide", "artist": "Quiet Harbour"}


@pytest.fixture
def cache() -> Cache:
    return {}


@pytest.fixture
def client(httpserver: HTTPServer, fake: FakeClock, cache: Cache) -> MoodAPIClient:
    limiter = Limiter(clock=fake.clock)
    return MoodAPIClient(httpserver.url_for("/ai"), cache=cache, limiter=limiter, retry=TWICE, timeout=(1, 0.2))


def serve_post(httpserver: HTTPServer, route: str, *responses: Response) -> list[Any]:
    return serve(httpserver, f"/ai{route}", *responses, method="POST")


def test_lyrics_become_a_probability(httpserver: HTTPServer, client: MoodAPIClient) -> None:
    seen = serve_post(httpserver, "/mood", said(SCORES | {"model_version": "m1", "extra": 1}))
    assert client.score_lyrics(" the sea\n") == MoodScores(**SCORES, model_version="m1")
    assert seen[0].json == {"lyrics": "the sea"}


@pytest.mark.parametrize("version", ["m1", None])
def test_a_text_is_scored_once_a_model(
    httpserver: HTTPServer, client: MoodAPIClient, cache: Cache, version: str | None
) -> None:
    seen = serve_post(httpserver, "/mood", said(SCORES | {"model_version": version}))
    assert client.score_lyrics("the sea") == client.score_lyrics("the sea\n")
    assert len(seen) == len(cache) == 1
    again = MoodAPIClient(httpserver.url_for("/ai"), model_version=version or "", cache=cache)
    again.score_lyrics("the sea")
    assert len(seen) == 1
    assert "the sea" not in str(cache)


def test_a_new_model_scores_anew(httpserver: HTTPServer, client: MoodAPIClient, cache: Cache) -> None:
    seen = serve_post(
        httpserver, "/mood", said(SCORES | {"model_version": "m1"}), said(SCORES | {"model_version": "m2"})
    )
    for text in ("one", "two", "one", "one", "two"):
        client.score_lyrics(text)
    assert [request.json["lyrics"] for request in seen] == ["one", "two", "one"]
    assert sorted(version for _, version in cache) == ["m1", "m2", "m2"]


def test_the_version_may_come_in_a_header(httpserver: HTTPServer, client: MoodAPIClient, cache: Cache) -> None:
    headed = said(SCORES | {"model_version": "of the body"})
    headed.headers["X-Model-Version"] = "m2"
    serve_post(httpserver, "/mood", headed)
    assert client.score_lyrics("the sea").model_version == "m2"
    assert [version for _, version in cache] == ["m2"]


@pytest.mark.parametrize(
    "answer",
    [
        SCORES | {"happy": 0.5},
        SCORES | {"happy": 0.09},
        SCORES | {"happy": -0.1, "sad": 0.8},
        SCORES | {"happy": "0.1"},
        SCORES | {"happy": None},
        SCORES | {"model_version": 3},
        {"sad": 1.0},
        [],
        {},
        "sad",
    ],
)
def test_what_is_no_probability_is_refused(
    httpserver: HTTPServer, client: MoodAPIClient, cache: Cache, answer: Any
) -> None:
    serve_post(httpserver, "/mood", said(answer))
    with pytest.raises(BadPayloadError, match=r"^AI API error \(POST /mood\): .*declared shape.*AI_API_URL"):
        client.score_lyrics("the sea")
    assert not cache


@pytest.mark.parametrize("off", [0.0009, -0.0009])
def test_rounding_is_no_flaw(httpserver: HTTPServer, client: MoodAPIClient, off: float) -> None:
    serve_post(httpserver, "/mood", said(SCORES | {"sad": 0.6 + off}))
    assert math.isclose(client.score_lyrics("x").sad, 0.6 + off)


def test_a_mood_becomes_songs(httpserver: HTTPServer, client: MoodAPIClient) -> None:
    songs = [SONG | {"spotify_id": "x", "score": 1}, SONG | {"spotify_id": None}, SONG]
    seen = serve_post(httpserver, "/recommend", said({"songs": songs}))
    mood = MoodScores(**SCORES, model_version="m1")
    assert client.recommend(mood, 2) == [Song(**SONG, spotify_id="x", score=1.0), Song(**SONG)]
    assert seen[0].json == {"mood": SCORES, "limit": 2}


@pytest.mark.parametrize(
    "answer", [{}, {"songs": None}, {"songs": [{"title": "x"}]}, {"songs": [SONG | {"title": ""}]}]
)
def test_songs_of_another_shape_are_refused(httpserver: HTTPServer, client: MoodAPIClient, answer: Any) -> None:
    serve_post(httpserver, "/recommend", said(answer))
    with pytest.raises(BadPayloadError, match=r"^AI API error \(POST /recommend\)"):
        client.recommend(SAD, 5)


def test_a_failing_service_is_asked_again(httpserver: HTTPServer, client: MoodAPIClient) -> None:
    serve_post(httpserver, "/mood", said({}, 500), said(SCORES))
    assert client.score_lyrics("x").sad == 0.6
    assert client.requests_sent == 2


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (said({"error": "no GPU"}, 500), UnavailableError),
        (Response("<html>", 200), UnavailableError),
        (Response('{"happy": 0.1, "sa'), BadPayloadError),
        (Response('{"happy": NaN}'), BadPayloadError),
        (said({}, 429, Retry_After="900"), RateLimitError),
    ],
)
def test_failures_are_told(
    httpserver: HTTPServer, client: MoodAPIClient, response: Response, kind: type[ClientError]
) -> None:
    serve_post(httpserver, "/mood", response)
    with pytest.raises(kind, match=r"^AI API error \(POST /mood\)"):
        client.score_lyrics("x")


def test_a_slow_service_is_told(httpserver: HTTPServer, client: MoodAPIClient) -> None:
    late = Event()
    httpserver.expect_request("/ai/mood").respond_with_handler(lambda _: said({"late": late.wait(2)}))
    with pytest.raises(UnavailableError, match="ReadTimeout"):
        client.score_lyrics("x")
    late.set()


def test_nothing_to_ask(client: MoodAPIClient) -> None:
    with pytest.raises(ValueError, match="no lyrics"):
        client.score_lyrics(" \n")
    with pytest.raises(ValueError, match="at least one"):
        client.recommend(SAD, 0)
    with pytest.raises(ValidationError, match="sum to"):
        Mood(happy=0.5, sad=0.1, angry=0.1, relaxed=0.1)
    assert client.requests_sent == 0


@pytest.mark.parametrize("url", [None, "", " "])
def test_without_an_address(url: str | None) -> None:
    with pytest.raises(MissingCredentialError, match=r"^No AI service address found\. Set AI_API_URL"):
        MoodAPIClient(url)
