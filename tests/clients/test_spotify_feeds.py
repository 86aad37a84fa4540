"""Spotify's feeds: all plays in reach each time, gaps where reach ends, lists with ranks, answers about tracks."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from clients.auth.app_auth import SpotifyAppAuth
from clients.auth.token_store import Token, TokenStore
from clients.auth.user_auth import SCOPES, SpotifyAuthClient
from clients.errors import AuthorizationError, RateLimitError, UnavailableError
from clients.feeds import Account, AccountFeed, Answer, Batch, Gap, TrackFeed, TrackQuery, Window
from clients.spotify_api import SpotifyAPIClient
from clients.spotify_errors import EndpointClosedError
from clients.spotify_feeds import (
    BEYOND_REACH,
    OVERLAP,
    TOP_LISTS,
    SpotifyAudioFeatures,
    SpotifyPlays,
    SpotifyTopItems,
    SpotifyTracks,
)
from tests.clocks import EPOCH, FakeClock
from tests.services import STEADY, said, serve
from tests.worlds import spotify_id

ANN = Account(user="ann", source_user="ann at spotify", credential="anns token")
RECENT = "/v1/me/player/recently-played"
FORBIDDEN = said({"error": {"status": 403, "message": "Forbidden"}}, 403)
NIGHT = EPOCH + timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    store = TokenStore(tmp_path / ".spotify_tokens.json")
    store.put("anns token", Token(SecretStr("t"), EPOCH + timedelta(days=900), scope=SCOPES, authorized_at=EPOCH))
    return store


@pytest.fixture
def client(httpserver: HTTPServer, fake: FakeClock, store: TokenStore) -> SpotifyAPIClient:
    httpserver.expect_request("/api/token", method="POST").respond_with_json({"access_token": "app"})
    accounts, clock = httpserver.url_for("/"), fake.clock
    user_auth = SpotifyAuthClient("an-id", store, accounts_url=accounts, clock=clock, retry=STEADY)
    app_auth = SpotifyAppAuth("an-id", SecretStr("app-secret"), accounts_url=accounts, clock=clock, retry=STEADY)
    return SpotifyAPIClient(user_auth, app_auth, api_url=httpserver.url_for("/v1"), clock=clock, retry=STEADY)


def test_the_feeds_are_what_the_job_takes(client: SpotifyAPIClient) -> None:
    accounts: list[AccountFeed] = [SpotifyPlays(client), SpotifyTopItems(client)]
    tracks: list[TrackFeed] = [SpotifyTracks(client), SpotifyAudioFeatures(client)]
    assert [feed.stream for feed in accounts] == ["spotify_plays", "spotify_top_items"]
    assert [(feed.stream, feed.batch_size) for feed in tracks] == [("spotify_tracks", 50), ("audio_features", 100)]


# --- plays ---


def ago(minutes: float) -> datetime:
    return EPOCH - timedelta(minutes=minutes)


def plays(*minutes_ago: float) -> list[dict[str, Any]]:
    """Items as sent; one of them is of a local file, one without milliseconds."""
    times = [ago(minutes).isoformat(timespec="milliseconds").replace("+00:00", "Z") for minutes in minutes_ago]
    items = [{"track": {"id": spotify_id(n)}, "played_at": time, "context": None} for n, time in enumerate(times)]
    items[0]["track"] = {"id": None, "is_local": True}
    items[-1]["played_at"] = items[-1]["played_at"].replace(".000", "")
    return items


def page(items: list[dict[str, Any]]) -> Response:
    times = [round(datetime.fromisoformat(item["played_at"]).timestamp() * 1000) for item in items]
    return said({"items": items, "next": None, "cursors": {"after": str(times[0]), "before": str(times[-1])}})


EMPTY = said({"items": [], "next": None, "cursors": None})


def test_a_quiet_night_stores_all_in_reach_and_moves_to_the_newest(
    httpserver: HTTPServer, client: SpotifyAPIClient
) -> None:
    items = plays(10, 60, 600, 2000)
    seen = serve(httpserver, RECENT, page(items))
    batches = list(SpotifyPlays(client).batches(ANN, Window(ago(300), NIGHT)))
    assert batches == [Batch(items), Batch([], [], ago(10))]
    assert [dict(request.args) for request in seen] == [{"limit": "50"}]


def test_the_first_night_has_no_gap(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    items = plays(*range(0, 200, 4))
    serve(httpserver, RECENT, page(items), EMPTY)
    batches = list(SpotifyPlays(client).batches(ANN, Window(None, NIGHT)))
    assert batches == [Batch(items), Batch([], [], ago(0))]


@pytest.mark.parametrize(("connected_at", "is_lost"), [(ago(196), False), (ago(197), True)])
def test_what_was_heard_between_the_connection_and_a_late_first_fetch_may_be_lost(
    httpserver: HTTPServer, client: SpotifyAPIClient, connected_at: datetime, is_lost: bool
) -> None:
    items = plays(*range(0, 200, 4))
    seen = serve(httpserver, RECENT, page(items), EMPTY)
    account = replace(ANN, connected_at=connected_at)
    (_, last) = SpotifyPlays(client).batches(account, Window(None, NIGHT))
    gap = Gap(connected_at, ago(196), "possible", BEYOND_REACH)
    assert last == Batch([], [gap] if is_lost else [], ago(0))
    assert len(seen) == 2  # all that is in reach is asked for, also what was heard before


@pytest.mark.parametrize(
    ("watermark", "gap"),
    [
        (ago(196 - 120), False),  # the oldest in reach is two hours before the watermark
        (ago(196 - 119), True),
        (ago(196), True),
        (ago(3000), True),
    ],
)
def test_plays_may_be_missing_where_reach_ends_after_the_overlap(
    httpserver: HTTPServer, client: SpotifyAPIClient, watermark: datetime, gap: bool
) -> None:
    items = plays(*range(0, 200, 4))
    seen = serve(httpserver, RECENT, page(items), EMPTY)
    last = list(SpotifyPlays(client).batches(ANN, Window(watermark, NIGHT)))[-1]
    assert last.covered_to == ago(0)
    assert last.gaps == ([Gap(watermark - OVERLAP, ago(196), "possible", BEYOND_REACH)] if gap else [])
    assert len(seen) == 1 + gap  # what lies behind the first page is asked for before a gap is told


def test_a_second_page_closes_the_gap(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    first, second = plays(*range(0, 200, 4)), plays(200, 204, 3000)
    seen = serve(httpserver, RECENT, page(first), page(second))
    batches = list(SpotifyPlays(client).batches(ANN, Window(ago(1000), NIGHT)))
    assert batches == [Batch(first), Batch(second), Batch([], [], ago(0))]
    assert seen[1].args["before"] == str(round(ago(196).timestamp() * 1000))


def test_a_page_in_hand_is_not_lost_with_the_next(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    items = plays(*range(0, 200, 4))
    serve(httpserver, RECENT, page(items), said({}, 429, Retry_After="9000"))
    batches = SpotifyPlays(client).batches(ANN, Window(ago(1000), NIGHT))
    assert next(batches) == Batch(items)
    with pytest.raises(RateLimitError):
        next(batches)


def test_an_empty_page_says_nothing(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    serve(httpserver, RECENT, EMPTY)
    assert list(SpotifyPlays(client).batches(ANN, Window(ago(60), NIGHT))) == []
    assert list(SpotifyPlays(client).batches(ANN, Window(None, NIGHT))) == []


def test_the_watermark_stays_where_nothing_is_newer(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    serve(httpserver, RECENT, page(plays(60, 2000)))
    last = list(SpotifyPlays(client).batches(ANN, Window(ago(60), NIGHT)))[-1]
    assert last == Batch([], [], None)


def test_a_play_listed_late_is_still_stored(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    watermark = ago(60)
    late = plays(10, 60, 61, 900, 2000)  # those of 61 and 900 minutes ago were not there last night
    serve(httpserver, RECENT, page(late))
    assert next(SpotifyPlays(client).batches(ANN, Window(watermark, NIGHT))).records == late


def test_nothing_passes_the_windows_end(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    items = plays(5, 10, 100, 3000)
    serve(httpserver, RECENT, page(items))
    window = Window(ago(5000), ago(50))
    first, last = SpotifyPlays(client).batches(ANN, window)
    assert first.records == items  # by the next run they may be out of reach
    assert last == Batch([], [Gap(ago(5000) - OVERLAP, ago(3000), "possible", BEYOND_REACH)], ago(50))
    early = list(SpotifyPlays(client).batches(ANN, Window(ago(9000), ago(8000))))[-1]
    assert early.gaps == [Gap(ago(9000) - OVERLAP, ago(8000), "possible", BEYOND_REACH)]


def test_plays_without_a_time_are_kept_and_not_counted(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    items = [*plays(10, 2000), {"track": None}, {"played_at": None}, {"played_at": "yesterday"}]
    serve(httpserver, RECENT, said({"items": items, "cursors": None}))
    assert list(SpotifyPlays(client).batches(ANN, Window(ago(60), NIGHT))) == [Batch(items), Batch([], [], ago(10))]


@pytest.mark.parametrize(("limit", "moves"), [(1, False), (3, False), (4, True)])
def test_a_quick_look_moves_nothing(httpserver: HTTPServer, client: SpotifyAPIClient, limit: int, moves: bool) -> None:
    items = plays(10, 20, 3000)
    seen = serve(httpserver, RECENT, page(items))
    batches = list(SpotifyPlays(client).batches(ANN, Window(ago(60), NIGHT), limit))
    assert [record for batch in batches for record in batch.records] == items[:limit]
    assert [batch.covered_to for batch in batches] == [None, ago(10)] if moves else [None]
    assert len(seen) == 1


def test_checking_says_what_works_and_what_will_not(
    httpserver: HTTPServer, client: SpotifyAPIClient, fake: FakeClock
) -> None:
    serve(httpserver, RECENT, page(plays(10)), EMPTY)
    assert SpotifyPlays(client).check(ANN) == "Spotify lists recent plays, the last at 2026-11-20 11:50 UTC."
    fake.seconds += 170 * 86_400
    assert SpotifyPlays(client).check(ANN) == (
        "Spotify lists recent plays, none yet. The consent of anns token at Spotify ends on 2027-05-20, in 11 days. "
        "Run `auth spotify --user anns token`."
    )


def test_an_account_without_a_credential_goes_by_its_user(
    httpserver: HTTPServer, client: SpotifyAPIClient, store: TokenStore
) -> None:
    store.put("bob", Token(SecretStr("bobs"), EPOCH + timedelta(days=9)))
    seen = serve(httpserver, RECENT, EMPTY)
    list(SpotifyPlays(client).batches(Account("bob", "bob", ""), Window(None, NIGHT)))
    assert seen[0].headers["Authorization"] == "Bearer bobs"


# --- top items ---


def serve_top(httpserver: HTTPServer, count: int) -> None:
    def answer(request: Request) -> Response:
        entity, time_range = request.path.rpartition("/")[2], request.args["time_range"]
        return said({"items": [{"id": f"{entity} {time_range} {n}"} for n in range(count)]})

    for entity in ("artists", "tracks"):
        httpserver.expect_request(f"/v1/me/top/{entity}").respond_with_handler(answer)


def test_top_items_come_by_list_with_their_rank(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    serve_top(httpserver, 2)
    batches = list(SpotifyTopItems(client).batches(ANN, Window(None, NIGHT)))
    assert [batch.covered_to for batch in batches] == [None] * 5 + [NIGHT]
    lists = [(record["entity"], record["time_range"]) for batch in batches for record in batch.records[:1]]
    assert lists == list(TOP_LISTS)
    item = {"id": "tracks long_term 1"}
    assert batches[5].records[1] == {"entity": "tracks", "time_range": "long_term", "rank": 2, "item": item}


def test_a_quick_look_at_top_items_moves_nothing(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    serve_top(httpserver, 2)
    batches = list(SpotifyTopItems(client).batches(ANN, Window(None, NIGHT), 3))
    assert [(len(batch.records), batch.covered_to) for batch in batches] == [(2, None), (1, None)]


def test_a_list_that_fails_leaves_the_watermark(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    serve(httpserver, "/v1/me/top/artists", said({"items": []}))
    serve(httpserver, "/v1/me/top/tracks", Response("<html>", 502))
    batches = SpotifyTopItems(client).batches(ANN, Window(None, NIGHT))
    assert [next(batches) for _ in range(3)] == [Batch([])] * 3
    with pytest.raises(UnavailableError):
        next(batches)


def test_checking_top_items(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    serve(httpserver, "/v1/me/top/tracks", said({"items": [{}]}), said({"items": []}))
    assert SpotifyTopItems(client).check(ANN) == "Spotify lists top tracks."
    assert SpotifyTopItems(client).check(ANN) == "Spotify answers, and has no top tracks yet."


# --- tracks and audio features ---


def query(key: str, track_id: str | None) -> TrackQuery:
    return TrackQuery(key, track_id, None, "artist", "track", None, None)


def by_id(name: str, known: range) -> Any:
    def answer(request: Request) -> Response:
        ids = request.args["ids"].split(",")
        found = {spotify_id(n) for n in known}
        return said({name: [{"id": i} if i in found else None for i in ids]})

    return answer


def test_tracks_answer_every_query_with_an_id(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    httpserver.expect_request("/v1/tracks").respond_with_handler(by_id("tracks", range(60)))
    queries = [query(f"key {n}", spotify_id(n)) for n in range(61)]
    queries += [query("twin", spotify_id(60)), query("none", None), query("bad", "x,y"), query("empty", "")]
    answers = {answer.track_key: answer for answer in SpotifyTracks(client).answers(iter(queries))}
    assert len(answers) == 62
    assert answers["key 1"] == Answer("key 1", "found", {"id": spotify_id(1)})
    assert answers["twin"] == Answer("twin", "unknown", None)
    assert client.requests_sent == 2


def test_a_failure_is_no_answer(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    serve(httpserver, "/v1/tracks", FORBIDDEN)
    serve(httpserver, f"/v1/tracks/{spotify_id(0)}", said({"id": spotify_id(0)}))
    serve(httpserver, f"/v1/tracks/{spotify_id(1)}", Response("<html>", 502))
    answers = SpotifyTracks(client).answers([query("a", spotify_id(0)), query("b", spotify_id(1))])
    assert next(answers).track_key == "a"
    with pytest.raises(UnavailableError):
        next(answers)


def test_features_come_with_the_apps_token(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    httpserver.expect_request("/v1/audio-features").respond_with_handler(by_id("audio_features", range(1)))
    queries = [query("a", spotify_id(0)), query("b", spotify_id(1)), query("c", None)]
    assert list(SpotifyAudioFeatures(client).answers(queries)) == [
        Answer("a", "found", {"id": spotify_id(0)}),
        Answer("b", "unknown", None),
    ]


def test_closed_features_say_so_at_once_from_then_on(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    serve(httpserver, "/v1/audio-features", FORBIDDEN)
    feed = SpotifyAudioFeatures(client)
    for _ in range(2):
        with pytest.raises(EndpointClosedError, match=r"^Spotify's audio features are closed to this app\. Nothing to"):
            list(feed.answers([query("a", spotify_id(0))]))
    assert issubclass(EndpointClosedError, AuthorizationError)
    assert client.requests_sent == 1
    assert list(feed.answers([query("no id", None)])) == []


def test_a_users_token_may_be_tried_after_the_apps(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    open_to_users = by_id("audio_features", range(300))
    httpserver.expect_request("/v1/audio-features").respond_with_handler(
        lambda request: open_to_users(request) if request.headers["Authorization"] == "Bearer t" else FORBIDDEN
    )
    queries = [query(f"key {n}", spotify_id(n)) for n in range(150)]
    answers = list(SpotifyAudioFeatures(client, user="anns token").answers(queries))
    assert [answer.status for answer in answers] == ["found"] * 150
    assert client.requests_sent == 3
