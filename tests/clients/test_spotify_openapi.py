"""The client against a Spotify that is not ours: connexion's mock of the service's OpenAPI description.

It refuses unknown parameters, values out of range and tokens without the scope; its answers are the description's own
examples, completed by a real payload where those lack required fields, and checked against the description.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import connexion
import pytest
import uvicorn
import yaml
from connexion.mock import MockResolver
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from clients.auth.app_auth import SpotifyAppAuth
from clients.auth.token_store import Token, TokenStore
from clients.auth.user_auth import SCOPES, SpotifyAuthClient
from clients.errors import AuthorizationError, BadPayloadError
from clients.feeds import Account, TrackQuery, Window
from clients.spotify_api import API_URL, SpotifyAPIClient
from clients.spotify_feeds import TOP_LISTS, SpotifyAudioFeatures, SpotifyPlays, SpotifyTopItems, SpotifyTracks
from tests.clocks import EPOCH, FakeClock
from tests.services import STEADY

DESCRIPTION = Path("api_samples", "spotify_openapi", "fixed-spotify-open-api.yml")
REAL_PLAYS = Path("api_samples", "spotify_recently_played", "spotify_recently_played_submitted.json")
USED = (
    "/me",
    "/me/player/recently-played",
    "/me/player/queue",
    "/me/top/artists",
    "/me/top/tracks",
    "/tracks",
    "/tracks/{id}",
    "/audio-features",
    "/search",
)
SOME_ID, FEATURES_ID = "11dFghVXANMlKmJXsNCbNl", "2takcwOaAZWiXQijPHIx7B"  # the latter of the example's features
ANN = Account(user="ann", source_user="ann", credential="ann")


def token_info(token: str) -> dict[str, Any]:
    """What connexion asks about a token: here it is a list of its scopes."""
    return {"sub": "someone", "scope": [scope for scope in token.split("+") if scope != "app"]}


def described(folder: Path) -> dict[str, Any]:
    """The description of what we use, with a complete example for each answer whose own is not."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load((folder / DESCRIPTION).read_text(encoding="utf-8"), Loader=loader)
    found["paths"] = {path: found["paths"][path] for path in USED}
    found["components"]["securitySchemes"]["oauth_2_0"]["x-tokenInfoFunc"] = f"{__name__}.token_info"
    plays = json.loads((folder / REAL_PLAYS).read_text(encoding="utf-8"))
    del plays["items"][0]["context"]  # null, as it often is; the description knows objects alone
    track = plays["items"][0]["track"]
    paging = {"href": API_URL, "limit": 50, "next": None, "offset": 0, "previous": None, "total": 1}
    examples = {
        "CursorPagedPlayHistory": plays,
        "PagingTrackObject": paging | {"items": [track]},
        "PagingArtistObject": paging | {"items": [track["artists"][0]]},
        "OneTrack": track,
        "ManyTracks": {"tracks": [track]},
        "SearchItems": {"tracks": paging | {"items": [track]}},
    }
    for name, example in examples.items():
        found["components"]["responses"][name]["content"]["application/json"]["example"] = example
    return found


@pytest.fixture(scope="module")
def spotify(shared_data: Path) -> Iterator[str]:
    if not (shared_data / DESCRIPTION).is_file():
        pytest.skip("Spotify's OpenAPI description is not here")
    logging.getLogger("connexion").setLevel(logging.CRITICAL)
    app = connexion.FlaskApp(__name__, strict_validation=True, validate_responses=True)
    app.add_api(described(shared_data), resolver=MockResolver(mock_all=True))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="on"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive()
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    server.should_exit = True
    thread.join(5)


@pytest.fixture
def client(spotify: str, httpserver: HTTPServer, fake: FakeClock, tmp_path: Path) -> SpotifyAPIClient:
    httpserver.expect_request("/api/token", method="POST").respond_with_json({"access_token": "app"})
    store, end = TokenStore(tmp_path / ".spotify_tokens.json"), EPOCH + timedelta(days=1)
    store.put("ann", Token(SecretStr("+".join(SCOPES)), end, scope=SCOPES))
    store.put("bob", Token(SecretStr("app"), end))  # consented to nothing, and we do not know it
    store.put("eve", Token(SecretStr("user-read-private+user-read-email"), end))
    accounts = httpserver.url_for("/")
    user_auth = SpotifyAuthClient("an-id", store, accounts_url=accounts, clock=fake.clock)
    app_auth = SpotifyAppAuth("an-id", SecretStr("app-secret"), accounts_url=accounts, clock=fake.clock)
    return SpotifyAPIClient(user_auth, app_auth, api_url=spotify, clock=fake.clock, retry=STEADY)


def test_the_account(client: SpotifyAPIClient) -> None:
    """The description wants two scopes that only add fields to the answer, which we do not ask consent for."""
    with pytest.raises(AuthorizationError, match="'user-read-private', 'user-read-email'"):
        client.get_me("ann")
    assert isinstance(client.get_me("eve")["id"], str)


def test_recently_played(client: SpotifyAPIClient) -> None:
    page = client.get_recently_played("ann", after=EPOCH)
    assert [item["played_at"] for item in page["items"]] == ["2021-10-25T05:13:13.658Z"]
    assert client.get_recently_played("ann", before=EPOCH, limit=1) == page
    walked = list(client.iter_recently_played("ann"))  # the mock has one page, and gives it again for the next
    assert walked == page["items"] * 2


def test_plays_as_the_job_takes_them(client: SpotifyAPIClient) -> None:
    first, *_, last = SpotifyPlays(client).batches(ANN, Window(None, EPOCH))
    assert first.records[0]["track"]["name"] == "Heat Waves"
    assert f"{last.covered_to:%Y-%m-%d}" == "2021-10-25"


def test_top_items(client: SpotifyAPIClient) -> None:
    batches = list(SpotifyTopItems(client).batches(ANN, Window(None, EPOCH)))
    records = [record for batch in batches for record in batch.records]
    assert [(record["entity"], record["time_range"]) for record in records] == list(TOP_LISTS)
    assert {record["item"]["type"] for record in records} == {"artist", "track"}


def test_tracks_by_batch_and_one_by_one(client: SpotifyAPIClient) -> None:
    assert (
        client.get_track(SOME_ID)
        == client.get_tracks([SOME_ID])[0]
        == client.search_track("Heat Waves", "Glass Animals")
    )
    query = TrackQuery("key", SOME_ID, None, None, None, None, None)
    assert [answer.status for answer in SpotifyTracks(client).answers([query])] == ["found"]


def test_audio_features(client: SpotifyAPIClient) -> None:
    query = TrackQuery("key", FEATURES_ID, None, None, None, None, None)
    (answer,) = SpotifyAudioFeatures(client).answers([query])
    assert answer.payload is not None
    assert (answer.payload["tempo"], answer.payload["time_signature"]) == (118.211, 4)


def test_a_queued_track(client: SpotifyAPIClient) -> None:
    client.queue_track("ann", SOME_ID)


def test_a_token_without_the_scope_is_refused(client: SpotifyAPIClient) -> None:
    for use in (
        lambda: client.get_recently_played("bob"),
        lambda: client.get_top_items("bob", "artists", "short_term"),
        lambda: client.queue_track("bob", SOME_ID),
    ):
        with pytest.raises(AuthorizationError, match="does not have the required scopes"):
            use()


def test_the_mock_does_look_at_what_it_is_sent(client: SpotifyAPIClient) -> None:
    with pytest.raises(BadPayloadError, match="51 is greater than the maximum of 50"):
        client.get_recently_played("ann", limit=51)
