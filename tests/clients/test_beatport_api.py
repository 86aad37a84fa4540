"""Beatport's catalogue as it is: pages in an envelope, tokens that end, items that are not for this country."""

from __future__ import annotations

import logging
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Response

from clients.auth.beatport_auth import SPACING, BeatportAuth
from clients.auth.token_store import TokenStore
from clients.beatport_api import BeatportAPIClient
from clients.beatport_cache import CachedDetail
from clients.beatport_errors import (
    BeatportAuthError,
    BeatportError,
    BeatportForbiddenError,
    BeatportNotFoundError,
    BeatportPayloadError,
    BeatportRateLimitError,
    BeatportRestrictedError,
    BeatportUnavailableError,
)
from clients.beatport_feeds import (
    BeatportArtists,
    BeatportCharts,
    BeatportGenres,
    BeatportLabels,
    BeatportReleases,
    BeatportTracks,
)
from clients.beatport_views import BeatportTrack
from clients.errors import (
    AuthenticationError,
    AuthorizationError,
    BadPayloadError,
    ClientError,
    NotFoundError,
    RateLimitError,
    UnavailableError,
)
from clients.feeds import SnapshotFeed
from clients.limits import Limiter, Rate
from tests.beatport import NAME, PASSWORD, FakeBeatport
from tests.clocks import FakeClock
from tests.services import STEADY, said

RESTRICTED = said({"detail": "Territory Restricted."}, 403)


@pytest.fixture
def beatport(httpserver: HTTPServer) -> FakeBeatport:
    return FakeBeatport(httpserver)


@pytest.fixture
def cache() -> dict[str, CachedDetail]:
    return {}


@pytest.fixture
def client(
    beatport: FakeBeatport, fake: FakeClock, tmp_path: Path, cache: dict[str, CachedDetail]
) -> BeatportAPIClient:
    auth = BeatportAuth(
        TokenStore(tmp_path / "tokens.json"),
        username=NAME,
        password=SecretStr(PASSWORD),
        base_url=beatport.url,
        limiter=Limiter(Rate(1, SPACING), clock=fake.clock),
        retry=STEADY,
    )
    auth.login()
    beatport.seen.clear()
    fake.sleeps.clear()
    return BeatportAPIClient(auth, base_url=beatport.url, genre_ids=[5, 6, 5], cache=cache, retry=STEADY)


