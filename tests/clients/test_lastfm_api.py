"""Last.fm as it is: errors in 200s, lists of one, something playing now, pages that shift while they are read."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from werkzeug import Request, Response

from clients.errors import (
    AuthenticationError,
    AuthorizationError,
    BadPayloadError,
    ClientError,
    MissingCredentialError,
    NotFoundError,
    RateLimitError,
    UnavailableError,
)
from clients.feeds import Account, Batch, Window
from clients.lastfm_api import RATES, LastfmAPIClient, LastfmLovedTracks, LastfmScrobbles
from clients.limits import Limiter
from tests.clocks import FakeClock
from tests.services import SECRET, STEADY, said, serve

FIRST = 1_790_000_000
END = datetime.fromtimestamp(FIRST + 1_000_000, UTC)
BEA = Account(user="bea", source_user="bea_fm", credential="")
ALL = Window(None, END)


def scrobble(uts: int | None, name: str = "Low Tide") -> dict[str, Any]:
    row: dict[str, Any] = {
        "artist": {"name": "Quiet Harbour", "mbid": "", "url": "https://fm.example/artist", "image": []},
        "name": name,
        "album": {"#text": "Piers", "mbid": ""},
        "mbid": "",
        "loved": "0",
        "streamable": "0",
        "url": "https://fm.example/track",
        "image": [{"size": "small", "#text": ""}],
    }
    return row if uts is None else row | {"date": {"uts": str(uts), "#text": "some day"}}


PLAYING = scrobble(None, "On Air") | {"@attr": {"nowplaying": "true"}}


class FakeLastfm:
    """Lists as Last.fm pages them: newest first, numbers as text, a list of one as its row."""

    def __init__(self, httpserver: HTTPServer) -> None:
        self.recent: list[dict[str, Any]] = []
        self.loved: list[dict[str, Any]] = []
        self.playing = False
        self.seen: list[dict[str, str]] = []
        self.before_answer: Callable[[int], None] = lambda _: None
        httpserver.expect_request("/2.0/", method="GET").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        asked = dict(request.args)
        self.seen.append(asked)
        self.before_answer(len(self.seen))
        recent = asked["method"] == "user.getrecenttracks"
        rows = self._in_span(asked) if recent else self.loved
        size, number = min(int(asked["limit"]), 200), int(asked["page"])
        shown: Any = rows[(number - 1) * size : number * size]
        if recent and self.playing:
            shown = [PLAYING, *shown]
        about = {"user": "B", "page": str(number), "perPage": str(size), "total": str(len(rows))}
        about["totalPages"] = str(-(-len(rows) // size))
        track = shown[0] if len(shown) == 1 else shown
        return said({"recenttracks" if recent else "lovedtracks": {"@attr": about, "track": track}})

    def _in_span(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        start, end = int(asked.get("from", 0)), int(asked.get("to", FIRST * 2))
        return [row for row in self.recent if start <= int(row.get("date", {"uts": start})["uts"]) < end]


@pytest.fixture
def lastfm(httpserver: HTTPServer) -> FakeLastfm:
    return FakeLastfm(httpserver)


@pytest.fixture
def client(httpserver: HTTPServer, fake: FakeClock) -> LastfmAPIClient:
    limiter = Limiter(*RATES, clock=fake.clock)
    return LastfmAPIClient(SecretStr(SECRET), base_url=httpserver.url_for("/"), limiter=limiter, retry=STEADY)


def stamps(batches: list[Batch]) -> list[list[int]]:
    return [[int(row["date"]["uts"]) - FIRST for row in batch.records] for batch in batches]


def after(seconds: int) -> datetime:
    return datetime.fromtimestamp(FIRST + seconds, UTC)


# --- scrobbles ---


def test_pages_come_from_the_oldest_on_and_move_the_watermark_each(lastfm: FakeLastfm, client: LastfmAPIClient) -> None:
    lastfm.recent = [scrobble(FIRST + n) for n in reversed(range(450))]
    lastfm.playing = True
    batches = list(LastfmScrobbles(client).batches(BEA, ALL))
    assert stamps(batches) == [
        list(reversed(range(50))),
        list(reversed(range(50, 250))),
        list(reversed(range(250, 450))),
        [],
    ]
    assert [batch.covered_to for batch in batches] == [after(49), after(249), after(449), END]
    assert [asked["page"] for asked in lastfm.seen] == ["1", "3", "2", "1"]
    assert {asked["to"] for asked in lastfm.seen} == {str(FIRST + 1_000_000)}
    assert lastfm.seen[0].keys() == {"method", "user", "api_key", "format", "limit", "page", "to", "extended"}


def test_raw_rows_are_kept_as_they_came(lastfm: FakeLastfm, client: LastfmAPIClient) -> None:
    lastfm.recent = [scrobble(FIRST + 1), scrobble(None, "Undated"), scrobble(0, "1970")]
    window = Window(datetime.fromtimestamp(0, UTC), END)
    batches = list(LastfmScrobbles(client).batches(BEA, window))
    assert batches == [Batch(lastfm.recent, covered_to=after(1)), Batch([], covered_to=END)]
    lastfm.recent = [scrobble(None)]
    assert next(LastfmScrobbles(client).batches(BEA, window)).covered_to is None


@pytest.mark.parametrize("playing", [True, False])
def test_a_list_of_one_or_none(lastfm: FakeLastfm, client: LastfmAPIClient, playing: bool) -> None:
    lastfm.playing = playing
    assert list(LastfmScrobbles(client).batches(BEA, ALL)) == [Batch([]), Batch([], covered_to=END)]
    lastfm.recent = [scrobble(FIRST)]
    assert list(client.iter_recent_tracks("b", None, END)) == lastfm.recent


def test_a_window_is_half_open_in_whole_seconds(lastfm: FakeLastfm, client: LastfmAPIClient) -> None:
    lastfm.recent = [scrobble(FIRST + n) for n in (3, 2, 1)]
    half = timedelta(milliseconds=500)
    rows = [
        *client.iter_recent_tracks("b", after(0), after(2) - half),
        *client.iter_recent_tracks("b", after(2) - half, after(3)),
        *client.iter_recent_tracks("b", after(3), END),
    ]
    assert [row["date"]["uts"] for row in rows] == [str(FIRST + n) for n in (1, 2, 3)]


@pytest.mark.parametrize("gone", [0, 1, 3])
@pytest.mark.parametrize("late", [1, 3, 250])
def test_what_changes_meanwhile_pushes_none_past_us(
    lastfm: FakeLastfm, client: LastfmAPIClient, late: int, gone: int
) -> None:
    lastfm.recent = [scrobble(FIRST + 10 * n) for n in reversed(range(600))]

    def arrive(request: int) -> None:
        if request == 3:
            del lastfm.recent[-gone or len(lastfm.recent) :]  # the oldest, already read
            lastfm.recent[1:1] = [scrobble(FIRST + 5985, f"late {n}") for n in range(late)]

    lastfm.before_answer = arrive
    covered, stored = None, []
    for batch in LastfmScrobbles(client).batches(BEA, ALL):
        stored += batch.records
        covered = batch.covered_to
        assert covered is not None
        missing = [r for r in lastfm.recent if r not in stored and int(r["date"]["uts"]) < covered.timestamp()]
        assert not missing
    assert covered == END


def test_a_deleted_scrobble_costs_nothing(lastfm: FakeLastfm, client: LastfmAPIClient) -> None:
    lastfm.recent = [scrobble(FIRST + n) for n in reversed(range(401))]
    lastfm.before_answer = lambda request: lastfm.recent.__delitem__(0) if request == 2 else None
    rows = list(client.iter_recent_tracks("b", None, END))
    assert all(row in rows for row in lastfm.recent)


def test_a_history_that_never_rests_is_left_for_the_next_run(lastfm: FakeLastfm, client: LastfmAPIClient) -> None:
    lastfm.recent = [scrobble(FIRST + n) for n in reversed(range(300))]
    lastfm.before_answer = lambda n: lastfm.recent.insert(0, scrobble(FIRST + 1000 + n))
    with pytest.raises(UnavailableError, match=r"^Last\.fm API error: the history keeps changing"):
        list(client.iter_recent_tracks("b", None, END))


def test_an_empty_page_in_the_middle_is_no_end(httpserver: HTTPServer, client: LastfmAPIClient) -> None:
    about = {"perPage": "200", "total": "900", "totalPages": "5"}
    serve(httpserver, "/2.0/", said({"recenttracks": {"@attr": about | {"totalPages": "6"}, "track": []}}))
    with pytest.raises(UnavailableError, match="page 5 of 6 came empty"):
        for _ in client.iter_recent_pages("b", None, END):
            pass


def test_a_quick_look_gives_the_newest_and_covers_nothing(lastfm: FakeLastfm, client: LastfmAPIClient) -> None:
    lastfm.recent = [scrobble(FIRST + n) for n in reversed(range(300))]
    lastfm.playing = True
    batches = list(LastfmScrobbles(client).batches(BEA, ALL, limit=50))
    assert stamps(batches) == [list(reversed(range(250, 300)))]
    assert batches[0].covered_to is None
    assert len(lastfm.seen) == 1
    for limit in (0, 201):
        with pytest.raises(ValueError, match="1 to 200"):
            list(LastfmScrobbles(client).batches(BEA, ALL, limit=limit))


def test_the_limits_are_kept(lastfm: FakeLastfm, client: LastfmAPIClient, fake: FakeClock) -> None:
    lastfm.recent = [scrobble(FIRST)]
    started = fake.seconds
    for _ in range(301):
        client.count_scrobbles("b")
    assert fake.seconds - started >= 60
    assert max(fake.sleeps) < 60


# --- loved tracks ---


def test_loved_tracks_are_a_snapshot(lastfm: FakeLastfm, client: LastfmAPIClient) -> None:
    lastfm.loved = [scrobble(FIRST + n, f"love {n}") for n in reversed(range(430))]
    feed = LastfmLovedTracks(client)
    assert list(feed.batches(BEA, ALL)) == [Batch(lastfm.loved, covered_to=END)]
    assert list(feed.batches(BEA, ALL, limit=3)) == [Batch(lastfm.loved[:3])]
    assert feed.check(BEA) == "Last.fm shows 430 loved tracks"
    lastfm.loved = []
    assert list(feed.batches(BEA, ALL)) == [Batch([], covered_to=END)]


def test_loved_tracks_that_change_are_read_anew(lastfm: FakeLastfm, client: LastfmAPIClient) -> None:
    lastfm.loved = [scrobble(FIRST + n, f"love {n}") for n in reversed(range(430))]
    lastfm.before_answer = lambda request: lastfm.loved.__delitem__(0) if request == 2 else None
    assert client.loved_tracks("b") == lastfm.loved
    lastfm.before_answer = lambda _: lastfm.loved.__delitem__(0)
    with pytest.raises(UnavailableError, match="loved tracks keep changing"):
        client.loved_tracks("b")


# --- errors ---


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("code", [8, 11, 16, "8"])
def test_an_outage_in_a_body_is_retried(
    httpserver: HTTPServer, client: LastfmAPIClient, code: int | str, status: int
) -> None:
    seen = serve(httpserver, "/2.0/", said({"error": code, "message": "try again"}, status))
    with pytest.raises(UnavailableError, match=r"^Last\.fm API error \d+: .*try again"):
        client.count_scrobbles("b")
    assert len(seen) == STEADY.attempts


def test_too_often_waits_and_then_tells(httpserver: HTTPServer, client: LastfmAPIClient, fake: FakeClock) -> None:
    serve(httpserver, "/2.0/", said({"error": 29, "message": "Rate limit exceeded"}))
    with pytest.raises(RateLimitError, match=r"^Last\.fm API error 29") as caught:
        client.count_scrobbles("b")
    assert caught.value.retry_after > 0
    assert fake.sleeps[:4] == [1, 2, 4, 8]


@pytest.mark.parametrize(
    ("code", "kind", "remedy"),
    [
        (6, NotFoundError, "accounts add"),
        (17, AuthorizationError, "Hide recent listening"),
        (9, AuthenticationError, "LASTFM_API_KEY"),
        (10, AuthenticationError, "LASTFM_API_KEY"),
        (13, AuthenticationError, "LASTFM_API_KEY"),
        (26, AuthenticationError, "LASTFM_API_KEY"),
        (3, BadPayloadError, "report"),
    ],
)
@pytest.mark.parametrize("status", [200, 403])
def test_each_error_tells_what_to_do(
    httpserver: HTTPServer, client: LastfmAPIClient, code: int, kind: type[ClientError], remedy: str, status: int
) -> None:
    seen = serve(httpserver, "/2.0/", said({"error": code, "message": "as Last.fm says"}, status))
    if code == 3 and status == 403:
        kind, remedy = AuthorizationError, "trying again"
    with pytest.raises(kind, match=rf"^Last\.fm API error.*as Last\.fm says\..*{remedy}") as caught:
        LastfmScrobbles(client).check(BEA)
    assert type(caught.value) is kind
    assert caught.value.service == "Last.fm"
    assert len(seen) == 1


@pytest.mark.parametrize("key", [None, SecretStr(""), SecretStr("  ")])
def test_without_a_key(key: SecretStr | None) -> None:
    with pytest.raises(MissingCredentialError, match=r"^No Last\.fm API key found\. Set LASTFM_API_KEY"):
        LastfmAPIClient(key)


def test_without_a_user_name(lastfm: FakeLastfm, client: LastfmAPIClient) -> None:
    nobody = Account("bea", " ", "")
    for feed in (LastfmScrobbles(client), LastfmLovedTracks(client)):
        for ask in (lambda feed=feed: list(feed.batches(nobody, ALL)), lambda feed=feed: feed.check(nobody)):
            with pytest.raises(MissingCredentialError, match=r"^No Last\.fm username found\. .*accounts add"):
                ask()
    assert not lastfm.seen


@pytest.mark.parametrize(
    "body", [{}, [], {"recenttracks": None}, {"recenttracks": {"track": []}}, {"recenttracks": {"@attr": {}}}]
)
def test_another_shape_is_a_bad_payload(httpserver: HTTPServer, client: LastfmAPIClient, body: Any) -> None:
    serve(httpserver, "/2.0/", said(body))
    with pytest.raises(BadPayloadError, match=r"^Last\.fm API error"):
        client.count_scrobbles("b")


@pytest.mark.parametrize("base_url", ["", "http://127.0.0.1:1"])
def test_the_key_is_never_told(
    httpserver: HTTPServer, fake: FakeClock, base_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    serve(httpserver, "/2.0/", said({"error": 10, "message": f"Invalid API key {SECRET}"}))
    client = LastfmAPIClient(
        SecretStr(SECRET), base_url=base_url or httpserver.url_for("/"), limiter=Limiter(clock=fake.clock), retry=STEADY
    )
    structlog.reset_defaults()
    with capture_logs() as events, caplog.at_level(logging.DEBUG), pytest.raises(ClientError) as caught:
        client.count_scrobbles("somebody")
    told = [*traceback.format_exception(caught.value), repr(caught.value), repr(client), str(events)]
    told += [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    assert SECRET not in "\n".join(told)


def test_check_says_what_works(lastfm: FakeLastfm, client: LastfmAPIClient) -> None:
    lastfm.recent = [scrobble(FIRST + n) for n in range(1234)]
    assert LastfmScrobbles(client).check(BEA) == "Last.fm shows 1,234 plays"
    assert lastfm.seen[0]["limit"] == "1"
    assert LastfmScrobbles(client).stream == "lastfm_scrobbles"
    assert LastfmLovedTracks(client).stream == "lastfm_loved_tracks"
