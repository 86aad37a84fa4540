"""ListenBrainz: bounds that exclude themselves, ties, limits in headers."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import requests

from sandbox.services.accounts import Account
from sandbox.services.clock import to_ms
from sandbox.services.limits import Limit
from sandbox.services.server import Sandbox
from tests.sandbox.services.calling import kinds
from tests.sandbox.services.conftest import NOW


@pytest.fixture
def account(box: Sandbox, person: Account) -> Account:
    return box.account(person.user, "listenbrainz")


def get(box: Sandbox, account: Account, path: str, **parameters: Any) -> requests.Response:
    headers = {"Authorization": f"Token {account.credentials['token']}"}
    return requests.get(f"{box.url('listenbrainz')}/1/{path}", params=parameters, headers=headers, timeout=5)


def listens(box: Sandbox, account: Account, **parameters: Any) -> list[dict[str, Any]]:
    body = get(box, account, f"user/{account.user}/listens", **parameters).json()["payload"]
    assert body["count"] == len(body["listens"])
    found: list[dict[str, Any]] = body["listens"]
    return found


def times(found: list[dict[str, Any]]) -> list[int]:
    return [listen["listened_at"] for listen in found]


def test_newest_first_between_bounds_that_exclude_themselves(box: Sandbox, account: Account) -> None:
    listed = box.reachable(account)
    all_ = times(listens(box, account, count=1000))
    assert all_ == [entry.stamp_ms // 1000 for entry in reversed(listed)][:1000]
    assert len(listens(box, account)) == 25
    below = listens(box, account, max_ts=all_[30], count=5)
    assert times(below) == [uts for uts in all_ if uts < all_[30]][:5]
    payload = get(box, account, f"user/{account.user}/listens", count=0).json()["payload"]
    assert (payload["latest_listen_ts"], payload["oldest_listen_ts"]) == (all_[0], listed[0].stamp_ms // 1000)
    assert kinds(box) == []


def test_min_ts_reads_upwards_from_there(box: Sandbox, account: Account) -> None:
    all_ = times(listens(box, account, count=1000))
    above = [uts for uts in all_ if uts > all_[50]]
    assert times(listens(box, account, min_ts=all_[50], count=5)) == above[-5:]
    assert times(listens(box, account, min_ts=all_[50], max_ts=all_[0], count=1000)) == [
        uts for uts in above if uts < all_[0]
    ]


def test_bounds_and_counts_are_checked(box: Sandbox, account: Account) -> None:
    path = f"user/{account.user}/listens"
    answer = get(box, account, path, min_ts=20, max_ts=10)
    assert (answer.status_code, answer.json()["error"]) == (400, "max_ts should be greater than min_ts")
    assert get(box, account, path, count=-1).status_code == 400
    assert get(box, account, path, max_ts="now").status_code == 400
    assert len(listens(box, account, count=2000)) <= 1000
    assert kinds(box) == ["parameter"] * 4


def test_ties_are_lost_by_whom_the_page_edge_is_a_bound(box: Sandbox, account: Account) -> None:
    listed = Counter(entry.stamp_ms // 1000 for entry in box.reachable(account))
    assert 2 in listed.values()
    box.faults.on("listenbrainz.ties", times=1)
    page = listens(box, account, count=100)
    edge = times(page)[-1]
    assert listed[edge] == 2
    assert times(page).count(edge) == 1
    rest = listens(box, account, max_ts=edge + 1, count=1000)
    titles = {listen["track_metadata"]["track_name"] for listen in rest if listen["listened_at"] == edge}
    assert page[-1]["track_metadata"]["track_name"] in titles
    assert len(titles) == 2


def test_mappings_are_there_null_or_absent_and_some_come_late(box: Sandbox, account: Account) -> None:
    def mapping(found: list[dict[str, Any]]) -> list[str]:
        metadata = [listen["track_metadata"] for listen in found]
        return ["null" if m.get("mbid_mapping", 0) is None else str("mbid_mapping" in m) for m in metadata]

    bounds = {"min_ts": to_ms(NOW - timedelta(hours=23)) // 1000, "max_ts": to_ms(NOW - timedelta(hours=2)) // 1000}
    assert set(mapping(listens(box, account, count=1000))) == {"null", "True", "False"}
    early = mapping(listens(box, account, count=1000, **bounds))
    box.clock.advance(timedelta(days=2))
    late = mapping(listens(box, account, count=1000, **bounds))
    assert len(early) == len(late)
    assert early.count("True") < late.count("True")
    box.faults.on("listenbrainz.null_mapping", times=1)
    assert set(mapping(listens(box, account))) == {"null"}


def test_tokens(box: Sandbox, account: Account) -> None:
    assert get(box, account, "validate-token").json()["user_name"] == account.user
    stranger = Account("x", "listenbrainz", "x", {"token": "00000000-0000-4000-8000-000000000000"})
    assert get(box, stranger, "validate-token").json()["valid"] is False
    assert get(box, stranger, f"user/{account.user}/listens").status_code == 401
    url = f"{box.url('listenbrainz')}/1/user/{account.user}/listens"
    assert requests.get(url, timeout=5).ok  # listens are public
    token = account.credentials["token"]
    assert requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=5).status_code == 401
    assert kinds(box) == ["header"]
    box.faults.on("listenbrainz.invalid_token", times=1)
    assert get(box, account, "validate-token").status_code == 401


def test_users_that_are_not_there(box: Sandbox, account: Account) -> None:
    answer = get(box, account, "user/nobody-here/listens")
    assert (answer.status_code, answer.json()) == (404, {"code": 404, "error": "Cannot find user: nobody-here"})
    box.faults.on("listenbrainz.user_gone", account=account.user, times=1)
    assert get(box, account, f"user/{account.user}/listen-count").status_code == 404
    count = get(box, account, f"user/{account.user}/listen-count").json()["payload"]["count"]
    assert count == len(box.reachable(account))


def test_the_limit_is_told_and_kept(box: Sandbox, account: Account) -> None:
    box.limiter.limits["listenbrainz"] = Limit(3, 10.0)
    answers = [get(box, account, "validate-token") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[3].headers["Content-Type"].startswith("text/plain")
    assert answers[3].headers["X-RateLimit-Limit"] == "3"
    assert 9 <= int(answers[3].headers["X-RateLimit-Reset-In"]) <= 10
    assert answers[3].text.startswith("You have exceeded your rate limit.")
    assert kinds(box) == ["limit"]


def test_a_429_and_a_short_page(box: Sandbox, account: Account) -> None:
    box.faults.on("listenbrainz.rate", times=1, seconds=7)
    limited = get(box, account, "validate-token")
    assert (limited.status_code, limited.headers["X-RateLimit-Reset-In"]) == (429, "7")
    box.faults.on("listenbrainz.short_page", times=1)
    assert len(listens(box, account, count=40)) == 20