def track(number: int, **fields: Any) -> dict[str, Any]:
    label = {"id": number // 10 + 1, "name": f"Label {number // 10 + 1}"}
    release = {"id": 500 + number // 2, "name": f"Release {number // 2}", "label": label}
    return {"id": number, "name": f"Track {number}", "artists": [{"id": 900, "name": "A"}], "release": release} | fields


def test_a_track_reads_as_people_read_it() -> None:
    release = {"id": 9, "name": "Tides EP", "label": {"id": 4, "name": "Pier"}, "catalog_number": "PIER9"}
    raw = {
        "id": 7,
        "name": "Low Tide",
        "mix_name": "Ebb Remix",
        "artists": [{"id": 1, "name": "Quiet Harbour"}, {"id": 2, "name": "Ann"}],
        "remixers": [{"id": 3, "name": "Ebb"}],
        "bpm": 122,
        "key": {"name": "Eb Major", "camelot_number": 5, "camelot_letter": "B"},
        "genre": {"id": 5, "name": "House"},
        "sub_genre": None,
        "isrc": "QZXX92600001",
        "length_ms": 385_000,
        "sample_url": "https://samples.example/7.mp3",
        "publish_date": "2026-03-01",
        "release": release,
    }
    read = BeatportTrack(raw)
    assert read.raw is raw
    assert (read.id, read.name, read.full_title, read.mix_name) == (7, "Low Tide", "Low Tide (Ebb Remix)", "Ebb Remix")
    assert (read.artist_names, read.remixers) == (("Quiet Harbour", "Ann"), ("Ebb",))
    assert (read.bpm, read.key, read.genre, read.sub_genre) == (122, "Eb Major", "House", None)
    assert (read.label, read.catalogue_number) == ("Pier", "PIER9")
    assert (read.preview, read.isrc, read.length_ms) == ("https://samples.example/7.mp3", "QZXX92600001", 385_000)
    assert (read.release, read.publish_date) == (type(read.release)(release), "2026-03-01")


@pytest.mark.parametrize("nothing", [{}, dict.fromkeys(("name", "mix_name", "artists", "key", "release", "bpm"))])
def test_an_item_may_lack_everything(nothing: dict[str, Any]) -> None:
    bare = BeatportTrack({"id": 1} | nothing)
    assert (bare.full_title, bare.artist_names, bare.remixers) == ("", (), ())
    assert {bare.bpm, bare.key, bare.genre, bare.label, bare.catalogue_number, bare.preview, bare.release} == {None}


# --- search, charts, lists ---


def test_search_sends_its_filters(beatport: FakeBeatport, client: BeatportAPIClient) -> None:
    answer = {"tracks": [track(1)], "releases": [{"id": 2, "name": "R"}], "artists": [{"id": 3}], "labels": [{"id": 4}]}
    beatport.serve_item("/catalog/search/", answer | {"page": 1, "per_page": 5, "count": 4})
    found = client.search_tracks("low tide", genre_id=5, label_id=4, page=2, per_page=10)
    assert [item.full_title for item in found] == ["Track 1"]
    assert client.search_releases("r")[0].name == "R"
    assert client.search_artists("a")[0].id == 3
    assert client.search_labels("l")[0].id == 4
    assert beatport.seen == [
        "GET /catalog/search/?q=low+tide&type=tracks&genre_id=5&label_id=4&page=2&per_page=10",
        "GET /catalog/search/?q=r&type=releases&page=1&per_page=25",
        "GET /catalog/search/?q=a&type=artists&page=1&per_page=25",
        "GET /catalog/search/?q=l&type=labels&page=1&per_page=25",
    ]


@pytest.mark.parametrize("wrong", [{"page": 0}, {"per_page": 0}, {"per_page": 101}, {"query": " "}])
def test_a_search_that_makes_no_sense_is_not_sent(
    beatport: FakeBeatport, client: BeatportAPIClient, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ValueError):
        client.search_tracks(**({"query": "x"} | wrong))
    assert beatport.seen == []


def test_charts_of_all_and_of_a_genre(beatport: FakeBeatport, client: BeatportAPIClient) -> None:
    for count, path in ((4, "tracks"), (6, "genres/5")):
        beatport.serve_list(f"/catalog/{path}/top/100/", [track(n) for n in range(count, 0, -1)])
        beatport.lists[f"/catalog/{path}/top/100/ hype"] = [track(n) for n in range(count + 1, 0, -1)]
    assert [item.id for item in client.top_100()] == [4, 3, 2, 1]
    assert [len(tracks) for tracks in (client.hype_100(), client.top_100(5), client.hype_100(5))] == [5, 6, 7]
    beatport.serve_list("/catalog/charts/", [{"id": 1, "person": {"owner_name": "Ann"}, "track_count": 9}])
    chart = client.charts(5)[0]
    assert (chart.owner, chart.track_count) == ("Ann", 9)
    assert beatport.seen[-1] == "GET /catalog/charts/?genre_id=5&page=1&per_page=25"


def test_all_pages_come_and_next_is_never_followed(
    beatport: FakeBeatport, client: BeatportAPIClient, fake: FakeClock
) -> None:
    beatport.largest_page = 40
    beatport.serve_list("/catalog/labels/3/releases/", [{"id": n} for n in range(100)])
    assert [release.id for release in client.iter_label_releases(3)] == list(range(100))
    assert [request[-19:] for request in beatport.seen] == [f"page={n}&per_page=100"[-19:] for n in (1, 2, 3)]
    assert fake.sleeps == [pytest.approx(0.55)] * 3
    for path, items in {
        "/catalog/artists/4/tracks/": client.iter_artist_tracks(4),
        "/catalog/charts/5/tracks/": client.iter_chart_tracks(5),
        "/catalog/releases/6/tracks/": client.iter_release_tracks(6),
        "/catalog/genres/": client.iter_genres(),
    }.items():
        beatport.serve_list(path, [track(1)])
        assert [item.raw for item in items] == [track(1)]


def test_a_list_without_an_envelope_is_one_page(beatport: FakeBeatport, client: BeatportAPIClient) -> None:
    beatport.serve_item("/catalog/releases/6/tracks/", {"results": [track(1), track(2)]})
    assert [item.id for item in client.iter_release_tracks(6)] == [1, 2]
    assert len(beatport.seen) == 1


def test_a_list_without_end_is_told(
    beatport: FakeBeatport, client: BeatportAPIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.beatport_api.MOST_PAGES", 3)
    page = {"results": [{"id": 1}], "next": "https://elsewhere.example/", "page": "1/1"}
    beatport.serve_item("/catalog/genres/", page)
    with pytest.raises(BeatportPayloadError, match="more than 3 pages"):
        list(client.iter_genres())
    assert len(beatport.seen) == 3


# --- details ---


def test_details_are_cached_for_a_while(
    beatport: FakeBeatport, client: BeatportAPIClient, fake: FakeClock, cache: dict[str, CachedDetail]
) -> None:
    beatport.serve_item("/catalog/tracks/7/", track(7))
    assert client.get_track(7).raw == client.get_track(7).raw == track(7)
    assert len(beatport.seen) == len(cache) == 1
    fake.seconds += timedelta(days=7).total_seconds()
    client.get_track(7)
    assert beatport.seen[-1] == "GET /catalog/tracks/7/"
    for kind, get in {
        "releases": client.get_release,
        "artists": client.get_artist,
        "labels": client.get_label,
        "charts": client.get_chart,
    }.items():
        beatport.serve_item(f"/catalog/{kind}/7/", {"id": 7, "name": kind})
        assert get(7).name == kind


@pytest.mark.parametrize(
    ("response", "kind", "common"),
    [
        (RESTRICTED, BeatportRestrictedError, AuthorizationError),
        (said({"detail": "No Track matches the given query."}, 404), BeatportNotFoundError, NotFoundError),
    ],
)
def test_a_refusal_of_one_item_lasts_for_it_alone(
    beatport: FakeBeatport,
    client: BeatportAPIClient,
    response: Response,
    kind: type[BeatportError],
    common: type[ClientError],
) -> None:
    beatport.serve_item("/catalog/tracks/7/", None, response)
    beatport.serve_item("/catalog/tracks/8/", track(8))
    for _ in range(3):
        with pytest.raises(kind, match=r"^Beatport API error.*7") as caught:
            client.get_track(7)
        assert isinstance(caught.value, common)
    assert len(beatport.seen) == 1
    assert client.get_track(8).id == 8


@pytest.mark.parametrize(
    ("response", "kind", "common"),
    [
        (
            said({"message": "You do not have permission to perform this action."}, 403),
            BeatportForbiddenError,
            AuthorizationError,
        ),
        (said({}, 429, Retry_After="900"), BeatportRateLimitError, RateLimitError),
        (said({}, 503), BeatportUnavailableError, UnavailableError),
        (said({"id": "7"}), BeatportPayloadError, BadPayloadError),
        (said([]), BeatportPayloadError, BadPayloadError),
        (said({}, 400), BeatportPayloadError, BadPayloadError),
    ],
)
def test_other_failures_are_not_remembered(
    beatport: FakeBeatport,
    client: BeatportAPIClient,
    cache: dict[str, CachedDetail],
    response: Response,
    kind: type[BeatportError],
    common: type[ClientError],
) -> None:
    beatport.serve_item("/catalog/tracks/7/", None, response)
    with pytest.raises(kind, match=r"^Beatport API error") as caught:
        client.get_track(7)
    assert type(caught.value) is kind
    assert isinstance(caught.value, common)
    assert caught.value.__context__ is None
    assert not cache
    if isinstance(caught.value, RateLimitError):
        assert caught.value.retry_after == 900


# --- tokens ---


def test_a_token_that_ends_is_renewed_once(beatport: FakeBeatport, client: BeatportAPIClient) -> None:
    beatport.serve_item("/my/account", {"id": 1, "username": "digger"})
    beatport.valid.clear()
    assert client.check() == "Beatport answers to digger"
    assert beatport.seen == ["GET /my/account", "POST /auth/o/token/", "GET /my/account"]


def test_a_token_that_is_never_good_is_told(
    beatport: FakeBeatport, client: BeatportAPIClient, caplog: pytest.LogCaptureFixture
) -> None:
    beatport.serve_item("/my/account", None, said({"detail": "Given token not valid: access-2"}, 401))
    with caplog.at_level(logging.DEBUG), pytest.raises(BeatportAuthError, match="auth beatport --token") as caught:
        client.check()
    assert isinstance(caught.value, AuthenticationError)
    assert beatport.seen.count("GET /my/account") == 2
    told = [repr(client), *traceback.format_exception(caught.value)]
    told += [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    assert "access-2" not in "".join(told)


# --- feeds ---


@pytest.fixture
def charted(beatport: FakeBeatport, client: BeatportAPIClient) -> BeatportAPIClient:
    beatport.serve_list("/catalog/genres/5/top/100/", [track(n) for n in (3, 1)])
    beatport.lists["/catalog/genres/5/top/100/ hype"] = [track(n, remixers=[{"id": 901, "name": "B"}]) for n in (3, 12)]
    beatport.serve_list("/catalog/genres/6/top/100/", [])
    beatport.lists["/catalog/genres/6/top/100/ hype"] = []
    beatport.serve_list("/catalog/charts/", [{"id": 1, "name": "Ann's"}])
    beatport.serve_list("/catalog/genres/", [{"id": 5, "name": "House"}, {"id": 6, "name": "Techno"}])
    return client


def test_the_charts_of_the_chosen_genres(beatport: FakeBeatport, charted: BeatportAPIClient) -> None:
    feeds: list[SnapshotFeed] = [BeatportCharts(charted), BeatportTracks(charted), BeatportGenres(charted)]
    records = {feed.stream: [record for batch in feed.records() for record in batch.records] for feed in feeds}
    made = {"kind": "dj", "track_ids": None, "chart": {"id": 1, "name": "Ann's"}}
    assert records["beatport_charts"] == [
        {"kind": "top_100", "genre_id": 5, "track_ids": [3, 1], "chart": None},
        {"kind": "hype_100", "genre_id": 5, "track_ids": [3, 12], "chart": None},
        made | {"genre_id": 5},
        {"kind": "top_100", "genre_id": 6, "track_ids": [], "chart": None},
        {"kind": "hype_100", "genre_id": 6, "track_ids": [], "chart": None},
        made | {"genre_id": 6},
    ]
    assert [record["id"] for record in records["beatport_tracks"]] == [3, 1, 12]
    assert [record["name"] for record in records["beatport_genres"]] == ["House", "Techno"]
    assert len(beatport.seen) == len(set(beatport.seen)) == 7


def test_their_releases_artists_and_labels_less_what_is_not_shown(
    beatport: FakeBeatport, charted: BeatportAPIClient
) -> None:
    for path in ("releases/501", "releases/500", "artists/900", "labels/1", "labels/2"):
        kind, _, number = path.partition("/")
        beatport.serve_item(f"/catalog/{path}/", {"id": int(number), "name": kind})
    beatport.serve_item("/catalog/releases/506/", None, RESTRICTED)
    beatport.serve_item("/catalog/artists/901/", None, said({"detail": "Not found."}, 404))
    feeds: list[SnapshotFeed] = [BeatportReleases(charted), BeatportArtists(charted), BeatportLabels(charted)]
    ids = {feed.stream: [record["id"] for batch in feed.records() for record in batch.records] for feed in feeds}
    assert ids == {"beatport_releases": [501, 500], "beatport_artists": [900], "beatport_labels": [1, 2]}
    assert all(batch.covered_to is None for feed in feeds for batch in feed.records())


def test_a_failing_beatport_ends_the_feed(beatport: FakeBeatport, charted: BeatportAPIClient) -> None:
    beatport.serve_item("/catalog/labels/1/", None, said({}, 500))
    with pytest.raises(BeatportUnavailableError):
        list(BeatportLabels(charted).records())
