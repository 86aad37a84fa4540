"""The sandbox as a whole: who has which accounts, one truth behind all of them, the command line."""

from __future__ import annotations

import ast
import sys
import threading
from pathlib import Path

import pytest
import requests

from sandbox import services
from sandbox.services.__main__ import main
from sandbox.services.clock import Clock, to_ms
from sandbox.services.scenarios import SERVICES
from sandbox.services.server import Sandbox
from sandbox.world import World
from tests.sandbox.services.calling import together
from tests.sandbox.services.conftest import NOW

ALLOWED = {"sandbox", "flask", "werkzeug", "openapi_core"}  # the last one only where it is needed


def test_accounts_of_all_kinds_and_what_opens_them(box: Sandbox) -> None:
    accounts = box.accounts()
    assert len([account for account in accounts if account.service == "spotify"]) == 6
    assert len([account for account in accounts if account.service == "lastfm"]) == 3
    assert len([account for account in accounts if account.service == "listenbrainz"]) == 2
    assert len([account for account in accounts if account.service == "beatport"]) == 2
    assert accounts == box.accounts()  # the same until a token is used up
    assert not [secret for secret in box.secrets() if secret in repr(accounts)]
    assert box.settings()["LASTFM_API_KEY"] == box.account("night_owl", "lastfm").credentials["api_key"]
    with pytest.raises(KeyError):
        box.account("vinyl_fox", "lastfm")


def test_one_truth_behind_all_accounts_of_a_person(box: Sandbox, world: World) -> None:
    user = "night_owl"
    spotify, lastfm, brainz = (box.account(user, service) for service in ("spotify", "lastfm", "listenbrainz"))
    scrobbled = set(box.truth(lastfm))
    assert scrobbled <= set(box.truth(brainz))
    assert 0 < len(set(box.truth(brainz)) - scrobbled) < len(scrobbled) / 10  # the second device's
    assert len(scrobbled & set(box.truth(spotify))) > len(scrobbled) * 0.9
    starts = {play.start_ms for play in world.plays[user] if play.track}
    assert {entry.start_ms for entry in box.truth(spotify)} <= starts
    day = box.truth(spotify, NOW.replace(hour=0), NOW)
    assert all(to_ms(NOW.replace(hour=0)) <= entry.start_ms < to_ms(NOW) for entry in day)
    assert box.reachable(spotify, NOW.replace(year=2020)) == []
    assert len(box.reachable(spotify)) == 50
    box.faults.on("spotify.gap", account=user, plays=7)
    assert len(box.reachable(spotify)) == 7
    box.faults.on("spotify.lag", account=user, hours=100)
    assert all(entry.end_ms <= to_ms(NOW) - 100 * 3_600_000 for entry in box.reachable(spotify))


def test_many_threads_at_once(box: Sandbox) -> None:
    box.limiter.limits["listenbrainz"] = None
    url = f"{box.url('listenbrainz')}/1/user/night_owl/listen-count"
    assert {answer.status_code for answer in together(20, lambda _: requests.get(url, timeout=5))} == {200}
    assert len(box.requests) == 20


def test_the_clock_runs_jumps_and_stands() -> None:
    clock = Clock(NOW)
    assert 0 <= clock.now_ms() - to_ms(NOW) < 5_000
    clock.advance(3600)
    assert 3_600_000 <= clock.now_ms() - to_ms(NOW) < 3_605_000
    clock.set(NOW, frozen=True)
    assert clock.now() == NOW == clock.now()
    with pytest.raises(ValueError, match="time zone"):
        clock.set(NOW.replace(tzinfo=None))


def test_faults_and_stops_during_a_late_answer(world: World) -> None:
    box = Sandbox(world, now=NOW, faults=["lrclib.timeout"])
    with box, pytest.raises(requests.Timeout):
        requests.get(f"{box.url('lrclib')}/api/get", timeout=0.05)


def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-faults"]) == 0
    assert "spotify.quota" in capsys.readouterr().out
    stop = threading.Event()
    stop.set()
    asked = ["--port", "0", "--listeners", "2", "--days", "3", "--faults", "lastfm.busy", "--random-faults", "1"]
    assert main(asked, stop) == 0
    printed = capsys.readouterr().out
    assert all(f"/{service}" in printed for service in SERVICES)
    for wrong in (["--faults", "lastfm.nothing"], ["--help"]):
        with pytest.raises(SystemExit):
            main(wrong)


def test_services_import_nothing_of_the_project() -> None:
    for path in Path(str(services.__file__)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                imported = [node.module or ""]
            for name in imported:
                top = name.partition(".")[0]
                assert top in ALLOWED or top in sys.stdlib_module_names, f"{path.name} imports {name}"
