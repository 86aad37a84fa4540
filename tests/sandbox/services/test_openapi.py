"""Spotify's exchanges against its OpenAPI description, official and corrected, where they are at hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from sandbox.services.accounts import Account
from sandbox.services.server import Sandbox
from sandbox.world import World
from tests.sandbox.services.calling import bearer
from tests.sandbox.services.conftest import NOW

FOLDER = Path(
    os.environ.get("MOODLAKE_SPOTIFY_OPENAPI", "")
    or Path(__file__).resolve().parents[4] / "shared" / "data" / "api_samples" / "spotify_openapi"
)


@pytest.fixture(params=["fixed-spotify-open-api.yml", "official-spotify-open-api.yml"])
def described(world: World, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    path = FOLDER / request.param
    if not path.is_file():
        pytest.skip(f"no OpenAPI description at {path} (MOODLAKE_SPOTIFY_OPENAPI names its folder)")
    with Sandbox(world, now=NOW, openapi=path) as box:
        yield box


@pytest.fixture
def account(described: Sandbox) -> Account:
    return described.accounts()[0]


def kinds(box: Sandbox) -> list[tuple[str, str]]:
    return [(violation.kind, violation.detail) for violation in box.violations]


def test_every_answer_fits_the_description(described: Sandbox, account: Account) -> None:
    headers = bearer(described, account)
    known, unknown = described.reachable(account)[0].track_id, "0" * 22
    for name in ("features_open", "tracks_batch_open"):
        described.faults.on(f"spotify.{name}")
    described.faults.on("spotify.local_tracks", times=1)
    for path in (
        "me/player/recently-played?limit=50",
        "me/player/recently-played?limit=50&after=1892497525874",
        "me",
        "me/top/tracks?limit=2",
        "me/top/artists?limit=2&offset=1",
        f"tracks/{known}",
        f"tracks/{unknown}",
        f"tracks?ids={known},{unknown}",
        f"audio-features?ids={known},{unknown}",
        f"audio-features/{known}",
        "search?q=the&type=track,artist",
        "artists/abc",
    ):
        requests.get(f"{described.url('spotify')}/v1/{path}", headers=headers, timeout=10)
    for name in ("expired_token", "forbidden_empty", "rate", "rate_text", "gateway", "quota"):
        described.faults.on(f"spotify.{name}", times=1)
        requests.get(f"{described.url('spotify')}/v1/me", headers=bearer(described, described.accounts()[0]), timeout=5)
        described.clock.advance(90_000)
    queue = f"{described.url('spotify')}/v1/me/player/queue?uri=spotify:track:{known}"
    current = bearer(described, described.accounts()[0])
    assert requests.post(queue, headers=current, timeout=5).status_code == 204
    assert kinds(described) == []
    assert len({request.endpoint for request in described.requests}) > 10


def test_requests_that_do_not_fit_are_noted(described: Sandbox, account: Account) -> None:
    headers = bearer(described, account)
    requests.get(f"{described.url('spotify')}/v1/me/player/recently-played?after=soon", headers=headers, timeout=5)
    assert ("openapi-request", "Query parameter error: after") in kinds(described)


def test_answers_that_do_not_fit_are_noted(
    described: Sandbox, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.services.spotify_objects.user", lambda _: {"display_name": 3})
    requests.get(f"{described.url('spotify')}/v1/me", headers=bearer(described, account), timeout=5)
    assert [kind for kind, _ in kinds(described)] == ["openapi-response"]
    assert "display_name" in kinds(described)[0][1]
