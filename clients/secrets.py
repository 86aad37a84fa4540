"""Keeps credentials out of messages and logs: known values and named fields become `[redacted]`.

The trap: the message of an exception of requests contains the URL, and urllib3 logs it, keys and all.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

REDACTED = "[redacted]"
SHORTEST_SECRET = 4  # characters; shorter values would tear ordinary words apart

_NAME = (
    r"(?:[a-z0-9]+[_-])*(?:api[_-]?key|api[_-]?sig|token|secret|password|authorization|cookie|session(?:_?id|_?key)?)"
    r"|code_verifier|code"
)
_NAMED_VALUE = re.compile(
    rf"""(?P<name>(?<![a-z0-9_-])(?:{_NAME})[\\"']*\s*[=:]\s*)"""
    r"""(?!\[redacted\])(?P<value>\\?(?P<quote>["']).*?(?:\\?(?P=quote)|$)|[^\s&,;}\])"'\\]+)""",
    re.I | re.S,
)
_SECRET_NAME = re.compile(_NAME, re.I)
_CREDENTIAL = re.compile(r"\b(?P<scheme>bearer|basic|token)\s+(?=[^\s\"',]*\d)[\w.~+/=-]{8,}", re.I)
_ERROR_NUMBER = re.compile(r"""["']?\d{1,4}["']?""")  # `"code": 404` is no authorization code
_QUERY = re.compile(r"\?[^\s\"')]*")
# The loggers of urllib3 that write URLs, with their queries.
_URL_LOGGERS = ("urllib3.connectionpool", "urllib3.poolmanager", "urllib3.util.retry", "urllib3.connection")


def authorization(scheme: str, secret: SecretStr) -> SecretStr:
    """The value of an Authorization header: `authorization("Bearer", token)`."""
    return SecretStr(f"{scheme} {secret.get_secret_value()}")


def basic_authorization(name: str, secret: SecretStr) -> SecretStr:
    """The value of a Basic Authorization header, as RFC 7617 has it."""
    pair = f"{name}:{secret.get_secret_value()}".encode()
    return SecretStr(f"Basic {base64.b64encode(pair).decode()}")


def is_secret_name(name: str) -> bool:
    """Whether a parameter, field or header of this name holds a credential."""
    return _SECRET_NAME.fullmatch(name) is not None


class Redactor:
    """Rewrites text so that neither known secrets nor the values of telling names remain."""

    def __init__(self, secrets: Iterable[SecretStr] = ()) -> None:
        self._forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, REDACTED)
        text = _CREDENTIAL.sub(rf"\g<scheme> {REDACTED}", text)
        return _NAMED_VALUE.sub(_without_value, text)


def silence_url_logs() -> None:
    """Keep urllib3 from logging URLs at any level: the frame logs each attempt itself. Safe to call again."""
    for name in _URL_LOGGERS:
        logging.getLogger(name).addFilter(_without_urls)


def _forms(secret: SecretStr) -> set[str]:
    value = secret.get_secret_value()
    parts = {value, value.rpartition(" ")[2]}  # "Bearer x": x alone tells as much
    forms = {form for part in parts for form in (part, quote(part, safe=""), quote_plus(part))}
    return {form for form in forms if len(form) >= SHORTEST_SECRET}


def _without_value(match: re.Match[str]) -> str:
    if match["name"].lower().startswith("code") and _ERROR_NUMBER.fullmatch(match["value"]):
        return match[0]
    return f"{match['name']}{REDACTED}"


def _without_urls(record: logging.LogRecord) -> bool:
    if record.levelno < logging.WARNING:
        return False
    record.msg, record.args = _QUERY.sub("?...", Redactor()(record.getMessage())), ()
    return True
