"""The token file: owner only, whole or not at all, no token lost between threads or processes, none shown."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from clients.auth.token_store import Token, TokenFileError, TokenStore

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECRET = "s3cr3t-value-of-a-token"
ANN = Token(
    access_token=SecretStr(SECRET),
    expires_at=NOW + timedelta(hours=1),
    refresh_token=SecretStr(f"refresh-{SECRET}"),
    scope=("a", "b"),
    authorized_at=NOW - timedelta(days=3),
    refused_at=NOW,
)
BOB = Token(SecretStr("bobs"), NOW)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    return TokenStore(tmp_path / "data" / ".some_tokens.json")


def test_what_is_put_is_got_by_another_store(store: TokenStore) -> None:
    assert (store.get("ann"), store.users()) == (None, [])
    store.put("bob", BOB)
    store.put("ann", BOB)
    store.put("ann", ANN)
    again = TokenStore(str(store.path))
    assert (again.get("ann"), again.get("bob"), again.users()) == (ANN, BOB, ["ann", "bob"])


def test_the_file_is_keyed_by_user(store: TokenStore) -> None:
    store.put("ann", BOB)
    assert json.loads(store.path.read_text()) == {
        "ann": {
            "access_token": "bobs",
            "expires_at": "2026-11-20T12:00:00+00:00",
            "refresh_token": None,
            "scope": [],
            "authorized_at": None,
            "refused_at": None,
        }
    }


def test_a_removed_token_is_gone(store: TokenStore) -> None:
    assert not store.remove("ann")
    store.put("ann", ANN)
    store.put("bob", BOB)
    assert store.remove("ann")
    assert store.users() == ["bob"]


def test_only_the_owner_may_read_it_whatever_the_umask(store: TokenStore) -> None:
    before = os.umask(0)
    try:
        store.put("ann", ANN)
        store.path.chmod(0o644)
        store.put("bob", BOB)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in store.path.parent.iterdir()}
    assert modes == {0o600}


def test_a_write_that_fails_leaves_the_old_file_alone(store: TokenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("ann", ANN)
    before = store.path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TokenFileError, match=r"written \(No space left on device\)"):
        store.put("bob", BOB)
    assert store.path.read_bytes() == before
    assert sorted(path.name for path in store.path.parent.iterdir()) == [".lock.some_tokens.json", ".some_tokens.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        f'{{"ann": {{"access_token": "{SECRET}"}}}}',
        f'{{"ann": {{"access_token": "{SECRET}", "expires_at": "soon"}}}}',
        f'{{"ann": {{"access_token": "{SECRET}", "expires_at": "2026-11-20T12:00:00"}}}}',
        f'{{"ann": {{"access_token": "{SECRET}", "expires_at": "2026-11',
    ],
)
def test_a_damaged_file_is_told_and_never_overwritten(store: TokenStore, text: str) -> None:
    store.path.parent.mkdir()
    store.path.write_text(text)
    for use in (store.users, lambda: store.put("bob", BOB), lambda: store.remove("ann"), lambda: store.get("bob")):
        with pytest.raises(TokenFileError, match=r"is damaged\. Repair it, or move it away") as caught:
            use()
        assert str(store.path) in str(caught.value)
        assert caught.value.__context__ is None
        assert SECRET not in "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert store.path.read_text() == text


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(TokenFileError, match=r"cannot be read \(Is a directory\)"):
        TokenStore(tmp_path).users()
    (tmp_path / "file").write_text("")
    with pytest.raises(TokenFileError, match="cannot be locked"):
        TokenStore(tmp_path / "file" / "tokens.json").put("ann", ANN)


def test_threads_lose_no_token(store: TokenStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.put(f"user{n}", BOB), range(40)))
    assert len(store.users()) == 40


PUT_TEN = """
import sys
from datetime import UTC, datetime
from pydantic import SecretStr
from clients.auth.token_store import Token, TokenStore
for n in range(10):
    TokenStore(sys.argv[1]).put(f"{sys.argv[2]}{n}", Token(SecretStr("t"), datetime.now(UTC)))
"""


def test_processes_lose_no_token(store: TokenStore) -> None:
    commands = [[sys.executable, "-c", PUT_TEN, str(store.path), name] for name in ("a", "b")]
    running = [subprocess.Popen(command, cwd=ROOT) for command in commands]
    assert [process.wait(30) for process in running] == [0, 0]
    assert len(store.users()) == 20


def test_one_user_is_renewed_by_one_at_a_time_and_others_meanwhile(store: TokenStore) -> None:
    store.put("ann", replace(ANN, scope=()))

    def renew(n: int) -> None:
        with store.renewing("ann"):
            token = store.get("ann")
            assert token is not None
            store.put("ann", replace(token, scope=(*token.scope, str(n))))

    with store.renewing("bob"), ThreadPoolExecutor(8) as pool:
        list(pool.map(renew, range(20)))
    token = store.get("ann")
    assert token is not None
    assert sorted(token.scope, key=int) == [str(n) for n in range(20)]


def test_a_token_is_renewed_five_minutes_early() -> None:
    assert ANN.is_valid(ANN.expires_at - timedelta(minutes=5, seconds=1))
    assert not ANN.is_valid(ANN.expires_at - timedelta(minutes=5))


def test_a_token_shows_no_secret() -> None:
    assert SECRET not in f"{ANN!r} {ANN}"


def test_git_ignores_the_file_its_locks_and_what_a_crash_leaves() -> None:
    names = [
        ".spotify_tokens.json",
        ".lock.spotify_tokens.json",
        ".lock-1a.spotify_tokens.json",
        ".newx.spotify_tokens.json",
    ]
    ignored = subprocess.run(
        ["git", "check-ignore", *(f"data/{name}" for name in names)], cwd=ROOT, capture_output=True, text=True
    )
    if ignored.returncode == 128:
        pytest.skip("not a git checkout")
    assert len(ignored.stdout.split()) == len(names)
