"""ReccoBeats as it is: unknown ids left out, any order, extra ids dropped; and unknown is never said of an outage."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from clients.errors import BadPayloadError, ClientError, RateLimitError, UnavailableError
from clients.feeds import Answer, TrackQuery
from clients.limits import Limiter
from clients.reccobeats_api import RATES, ReccoBeatsAPIClient, ReccoBeatsAudioFeatures
from tests.clocks import FakeClock
from tests.services import STEADY, said, serve

FEATURES = "/v1/audio-features"


def spotify_id(number: int) -> str:
    return f"{number:022d}"


def isrc(number: int) -> str:
    return f"QZXX9{number:07d}"


def features(number: int) -> dict[str, Any]:
    link = f"https://open.spotify.com/track/{spotify_id(number)}"
    return {"id": f"own-{number}", "href": link, "isrc": isrc(number), "key": -1, "tempo": 90.5, "valence": 0.25}


def query(number: int, **known: Any) -> TrackQuery:
    named = {"spotify_id": spotify_id(number), "isrc": None} | known
    return TrackQuery(f"key {number}", **named, artist_name=None, track_name=None, album_name=None, duration_ms=None)


class FakeReccoBeats:
    def __init__(self, httpserver: HTTPServer) -> None:
        self.tracks: list[dict[str, Any]] = []
        self.seen: list[list[str]] = []
        httpserver.expect_request(FEATURES, method="GET").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        ids = request.args["ids"].split(",")
        self.seen.append(ids)
        content = [t for t in self.tracks if {t["href"][-22:], t["isrc"]} & set(ids[:40])]
        return said({"content": content[::-1]})


@pytest.fixture
def server(httpserver: HTTPServer) -> FakeReccoBeats:
    return FakeReccoBeats(httpserver)


@pytest.fixture
def client(httpserver: HTTPServer, fake: FakeClock) -> ReccoBeatsAPIClient:
    limiter = Limiter(*RATES, clock=fake.clock)
    return ReccoBeatsAPIClient(base_url=httpserver.url_for("/"), limiter=limiter, retry=STEADY)


def answers(client: ReccoBeatsAPIClient, *queries: TrackQuery) -> dict[str, Answer]:
    given = list(ReccoBeatsAudioFeatures(client).answers(queries))
    by_key = {answer.track_key: answer for answer in given}
    assert len(by_key) == len(given)
    return by_key


def test_a_hundred_tracks_in_forties_by_their_links(server: FakeReccoBeats, client: ReccoBeatsAPIClient) -> None:
    server.tracks = [features(n) for n in range(90)]
    got = answers(client, *(query(n) for n in range(100)))
    assert [len(ids) for ids in server.seen] == [40, 40, 20]
    assert {key: answer.payload for key, answer in got.items()} == {
        f"key {n}": features(n) if n < 90 else None for n in range(100)
    }
    assert [got[f"key {n}"].status for n in (89, 90)] == ["found", "unknown"]


def test_what_is_unknown_by_id_is_asked_for_by_isrc(server: FakeReccoBeats, client: ReccoBeatsAPIClient) -> None:
    server.tracks = [features(1), features(2)]
    got = answers(
        client,
        query(1),
        query(7, isrc="qz-xx9-00-00002"),
        query(8, spotify_id=None, isrc=isrc(1)),
        query(9, isrc=isrc(9)),
    )
    assert [got[f"key {n}"].payload for n in (1, 7, 8, 9)] == [features(1), features(2), features(1), None]
    assert server.seen == [[spotify_id(1), spotify_id(7), spotify_id(9)], [isrc(2), isrc(1), isrc(9)]]


def test_two_queries_may_mean_one_track(server: FakeReccoBeats, client: ReccoBeatsAPIClient) -> None:
    server.tracks = [features(1)]
    twin = query(2, spotify_id=spotify_id(1))
    assert {a.status for a in answers(client, query(1), twin).values()} == {"found"}
    assert server.seen == [[spotify_id(1)]]


@pytest.mark.parametrize("known", [{"spotify_id": None}, {"spotify_id": "a,b"}, {"spotify_id": "", "isrc": "x"}])
def test_what_cannot_be_asked_for_is_unknown(
    server: FakeReccoBeats, client: ReccoBeatsAPIClient, known: dict[str, Any]
) -> None:
    assert answers(client, query(1, **known)) == {"key 1": Answer("key 1", "unknown", None)}
    assert answers(client) == {}
    assert client.get_audio_features([]) == {}
    assert not server.seen


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (said({"message": "slow down"}, 429, Retry_After="600"), RateLimitError),
        (said({"message": "oops"}, 500), UnavailableError),
        (Response("<html>bad gateway</html>", 502), UnavailableError),
        (said({"message": "no such path"}, 404), ClientError),
        (said({"content": None}), BadPayloadError),
        (said({"content": [None]}), BadPayloadError),
        (said([]), BadPayloadError),
    ],
)
def test_no_failure_is_taken_for_unknown(
    httpserver: HTTPServer, client: ReccoBeatsAPIClient, response: Response, kind: type[ClientError]
) -> None:
    serve(httpserver, FEATURES, response)
    with pytest.raises(kind, match=r"^ReccoBeats API error"):
        answers(client, query(1))


def test_what_was_found_before_a_failure_is_given(httpserver: HTTPServer, client: ReccoBeatsAPIClient) -> None:
    first = said({"content": [features(n) for n in range(40)]})
    serve(httpserver, FEATURES, first, said({}, 429, Retry_After="600"))
    stream = ReccoBeatsAudioFeatures(client).answers(query(n) for n in range(60))
    assert len([next(stream) for _ in range(40)]) == 40
    with pytest.raises(RateLimitError) as caught:
        next(stream)
    assert caught.value.retry_after == 600


def test_the_limit_is_kept(server: FakeReccoBeats, client: ReccoBeatsAPIClient, fake: FakeClock) -> None:
    started = fake.seconds
    answers(client, *(query(n) for n in range(400)))
    assert len(server.seen) == 10
    assert 1 <= fake.seconds - started < 2
