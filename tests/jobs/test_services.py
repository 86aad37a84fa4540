"""One client of each service, by the plan's names, as the settings say; what is not configured is told, not called."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from clients.auth.token_store import Token
from clients.errors import MissingCredentialError
from clients.feeds import Account, TrackQuery, Window
from jobs.plan import INGESTS, Fetch, Ingest
from jobs.runtime.settings import Settings, load_settings
from jobs.services import Services
from sandbox.services.server import Sandbox
from tests.boxes import NOW, environment, give_token, small_world
from tests.clocks import EPOCH, FakeClock
from tests.commands import clean_machine


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clean_machine(monkeypatch, tmp_path)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(small_world(), now=NOW) as running:
        yield running


@pytest.fixture
def services(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    for name, value in environment(box, tmp_path).items():
        monkeypatch.setenv(name, value)
    return Services(load_settings())


def ids(ingest: Ingest) -> str:
    return f"{ingest.name}-{ingest.source}"


@pytest.mark.parametrize("ingest", INGESTS, ids=ids)
def test_every_entry_of_the_plan_has_its_feed(services: Services, ingest: Ingest) -> None:
    feed = services.feed(ingest)
    assert feed.stream == ingest.name
    method = {Fetch.ACCOUNT: "batches", Fetch.TRACK: "answers", Fetch.SERVICE: "records"}[ingest.fetch]
    assert callable(getattr(feed, method))


@pytest.mark.parametrize("ingest", INGESTS, ids=ids)
def test_feeds_reach_the_services_of_the_settings(
    services: Services, box: Sandbox, tmp_path: Path, ingest: Ingest
) -> None:
    user = next(a.user for a in box.accounts() if a.service == "listenbrainz")
    give_token(box, tmp_path, user)
    feed: Any = services.feed(ingest)
    if ingest.fetch is Fetch.ACCOUNT:
        account = Account(user, box.account(user, ingest.source).source_user, user)
        assert any(batch.records for batch in feed.batches(account, Window(NOW - timedelta(days=2), NOW), 5))
    elif ingest.fetch is Fetch.SERVICE and ingest.name == "beatport_genres":
        assert any(batch.records for batch in feed.records())
    elif ingest.fetch is Fetch.TRACK and (ingest.name, ingest.source) != ("audio_features", "spotify"):
        track = box.truth(box.account(user, "spotify"))[0].track
        query = TrackQuery(
            "key", track.releases[0].track_id, track.isrc, track.artist.name, track.title, None, track.duration_ms
        )
        assert [answer.track_key for answer in feed.answers([query])] == ["key"]
    assert not list(box.violations)


def test_threads_share_one_client(services: Services) -> None:
    start, found = Barrier(8), list[object]()

    def ask() -> None:
        start.wait(5)
        found.append(services.spotify)

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(found) == 8
    assert len({id(client) for client in found}) == 1


def test_beatports_feeds_share_their_charts(services: Services) -> None:
    names = ("beatport_charts", "beatport_tracks")
    charts = [services.feed(ingest)._charts for ingest in INGESTS if ingest.name in names]
    assert charts[0] is charts[1] is services.beatport.genre_charts


def test_the_clock_and_the_rates_are_the_settings(box: Sandbox, services: Services) -> None:
    fake = FakeClock()
    slow = services.settings.model_copy(
        update={"lastfm": services.settings.lastfm.model_copy(update={"requests_per_second": 1})}
    )
    user = next(a.source_user for a in box.accounts() if a.service == "lastfm")
    client = Services(slow, clock=fake.clock).lastfm
    assert client.count_scrobbles(user) == client.count_scrobbles(user)
    assert fake.sleeps == [pytest.approx(1.05)]


def test_without_credentials_only_open_services_are_configured() -> None:
    services = Services(load_settings())
    configured = {ingest.source for ingest in INGESTS if services.is_configured(ingest.source, ingest.fetch)}
    assert configured == {"listenbrainz", "reccobeats", "lyrics"}
    assert not any(map(services.is_configured, ("ai", "kaggle")))
    assert services.called_hosts() == [
        "api.listenbrainz.org", "api.reccobeats.com", "lrclib.net", "api.lyrics.ovh",
    ]  # fmt: skip


@pytest.mark.parametrize("ingest", [i for i in INGESTS if i.source in ("spotify", "lastfm", "beatport")], ids=ids)
def test_a_missing_credential_is_told(ingest: Ingest) -> None:
    with pytest.raises(MissingCredentialError, match=r"No .* found.*\.env"):
        Services(load_settings()).feed(ingest)


def test_plays_need_no_client_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOTIFY_CLIENT_ID", "an-id")
    services = Services(load_settings())
    feeds = {ingest.fetch: ingest for ingest in INGESTS if ingest.source == "spotify"}
    assert services.feed(feeds[Fetch.ACCOUNT])
    with pytest.raises(MissingCredentialError, match="SPOTIFY_CLIENT_SECRET"):
        services.feed(feeds[Fetch.TRACK])
    assert services.called_hosts()[:2] == ["api.spotify.com", "accounts.spotify.com"]


def test_a_token_file_of_beatport_is_enough() -> None:
    services = Services(Settings())
    assert not services.is_configured("beatport")
    services.beatport.auth.store.put("beatport", Token("access", EPOCH))  # type: ignore[arg-type]
    assert services.is_configured("beatport")
    services.beatport.auth.store.path.write_text("damaged")
    assert services.is_configured("beatport")


def test_kaggles_own_ways_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    saved = tmp_path / "kaggle.json"
    saved.write_text('{"username": "me", "key": "a-key"}')
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
    assert Services(load_settings()).is_configured("kaggle")
    saved.unlink()
    assert not Services(load_settings()).is_configured("kaggle")
    (tmp_path / "token").write_text("a-token\n")
    monkeypatch.setenv("KAGGLE_API_TOKEN", str(tmp_path / "token"))
    services = Services(load_settings())
    assert services.is_configured("kaggle")
    token, _, _ = services.kaggle._credentials()
    assert token is not None
    assert token.get_secret_value() == "a-token"


def test_an_unknown_source_is_an_error() -> None:
    with pytest.raises(ValueError, match="deezer"):
        Services(Settings()).is_configured("deezer")


def test_called_hosts_show_no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_API_URL", "http://me:s3cr3t@127.0.0.1:9000/ai")
    assert Services(load_settings()).called_hosts()[-1] == "127.0.0.1:9000"
