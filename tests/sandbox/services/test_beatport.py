"""Beatport: the way in by the documentation's client, and the catalogue behind it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox.services.beatport_shop import key
from sandbox.services.server import Sandbox
from tests.sandbox.services.calling import kinds


def v4(box: Sandbox) -> str:
    return f"{box.url('beatport')}/v4"


def sign_in(box: Sandbox) -> dict[str, Any]:
    """All five steps; the token answer."""
    session, base = requests.Session(), v4(box)
    page = session.get(f"{base}/docs/", timeout=5).text
    script = re.findall(r'src="(.*?\.js)"', page)[0]
    client_id = re.findall(r"API_CLIENT_ID: '(.*)'", session.get(f"{box.url()}{script}", timeout=5).text)[0]
    login = box.beatport.logins.all[0]
    answer = session.post(f"{base}/auth/login/", json={"username": login.username, "password": login.password})
    assert answer.json() == {"username": login.username, "email": login.email}
    form = {"client_id": client_id, "redirect_uri": f"{base}/auth/o/post-message/"}
    asked = {"response_type": "code", **form}
    redirect = session.get(f"{base}/auth/o/authorize/", params=asked, allow_redirects=False, timeout=5)
    assert redirect.status_code == 302
    code = parse_qs(urlsplit(redirect.headers["Location"]).query)["code"][0]
    data = {"grant_type": "authorization_code", "code": code, **form}
    tokens: dict[str, Any] = session.post(f"{base}/auth/o/token/", data=data, timeout=5).json()
    return tokens


@pytest.fixture
def tokens(box: Sandbox) -> dict[str, Any]:
    box.limiter.limits["beatport"] = None
    return sign_in(box)


def get(box: Sandbox, tokens: dict[str, Any], path: str, **parameters: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return requests.get(f"{v4(box)}/{path}", params=parameters, headers=headers, timeout=5)


def test_the_way_in(box: Sandbox, tokens: dict[str, Any]) -> None:
    assert tokens.keys() == {"access_token", "expires_in", "token_type", "scope", "refresh_token"}
    assert (tokens["expires_in"], tokens["token_type"]) == (600, "Bearer")
    account = get(box, tokens, "my/account").json()
    assert account.keys() == {"id", "email", "username"}
    assert kinds(box) == []
    assert {request.account for request in box.requests if request.endpoint == "account"} == {"night_owl"}


def test_tokens_expire_after_ten_minutes_and_refresh(box: Sandbox, tokens: dict[str, Any]) -> None:
    box.clock.advance(601)
    assert get(box, tokens, "my/account").status_code == 401
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    form["client_id"] = box.beatport.logins.client_id
    new = requests.post(f"{v4(box)}/auth/o/token/", params=form, timeout=5).json()  # in the query, as some do
    assert get(box, new, "my/account").ok
    assert requests.post(f"{v4(box)}/auth/o/token/", data={"grant_type": "password"}, timeout=5).status_code == 403
    bad = form | {"refresh_token": "x"}
    assert requests.post(f"{v4(box)}/auth/o/token/", data=bad, timeout=5).json() == {"error": "invalid_grant"}


def test_logins_that_fail(box: Sandbox) -> None:
    def login(body: Any) -> requests.Response:
        return requests.post(f"{v4(box)}/auth/login/", json=body, timeout=5)

    second = box.account("vinyl_fox", "beatport").credentials
    answer = login(dict(second))
    assert (answer.status_code, answer.json()["code"]) == (403, "two_factor_required")
    assert login({"username": "x", "password": "y"}).status_code == 401
    assert login({}).status_code == 400
    url = f"{v4(box)}/auth/o/authorize/?response_type=code&client_id={box.beatport.logins.client_id}"
    away = requests.get(url, allow_redirects=False, timeout=5)
    assert "code=" not in away.headers["Location"]
    box.faults.on("beatport.no_client_id", times=1)
    assert "API_CLIENT_ID" not in requests.get(f"{v4(box)}/docs/static/main.js", timeout=5).text


def test_lists_come_in_the_envelope(box: Sandbox, tokens: dict[str, Any]) -> None:
    page = get(box, tokens, "catalog/tracks/", per_page=100).json()
    assert list(page) == ["next", "previous", "count", "page", "per_page", "results"]
    assert re.fullmatch(r"1/\d+", page["page"])
    assert page["previous"] is None
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    second = requests.get(page["next"], headers=headers, timeout=5).json()
    assert second["page"].startswith("2/")
    assert not {one["id"] for one in page["results"]} & {one["id"] for one in second["results"]}
    assert get(box, tokens, "catalog/tracks/", page=99).json() == {"detail": "Invalid page."}
    fields = {
        "id", "name", "mix_name", "slug", "artists", "remixers", "release", "genre", "sub_genre", "bpm", "key",
        "length_ms", "isrc", "publish_date", "number", "catalog_number", "sample_url",
    }  # fmt: skip
    assert fields <= page["results"][0].keys()


def test_filters_and_paths_below(box: Sandbox, tokens: dict[str, Any]) -> None:
    genres = get(box, tokens, "catalog/genres/", per_page=100).json()["results"]
    assert {"id": 5, "name": "House"}.items() <= next(one for one in genres if one["id"] == 5).items()
    house = get(box, tokens, "catalog/tracks/", genre_id=5, per_page=100).json()["results"]
    assert {one["genre"]["id"] for one in house} == {5}
    one = house[0]
    assert get(box, tokens, "catalog/tracks/", isrc=one["isrc"]).json()["count"] == 1
    artist, release = one["artists"][0]["id"], one["release"]["id"]
    below = get(box, tokens, f"catalog/artists/{artist}/tracks/", per_page=100).json()["results"]
    assert one["id"] in [track["id"] for track in below]
    below = get(box, tokens, f"catalog/releases/{release}/tracks/", per_page=100).json()["results"]
    assert {track["release"]["id"] for track in below} == {release}
    label = one["release"]["label"]["id"]
    below = get(box, tokens, f"catalog/labels/{label}/releases/", per_page=100).json()["results"]
    assert release in [item["id"] for item in below]
    assert get(box, tokens, f"catalog/labels/{label}/").json()["name"] == one["release"]["label"]["name"]
    assert get(box, tokens, "catalog/tracks/1/").json() == {"detail": "Not found."}
    assert kinds(box) == []
    assert get(box, tokens, "catalog/genres/5/hype/100/").status_code == 404
    assert get(box, tokens, "catalog/tracks/", colour="red").ok
    assert kinds(box) == ["endpoint", "parameter"]


def test_top_hype_and_charts(box: Sandbox, tokens: dict[str, Any]) -> None:
    top = get(box, tokens, "catalog/tracks/top/100/", per_page=100).json()
    assert (top["count"], top["page"]) == (100, "1/1")
    hype = get(box, tokens, "catalog/tracks/top/100/", per_page=100, hype="true").json()["results"]
    assert all(track["is_hype"] for track in hype)
    assert [track["id"] for track in hype] != [track["id"] for track in top["results"]][: len(hype)]
    house = get(box, tokens, "catalog/genres/5/top/10/", per_page=100).json()["results"]
    assert (len(house), {track["genre"]["id"] for track in house}) == (10, {5})
    charts = get(box, tokens, "catalog/charts/", genre_id=5).json()["results"]
    assert {genre["id"] for chart in charts for genre in chart["genres"]} == {5}
    tracks = get(box, tokens, f"catalog/charts/{charts[0]['id']}/tracks/", per_page=100).json()
    assert tracks["count"] == charts[0]["track_count"] == get(
        box, tokens, f"catalog/charts/{charts[0]['id']}/"
    ).json()["track_count"]  # fmt: skip
    assert kinds(box) == []


def test_search(box: Sandbox, tokens: dict[str, Any]) -> None:
    track = get(box, tokens, "catalog/tracks/").json()["results"][3]
    words = f"{track['artists'][0]['name']} {track['name']}"
    found = get(box, tokens, "catalog/search", q=words, type="tracks", per_page=5).json()
    assert list(found) == ["tracks", "releases", "page", "per_page", "count"]
    assert track["id"] in [one["id"] for one in found["tracks"]]
    everything = get(box, tokens, "catalog/search", q=track["artists"][0]["name"]).json()
    assert everything["artists"]
    assert everything["releases"]
    elsewhere = get(box, tokens, "catalog/search", q=words, type="tracks", genre_id=track["genre"]["id"] + 1).json()
    assert elsewhere["tracks"] == []
    assert get(box, tokens, "catalog/search", type="tracks").status_code == 400


def test_some_items_are_restricted_for_good(box: Sandbox, tokens: dict[str, Any]) -> None:
    restricted = next(item for item in box.beatport.shop.tracks.values() if item.restricted)
    for _ in range(2):
        answer = get(box, tokens, f"catalog/tracks/{restricted.id}/")
        assert (answer.status_code, answer.json()) == (403, {"detail": "Territory Restricted."})


@pytest.mark.parametrize(
    ("name", "status"), [("expired_token", 401), ("forbidden", 403), ("restricted", 403), ("rate", 429)]
)
def test_refusals(box: Sandbox, tokens: dict[str, Any], name: str, status: int) -> None:
    box.faults.on(f"beatport.{name}", times=1)
    assert get(box, tokens, "catalog/genres/").status_code == status
    assert get(box, tokens, "catalog/genres/").status_code == (401 if name == "expired_token" else 200)


def test_spacing_is_counted(box: Sandbox) -> None:
    tokens = sign_in(box)
    for _ in range(2):
        get(box, tokens, "catalog/genres/")
    assert kinds(box) == ["spacing"]
    assert (box.requests.shortest_gap(service="beatport", endpoint="catalog") or 1) < 0.5


@pytest.mark.parametrize(
    ("pitch", "mode", "name", "code"),
    [(0, 1, "C Major", "8B"), (9, 0, "A Minor", "8A"), (7, 1, "G Major", "9B"), (3, 0, "Eb Minor", "2A")],
)
def test_keys_have_their_camelot_code(pitch: int, mode: int, name: str, code: str) -> None:
    made = key(pitch, mode)
    assert (made["name"], f"{made['camelot_number']}{made['camelot_letter']}") == (name, code)
