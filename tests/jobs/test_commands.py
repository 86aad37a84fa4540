"""The verbs about services, called as typed, against services that answer over HTTP: words, exit codes, no secret."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from clients.auth.token_store import TokenStore
from jobs.runtime.lock import writer_lock
from sandbox.services.server import Sandbox
from tests.boxes import NOW, environment, give_token, small_world
from tests.commands import Called, call, clean_machine

Run = Callable[..., Called]


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sandbox]:
    """The services, and the settings that lead to them."""
    clean_machine(monkeypatch, tmp_path)
    with Sandbox(small_world(), now=NOW) as running:
        for name, value in environment(running, tmp_path).items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def run(box: Sandbox, capsys: pytest.CaptureFixture[str]) -> Run:
    """A verb; whatever it says, it tells no secret."""

    def called(*arguments: str, typed: str | io.TextIOBase = "") -> Called:
        told = call(capsys, *arguments, typed=typed)
        assert not [secret for secret in box.secrets() if secret in told.out + told.err]
        return told

    return called


@pytest.fixture
def person(box: Sandbox) -> str:
    return box.accounts()[0].user


@pytest.fixture
def track_id(box: Sandbox) -> str:
    return box.truth(box.accounts()[0])[0].track_id


# --- auth


def test_status_of_every_spotify_token(run: Run, box: Sandbox, tmp_path: Path, person: str) -> None:
    assert run("auth", "spotify", "--status").out == "No Spotify account is connected.\n"
    give_token(box, tmp_path, person)
    told = run("auth", "spotify", "--status")
    assert told.code == 0
    assert f"{person} is connected to Spotify since" in told.out
    assert "nobody is not connected" in run("auth", "spotify", "--status", "--user", "nobody").out


def test_a_spotify_token_is_forgotten(run: Run, box: Sandbox, tmp_path: Path, person: str) -> None:
    give_token(box, tmp_path, person)
    assert "is forgotten" in run("auth", "spotify", "--clear", "--user", person).out
    assert "There was no token" in run("auth", "spotify", "--clear", "--user", person).out


def test_beatport_logs_in(run: Run, tmp_path: Path) -> None:
    told = run("auth", "beatport")
    assert (told.code, told.err) == (0, "")
    assert "Beatport is connected until" in told.out
    assert "Beatport is connected until" in run("auth", "beatport", "--status").out
    assert "forgotten" in run("auth", "beatport", "--clear").out
    assert TokenStore(tmp_path / ".beatport_tokens.json").users() == []
    assert "not connected" in run("auth", "beatport", "--status").out


def test_beatport_takes_a_token_from_standard_input(run: Run, box: Sandbox, tmp_path: Path) -> None:
    answer = box.beatport.logins.make_tokens(box.beatport.logins.all[0])
    told = run("auth", "beatport", "--token", typed=json.dumps(answer, indent=2))
    assert (told.code, told.err) == (0, "")
    assert "renewed after it" in told.out
    assert TokenStore(tmp_path / ".beatport_tokens.json").users() == ["beatport"]
    refused = run("auth", "beatport", "--token", typed="not-a-token-of-beatport")
    assert refused.code == 1
    assert "auth beatport --token" in refused.complaint


def test_a_second_factor_is_told(run: Run, box: Sandbox) -> None:
    box.faults.on("beatport.two_factor")
    told = run("auth", "beatport")
    assert told.code == 1
    assert "not supported, use `auth beatport --token`" in told.complaint


def test_lastfm_tries_its_key(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "LASTFM_API_KEY works." in run("auth", "lastfm").out
    assert "LASTFM_API_KEY is set." in run("auth", "lastfm", "--status").out
    monkeypatch.setenv("LASTFM_API_KEY", "0" * 32)
    told = run("auth", "lastfm")
    assert told.code == 1
    assert "Set LASTFM_API_KEY in .env" in told.complaint
    monkeypatch.delenv("LASTFM_API_KEY")
    assert run("auth", "lastfm").complaint.startswith("moodlake: No Last.fm API key found.")
    assert "LASTFM_API_KEY is not set." in run("auth", "lastfm", "--status").out


def test_listenbrainz_needs_no_token(run: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "listens are public" in run("auth", "listenbrainz").out
    token = next(a.credentials["token"] for a in box.accounts() if a.service == "listenbrainz")
    monkeypatch.setenv("LISTENBRAINZ_TOKEN", token)
    assert "LISTENBRAINZ_TOKEN works." in run("auth", "listenbrainz").out
    box.faults.on("listenbrainz.invalid_token")
    assert "Correct LISTENBRAINZ_TOKEN" in run("auth", "listenbrainz").complaint


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("auth", "deezer"), "known: spotify, beatport, lastfm, listenbrainz"),
        (("auth", "spotify"), "--user NAME"),
        (("auth", "spotify", "--status", "--clear"), "exclude one another"),
        (("auth", "beatport", "--token", "typed-in-the-open"), "typed when asked"),
        (("auth", "beatport", "--token"), "no token came"),
        (("auth", "lastfm", "--token"), "LASTFM_API_KEY in .env"),
        (("auth", "listenbrainz", "--clear"), "LISTENBRAINZ_TOKEN in .env"),
        (("beatport", "search", " "), "nothing to search for"),
        (("beatport", "search", "x", "--kind", "songs"), "one of tracks, releases"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(run: Run, arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert result.code == 2
    assert told in result.complaint
    assert "typed-in-the-open" not in result.err


def test_localhost_is_refused_before_anybody_is_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOTIFY_REDIRECT_URI", "http://localhost:8888/callback")
    told = run("auth", "spotify", "--user", "anna", "--no-browser")
    assert (told.code, told.out) == (1, "")
    assert "SPOTIFY_REDIRECT_URI=http://127.0.0.1:8888/callback" in told.complaint


def test_without_an_app_nobody_is_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPOTIFY_CLIENT_ID")
    told = run("auth", "spotify", "--user", "anna", "--no-browser")
    assert told.code == 1
    assert told.complaint.startswith("moodlake: No Spotify API key found. Set SPOTIFY_CLIENT_ID")


class Elsewhere(io.StringIO):
    """A person who takes the address shown to a browser on another machine, and types where that ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__()
        self._capsys = capsys

    def readline(self, _size: int | None = -1, /) -> str:
        address = self._capsys.readouterr().out.splitlines()[-1]
        return requests.get(address, allow_redirects=False, timeout=5).headers["Location"] + "\n"


