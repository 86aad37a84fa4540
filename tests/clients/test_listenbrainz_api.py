"""ListenBrainz as it is: exclusive bounds, ties at page edges, limits told in headers, users who are gone."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import structlog
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from werkzeug import Request, Response

from clients.errors import (
    AuthenticationError,
    BadPayloadError,
    ClientError,
    MissingCredentialError,
    NotFoundError,
    RateLimitError,
)
from clients.feeds import Account, Batch, Window
from clients.limits import Limiter
from clients.listenbrainz_api import RATES, ListenBrainzAPIClient, ListenBrainzListens
from tests.clocks import FakeClock
from tests.services import STEADY, said, serve

FIRST = 1_790_000_000
END = FIRST + 1_000_000
TOKEN = str(UUID(int=0xABCDEF_0123_4567_89AB))
BEA = Account(user="bea", source_user="bea/lb", credential="")
LISTENS = "/1/user/bea/lb/listens"


def at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def listen(second: int, number: int = 0) -> dict[str, Any]:
    return {
        "listened_at": second,
        "inserted_at": second + 60,
        "user_name": "bea/lb",
        "recording_msid": str(UUID(int=second * 10_000 + number)),
        "track_metadata": {"artist_name": "Quiet Harbour", "track_name": "Low Tide", "mbid_mapping": None},
    }


class FakeListenBrainz:
    """Listens between exclusive bounds, newest first, as strict about its parameters as the service."""

    def __init__(self, httpserver: HTTPServer) -> None:
        self.listens: list[dict[str, Any]] = []
        self.largest_page = 1000
        self.seen: list[dict[str, str]] = []
        self.headers: dict[str, str] = {}
        httpserver.expect_request(LISTENS, method="GET").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        asked = dict(request.args)
        self.seen.append(asked)
        low, high = int(asked.get("min_ts", 0)), int(asked["max_ts"])
        if low >= high:
            return said({"code": 400, "error": "max_ts should be greater than min_ts"}, 400)
        rows = sorted((r for r in self.listens if low < r["listened_at"] < high), key=lambda r: -r["listened_at"])
        rows = rows[: min(int(asked["count"]), self.largest_page)]
        oldest = min((r["listened_at"] for r in self.listens), default=0)
        payload = {"count": len(rows), "user_id": "bea/lb", "oldest_listen_ts": oldest, "listens": rows}
        return said({"payload": payload}, **self.headers)


@pytest.fixture
def server(httpserver: HTTPServer) -> FakeListenBrainz:
    return FakeListenBrainz(httpserver)


@pytest.fixture
def client(httpserver: HTTPServer, fake: FakeClock) -> ListenBrainzAPIClient:
    limiter = Limiter(*RATES, clock=fake.clock)
    return ListenBrainzAPIClient(SecretStr(TOKEN), base_url=httpserver.url_for("/"), limiter=limiter, retry=STEADY)


def ingest(client: ListenBrainzAPIClient, start: int | None, end: int = END, **options: Any) -> list[Batch]:
    window = Window(None if start is None else at(start), at(end))
    return list(ListenBrainzListens(client).batches(BEA, window, **options))


def rows(batches: list[Batch]) -> list[dict[str, Any]]:
    return [row for batch in batches for row in batch.records]


def test_a_night_moves_the_watermark_at_its_end_alone(server: FakeListenBrainz, client: ListenBrainzAPIClient) -> None:
    server.listens = [listen(FIRST + n) for n in range(2500)]
    batches = ingest(client, FIRST)
    assert rows(batches) == list(reversed(server.listens))
    assert [batch.covered_to for batch in batches] == [None, None, None, at(END)]
    assert server.seen[0] == {"max_ts": str(END), "count": "1000"}
    assert len(server.seen) == 4
    server.seen.clear()
    assert rows(ingest(client, FIRST + 10, FIRST + 20)) == list(reversed(server.listens[10:20]))


def test_all_history_has_no_lower_bound(server: FakeListenBrainz, client: ListenBrainzAPIClient) -> None:
    server.listens = [listen(FIRST)]
    assert rows(ingest(client, None)) == server.listens
    assert server.seen == [{"max_ts": str(END), "count": "1000"}, {"max_ts": str(FIRST + 1), "count": "1000"}]


@pytest.mark.parametrize("start", [FIRST, None])
def test_no_listens_and_no_span(server: FakeListenBrainz, client: ListenBrainzAPIClient, start: int | None) -> None:
    assert ingest(client, start) == [Batch([], covered_to=at(END))]
    assert ingest(client, END, END) == [Batch([], covered_to=at(END))]
    assert len(server.seen) == 1


def test_windows_side_by_side_share_nothing(server: FakeListenBrainz, client: ListenBrainzAPIClient) -> None:
    server.listens = [listen(FIRST + n) for n in range(3)]
    feed, middle = ListenBrainzListens(client), at(FIRST + 1) - timedelta(milliseconds=1)
    early = rows(list(feed.batches(BEA, Window(at(FIRST), middle))))
    late = rows(list(feed.batches(BEA, Window(middle, at(END)))))
    assert early + late == [server.listens[0], server.listens[2], server.listens[1]]


@pytest.mark.parametrize("largest_page", [1000, 100])
@pytest.mark.parametrize("tied", [2, 60, 99])
def test_ties_at_page_edges_are_neither_lost_nor_doubled(
    server: FakeListenBrainz, client: ListenBrainzAPIClient, tied: int, largest_page: int
) -> None:
    server.largest_page = largest_page
    server.listens = [listen(FIRST + n // tied, n) for n in range(2200)]
    got = rows(ingest(client, FIRST))
    key = lambda row: row["recording_msid"]  # noqa: E731
    assert sorted(got, key=key) == sorted(server.listens, key=key)


def test_a_second_that_fills_a_page_is_told(server: FakeListenBrainz, client: ListenBrainzAPIClient) -> None:
    server.listens = [listen(FIRST, n) for n in range(1001)]
    with pytest.raises(BadPayloadError, match=rf"more than 1000 listens within the second {FIRST}\. Delete"):
        ingest(client, FIRST)
    assert len(server.seen) == 2


def test_a_quick_look_gives_the_newest_and_covers_nothing(
    server: FakeListenBrainz, client: ListenBrainzAPIClient
) -> None:
    server.listens = [listen(FIRST + n) for n in range(1500)]
    assert ingest(client, FIRST, limit=3) == [Batch(server.listens[:-4:-1])]
    assert server.seen == [{"max_ts": str(END), "count": "3"}]
    batches = ingest(client, FIRST, limit=1200)
    assert len(rows(batches)) == 1200
    assert all(batch.covered_to is None for batch in batches)


def test_the_last_request_allowed_makes_the_next_one_wait(
    server: FakeListenBrainz, client: ListenBrainzAPIClient, fake: FakeClock
) -> None:
    server.listens = [listen(FIRST + n) for n in range(1500)]
    server.headers = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset_In": "7"}
    ingest(client, FIRST)
    assert fake.sleeps == [7, 7]


def test_a_429_in_plain_text_waits_for_the_reset(
    httpserver: HTTPServer, client: ListenBrainzAPIClient, fake: FakeClock
) -> None:
    words = "You have exceeded your rate limit. See the X-RateLimit-* response headers for more information."
    told = Response(words, 429, {"X-RateLimit-Reset-In": "9", "X-RateLimit-Remaining": "0"})
    seen = serve(httpserver, LISTENS, told)
    with pytest.raises(RateLimitError, match="exceeded your rate limit"):
        ingest(client, FIRST)
    assert fake.sleeps == [9, 9, 9, 9]
    assert len(seen) == 5


def test_thirty_requests_in_ten_seconds(
    server: FakeListenBrainz, client: ListenBrainzAPIClient, fake: FakeClock
) -> None:
    started = fake.seconds
    for _ in range(31):
        ingest(client, FIRST)
    assert len(server.seen) == 31
    assert 10 < fake.seconds - started < 11


def test_a_user_who_is_gone(httpserver: HTTPServer, client: ListenBrainzAPIClient) -> None:
    serve(httpserver, LISTENS, said({"code": 404, "error": "Cannot find user: bea/lb"}, 404))
    with pytest.raises(NotFoundError, match=r"^ListenBrainz API error: Cannot find user.*deleted.*accounts list"):
        ingest(client, None)


def test_a_wrong_token(httpserver: HTTPServer, client: ListenBrainzAPIClient) -> None:
    serve(httpserver, LISTENS, said({"code": 401, "error": f"Invalid authorization token {TOKEN}."}, 401))
    structlog.reset_defaults()
    with capture_logs() as events, pytest.raises(AuthenticationError, match="LISTENBRAINZ_TOKEN") as caught:
        ingest(client, None)
    told = "".join([*traceback.format_exception(caught.value), repr(client), repr(vars(client)), str(events)])
    assert TOKEN not in told


@pytest.mark.parametrize("token", [SecretStr(TOKEN), SecretStr(""), None])
def test_the_token_is_optional(httpserver: HTTPServer, token: SecretStr | None) -> None:
    seen = serve(httpserver, "/1/user/bea/lb/listen-count", said({"payload": {"count": 12345}}))
    client = ListenBrainzAPIClient(token, base_url=httpserver.url_for("/"))
    assert ListenBrainzListens(client).check(BEA) == "ListenBrainz shows 12,345 listens"
    assert seen[0].headers.get("Authorization") == (f"Token {TOKEN}" if token and token.get_secret_value() else None)


def test_without_a_user_name(client: ListenBrainzAPIClient) -> None:
    with pytest.raises(MissingCredentialError, match=r"^No ListenBrainz username found\. .*accounts add"):
        ListenBrainzListens(client).check(Account("bea", "", ""))
    assert client.requests_sent == 0


@pytest.mark.parametrize(
    "body",
    [{}, [], {"payload": None}, {"payload": {"listens": [None]}}, {"payload": {"listens": [{"listened_at": "?"}]}}],
)
def test_another_shape_is_a_bad_payload(httpserver: HTTPServer, client: ListenBrainzAPIClient, body: Any) -> None:
    serve(httpserver, LISTENS, said(body))
    serve(httpserver, "/1/user/bea/lb/listen-count", said(body))
    with pytest.raises(BadPayloadError, match=r"^ListenBrainz API error"):
        ingest(client, None)
    with pytest.raises(ClientError):
        ListenBrainzListens(client).check(BEA)
