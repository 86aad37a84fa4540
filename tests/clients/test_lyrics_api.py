"""Lyrics services as they are: instrumentals, null lyrics, names with slashes, one of the two down or both."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from clients.errors import BadPayloadError, ClientError, RateLimitError, UnavailableError
from clients.feeds import Answer, TrackQuery
from clients.http import RetryPolicy
from clients.limits import Limiter
from clients.lyrics_api import LRCLIB_RATES, MOST_FAILURES, OVH_RATES, Lyrics, LyricsAPIClient
from tests.clocks import FakeClock
from tests.services import said, serve

LRCLIB, OVH = "/api/get", "/v1/Quiet Harbour/Low Tide"
TWICE = RetryPolicy(attempts=2, jitter=0)
TRACK_NOT_FOUND = {"message": "Failed to find specified track", "name": "TrackNotFound", "statusCode": 404}
RECORD = {"id": 7, "name": "Low Tide", "trackName": "Low Tide", "artistName": "Quiet Harbour", "duration": 201.0}
UNKNOWN_TO_LRCLIB, UNKNOWN_TO_OVH = said(TRACK_NOT_FOUND, 404), said({"error": "No lyrics found"}, 404)


def record(**fields: Any) -> Response:
    return said(RECORD | {"instrumental": False, "plainLyrics": None, "syncedLyrics": None} | fields)


def query(number: int = 1, **known: Any) -> TrackQuery:
    named: dict[str, Any] = {"artist_name": "Quiet Harbour", "track_name": "Low Tide", "album_name": "Piers"}
    return TrackQuery(f"key {number}", None, None, **(named | {"duration_ms": 201_400} | known))


@pytest.fixture
def client(httpserver: HTTPServer, fake: FakeClock) -> LyricsAPIClient:
    url = httpserver.url_for("/")
    return LyricsAPIClient(
        lrclib_url=url,
        ovh_url=url,
        lrclib_limiter=Limiter(*LRCLIB_RATES, clock=fake.clock),
        ovh_limiter=Limiter(*OVH_RATES, clock=fake.clock),
        lrclib_retry=TWICE,
        ovh_retry=TWICE,
        timeout=(1, 0.2),
    )


def answer(client: LyricsAPIClient, **known: Any) -> Answer:
    (only,) = Lyrics(client).answers([query(**known)])
    return only


UNKNOWN = Answer("key 1", "unknown", None)


def test_lrclib_is_enough(httpserver: HTTPServer, client: LyricsAPIClient) -> None:
    seen = serve(httpserver, LRCLIB, record(plainLyrics=" the sea\nis low \n", syncedLyrics="[00:01.00] the sea"))
    payload = RECORD | {"lyrics_source": "lrclib", "instrumental": False, "text": "the sea\nis low"}
    assert answer(client) == Answer("key 1", "found", payload)
    assert dict(seen[0].args) == {"artist_name": "Quiet Harbour", "track_name": "Low Tide", "duration": "201"}
    assert "Moodlake" in seen[0].headers["Lrclib-Client"]
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("duration_ms", [None, 0, 400, 3_601_000])
def test_a_duration_that_lrclib_refuses_is_not_sent(
    httpserver: HTTPServer, client: LyricsAPIClient, duration_ms: int | None
) -> None:
    seen = serve(httpserver, LRCLIB, record(plainLyrics="x"))
    answer(client, duration_ms=duration_ms)
    assert "duration" not in seen[0].args


def test_synced_lyrics_alone_lose_their_times(httpserver: HTTPServer, client: LyricsAPIClient) -> None:
    serve(httpserver, LRCLIB, record(syncedLyrics="[00:01.00] the sea\n[00:02.5][00:09.5] is low\n[x] aside"))
    payload = answer(client).payload
    assert payload is not None
    assert payload["text"] == "the sea\nis low\n[x] aside"
    assert "syncedLyrics" not in payload


@pytest.mark.parametrize("plain", [None, "(instrumental)"])
def test_an_instrumental_is_an_answer(httpserver: HTTPServer, client: LyricsAPIClient, plain: str | None) -> None:
    serve(httpserver, LRCLIB, record(instrumental=True, plainLyrics=plain))
    payload = RECORD | {"lyrics_source": "lrclib", "instrumental": True, "text": None}
    assert answer(client) == Answer("key 1", "found", payload)


@pytest.mark.parametrize(
    "first",
    [
        UNKNOWN_TO_LRCLIB,
        record(),
        record(plainLyrics="  "),
        said({"name": "ValidationError"}, 400),
        said({}, 500),
        said({}, 429, Retry_After="9999"),
        Response("<html>", 403),
    ],
)
def test_ovh_is_asked_where_lrclib_has_none_or_fails(
    httpserver: HTTPServer, client: LyricsAPIClient, first: Response
) -> None:
    serve(httpserver, LRCLIB, first)
    serve(httpserver, OVH, said({"lyrics": "the sea\r\nis low\n"}))
    payload = {"lyrics_source": "lyrics.ovh", "instrumental": False, "text": "the sea\r\nis low"}
    assert answer(client) == Answer("key 1", "found", payload)


@pytest.mark.parametrize("first", [UNKNOWN_TO_LRCLIB, record(), said({"name": "ValidationError"}, 400)])
@pytest.mark.parametrize(
    "second", [UNKNOWN_TO_OVH, said({"lyrics": ""}), said({"error": "Artist or title missing"}, 400)]
)
def test_both_having_none_is_unknown(
    httpserver: HTTPServer, client: LyricsAPIClient, first: Response, second: Response
) -> None:
    serve(httpserver, LRCLIB, first)
    serve(httpserver, OVH, second)
    assert answer(client) == UNKNOWN


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (said({}, 500), UNKNOWN_TO_OVH, UnavailableError),
        (UNKNOWN_TO_LRCLIB, said({}, 500), UnavailableError),
        (said({}, 429, Retry_After="9999"), said({}, 500), RateLimitError),
        (UNKNOWN_TO_LRCLIB, said([]), BadPayloadError),
        (Response("<html>not here</html>", 404), UNKNOWN_TO_OVH, UnavailableError),
    ],
)
def test_one_having_none_and_one_failing_is_no_answer(
    httpserver: HTTPServer, client: LyricsAPIClient, first: Response, second: Response, kind: type[ClientError]
) -> None:
    serve(httpserver, LRCLIB, first)
    serve(httpserver, OVH, second)
    with pytest.raises(kind, match=r"^(LRCLIB|lyrics\.ovh) API error"):
        answer(client)


def test_a_slow_service_is_a_failing_one(httpserver: HTTPServer, client: LyricsAPIClient) -> None:
    late = Event()
    serve(httpserver, LRCLIB, UNKNOWN_TO_LRCLIB)
    httpserver.expect_request(OVH).respond_with_handler(lambda _: said({"late": late.wait(2)}))
    with pytest.raises(UnavailableError, match="ReadTimeout"):
        answer(client)
    late.set()


def test_an_unsettled_query_does_not_hold_up_the_others(httpserver: HTTPServer, client: LyricsAPIClient) -> None:
    def lrclib(request: Request) -> Response:
        return said({}, 500) if request.args["track_name"] == "2" else record(plainLyrics="x")

    httpserver.expect_request(LRCLIB).respond_with_handler(lrclib)
    serve(httpserver, "/v1/Quiet Harbour/2", said({}, 503))
    answers = Lyrics(client).answers(query(n, track_name=str(n)) for n in (1, 2, 3))
    assert [next(answers).track_key, next(answers).track_key] == ["key 1", "key 3"]
    with pytest.raises(UnavailableError, match=r"^LRCLIB"):
        next(answers)


def test_a_service_that_is_down_is_left_alone(httpserver: HTTPServer, client: LyricsAPIClient) -> None:
    serve(httpserver, OVH, said({"lyrics": "x"}))
    down = serve(httpserver, LRCLIB, said({}, 500))
    assert len(list(Lyrics(client).answers(query(n) for n in range(10)))) == 10
    assert len(down) == MOST_FAILURES * TWICE.attempts


def test_names_are_quoted(httpserver: HTTPServer, client: LyricsAPIClient) -> None:
    serve(httpserver, LRCLIB, UNKNOWN_TO_LRCLIB)
    serve(httpserver, "/v1/AC/DC/Où? & #1", said({"lyrics": "x"}))
    assert answer(client, artist_name="AC/DC", track_name="Où? & #1").status == "found"
    sent = httpserver.log[-1][0].environ["REQUEST_URI"]
    assert sent == "/v1/AC%2FDC/O%C3%B9%3F%20%26%20%231"


@pytest.mark.parametrize("known", [{"artist_name": None}, {"track_name": " "}])
def test_without_names_nothing_is_asked(httpserver: HTTPServer, client: LyricsAPIClient, known: dict[str, Any]) -> None:
    assert answer(client, **known) == UNKNOWN
    assert client.requests_sent == len(httpserver.log) == 0


def test_a_name_of_dots_is_unknown_to_ovh(httpserver: HTTPServer, client: LyricsAPIClient) -> None:
    serve(httpserver, LRCLIB, UNKNOWN_TO_LRCLIB)
    assert answer(client, artist_name="..") == UNKNOWN
    assert client.requests_sent == 1