@pytest.mark.parametrize("redirect_uri", ["http://127.0.0.1/callback", "https://moodlake.example/callback"])
def test_a_browser_elsewhere_and_a_busy_lake(
    run: Run,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    redirect_uri: str,
) -> None:
    """The consent outlives a lake that cannot be written at the moment, and it is told how to go on."""
    monkeypatch.setenv("SPOTIFY_REDIRECT_URI", redirect_uri)
    with writer_lock(str(tmp_path / "lake"), "run"):
        told = run("auth", "spotify", "--user", "anna b", "--paste", typed=Elsewhere(capsys))
    assert told.code == 1
    assert "writing this lake" in told.complaint
    assert "run_ingestion.py accounts add 'anna b' spotify " in told.out
    assert TokenStore(tmp_path / ".spotify_tokens.json").users() == ["anna b"]


# --- queue


def test_a_track_is_queued_once(run: Run, box: Sandbox, tmp_path: Path, person: str, track_id: str) -> None:
    give_token(box, tmp_path, person)
    assert run("queue", f"spotify:track:{track_id}", "--user", person) == Called(0, "Queued.\n", "")
    assert len(box.spotify.queued) == 1


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("spotify.no_premium", "only Premium accounts"),
        ("spotify.no_active_device", "Start playing on a device"),
        ("spotify.insufficient_scope", "auth spotify --user"),
        ("spotify.queue_answer_lost", "Look at the queue in Spotify"),
    ],
)
def test_what_keeps_a_track_from_the_queue_is_told_apart(
    run: Run, box: Sandbox, tmp_path: Path, person: str, track_id: str, fault: str, told: str
) -> None:
    give_token(box, tmp_path, person)
    box.faults.on(fault)
    result = run("queue", track_id, "--user", person)
    assert result.code == 1
    assert told in result.complaint
    assert len(box.spotify.queued) == (fault == "spotify.queue_answer_lost")


def test_who_is_not_connected_is_sent_to_auth(run: Run, track_id: str) -> None:
    told = run("queue", track_id, "--user", "nobody")
    assert told.code == 1
    assert "Run `auth spotify --user nobody`." in told.complaint


# --- beatport


def test_beatport_shows_what_it_has(run: Run, box: Sandbox) -> None:
    genres = run("beatport", "genres")
    assert (genres.code, genres.err) == (0, "")
    top = run("beatport", "top")
    assert top.code == 0
    assert "rank" in top.out
    first = next(line for line in top.out.splitlines() if "│ 1 " in line)
    track_id, title = (cell.strip() for cell in first.split("│")[2:4])
    shown = run("beatport", "track", track_id)
    assert shown.code == 0
    assert title in shown.out
    assert "label" in shown.out
    artist = first.split("│")[4].split(",")[0].strip()
    for kind in ("tracks", "artists", "releases", "labels"):
        found = run("beatport", "search", artist, "--kind", kind)
        assert (found.code, found.err) == (0, "")
    # Each verb is a process of its own for a person; here they follow one another within half a second.
    assert {violation.kind for violation in box.violations} <= {"spacing"}


def test_an_unknown_track_is_told(run: Run) -> None:
    told = run("beatport", "track", "999999999")
    assert told.code == 1
    assert "Check the name or the id." in told.complaint


def test_an_answer_that_is_no_answer_ends_in_one_line(run: Run, box: Sandbox) -> None:
    box.faults.on("beatport.gateway")
    told = run("beatport", "genres")
    assert told.code == 1
    assert told.complaint.startswith("moodlake: Beatport API error")
