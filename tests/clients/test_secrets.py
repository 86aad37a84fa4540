"""Credentials leave no message whole, and what is no credential stays readable."""

from __future__ import annotations

import logging

import pytest
from pydantic import SecretStr

from clients.secrets import Redactor, authorization, basic_authorization, is_secret_name, silence_url_logs

SECRET = "s3cr3t/Value+1"


@pytest.mark.parametrize(
    "text",
    [
        f"https://h/2.0/?method=m&api_key={SECRET}&user=u",
        f'{{"access_token": "{SECRET}", "expires_in": 3600}}',
        f"{{'refresh_token': '{SECRET}'}}",
        f'{{\\"client_secret\\": \\"{SECRET}\\"}}',
        f'{{"password": "two words {SECRET}"}}',
        f'{{"token": "{SECRET}',
        f"Authorization: Bearer {SECRET}",
        f"Authorization: Token {SECRET}",
        f"grant_type=authorization_code&code={SECRET}&code_verifier={SECRET}",
        f"Cookie: sessionid={SECRET}; csrf_token={SECRET}",
        f"x-api-key: {SECRET}",
    ],
)
def test_values_of_telling_names_go(text: str) -> None:
    redacted = Redactor()(text)
    assert SECRET not in redacted
    assert "[redacted]" in redacted
    assert Redactor()(redacted) == redacted


@pytest.mark.parametrize(
    "text",
    [
        '{"code": 404, "error": "Cannot find user: x"}',
        "The access token expired",
        "Refresh token revoked, token_type=Bearer",
        "status_code=503, max_ts should be greater than min_ts",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert Redactor()(text) == text


@pytest.mark.parametrize("form", [SECRET, "s3cr3t%2FValue%2B1"])
def test_known_values_go_in_any_spelling(form: str) -> None:
    redact = Redactor([authorization("Bearer", SecretStr(SECRET))])
    assert redact(f"who is {form}?") == "who is [redacted]?"


def test_too_short_a_value_tears_no_words_apart() -> None:
    assert Redactor([SecretStr("a"), SecretStr("")])("a banana") == "a banana"


def test_basic_authorization_is_base64() -> None:
    assert basic_authorization("id", SecretStr("pw")).get_secret_value() == "Basic aWQ6cHc="


def test_secret_names() -> None:
    assert all(map(is_secret_name, ["api_key", "Authorization", "client_secret", "code", "Set-Cookie", "sessionid"]))
    assert not any(map(is_secret_name, ["user", "token_type", "expires_in", "mode", "key"]))


def test_urllib3_logs_no_url(caplog: pytest.LogCaptureFixture) -> None:
    silence_url_logs()
    wire = logging.getLogger("urllib3.connectionpool")
    with caplog.at_level(logging.DEBUG):
        wire.debug('%s "GET %s HTTP/1.1"', "https://h:443", "/2.0/?api_key=abcdefgh")
        wire.warning("Retrying (%r): %s", 1, "/2.0/?api_key=abcdefgh")
    assert caplog.messages == ["Retrying (1): /2.0/?..."]
