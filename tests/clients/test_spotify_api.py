"""Spotify as it is: tokens that end early, refusals of many meanings, endpoints closed to newer apps, ids and nulls."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from werkzeug import Request, Response

from clients.auth.app_auth import SpotifyAppAuth
from clients.auth.token_store import Token, TokenStore
from clients.auth.user_auth import SCOPES, SpotifyAuthClient
from clients.errors import (
    AuthenticationError,
    AuthorizationError,
    BadPayloadError,
    ClientError,
    MissingCredentialError,
    NotFoundError,
    QuotaError,
    RateLimitError,
    UnavailableError,
)
from clients.limits import Rate
from clients.spotify_api import SpotifyAPIClient
from clients.spotify_errors import (
    MissingScopeError,
    NoActiveDeviceError,
    NotRegisteredError,
    OwnerWithoutPremiumError,
    PremiumRequiredError,
)
from tests.clocks import EPOCH, FakeClock
from tests.services import SECRET, STEADY, said, serve
from tests.worlds import spotify_id

RECENT, QUEUE, TRACKS, FEATURES = (
    "/v1/me/player/recently-played",
    "/v1/me/player/queue",
    "/v1/tracks",
    "/v1/audio-features",
)
EMPTY_PAGE = {"items": [], "next": None, "cursors": None}
EXPIRED = said({"error": {"status": 401, "message": "The access token expired"}}, 401)
FORBIDDEN = said({"error": {"status": 403, "message": "Forbidden"}}, 403)
BLOCKED = "Your application is blocked from accessing the Web API since you do not have a Spotify Premium subscription"
UNREGISTERED = "The user is not registered for this application. Please check your settings on https://developer"
FAILED = "Player command failed"

Make = Callable[..., SpotifyAPIClient]


@pytest.fixture
def store(tmp_path: Path, fake: FakeClock) -> TokenStore:
    store = TokenStore(tmp_path / ".spotify_tokens.json")
    for user in ("ann", "bob"):
        end = fake.clock.now() + timedelta(days=1)
        store.put(user, Token(SecretStr(f"{user}-0"), end, SecretStr(SECRET), SCOPES, EPOCH))
    return store


@pytest.fixture
def grants(httpserver: HTTPServer) -> list[Request]:
    """Requests for tokens; each gets another, the app's or a user's."""
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return said({"access_token": f"token-{len(seen)}", "expires_in": 3600})

    httpserver.expect_request("/api/token", method="POST").respond_with_handler(answer)
    return seen


@pytest.fixture
def make(httpserver: HTTPServer, fake: FakeClock, store: TokenStore, grants: list[Request]) -> Make:  # noqa: ARG001
    def client(**options: Any) -> SpotifyAPIClient:
        common: dict[str, Any] = {"clock": fake.clock, "retry": STEADY, "session": options.pop("session", None)}
        accounts = httpserver.url_for("/")
        user_auth = SpotifyAuthClient("an-id", store, accounts_url=accounts, **common)
        app_auth = SpotifyAppAuth("an-id", SecretStr("app-secret"), accounts_url=accounts, **common)
        url = options.pop("api_url", httpserver.url_for("/v1"))
        return SpotifyAPIClient(user_auth, app_auth, api_url=url, **common, **options)

    return client


@pytest.fixture
def client(make: Make) -> SpotifyAPIClient:
    return make()


def refusal(status: int, message: str, **more: str) -> Response:
    return said({"error": {"status": status, "message": message, **more}}, status)


def bearers(requests: list[Request]) -> list[str]:
    return [request.headers["Authorization"] for request in requests]


# --- recently played ---


def play(at: datetime) -> dict[str, Any]:
    return {"track": {"id": spotify_id(1)}, "played_at": at.isoformat().replace("+00:00", "Z"), "context": None}


def milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


class PlayedTracks:
    """Serves plays newest first, `reach` of them, by exclusive cursors, as Spotify does."""

    def __init__(self, httpserver: HTTPServer, count: int, reach: int = 50) -> None:
        self.plays = [play(EPOCH - timedelta(minutes=4 * n, milliseconds=1)) for n in range(count)]
        self.reach = reach
        self.seen: list[dict[str, str]] = []
        httpserver.expect_request(RECENT, method="GET").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.seen.append(dict(request.args))
        if "after" in request.args and "before" in request.args:
            return refusal(400, "Only one of after and before")
        times = [(milliseconds(datetime.fromisoformat(item["played_at"])), item) for item in self.plays[: self.reach]]
        inside = [
            (time, item)
            for time, item in times
            if int(request.args.get("after", 0)) < time < int(request.args.get("before", 10**14))
        ][: int(request.args["limit"])]
        if not inside:
            return said(EMPTY_PAGE)
        cursors = {"after": str(inside[0][0]), "before": str(inside[-1][0])}
        return said({"items": [item for _, item in inside], "next": None, "cursors": cursors})


def test_a_page_of_plays_comes_as_sent(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    page = {"items": [play(EPOCH) | {"unknown": [1]}], "cursors": {"after": "2", "before": "1"}, "href": "x"}
    seen = serve(httpserver, RECENT, said(page))
    after = datetime(2026, 11, 20, 20, 53, 54, 567_900, tzinfo=UTC)
    assert client.get_recently_played("ann", after=after) == page
    assert dict(seen[0].args) == {"limit": "50", "after": "1795208034567"}
    assert bearers(seen) == ["Bearer ann-0"]


def test_after_and_before_exclude_each_other(client: SpotifyAPIClient) -> None:
    with pytest.raises(ValueError, match="not both"):
        client.get_recently_played("ann", after=EPOCH, before=EPOCH)


@pytest.mark.parametrize(
    ("count", "reach", "back_to", "pages"),
    [
        (0, 50, None, 1),
        (20, 50, None, 1),
        (80, 50, None, 2),  # a full page, and behind it nothing more in reach
        (80, 50, EPOCH - timedelta(minutes=100), 1),
        (130, 120, None, 3),
        (130, 120, EPOCH - timedelta(minutes=4 * 60), 2),
    ],
)
def test_plays_are_walked_by_cursor(
    httpserver: HTTPServer, client: SpotifyAPIClient, count: int, reach: int, back_to: datetime | None, pages: int
) -> None:
    service = PlayedTracks(httpserver, count, reach)
    plays = list(client.iter_recently_played("ann", back_to=back_to))
    assert plays == service.plays[: min(count, reach, pages * 50)]
    assert len(service.seen) == pages
    assert "before" not in service.seen[0]


@pytest.mark.parametrize("cursors", [None, {}, {"before": None}, {"before": "soon"}, "1", {"before": "99999999999999"}])
def test_a_strange_cursor_ends_the_walk(httpserver: HTTPServer, client: SpotifyAPIClient, cursors: Any) -> None:
    page = {"items": [play(EPOCH)] * 50, "next": "more", "cursors": cursors}
    seen = serve(httpserver, RECENT, said(page))
    assert len(list(client.iter_recently_played("ann"))) == 50 * len(seen)
    assert len(seen) <= 2


def test_a_short_page_with_a_next_is_not_the_last(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    first = {"items": [play(EPOCH)], "next": "more", "cursors": {"before": "1000"}}
    serve(httpserver, RECENT, said(first), said(EMPTY_PAGE))
    assert [len(page) for page in client.iter_recent_pages("ann")] == [1]


@pytest.mark.parametrize("body", [{}, {"items": None}, {"items": {}}, {"items": [1]}, [], "text", None])
def test_what_is_no_page_is_a_bad_payload(httpserver: HTTPServer, client: SpotifyAPIClient, body: Any) -> None:
    serve(httpserver, RECENT, said(body))
    with pytest.raises(BadPayloadError, match=r"^Failed to fetch recently played songs: Spotify API error: the answer"):
        client.get_recently_played("ann")


# --- tokens ---


def test_a_401_renews_the_token_once(httpserver: HTTPServer, client: SpotifyAPIClient, grants: list[Request]) -> None:
    seen = serve(httpserver, RECENT, EXPIRED, said(EMPTY_PAGE))
    client.get_recently_played("ann")
    assert bearers(seen) == ["Bearer ann-0", "Bearer token-1"]
    assert grants[0].form["grant_type"] == "refresh_token"


def test_a_second_401_is_that_users_failure(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    def answer(request: Request) -> Response:
        return said(EMPTY_PAGE) if "bob" in request.headers["Authorization"] else EXPIRED

    httpserver.expect_request(RECENT).respond_with_handler(answer)
    with pytest.raises(AuthenticationError) as caught:
        client.get_recently_played("ann")
    assert str(caught.value) == (
        "Failed to fetch recently played songs: Spotify API error (GET /me/player/recently-played): HTTP 401: "
        "The access token expired. Run `auth spotify --user ann`."
    )
    assert caught.value.__context__ is None
    assert client.get_recently_played("bob") == EMPTY_PAGE


def test_a_401_renews_the_apps_token_too(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    seen = serve(httpserver, f"{TRACKS}/{spotify_id(1)}", EXPIRED, said({"id": spotify_id(1)}))
    assert client.get_track(spotify_id(1)) == {"id": spotify_id(1)}
    assert bearers(seen) == ["Bearer token-1", "Bearer token-2"]


def test_a_user_never_connected_is_told_first(client: SpotifyAPIClient) -> None:
    with pytest.raises(MissingCredentialError, match=r"^No Spotify token found for eve\. Run `auth spotify --us"):
        client.get_recently_played("eve")


def test_a_damaged_token_file_keeps_its_own_remedy(client: SpotifyAPIClient, store: TokenStore) -> None:
    store.path.write_text("{")
    with pytest.raises(AuthenticationError, match=r"^Failed to fetch recently played songs: .* is damaged\. Repair it"):
        client.get_recently_played("ann")


def test_a_failing_app_token_is_told_first(httpserver: HTTPServer, make: Make) -> None:
    client = make()
    httpserver.clear()
    serve(httpserver, "/api/token", said({"error": "invalid_client"}, 400), method="POST")
    with pytest.raises(AuthenticationError, match=r"^Failed to get app token: .*Check SPOTIFY_CLIENT_ID"):
        client.get_audio_features([spotify_id(1)])


# --- refusals ---


@pytest.mark.parametrize(
    ("response", "kind", "remedy"),
    [
        (refusal(403, UNREGISTERED), NotRegisteredError, "User Management"),
        (Response("User not registered in the Developer Dashboard", 403), NotRegisteredError, "User Management"),
        (refusal(403, BLOCKED), OwnerWithoutPremiumError, "owner of the app needs Spotify Premium"),
        (refusal(403, "Insufficient client scope"), MissingScopeError, "`auth spotify --user ann`"),
        (refusal(401, "Permissions missing"), MissingScopeError, "`auth spotify --user ann`"),
        (FORBIDDEN, AuthorizationError, "closed it to newer apps"),
        (Response("", 403), AuthorizationError, "closed it to newer apps"),
        (refusal(403, "Something else"), AuthorizationError, "Something else"),
        (refusal(404, "Resource not found"), NotFoundError, "Check the name"),
        (Response("<html>Bad gateway</html>", 502), UnavailableError, "next run"),
        (said({"error": {"status": 429, "message": "x"}}, 429, Retry_After="7293"), RateLimitError, "next run"),
        (
            said({"error": {"status": 429, "message": "x", "reason": "QUOTA_EXCEEDED"}}, 429, Retry_After="86000"),
            QuotaError,
            "higher quota",
        ),
    ],
)
def test_a_refusal_says_what_to_do(
    httpserver: HTTPServer, client: SpotifyAPIClient, response: Response, kind: type[ClientError], remedy: str
) -> None:
    serve(httpserver, RECENT, response)
    with pytest.raises(kind) as caught:
        client.get_recently_played("ann")
    assert str(caught.value).startswith("Failed to fetch recently played songs: Spotify API error (")
    assert remedy in str(caught.value)
    assert caught.value.service == "Spotify"


def test_a_502_is_retried(httpserver: HTTPServer, client: SpotifyAPIClient, fake: FakeClock) -> None:
    serve(httpserver, RECENT, Response("<html>", 502), said(EMPTY_PAGE))
    assert client.get_recently_played("ann") == EMPTY_PAGE
    assert fake.sleeps == [1.0]


def test_a_known_missing_scope_costs_no_request(client: SpotifyAPIClient, store: TokenStore) -> None:
    store.put("ann", Token(SecretStr("t"), EPOCH + timedelta(days=9), scope=("user-top-read",)))
    with pytest.raises(MissingScopeError, match=r"recently played songs: .*user-read-recently-played\. Run `auth spot"):
        client.get_recently_played("ann")
    assert client.requests_sent == 0


# --- limits ---


def test_each_user_has_a_limit_and_the_app_another(httpserver: HTTPServer, make: Make) -> None:
    serve(httpserver, RECENT, said(EMPTY_PAGE))
    serve(httpserver, f"{TRACKS}/{spotify_id(1)}", said({"id": "x"}))
    client = make(user_rates=(Rate(2, 3600),))
    for _ in range(2):
        client.get_recently_played("ann")
    with pytest.raises(RateLimitError) as caught:
        client.get_recently_played("ann")
    assert caught.value.retry_after == pytest.approx(3600, abs=1)
    client.get_recently_played("bob")
    for _ in range(3):
        client.get_track(spotify_id(1))
    assert client.requests_sent == 6


def test_a_hundred_an_hour_is_the_default(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    serve(httpserver, RECENT, said(EMPTY_PAGE))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: client.get_recently_played("ann"), range(100)))
    with pytest.raises(RateLimitError):
        client.get_recently_played("ann")
    assert client.requests_sent == 100


def test_a_told_wait_holds_for_users_and_app(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    serve(httpserver, RECENT, said({}, 429, Retry_After="85771"))
    for ask in (lambda: client.get_recently_played("ann"), lambda: client.get_track(spotify_id(1))):
        with pytest.raises(RateLimitError) as caught:
            ask()
        assert caught.value.retry_after == 85_771
    assert client.requests_sent == 1


def test_an_own_session_is_used(httpserver: HTTPServer, make: Make) -> None:
    session = requests.Session()
    session.headers["X-Mine"] = "yes"
    seen = serve(httpserver, RECENT, said(EMPTY_PAGE))
    make(session=session).get_recently_played("ann")
    assert seen[0].headers["X-Mine"] == "yes"


# --- top items, account, search ---


def test_top_items_are_asked_by_entity_and_range(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    seen = serve(httpserver, "/v1/me/top/artists", said({"items": [{"id": "a"}], "total": 1}))
    assert client.get_top_items("ann", "artists", "long_term") == {"items": [{"id": "a"}], "total": 1}
    assert dict(seen[0].args) == {"time_range": "long_term", "limit": "50"}


def test_the_account_is_told_apart_from_nonsense(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    serve(httpserver, "/v1/me", said({"id": "ann"}), said([]))
    assert client.get_me("ann") == {"id": "ann"}
    with pytest.raises(BadPayloadError, match=r"^Failed to fetch the Spotify account"):
        client.get_me("ann")


@pytest.mark.parametrize(
    ("wanted", "query"),
    [
        ({"track_name": 'A "B" C', "artist_name": "D"}, 'track:"A  B  C" artist:"D"'),
        ({"track_name": "A"}, 'track:"A"'),
        ({"track_name": "A", "isrc": "QZXX90000001"}, 'isrc:"QZXX90000001"'),
    ],
)
def test_a_track_is_searched_with_the_apps_token(
    httpserver: HTTPServer, client: SpotifyAPIClient, wanted: dict[str, str], query: str
) -> None:
    hit = {"id": spotify_id(1)}
    seen = serve(httpserver, "/v1/search", said({"tracks": {"items": [hit]}}), said({"tracks": {"items": []}}))
    assert client.search_track(**wanted) == hit
    assert client.search_track(**wanted) is None
    assert dict(seen[0].args) == {"q": query, "type": "track", "limit": "1"}
    assert bearers(seen)[0] == "Bearer token-1"


# --- tracks ---


class Catalogue:
    """Tracks and features by batch and one by one, null where unknown; either may be closed."""

    def __init__(self, httpserver: HTTPServer, known: range) -> None:
        self.known = {spotify_id(n) for n in known}
        self.asked: list[tuple[str, str]] = []
        self.closed: Callable[[Request], Response | None] = lambda _: None
        for path, name in ((TRACKS, "tracks"), (FEATURES, "audio_features")):
            httpserver.expect_request(path).respond_with_handler(self._several(name))
        for n in range(200):
            httpserver.expect_request(f"{TRACKS}/{spotify_id(n)}").respond_with_handler(self._one)

    def _several(self, name: str) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            ids = request.args["ids"].split(",")
            self.asked.append((name, request.headers["Authorization"]))
            if len(ids) > {"tracks": 50, "audio_features": 100}[name]:
                return refusal(400, "Too many ids requested")
            found = [{"id": i, "tempo": 120.5} if i in self.known else None for i in ids]
            return self.closed(request) or said({name: found})

        return answer

    def _one(self, request: Request) -> Response:
        self.asked.append(("track", request.headers["Authorization"]))
        track_id = request.path[-22:]
        return said({"id": track_id}) if track_id in self.known else refusal(404, "Resource not found")

    def count(self, name: str) -> int:
        return [asked for asked, _ in self.asked].count(name)


def ids(count: int) -> list[str]:
    return [spotify_id(n) for n in range(count)]


def test_tracks_are_asked_by_fifty_and_nulls_dropped(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    catalogue = Catalogue(httpserver, range(100))
    tracks = client.get_tracks([*ids(120), "", spotify_id(0)])
    assert [track["id"] for track in tracks] == ids(100)
    assert [name for name, _ in catalogue.asked] == ["tracks"] * 3
    assert {token for _, token in catalogue.asked} == {"Bearer token-1"}


def test_a_track_under_another_id_answers_the_id_asked(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    other = {"id": spotify_id(9)}
    serve(httpserver, TRACKS, said({"tracks": [other, None]}))
    assert dict(client.iter_tracks(ids(2))) == {spotify_id(0): other, spotify_id(1): None}


@pytest.mark.parametrize("refused", [FORBIDDEN, Response("", 403), refusal(403, "Not for you")])
def test_closed_batches_fall_back_to_one_at_a_time(
    httpserver: HTTPServer, client: SpotifyAPIClient, refused: Response
) -> None:
    catalogue = Catalogue(httpserver, range(60))
    catalogue.closed = lambda _: refused
    with capture_logs() as events:
        assert [track["id"] for track in client.get_tracks(ids(70))] == ids(60)
    assert (catalogue.count("tracks"), catalogue.count("track")) == (1, 70)
    assert client.is_closed("tracks")
    assert [event["endpoint"] for event in events if event["event"] == "endpoint_closed"] == ["tracks"]
    assert client.get_tracks(ids(1))
    assert catalogue.count("tracks") == 1


def test_a_removed_endpoint_may_say_too_many_requests(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    catalogue = Catalogue(httpserver, range(3))
    catalogue.closed = lambda _: Response("", 429, {"Retry-After": "1"})
    assert len(client.get_tracks(ids(3))) == 3
    assert client.is_closed("tracks")
    catalogue.closed = lambda _: Response("", 429, {"Retry-After": "900"})
    with pytest.raises(RateLimitError):
        client.get_audio_features(ids(3))
    assert not client.is_closed("audio-features")


@pytest.mark.parametrize(("message", "kind"), [(BLOCKED, OwnerWithoutPremiumError), (UNREGISTERED, NotRegisteredError)])
def test_a_blocked_app_closes_no_endpoint(
    httpserver: HTTPServer, client: SpotifyAPIClient, message: str, kind: type[ClientError]
) -> None:
    catalogue = Catalogue(httpserver, range(1))
    catalogue.closed = lambda _: refusal(403, message)
    with pytest.raises(kind, match=r"^Failed to fetch tracks: "):
        client.get_tracks(ids(1))
    with pytest.raises(kind, match=r"^Failed to fetch audio features: "):
        client.get_audio_features(ids(1))
    assert not client.is_closed("tracks")
    assert not client.is_closed("audio-features")


@pytest.mark.parametrize("tracks", [[], [{"id": "a"}, {"id": "b"}], [1], None])
def test_an_answer_that_does_not_fit_the_question_is_bad(
    httpserver: HTTPServer, client: SpotifyAPIClient, tracks: Any
) -> None:
    serve(httpserver, TRACKS, said({"tracks": tracks}))
    serve(httpserver, FEATURES, said({"audio_features": tracks}))
    for ask in (client.get_tracks, client.get_audio_features):
        with pytest.raises(BadPayloadError, match="the answer holds"):
            ask(ids(1))


def test_no_ids_send_nothing(client: SpotifyAPIClient) -> None:
    assert client.get_tracks([]) == client.get_tracks(["", ""]) == []
    assert client.get_audio_features([]) == client.get_audio_features([], user="ann") == []
    assert client.requests_sent == 0


# --- audio features ---


def test_features_are_asked_by_a_hundred_with_the_apps_token(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    catalogue = Catalogue(httpserver, range(130))
    assert [found["id"] for found in client.get_audio_features(ids(150))] == ids(130)
    assert catalogue.asked == [("audio_features", "Bearer token-1")] * 2


def test_features_go_by_their_id(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    first, second = ({"id": track_id, "tempo": 1.5} for track_id in ids(2))
    serve(
        httpserver, FEATURES, said({"audio_features": [second, first]}), said({"audio_features": [{"id": "x"}, None]})
    )
    assert dict(client.iter_audio_features(ids(2))) == {first["id"]: first, second["id"]: second}
    with pytest.raises(BadPayloadError, match="not asked for"):
        client.get_audio_features(ids(2))


def test_closed_features_are_asked_once_per_kind_of_token(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    catalogue = Catalogue(httpserver, range(300))
    catalogue.closed = lambda request: FORBIDDEN if "ann" not in request.headers["Authorization"] else None
    assert client.get_audio_features(ids(300)) == []
    assert client.get_audio_features(ids(300)) == []
    assert client.is_closed("audio-features")
    assert catalogue.asked == [("audio_features", "Bearer token-1")]
    assert not client.is_closed("audio-features of users")
    assert len(client.get_audio_features(ids(300), user="ann")) == 300
    catalogue.closed = lambda _: FORBIDDEN
    assert client.get_audio_features(ids(300), user="ann") == []
    assert client.is_closed("audio-features of users")


def test_the_failure_the_project_was_born_from(httpserver: HTTPServer, client: SpotifyAPIClient) -> None:
    catalogue = Catalogue(httpserver, range(47))
    catalogue.closed = lambda request: FORBIDDEN if "ann" in request.headers["Authorization"] else None
    assert client.get_audio_features(ids(47), user="ann") == []
    assert len(client.get_audio_features(ids(47))) == 47


# --- queue ---


@pytest.mark.parametrize(
    "track",
    [
        spotify_id(7),
        f"spotify:track:{spotify_id(7)}",
        f"https://open.spotify.com/track/{spotify_id(7)}?si=abc",
        f" https://open.spotify.com/intl-de/track/{spotify_id(7)} ",
    ],
)
@pytest.mark.parametrize("answer", [Response(status=204), Response("AAAA no JSON", 200)])
def test_a_track_is_queued(httpserver: HTTPServer, client: SpotifyAPIClient, track: str, answer: Response) -> None:
    seen = serve(httpserver, QUEUE, answer, method="POST")
    client.queue_track("ann", track)
    assert [dict(request.args) for request in seen] == [{"uri": f"spotify:track:{spotify_id(7)}"}]


@pytest.mark.parametrize(
    "track", ["", "a song", "spotify:album:" + spotify_id(7), "https://example.org/" + spotify_id(7)]
)
def test_what_is_no_track_is_not_sent(client: SpotifyAPIClient, track: str) -> None:
    with pytest.raises(NotFoundError, match="no Spotify track"):
        client.queue_track("ann", track)
    assert client.requests_sent == 0


@pytest.mark.parametrize(
    ("response", "kind", "remedy"),
    [
        (refusal(403, "Insufficient client scope"), MissingScopeError, "Run `auth spotify --user ann`."),
        (refusal(401, "Permissions missing"), MissingScopeError, "Run `auth spotify --user ann`."),
        (
            refusal(403, "Player command failed: Premium required", reason="PREMIUM_REQUIRED"),
            PremiumRequiredError,
            "only Premium",
        ),
        (
            refusal(404, "Player command failed: No active device found", reason="NO_ACTIVE_DEVICE"),
            NoActiveDeviceError,
            "Start playing",
        ),
        (
            refusal(403, "Player command failed: Restriction violated", reason="UNKNOWN"),
            AuthorizationError,
            "Restriction",
        ),
        (refusal(404, "Resource not found"), NotFoundError, "Check the name"),
    ],
)
def test_what_keeps_a_track_from_the_queue_is_told_apart(
    httpserver: HTTPServer, client: SpotifyAPIClient, response: Response, kind: type[ClientError], remedy: str
) -> None:
    seen = serve(httpserver, QUEUE, response, method="POST")
    with pytest.raises(ClientError) as caught:
        client.queue_track("ann", spotify_id(7))
    assert type(caught.value) is kind
    assert str(caught.value).startswith("Failed to queue the track: ")
    assert remedy in str(caught.value)
    assert len(seen) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_track_is_never_queued_twice_blindly(httpserver: HTTPServer, client: SpotifyAPIClient, status: int) -> None:
    seen = serve(httpserver, QUEUE, Response("<html>", status), Response(status=204), method="POST")
    with pytest.raises(UnavailableError, match=r"whether the request was carried out is not known\. Look at the queue"):
        client.queue_track("ann", spotify_id(7))
    assert len(seen) == 1


@pytest.mark.parametrize("refused", [EXPIRED, said({}, 429, Retry_After="3")])
def test_a_refused_queueing_is_sent_again(httpserver: HTTPServer, client: SpotifyAPIClient, refused: Response) -> None:
    seen = serve(httpserver, QUEUE, refused, Response(status=204), method="POST")
    client.queue_track("ann", spotify_id(7))
    assert len(seen) == 2


# --- secrets ---


@pytest.mark.parametrize("where", ["echo", "unreached"])
def test_no_token_in_logs_exceptions_or_tracebacks(
    httpserver: HTTPServer, make: Make, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    def echo(request: Request) -> Response:
        return Response(f"{request.url} {request.headers}", 400)

    httpserver.expect_request(RECENT).respond_with_handler(echo)
    client = make() if where == "echo" else make(api_url="http://127.0.0.1:1/v1")
    with capture_logs() as events, caplog.at_level(logging.DEBUG), pytest.raises(ClientError) as caught:
        client.get_recently_played("ann")
    error = caught.value
    told = [*traceback.format_exception(error), repr(error), str(vars(error)), str(events), repr(client)]
    logged = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]  # the test's own server
    assert "ann-0" not in "\n".join(told + logged)
    assert error.__context__ is None
    assert "ann" not in str(events)
