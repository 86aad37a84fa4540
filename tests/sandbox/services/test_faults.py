"""Faults: by name, for whom, how often, when; random mixes that do not depend on threads; the control endpoints."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests

from sandbox.services.accounts import Account
from sandbox.services.clock import Clock
from sandbox.services.faults import Asked, FaultMix, Faults
from sandbox.services.scenarios import ANYWHERE, FAULTS, SERVICES
from sandbox.services.server import Sandbox
from sandbox.world import World
from tests.sandbox.services.calling import AGENT, kinds, together
from tests.sandbox.services.conftest import NOW


def asked(account: str = "owl", now_ms: int = 0, endpoint: str = "me", content: str = "") -> Asked:
    return Asked("spotify", account, endpoint, content, now_ms)


def info(box: Sandbox, account: Account, timeout: float = 5) -> requests.Response:
    parameters = {"method": "user.getinfo", "user": account.user, "format": "json", **account.credentials}
    return requests.get(f"{box.url('lastfm')}/2.0/", params=parameters, headers=AGENT, timeout=timeout)


@pytest.fixture
def account(box: Sandbox, person: Account) -> Account:
    box.limiter.limits["lastfm"] = None
    return box.account(person.user, "lastfm")


def test_every_fault_says_what_it_does() -> None:
    assert len(FAULTS) > 100
    assert {fault.service for fault in FAULTS.values()} == set(SERVICES)
    assert all(fault.doc and fault.name.startswith(f"{fault.service}.") for fault in FAULTS.values())


def test_names_and_options_are_checked() -> None:
    faults = Faults()
    with pytest.raises(ValueError, match="--list-faults"):
        faults.on("spotify.surprise")
    with pytest.raises(ValueError, match="no option hours"):
        faults.on("spotify.quota", hours=3)
    with pytest.raises(ValueError, match="time zone"):
        faults.on("spotify.quota", start=NOW.replace(tzinfo=None))


def test_times_account_endpoint_and_interval_decide() -> None:
    faults = Faults()
    faults.on("spotify.rate", account="owl", times=2, seconds=9)
    assert faults.draw(asked("fox")) == {}
    assert [faults.draw(asked()) for _ in range(3)] == [{"spotify.rate": {"seconds": 9}}] * 2 + [{}]
    faults.on("spotify.empty_page")
    assert faults.draw(asked(endpoint="top")) == {}
    assert faults.draw(asked(endpoint="recently_played")) == {"spotify.empty_page": {}}
    faults.off("spotify.empty_page")
    clock = Clock(NOW, frozen=True)
    faults.on("spotify.forbidden", start=NOW, end=NOW + timedelta(hours=1))
    assert faults.draw(asked(now_ms=clock.now_ms() - 1)) == {}
    assert faults.draw(asked(now_ms=clock.now_ms())) == {"spotify.forbidden": {}}
    clock.advance(timedelta(hours=1))
    assert faults.draw(asked(now_ms=clock.now_ms())) == {}
    faults.off(account="owl")
    faults.off()
    assert faults.active() == []


def test_a_probability_is_met_as_often_as_it_says_and_the_same_each_time() -> None:
    def met(seed: int) -> list[bool]:
        faults = Faults()
        faults.on("spotify.rate", probability=0.3, seed=seed)
        return [bool(faults.draw(asked())) for _ in range(500)]

    assert met(1) == met(1) != met(2)
    assert 100 < sum(met(1)) < 200


def test_a_mix_depends_on_account_and_number_and_not_on_the_order_of_threads() -> None:
    def drawn(order: list[str]) -> dict[str, list[Any]]:
        faults = Faults(FaultMix(seed=3, rate=0.5))
        met: dict[str, list[Any]] = {account: [] for account in order}
        for account in order:
            met[account].append(faults.draw(asked(account)))
        return met

    one, two = drawn(["owl", "fox"] * 40), drawn(["fox"] * 40 + ["owl"] * 40)
    assert (one["owl"], one["fox"]) == (two["owl"], two["fox"])
    assert 20 < sum(map(bool, one["owl"] + one["fox"])) < 60
    assert one["owl"] != one["fox"]


def test_a_mix_without_accounts_depends_on_what_is_asked() -> None:
    def drawn(contents: list[str]) -> dict[str, list[Any]]:
        faults = Faults(FaultMix(seed=3, rate=0.5))
        return {text: [faults.draw(Asked("lrclib", None, "get", text, 0))] for text in contents}

    assert drawn(["a", "b", "c"]) == drawn(["c", "a", "b"])


def test_a_mix_can_be_narrowed_and_its_options_set() -> None:
    faults = Faults(FaultMix(1, 1.0, names=("spotify",), without=("spotify.quota",), options={"rate": {"seconds": 0}}))
    names = {name for _ in range(300) for name in faults.draw(asked())}
    assert "spotify.quota" not in names
    assert not [name for name in names if not FAULTS[name].in_mix]
    assert {"spotify.rate", "spotify.gateway", "spotify.expired_token"} <= names
    assert all(met.get("spotify.rate", {"seconds": 0}) == {"seconds": 0} for met in (faults.draw(asked()),))
    assert Faults(FaultMix(1, 1.0, names=("lastfm",))).draw(asked()) == {}


@pytest.mark.parametrize(("name", "status"), [("gateway", 502), ("unavailable", 503), ("error", 500)])
def test_what_any_server_does(box: Sandbox, account: Account, name: str, status: int) -> None:
    box.faults.on(f"lastfm.{name}", times=1)
    assert info(box, account).status_code == status
    assert info(box, account).ok


def test_cut_late_and_truncated_answers(box: Sandbox, account: Account) -> None:
    box.faults.on("lastfm.reset", times=1)
    with pytest.raises(requests.ConnectionError):
        info(box, account)
    box.faults.on("lastfm.timeout", times=1, seconds=3)
    with pytest.raises(requests.Timeout):
        info(box, account, timeout=0.1)
    box.faults.on("lastfm.truncated", times=1)
    with pytest.raises(requests.JSONDecodeError):
        info(box, account).json()
    assert [request.status for request in box.requests.where(service="lastfm")] == [0, 200]  # one is still waiting


def test_what_was_cut_or_truncated_does_not_count_as_served(box: Sandbox, account: Account) -> None:
    parameters = {"method": "user.getrecenttracks", "user": account.user, "format": "json", **account.credentials}
    url = f"{box.url('lastfm')}/2.0/"
    box.faults.on("lastfm.truncated", times=1)
    requests.get(url, params=parameters, headers=AGENT, timeout=5)
    assert box.served(account) == set()
    requests.get(url, params=parameters, headers=AGENT, timeout=5)
    assert len(box.served(account)) == 50


def test_every_kind_of_anywhere_exists_for_every_service() -> None:
    assert {f"{service}.{name}" for service in SERVICES for name, _, _ in ANYWHERE} <= FAULTS.keys()


def test_unknown_paths_and_methods_are_noted(box: Sandbox) -> None:
    assert requests.get(f"{box.url('lastfm')}/3.0/", timeout=5).status_code == 404
    assert requests.post(f"{box.url('lastfm')}/2.0/", timeout=5).status_code == 405
    assert kinds(box) == ["endpoint", "method"]


def test_requests_are_counted_per_service_account_and_endpoint(box: Sandbox, account: Account) -> None:
    together(8, lambda _: info(box, account))
    assert box.requests.count(service="lastfm", account=account.user, endpoint="user.getinfo", status=200) == 8
    assert box.requests.by_endpoint() == {("lastfm", account.user, "user.getinfo"): 8}
    assert box.requests.most_in(5) == 8
    assert 0 <= (box.requests.shortest_gap() or 0) < 1
    box.clock.advance(3600)
    info(box, account)
    assert box.requests.most_in(60, ticks="sandbox") == 8


def test_the_control_endpoints_do_the_same_from_another_process(box: Sandbox, account: Account) -> None:
    def control(method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        body: dict[str, Any] = requests.request(method, f"{box.url()}/_sandbox/{path}", timeout=5, **kwargs).json()
        return body

    control("POST", "clock", json={"now": "2026-10-25T00:00:00+00:00", "frozen": True})
    assert control("POST", "clock", json={"advance_seconds": 60})["now"] == "2026-10-25T00:01:00+00:00"
    assert box.clock.now().isoformat() == "2026-10-25T00:01:00+00:00"
    interval = {"start": "2026-10-25T00:00:00+00:00", "end": "2026-10-26T00:00:00+00:00"}
    body = {"on": "lastfm.busy", "account": account.user, "times": 1, **interval}
    assert control("POST", "faults", json=body)["on"][0]["account"] == account.user
    assert info(box, account).json()["error"] == 16
    assert "no fault is called" in control("POST", "faults", json={"on": "lastfm.nothing"})["error"]
    box.faults.on("lastfm.busy")
    assert control("DELETE", "faults?name=lastfm.busy")["on"] == []
    assert control("GET", "requests?service=lastfm")["count"] == 1
    assert control("DELETE", "requests")["count"] == 0
    assert control("GET", "violations")["violations"] == []
    accounts = control("GET", "accounts")["accounts"]
    assert accounts[1]["credentials"] == account.credentials
    assert len(box.requests) == 0  # its own endpoints are not counted


def test_one_sandbox_at_a_time_per_object(box: Sandbox, world: World) -> None:
    with pytest.raises(RuntimeError, match="already listening"):
        box.start()
    with pytest.raises(RuntimeError, match="not listening"):
        Sandbox(world).url("lastfm")
    with pytest.raises(ValueError, match="no service"):
        box.url("myspace")


@pytest.mark.parametrize("service", ["reccobeats", "ai", "kaggle"])
def test_coming_back_before_retry_after_is_noted(box: Sandbox, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.services.limits.IN_FLIGHT_SECONDS", 0.0)
    path = {"reccobeats": "v1/track?ids=a", "ai": "mood", "kaggle": "api/v1/datasets/view/a/b"}[service]

    def ask() -> int:
        method, body = ("POST", {"lyrics": "rain"}) if service == "ai" else ("GET", None)
        return requests.request(method, f"{box.url(service)}/{path}", json=body, timeout=5).status_code

    box.faults.on(f"{service}.rate", times=1, seconds=60)
    assert ask() == 429
    ask()
    assert kinds(box) == ["early"]
    box.clock.advance(60)
    ask()
    assert kinds(box) == ["early"]
