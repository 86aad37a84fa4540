"""The Web API of an app in development mode: what is in reach, what is closed, what is refused."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from sandbox.services.accounts import Account
from sandbox.services.clock import to_ms
from sandbox.services.limits import Limit
from sandbox.services.server import Sandbox
from sandbox.world import World
from tests.sandbox.services.calling import app_bearer, bearer, kinds
from tests.sandbox.services.conftest import NOW


@pytest.fixture
def headers(box: Sandbox, person: Account) -> dict[str, str]:
    return bearer(box, person)


def get(box: Sandbox, path: str, headers: dict[str, str], **parameters: Any) -> requests.Response:
    return requests.get(f"{box.url('spotify')}/v1/{path}", params=parameters, headers=headers, timeout=5)


def recent(box: Sandbox, headers: dict[str, str], **parameters: Any) -> dict[str, Any]:
    body: dict[str, Any] = get(box, "me/player/recently-played", headers, **{"limit": 50, **parameters}).json()
    return body


def stamps(page: dict[str, Any]) -> list[int]:
    return [to_ms(datetime.fromisoformat(item["played_at"])) for item in page["items"]]


def test_the_last_fifty_plays_newest_first_and_no_more(box: Sandbox, person: Account, headers: dict[str, str]) -> None:
    page = recent(box, headers)
    truth = box.truth(person, end=NOW)
    listed = [entry for entry in truth if entry.end_ms <= to_ms(NOW)][-50:]
    assert [item["track"]["id"] for item in page["items"]] == [entry.track_id for entry in reversed(listed)]
    assert stamps(page) == sorted(stamps(page), reverse=True)
    assert page["next"] is None
    assert page["cursors"] == {"after": str(stamps(page)[0]), "before": str(stamps(page)[-1])}
    assert min(entry.ms_played for entry in truth) >= 30_000
    assert box.reachable(person) == listed
    assert box.served(person) == set(listed)
    assert {"start": 5, "end": 40}.keys() == {
        "end" if entry.stamp_ms == entry.end_ms else "start" for entry in truth
    }  # both kinds of stamps
    assert kinds(box) == []


def test_cursors_exclude_their_own_play(box: Sandbox, headers: dict[str, str]) -> None:
    all_ = stamps(recent(box, headers))
    assert stamps(recent(box, headers, after=all_[10])) == all_[:10]
    assert stamps(recent(box, headers, before=all_[10])) == all_[11:]
    pages = recent(box, headers, limit=20)
    walked = stamps(pages)
    while pages["next"]:
        assert pages["next"].startswith(box.url("spotify"))
        pages = requests.get(pages["next"], headers=headers, timeout=5).json()
        walked += stamps(pages)
    assert walked == all_


def test_nothing_new_is_a_page_without_cursors(box: Sandbox, headers: dict[str, str]) -> None:
    page = recent(box, headers, after=to_ms(NOW))
    assert (page["items"], page["cursors"], page["next"]) == ([], None, None)


def test_time_brings_new_plays_and_fifty_one_of_them_open_a_gap(
    box: Sandbox, person: Account, headers: dict[str, str]
) -> None:
    before = set(stamps(recent(box, headers)))
    box.clock.set(box.after_plays(person, 51))
    page = recent(box, bearer(box, box.accounts()[0]))
    assert len(page["items"]) == 50
    assert not before & set(stamps(page))
    missed = set(box.truth(person, end=box.clock.now())) - box.served(person)
    assert len([entry for entry in missed if entry.end_ms > to_ms(NOW)]) == 1


@pytest.mark.parametrize(
    "parameters",
    [{"limit": 0}, {"limit": 51}, {"limit": "many"}, {"after": 1, "before": 2}, {"after": "soon"}, {"before": -1}],
)
def test_impossible_parameters_are_refused(box: Sandbox, headers: dict[str, str], parameters: dict[str, Any]) -> None:
    assert get(box, "me/player/recently-played", headers, **parameters).status_code == 400
    assert kinds(box) == ["parameter"]


def test_unknown_and_repeated_parameters_are_noted(box: Sandbox, headers: dict[str, str]) -> None:
    assert get(box, "me/player/recently-played", headers, offset=3).ok
    assert get(box, "me/player/recently-played?limit=1&limit=2", headers).ok
    assert [violation.detail for violation in box.violations] == [
        "unknown parameter 'offset'",
        "parameter 'limit' given 2 times",
    ]


def test_tokens_are_checked(box: Sandbox, person: Account, headers: dict[str, str]) -> None:
    def message(given: dict[str, str]) -> tuple[int, str]:
        answer = get(box, "me/player/recently-played", given)
        return answer.status_code, answer.json()["error"]["message"]

    assert message({}) == (401, "No token provided")
    assert message({"Authorization": "Token abc"}) == (400, "Only valid bearer authentication supported")
    assert message({"Authorization": "Bearer abc"}) == (401, "Invalid access token")
    assert message(app_bearer(box, person))[0] == 401
    narrow = box.authorize(person.user, scopes=("user-top-read",))
    account = Account(person.user, "spotify", "", {**person.credentials, "refresh_token": narrow})
    assert message(bearer(box, account)) == (403, "Insufficient client scope")
    box.clock.advance(3600)
    assert message(headers) == (401, "The access token expired")
    assert kinds(box) == ["header", "header", "token", "token", "token"]


def test_top_items_count_what_was_heard_in_the_range(box: Sandbox, person: Account, headers: dict[str, str]) -> None:
    month = box.truth(person, NOW - timedelta(days=28), NOW)
    heard = Counter(entry.track_id for entry in month if entry.end_ms <= to_ms(NOW))
    page = get(box, "me/top/tracks", headers, time_range="short_term", limit=50).json()
    counts = [heard[track["id"]] for track in page["items"]]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == max(heard.values())
    assert page["total"] == len(heard)
    second = get(box, "me/top/artists", headers, limit=5, offset=5).json()
    assert (second["offset"], len(second["items"])) == (5, 5)
    assert second["previous"]
    assert get(box, "me/top/tracks", headers, time_range="ever").status_code == 400
    assert get(box, "me/top/albums", headers).status_code == 400


def test_tracks_come_one_at_a_time_and_batches_are_closed(
    box: Sandbox, person: Account, headers: dict[str, str]
) -> None:
    ids = [entry.track_id for entry in box.reachable(person)][:3]
    track = get(box, f"tracks/{ids[0]}", app_bearer(box, person)).json()
    assert track["id"] == ids[0]
    assert track["external_ids"]["isrc"]
    assert not track.keys() & {"popularity", "available_markets", "preview_url"}
    assert get(box, f"tracks/{'0' * 22}", headers).json()["error"]["message"] == "Resource not found"
    assert get(box, "tracks/short", headers).status_code == 400
    closed = get(box, "tracks", headers, ids=",".join(ids))
    assert (closed.status_code, closed.json()) == (403, {"error": {"status": 403, "message": "Forbidden"}})
    assert get(box, "artists/abc", headers).status_code == 403
    box.faults.on("spotify.tracks_batch_open")
    batch = get(box, "tracks", headers, ids=",".join([*ids, "0" * 22])).json()["tracks"]
    assert [item and item["id"] for item in batch] == [*ids, None]
    box.faults.on("spotify.removed_rate", times=1)
    assert get(box, "artists/abc", headers).status_code == 429


def test_audio_features_are_closed_open_to_apps_or_open_to_all(
    box: Sandbox, person: Account, headers: dict[str, str]
) -> None:
    ids = [entry.track_id for entry in box.reachable(person)]
    app = app_bearer(box, person)

    def status(given: dict[str, str]) -> int:
        return get(box, "audio-features", given, ids=",".join(ids)).status_code

    assert (status(app), status(headers)) == (403, 403)
    box.faults.on("spotify.features_app")
    assert (status(app), status(headers)) == (200, 403)
    box.faults.on("spotify.features_open")
    assert (status(app), status(headers)) == (200, 200)
    features = get(box, "audio-features", app, ids=f"{ids[0]},{'0' * 22}").json()["audio_features"]
    assert features[0]["id"] == ids[0]
    assert features[1] is None
    assert get(box, f"audio-features/{ids[0]}", app).json()["valence"] == features[0]["valence"]
    assert get(box, "audio-features", app, ids=",".join(["a"] * 101)).status_code == 400
    box.faults.on("spotify.features_null")
    some = get(box, "audio-features", app, ids=",".join(ids)).json()["audio_features"]
    assert 0 < some.count(None) < len(some)


def test_search_finds_by_words_and_by_isrc(box: Sandbox, person: Account, headers: dict[str, str]) -> None:
    track = box.reachable(person)[0].track
    words = get(box, "search", headers, q=f"{track.title} {track.artist.name}", type="track,artist", limit=10).json()
    assert track.isrc in [item["external_ids"]["isrc"] for item in words["tracks"]["items"]]
    isrc = get(box, "search", headers, q=f"isrc:{track.isrc}", type="track").json()["tracks"]
    assert (isrc["total"], isrc["limit"]) == (1, 5)
    assert get(box, "search", headers, q="a", type="track", limit=11).status_code == 400


def test_queueing_tells_its_refusals_apart(box: Sandbox, person: Account, headers: dict[str, str]) -> None:
    uri = f"spotify:track:{box.reachable(person)[0].track_id}"

    def queue(**parameters: str) -> requests.Response:
        return requests.post(f"{box.url('spotify')}/v1/me/player/queue", params=parameters, headers=headers, timeout=5)

    assert queue(uri=uri).status_code == 204
    assert queue(uri="spotify:track:none").status_code == 400
    box.faults.on("spotify.no_premium", times=1)
    assert queue(uri=uri).json()["error"]["reason"] == "PREMIUM_REQUIRED"
    box.faults.on("spotify.no_active_device", times=1)
    assert (queue(uri=uri).status_code, box.spotify.queued[person.user]) == (404, [uri])
    box.faults.on("spotify.queue_answer_lost", times=1)
    assert (queue(uri=uri).status_code, box.spotify.queued[person.user]) == (502, [uri, uri])


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("expired_token", 401, "The access token expired"),
        ("invalid_token", 401, "Invalid access token"),
        ("not_registered", 403, "not registered for this application"),
        ("not_registered_text", 403, "User not registered in the Developer Dashboard"),
        ("owner_without_premium", 403, "Spotify Premium subscription"),
        ("forbidden", 403, "Forbidden"),
        ("forbidden_empty", 403, ""),
        ("insufficient_scope", 403, "Insufficient client scope"),
        ("rate", 429, "API rate limit exceeded"),
        ("rate_text", 429, "Too many requests"),
        ("quota", 429, "QUOTA_EXCEEDED"),
        ("gateway", 502, "<html>"),
        ("unavailable", 503, ""),
        ("error", 500, "Internal server error"),
    ],
)
def test_refusals(box: Sandbox, person: Account, headers: dict[str, str], name: str, status: int, words: str) -> None:
    box.faults.on(f"spotify.{name}", account=person.user, times=1)
    answer = get(box, "me", headers)
    assert (answer.status_code, words in answer.text) == (status, True)
    if status == 429:
        assert answer.headers["Retry-After"] == ("86000" if name == "quota" else "2")
    other = bearer(box, box.account("vinyl_fox", "spotify"))
    assert get(box, "me", other).ok
    if name == "expired_token":  # it is dead, and a refresh brings another
        assert get(box, "me", headers).status_code == 401
        assert get(box, "me", bearer(box, person)).ok


def test_a_quota_lasts_until_its_retry_after_has_passed(box: Sandbox, person: Account, headers: dict[str, str]) -> None:
    box.faults.on("spotify.quota", account=person.user, times=1)
    assert get(box, "me", headers).status_code == 429
    box.clock.advance(80_000)
    later = bearer(box, box.accounts()[0])
    late = get(box, "me", later)
    assert (late.status_code, int(late.headers["Retry-After"]) <= 6000) == (429, True)
    box.clock.advance(6_000)
    assert get(box, "me", bearer(box, box.accounts()[0])).ok


def test_calls_before_retry_after_are_noted(
    box: Sandbox, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.services.limits.IN_FLIGHT_SECONDS", 0.0)
    box.faults.on("spotify.rate", times=1, seconds=60)
    assert get(box, "me", headers).status_code == 429
    assert get(box, "me", headers).ok
    assert kinds(box) == ["early"]
    box.clock.advance(60)
    assert get(box, "me", headers).ok
    assert kinds(box) == ["early"]


def test_the_rolling_window_is_kept_and_can_be_scaled(world: World) -> None:
    with Sandbox(world, now=NOW, limits={"spotify": Limit(3, 30.0)}) as box:
        headers = bearer(box, box.accounts()[0])
        assert [get(box, "me", headers).status_code for _ in range(4)] == [200, 200, 200, 429]
        assert kinds(box) == ["limit"]
        box.limiter.limits["spotify"] = Limit(3, 30.0).scaled(1000)
        time.sleep(0.05)
        assert get(box, "me", headers).ok


def test_what_is_wrong_with_recent_plays(box: Sandbox, headers: dict[str, str]) -> None:
    good = recent(box, headers)
    on = box.faults.on
    on("spotify.empty_page", times=1)
    assert recent(box, headers)["items"] == []
    on("spotify.lag", times=1, hours=48)
    assert max(stamps(recent(box, headers))) <= to_ms(NOW) - 48 * 3_600_000
    on("spotify.drift", times=1)
    drifted = recent(box, headers)
    assert [item["track"]["id"] for item in drifted["items"]] == [item["track"]["id"] for item in good["items"]]
    assert 20 < sum(one != two for one, two in zip(stamps(good), stamps(drifted), strict=True)) < 30
    on("spotify.no_milliseconds", times=1)
    assert all("." not in item["played_at"] for item in recent(box, headers)["items"])
    on("spotify.local_tracks", times=1)
    local = [item["track"] for item in recent(box, headers)["items"] if item["track"]["is_local"]]
    assert local
    assert {track["id"] for track in local} == {None}
    on("spotify.gap", times=1, plays=4)
    assert len(recent(box, headers)["items"]) == 4
    assert recent(box, headers) == good
