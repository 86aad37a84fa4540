"""Consent and tokens: PKCE, redirects, rotation, lifetimes."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sandbox.services.accounts import Account
from sandbox.services.server import Sandbox
from sandbox.world import World
from tests.sandbox.services.calling import app_bearer, bearer, kinds, refresh

REDIRECT = "http://127.0.0.1:8765/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def consent(box: Sandbox, account: Account, **changes: str | None) -> requests.Response:
    asked = {
        "client_id": account.credentials["client_id"],
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": "user-top-read",
        "state": "s1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    url = f"{box.url('spotify-accounts')}/authorize"
    return requests.get(url, {k: v for k, v in asked.items() if v}, allow_redirects=False, timeout=5)


def exchange(box: Sandbox, account: Account, code: str, **changes: str) -> requests.Response:
    body = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "client_id": account.credentials["client_id"],
        "code_verifier": VERIFIER,
    }
    return requests.post(f"{box.url('spotify-accounts')}/api/token", data=body | changes, timeout=5)


def answer_of(redirect: requests.Response) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(redirect.headers["Location"]).query).items()}


def test_consent_with_pkce_gives_tokens_for_what_was_granted(box: Sandbox, person: Account) -> None:
    redirect = consent(box, person)
    assert redirect.status_code == 302
    assert redirect.headers["Location"].startswith(REDIRECT)
    assert answer_of(redirect)["state"] == "s1"
    tokens = exchange(box, person, answer_of(redirect)["code"]).json()
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 3600, "user-top-read")
    me = requests.get(f"{box.url('spotify')}/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert me.json()["id"] == person.source_user
    assert kinds(box) == []


def test_a_code_works_once_in_time_and_with_its_own_redirect_and_verifier(box: Sandbox, person: Account) -> None:
    code = answer_of(consent(box, person))["code"]
    assert exchange(box, person, code).ok
    assert exchange(box, person, code).json()["error"] == "invalid_grant"
    late = answer_of(consent(box, person))["code"]
    box.clock.advance(timedelta(minutes=11))
    assert exchange(box, person, late).json()["error"] == "invalid_grant"
    elsewhere = answer_of(consent(box, person))["code"]
    assert exchange(box, person, elsewhere, redirect_uri=REDIRECT + "/").json()["error"] == "invalid_grant"
    unproven = answer_of(consent(box, person))["code"]
    assert exchange(box, person, unproven, code_verifier="w" * 64).json()["error"] == "invalid_grant"
    assert kinds(box) == ["redirect", "parameter"]


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        ("http://127.0.0.1:8765/callback", 302),
        ("http://[::1]:8765/callback", 302),
        ("https://moodlake.example/callback", 302),
        ("http://localhost:8765/callback", 400),
        ("http://moodlake.example/callback", 400),
        ("moodlake://callback", 400),
    ],
)
def test_redirects_are_loopback_addresses_or_https(box: Sandbox, person: Account, uri: str, status: int) -> None:
    assert consent(box, person, redirect_uri=uri).status_code == status
    assert kinds(box) == ([] if status == 302 else ["redirect"])


def test_registered_redirects_may_leave_the_port_of_a_loopback_open(world: World) -> None:
    with Sandbox(world, redirect_uris=("http://127.0.0.1/callback",)) as box:
        account = box.accounts()[0]
        assert consent(box, account).status_code == 302
        assert consent(box, account, redirect_uri="http://127.0.0.1:8765/other").status_code == 400


def test_consent_can_be_denied_and_its_state_be_another(box: Sandbox, person: Account) -> None:
    assert answer_of(consent(box, person, deny="1"))["error"] == "access_denied"
    box.faults.on("spotify-accounts.consent_denied", times=1)
    assert answer_of(consent(box, person))["error"] == "access_denied"
    box.faults.on("spotify-accounts.wrong_state", times=1)
    assert answer_of(consent(box, person))["state"] != "s1"
    assert answer_of(consent(box, person, sandbox_user=box.accounts()[-1].user))["code"]


def test_authorize_notes_what_is_missing(box: Sandbox, person: Account) -> None:
    assert consent(box, person, state=None).status_code == 302
    assert consent(box, person, client_id="somebody").status_code == 400
    assert consent(box, person, response_type="token").status_code == 400
    assert consent(box, person, scope="user-read-minds").status_code == 400
    assert consent(box, person, code_challenge_method="plain").status_code == 400
    assert kinds(box) == ["parameter"] * 4


def test_pkce_rotates_and_the_old_token_dies_at_the_first_use_of_the_new(box: Sandbox, person: Account) -> None:
    old = person.credentials["refresh_token"]
    lost = refresh(box, person).json()  # an answer that never arrived
    assert lost["refresh_token"] != old
    tokens = refresh(box, person).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert requests.get(f"{box.url('spotify')}/v1/me", headers=headers, timeout=5).ok
    assert refresh(box, person).json() == {"error": "invalid_grant", "error_description": "Refresh token revoked"}
    assert refresh(box, person, refresh_token=tokens["refresh_token"]).ok
    assert box.account(person.user, "spotify").credentials["refresh_token"] not in (old, tokens["refresh_token"])


def test_without_pkce_the_refresh_token_stays_and_the_secret_is_needed(box: Sandbox, person: Account) -> None:
    token = box.authorize(person.user, pkce=False)
    assert refresh(box, person, refresh_token=token).json()["error"] == "invalid_client"
    answer = requests.post(
        f"{box.url('spotify-accounts')}/api/token",
        data={"grant_type": "refresh_token", "refresh_token": token},
        auth=(person.credentials["client_id"], person.credentials["client_secret"]),
        timeout=5,
    )
    assert "refresh_token" not in answer.json()


def test_refresh_tokens_die_six_months_after_the_authorization(box: Sandbox, person: Account) -> None:
    newest = refresh(box, person).json()["refresh_token"]
    box.clock.advance(timedelta(days=170))
    newest = refresh(box, person, refresh_token=newest).json()["refresh_token"]
    box.clock.advance(timedelta(days=13))
    assert refresh(box, person, refresh_token=newest).status_code == 400
    assert refresh(box, person, refresh_token=box.authorize(person.user)).ok


def test_token_requests_are_forms_with_the_right_credentials(box: Sandbox, person: Account) -> None:
    url = f"{box.url('spotify-accounts')}/api/token"
    asked = {"grant_type": "client_credentials"}
    assert requests.post(url, json=asked, timeout=5).json()["error"] == "unsupported_grant_type"
    assert requests.post(url, data={"grant_type": "password"}, timeout=5).json()["error"] == "unsupported_grant_type"
    assert requests.post(url, data=asked, auth=("a", "b"), timeout=5).json()["error"] == "invalid_client"
    assert requests.post(url, data=asked, timeout=5).json()["error"] == "invalid_client"
    assert requests.get(url, timeout=5).status_code == 405
    assert kinds(box) == ["header", "parameter", "header", "parameter", "method"]
    assert app_bearer(box, person)


def test_faults_of_the_token_endpoint(box: Sandbox, person: Account) -> None:
    faults = box.faults
    faults.on("spotify-accounts.invalid_grant", account=person.user, times=1)
    assert refresh(box, person).json()["error"] == "invalid_grant"
    assert refresh(box, person).ok  # an outage, not an end
    faults.on("spotify-accounts.no_refresh_token", times=1)
    assert "refresh_token" not in refresh(box, person).json()
    faults.on("spotify-accounts.no_expires_in", times=1)
    assert "expires_in" not in refresh(box, person).json()
    faults.on("spotify-accounts.short_tokens", times=1, seconds=30)
    assert refresh(box, person).json()["expires_in"] == 30
    faults.on("spotify-accounts.invalid_client", times=1)
    assert refresh(box, person).json()["error"] == "invalid_client"
    faults.on("spotify-accounts.revoked", times=1)
    assert refresh(box, person).json()["error"] == "invalid_grant"
    assert refresh(box, person).json()["error"] == "invalid_grant"


def test_all_secrets_are_known_and_none_is_in_the_journals(box: Sandbox, person: Account) -> None:
    token = bearer(box, person)["Authorization"].removeprefix("Bearer ")
    requests.get(f"{box.url('spotify')}/v1/me?x={token}", headers={"Authorization": f"Basic {token}"}, timeout=5)
    secrets = box.secrets()
    assert {token, person.credentials["refresh_token"], person.credentials["client_secret"]} <= secrets
    written = f"{list(box.requests)}{list(box.violations)}{box.accounts()}"
    assert not [secret for secret in secrets - {person.credentials["client_id"]} if secret in written]
