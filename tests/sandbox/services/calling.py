"""How the tests speak to the sandbox: plain requests, none of the clients' code."""

from __future__ import annotations

import threading
from typing import Any

import requests

from sandbox.services.accounts import Account
from sandbox.services.server import Sandbox

AGENT = {"User-Agent": "Moodlake/tests (https://moodlake.example)"}


def refresh(box: Sandbox, account: Account, **form: str) -> requests.Response:
    """A refresh as a PKCE client sends it."""
    credentials = account.credentials
    body = {"grant_type": "refresh_token", "refresh_token": credentials["refresh_token"]}
    body["client_id"] = credentials["client_id"]
    return requests.post(f"{box.url('spotify-accounts')}/api/token", data=body | form, timeout=5)


def bearer(box: Sandbox, account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {refresh(box, account).json()['access_token']}"}


def app_bearer(box: Sandbox, account: Account) -> dict[str, str]:
    answer = requests.post(
        f"{box.url('spotify-accounts')}/api/token",
        data={"grant_type": "client_credentials"},
        auth=(account.credentials["client_id"], account.credentials["client_secret"]),
        timeout=5,
    )
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def kinds(box: Sandbox) -> list[str]:
    return [violation.kind for violation in box.violations]


def together(count: int, call: Any) -> list[Any]:
    """The results of `call(n)` from so many threads at once."""
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        results[number] = call(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
