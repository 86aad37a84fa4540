"""Asks a person for consent in their browser: authorization code with PKCE, answered to a server on loopback.

The trap: whoever can reach that port, or make the browser call it, can bring a code of their own; only the answer with
the state of this very question is taken, and the code is worth nothing without the verifier, which never leaves here.
"""

from __future__ import annotations

import hmac
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from re import fullmatch
from threading import Thread
from urllib.parse import SplitResult, parse_qs, urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from pydantic import SecretStr

from clients.errors import AuthorizationError, ClientError
from clients.spotify_errors import DASHBOARD, SERVICE

VERIFIER_BYTES = 64  # 86 characters, of the 43 to 128 that RFC 7636 allows
LOOPBACK = ("127.0.0.1", "::1")  # Spotify: plain http only to these literals (contracts 2.1, 2025-04-09)
BROWSER_PATIENCE = 10.0  # seconds; browsers open connections in advance and send nothing

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Moodlake</title></head>
<body><p>{words}</p></body></html>"""
AGREED = "Moodlake has the answer. You can close this page and go back to the terminal."
DENIED = "Moodlake was not given access. You can close this page."
STRANGE = "This is not the answer that Moodlake waits for. Close this page and use the address from the terminal."


class RedirectUriError(ClientError):
    """SPOTIFY_REDIRECT_URI is one that Spotify refuses."""

    service = SERVICE


@dataclass(frozen=True)
class Consent:
    """What the token endpoint wants to see for a consent."""

    code: SecretStr
    verifier: SecretStr
    redirect_uri: str


@dataclass(frozen=True)
class _Answer:
    """Of the browser: a code, or the error that it brought."""

    code: SecretStr | None
    error: str


def check_redirect_uri(uri: str) -> SplitResult:
    """Its parts; raises RedirectUriError with the form to use. A port of none means any free one."""
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    use = f"http://127.0.0.1{f':{port}' if port else ''}{(host and parts.path) or '/callback'}"
    remedy = f"Set SPOTIFY_REDIRECT_URI={use} in .env, and the same at {DASHBOARD} under Redirect URIs."
    if host == "localhost" or (host or "").endswith(".localhost"):
        raise RedirectUriError("Spotify takes no redirect URI with the name localhost", remedy=remedy)
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment or parts.username:
        raise RedirectUriError("SPOTIFY_REDIRECT_URI is no address such as http://127.0.0.1/callback", remedy=remedy)
    if parts.scheme == "http" and host not in LOOPBACK:
        raise RedirectUriError("Spotify takes plain http only to 127.0.0.1 or [::1]", remedy=remedy)
    return parts


def ask_consent(
    authorize_url: str,
    client_id: str,
    redirect_uri: str,
    scopes: tuple[str, ...],
    *,
    ask: Callable[[str], None],
    timeout: float,
    read_address: Callable[[], str] | None = None,
) -> Consent:
    """Give `ask` the address to open and wait for the answer, `timeout` seconds of real time at most.

    With `read_address`, no server listens: it returns the address at which the browser ended, as the person pasted it.
    Raises RedirectUriError, AuthorizationError (denied) and ClientError (no answer, port taken).
    """
    parts = check_redirect_uri(redirect_uri)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(VERIFIER_BYTES)

    def question(uri: str) -> str:
        return str(
            prepare_grant_uri(
                authorize_url,
                client_id,
                "code",
                redirect_uri=uri,
                scope=" ".join(scopes),
                state=state,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
                show_dialog="true",  # else a browser logged in as someone else agrees in that person's name
            )
        )

    if read_address is not None:
        ask(question(redirect_uri))
        answer = _answer_in(read_address().strip(), state)
        if answer is None:
            raise ClientError("The address is not the answer to this question", service=SERVICE)
    elif parts.scheme == "https":
        remedy = "Give the address at which the browser ends by hand, or use http://127.0.0.1/callback."
        raise RedirectUriError("No server can listen here at an https address", remedy=remedy)
    else:
        with _listening(parts, state) as server:
            if not parts.port:  # Spotify lets a loopback address registered without a port have any
                redirect_uri = f"http://{parts.netloc.removesuffix(':0')}:{server.server_address[1]}{parts.path}"
            ask(question(redirect_uri))
            answer = server.wait(timeout)
    if answer.code is None:
        raise AuthorizationError(
            f"The consent was not given at Spotify ({answer.error})", service=SERVICE, remedy="Ask again and agree."
        )
    return Consent(answer.code, SecretStr(verifier), redirect_uri)


class _Server(ThreadingHTTPServer):
    """Takes the one answer with the right state; whatever else comes is turned away and waited past."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], path: str, state: str) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.path, self.state = path or "/", state
        self.answers: Queue[_Answer] = Queue()
        super().__init__(address, _CallbackPage)

    def wait(self, timeout: float) -> _Answer:
        try:
            return self.answers.get(timeout=timeout)
        except Empty:
            pass
        raise ClientError(
            f"No answer came from the browser within {timeout:.0f} s",
            service=SERVICE,
            remedy=f"Try again; the redirect URI must stand at {DASHBOARD} exactly as in .env, and the browser must "
            "run on this machine.",
        )

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that hung up; the traceback would go to stderr."""


class _CallbackPage(BaseHTTPRequestHandler):
    server: _Server
    timeout = BROWSER_PATIENCE

    def do_GET(self) -> None:
        if urlsplit(self.path).path != self.server.path:
            return self._show(404, STRANGE)
        answer = _answer_in(self.path, self.server.state)
        if answer is None:
            return self._show(400, STRANGE)
        self._show(200, AGREED if answer.code else DENIED)
        return self.server.answers.put(answer)

    def _show(self, status: int, words: str) -> None:
        body = PAGE.format(words=words).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")  # the page's own address holds the code
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the request line holds the code."""


@contextmanager
def _listening(parts: SplitResult, state: str) -> Iterator[_Server]:
    try:
        server = _Server((parts.hostname or "", parts.port or 0), parts.path, state)
    except OSError as error:
        raise ClientError(
            f"Port {parts.port} of {parts.hostname} cannot be listened on ({error.strerror})",
            service=SERVICE,
            remedy=f"Free it, or set another in SPOTIFY_REDIRECT_URI and at {DASHBOARD}.",
        ) from None
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer_in(address: str, state: str) -> _Answer | None:
    """What the browser brought, None if it is not the answer to the question with this state."""
    fields = parse_qs(urlsplit(address).query)
    came, code, error = (fields.get(name, [""])[0] for name in ("state", "code", "error"))
    if not hmac.compare_digest(came.encode(), state.encode()) or not (code or error):
        return None
    if error:
        return _Answer(None, error if fullmatch(r"[a-z_]{1,40}", error) else "no reason given")
    return _Answer(SecretStr(code), "")
