"""Last.fm: pages that shift, numbers that are strings, errors by the table."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from sandbox.services.accounts import Account
from sandbox.services.clock import to_ms
from sandbox.services.lastfm import ERRORS
from sandbox.services.server import Sandbox
from tests.sandbox.services.calling import AGENT, kinds, together
from tests.sandbox.services.conftest import NOW

QUIET = NOW.replace(hour=0)  # nothing is playing then


@pytest.fixture
def account(box: Sandbox, person: Account) -> Account:
    box.limiter.limits["lastfm"] = None
    playing_until = max((e.end_ms for e in box.truth(person) if e.start_ms <= to_ms(QUIET)), default=0)
    box.clock.set(max(QUIET, datetime.fromtimestamp(playing_until / 1000, NOW.tzinfo) + timedelta(minutes=5)))
    return box.account(person.user, "lastfm")


def call(box: Sandbox, account: Account, method: str, **parameters: Any) -> requests.Response:
    asked = {"method": method, "api_key": account.credentials["api_key"], "format": "json", **parameters}
    return requests.get(f"{box.url('lastfm')}/2.0/", params=asked, headers=AGENT, timeout=5)


def recent(box: Sandbox, account: Account, **parameters: Any) -> dict[str, Any]:
    body = call(box, account, "user.getrecenttracks", user=account.source_user, **parameters).json()
    page: dict[str, Any] = body["recenttracks"]
    return page


def times(page: dict[str, Any]) -> list[int]:
    return [int(row["date"]["uts"]) for row in page["track"]]


def test_all_scrobbles_by_pages_newest_first(box: Sandbox, account: Account) -> None:
    listed = box.reachable(account)
    first = recent(box, account, limit=200)
    pages = int(first["@attr"]["totalPages"])
    assert first["@attr"] | {"totalPages": ""} == {
        "user": account.user, "page": "1", "perPage": "200", "total": str(len(listed)), "totalPages": "",
    }  # fmt: skip
    walked = [uts for page in range(1, pages + 1) for uts in times(recent(box, account, limit=200, page=page))]
    assert walked == [entry.stamp_ms // 1000 for entry in reversed(listed)]
    assert box.served(account) == set(listed)
    assert recent(box, account, page=pages + 50)["track"] == []
    assert kinds(box) == []


def test_limit_is_clamped_and_from_is_included_to_is_not(box: Sandbox, account: Account) -> None:
    assert recent(box, account, limit=1000)["@attr"]["perPage"] == "200"
    all_ = times(recent(box, account, limit=200))
    some = recent(box, account, **{"from": all_[9], "to": all_[4]})
    assert times(some) == all_[5:10]


def test_a_single_track_is_an_object(box: Sandbox, account: Account) -> None:
    newest = times(recent(box, account))[0]
    assert recent(box, account, **{"from": newest})["track"]["date"]["uts"] == str(newest)
    box.faults.on("lastfm.single", times=1)
    assert isinstance(recent(box, account)["track"], dict)


def test_rows_have_the_documented_fields(box: Sandbox, account: Account) -> None:
    plain = recent(box, account, limit=2)["track"][0]
    assert plain.keys() == {"artist", "streamable", "image", "mbid", "album", "name", "url", "date"}
    assert plain["artist"].keys() == {"mbid", "#text"}
    assert [image["size"] for image in plain["image"]] == ["small", "medium", "large", "extralarge"]
    extended = recent(box, account, limit=200, extended=1)["track"]
    assert extended[0]["artist"].keys() == {"url", "name", "image", "mbid"}
    assert {row["loved"] for row in extended} == {"0", "1"}


def test_what_is_playing_stands_on_every_page_beyond_the_limit(box: Sandbox, account: Account) -> None:
    box.faults.on("lastfm.now_playing", times=2)
    for page in (1, 2):
        rows = recent(box, account, limit=3, page=page)["track"]
        assert len(rows) == 4
        assert rows[0]["@attr"] == {"nowplaying": "true"}
        assert "date" not in rows[0]
    box.clock.set(box.truth(account, NOW)[0].started_at + timedelta(seconds=5))
    assert "@attr" in recent(box, account, limit=3)["track"][0]


def test_pages_shift_unless_to_is_frozen(box: Sandbox, account: Account) -> None:
    frozen = int(box.clock.now().timestamp())
    steady = times(recent(box, account, limit=5, page=2, to=frozen))
    box.faults.on("lastfm.page_shift", times=4)
    one, two = (times(recent(box, account, limit=5, page=page)) for page in (1, 2))
    assert len(set(one) & set(two)) == 3
    assert times(recent(box, account, limit=5, page=2, to=frozen)) == steady


def test_a_row_of_1970_is_no_scrobble(box: Sandbox, account: Account) -> None:
    box.faults.on("lastfm.epoch_date", times=1)
    assert times(recent(box, account, limit=10)).count(0) == 1


def test_loved_tracks_come_and_go(box: Sandbox, account: Account) -> None:
    def loved() -> dict[str, int]:
        body = call(box, account, "user.getlovedtracks", user=account.user, limit=200).json()["lovedtracks"]
        rows = body["track"] if isinstance(body["track"], list) else [body["track"]]
        assert body["@attr"]["total"] == str(len(rows))
        return {row["url"]: int(row["date"]["uts"]) for row in rows}

    before = loved()
    assert list(before.values()) == sorted(before.values(), reverse=True)
    box.clock.advance(timedelta(days=11))
    after = loved()
    assert after.keys() - before.keys()
    assert before.keys() - after.keys()


def test_info_and_tags(box: Sandbox, account: Account) -> None:
    info = call(box, account, "user.getinfo", user=account.user).json()["user"]
    assert (info["name"], info["playcount"]) == (account.user, str(len(box.reachable(account))))
    track = box.reachable(account)[0].track
    tags = call(box, account, "track.gettoptags", artist=track.artist.name, track=track.title).json()["toptags"]
    assert [tag["name"] for tag in tags["tag"]] == [genre.name for genre in track.genres[:3]]
    assert call(box, account, "track.gettoptags", mbid=track.mbid).json()["toptags"] == tags
    assert call(box, account, "track.gettoptags", artist="x", track="y").json()["error"] == 6


@pytest.mark.parametrize(
    ("changes", "status", "code", "noted"),
    [
        ({"api_key": "0" * 32}, 403, 10, ["token"]),
        ({"user": "nobody-here"}, 404, 6, []),
        ({"method": "user.getenemies"}, 400, 3, ["parameter"]),
        ({"page": 0}, 400, 6, ["parameter"]),
        ({"from": "yesterday"}, 400, 6, ["parameter"]),
        ({"api_key": None}, 400, 6, ["parameter"]),
    ],
)
def test_wrong_calls(
    box: Sandbox, account: Account, changes: dict[str, Any], status: int, code: int, noted: list[str]
) -> None:
    asked = {"method": "user.getrecenttracks", "user": account.user, **changes}
    answer = call(box, account, asked.pop("method"), **asked)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert kinds(box) == noted


@pytest.mark.parametrize("name", [name for name in ERRORS if name not in ("method", "parameters", "no_track")])
def test_errors_by_name_and_as_200(box: Sandbox, account: Account, name: str) -> None:
    status, code, _ = ERRORS[name]
    box.faults.on(f"lastfm.{name}", account=account.user, times=2)
    answer = call(box, account, "user.getinfo", user=account.user)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    box.faults.on("lastfm.errors_as_200")
    answer = call(box, account, "user.getinfo", user=account.user)
    assert (answer.status_code, answer.json()["error"]) == (200, code)


def test_five_a_second(box: Sandbox, person: Account) -> None:
    account = box.account(person.user, "lastfm")
    answers = together(7, lambda _: call(box, account, "user.getinfo", user=account.user).status_code)
    assert sorted(answers) == [200] * 5 + [429] * 2
    assert kinds(box) == ["limit", "limit"]
    assert box.requests.most_in(1.0, service="lastfm") == 7


def test_a_library_as_user_agent_is_noted(box: Sandbox) -> None:
    requests.get(f"{box.url('lastfm')}/2.0/", params={"method": "user.getinfo", "format": "json"}, timeout=5)
    assert kinds(box) == ["header", "parameter"]
