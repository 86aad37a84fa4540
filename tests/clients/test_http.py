"""The frame against real HTTP on loopback: limits, waits, retries, errors, redirects, proxies, no secret anywhere."""

from __future__ import annotations

import json
import logging
import socket
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event, Semaphore, Thread
from typing import Any

import pytest
import requests
import structlog
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from requests.auth import HTTPBasicAuth
from structlog.testing import capture_logs
from werkzeug import Request, Response

from clients.errors import (
    AuthenticationError,
    AuthorizationError,
    BadPayloadError,
    ClientError,
    NotFoundError,
    QuotaError,
    RateLimitError,
    UnavailableError,
)
from clients.http import QUOTA_WAIT, USER_AGENT, Reply, RetryPolicy, ServiceClient
from clients.limits import Limiter, Rate
from clients.secrets import authorization
from tests.clocks import FakeClock

SECRET = "s3cr3t-value-of-a-key"
STEADY = RetryPolicy(jitter=0)
BACKOFFS = [1.0, 2.0, 4.0, 8.0]

Make = Callable[..., ServiceClient]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def fake() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make(httpserver: HTTPServer, fake: FakeClock) -> Make:
    def client(*rates: Rate, base_url: str = "", **options: Any) -> ServiceClient:
        limiter = options.pop("limiter", None) or Limiter(*rates, clock=fake.clock)
        options = {"retry": STEADY, "timeout": (2, 2)} | options
        return ServiceClient("Last.fm", base_url or httpserver.url_for("/"), limiter=limiter, **options)

    return client


def serve(httpserver: HTTPServer, *responses: Response, method: str = "GET") -> list[Request]:
    """Answer /x with these in turn, the last one for ever; returns the list of requests as it grows."""
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return responses[min(len(seen), len(responses)) - 1]

    httpserver.expect_request("/x", method=method).respond_with_handler(answer)
    return seen


def said(payload: Any, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(json.dumps(payload), status, named, content_type="application/json")


OK = {"ok": True}


# --- what is sent ---


def test_a_get_returns_the_payload_as_it_came(httpserver: HTTPServer, make: Make) -> None:
    seen = serve(httpserver, said(OK))
    client = make()
    assert client.get("/x", params={"a": 1, "none": None, "key": SecretStr("k")}) == OK
    assert dict(seen[0].args) == {"a": "1", "key": "k"}
    assert seen[0].headers["User-Agent"] == USER_AGENT
    assert client.requests_sent == 1


def test_path_values_are_quoted_and_dots_are_not_sent(httpserver: HTTPServer, make: Make) -> None:
    httpserver.expect_request("/v1/AC/DC/été?").respond_with_json(OK)
    assert make().get("/v1/{artist}/{title}", path={"artist": "AC/DC", "title": "été?"}) == OK
    assert httpserver.log[0][0].environ["REQUEST_URI"] == "/v1/AC%2FDC/%C3%A9t%C3%A9%3F"
    for name in ("..", ".", ""):
        with pytest.raises(NotFoundError, match=r"\(/v1/\{artist\}\)"):
            make().get("/v1/{artist}", path={"artist": name})
    assert len(httpserver.log) == 1


def test_form_json_and_headers_reveal_secrets_on_the_wire_only(httpserver: HTTPServer, make: Make) -> None:
    seen = serve(httpserver, said(OK), method="POST")
    bearer = authorization("Bearer", SecretStr(SECRET))
    make().post("/x", form={"grant_type": "g", "code": SecretStr("c")}, headers={"Authorization": bearer})
    make().post("/x", json={"username": "u", "password": SecretStr("p")})
    assert dict(seen[0].form) == {"grant_type": "g", "code": "c"}
    assert seen[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert seen[1].json == {"username": "u", "password": "p"}


def test_no_content_has_no_payload_and_text_is_taken_as_it_is(httpserver: HTTPServer, make: Make) -> None:
    serve(httpserver, Response(status=204), Response("<html>é</html>"))
    assert make().get("/x") is None
    reply = make().send("GET", "/x", expects="text")
    assert (reply.payload, reply.text) == (None, "<html>é</html>")


def test_a_netrc_does_not_replace_our_authorization(
    httpserver: HTTPServer, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"machine {httpserver.host} login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    seen = serve(httpserver, said(OK))
    make().get("/x", headers={"Authorization": "Token t"})
    assert seen[0].headers["Authorization"] == "Token t"


def test_an_own_session_is_used_as_it_is(httpserver: HTTPServer, make: Make) -> None:
    session = requests.Session()
    session.headers["X-Mine"] = "yes"
    session.auth = HTTPBasicAuth("me", "pw")
    seen = serve(httpserver, said(OK, Set_Cookie="sessionid=1"), said(OK))
    client = make(session=session)
    client.get("/x")
    client.get("/x")
    assert seen[0].headers["X-Mine"] == "yes"
    assert seen[0].authorization is not None
    assert seen[1].cookies["sessionid"] == "1"


def test_without_a_session_no_cookie_is_kept(httpserver: HTTPServer, make: Make) -> None:
    seen = serve(httpserver, said(OK, Set_Cookie="sessionid=1"), said(OK))
    client = make()
    client.get("/x")
    client.get("/x")
    assert "Cookie" not in seen[1].headers


def test_a_proxy_of_the_environment_is_used(
    httpserver: HTTPServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", httpserver.url_for("/"))
    httpserver.expect_request("/v1/me").respond_with_json(OK)
    assert make(base_url="http://api.example.invalid/v1").get("/me") == OK
    assert httpserver.log[0][0].environ["REQUEST_URI"] == "http://api.example.invalid/v1/me"


def test_a_missing_ca_bundle_is_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(ClientError, match="CA bundle"):
        make(base_url="https://127.0.0.1:1").get("/x")


@pytest.mark.parametrize("url", ["", "api.host", "ftp://host", "https://", "https://host/?a=1"])
def test_a_bad_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must look like"):
        ServiceClient("Last.fm", url)


# --- limits and waits ---


def test_each_attempt_meets_the_limiter(httpserver: HTTPServer, make: Make, fake: FakeClock) -> None:
    serve(httpserver, said({}, 500), said({}, 500), said(OK))
    make(Rate(1, 10), retry=RetryPolicy(jitter=0, backoff=0.5)).get("/x")
    assert [round(s, 2) for s in fake.sleeps] == [0.5, 9.55, 1.0, 9.05]


def test_threads_share_the_limiter(httpserver: HTTPServer, make: Make, fake: FakeClock) -> None:
    serve(httpserver, said(OK))
    client = make(Rate(3, 3600), retry=RetryPolicy(jitter=0))

    def ask(_: int) -> str:
        try:
            return str(client.get("/x"))
        except RateLimitError as error:
            return f"{error.retry_after:.0f}"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(12)))
    assert (answers.count(str(OK)), answers.count("3600")) == (3, 9)
    assert client.requests_sent == 3
    assert not fake.sleeps


def test_an_own_limit_beyond_the_cap_is_told_per_key(httpserver: HTTPServer, make: Make, fake: FakeClock) -> None:
    serve(httpserver, said(OK))
    client = make(Rate(1, 3600))
    client.get("/x", limit_key="ann")
    client.get("/x", limit_key="bob")
    with pytest.raises(RateLimitError) as caught:
        client.get("/x", limit_key="ann")
    assert caught.value.retry_after == pytest.approx(3600, abs=1)
    assert not fake.sleeps


@pytest.mark.parametrize(
    ("headers", "slept"),
    [
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": "60"}, 60),
        ({"Retry_After": "Fri, 20 Nov 2026 12:00:30 GMT"}, 30),
        ({"X_RateLimit_Reset_In": "4"}, 4),
        ({"Retry_After": "soon", "X_RateLimit_Reset_In": "4"}, 4),
        ({"Retry_After": "-5"}, 1),
        ({"Retry_After": "0"}, 1),
        ({"Retry_After": "nan"}, 1),
        ({"Retry_After": "Fri, 20 Nov 2020 12:00:30 GMT"}, 1),
        ({}, 1),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_told_wait_is_kept(
    httpserver: HTTPServer, make: Make, fake: FakeClock, headers: dict[str, str], slept: float, method: str
) -> None:
    serve(httpserver, said({}, 429, **headers), said(OK), method=method)
    assert make().send(method, "/x").payload == OK
    assert fake.sleeps == [slept]


def test_a_wait_beyond_the_cap_ends_it_at_once_for_every_thread(
    httpserver: HTTPServer, make: Make, fake: FakeClock
) -> None:
    seen = serve(httpserver, said({"error": {"message": "API rate limit exceeded"}}, 429, Retry_After="85771"))
    client = make()
    for key in ("ann", "bob"):
        with pytest.raises(RateLimitError) as caught:
            client.get("/x", limit_key=key)
        assert caught.value.retry_after == 85_771
        assert str(caught.value).endswith(RateLimitError.remedy)
    assert len(seen) == 1
    assert not fake.sleeps


def test_while_one_thread_waits_others_do_too(httpserver: HTTPServer, make: Make) -> None:
    fake = FakeClock(sleepers=2)
    told = Event()

    def answer(_: Request) -> Response:
        if told.is_set():
            return said(OK)
        told.set()
        return said({}, 429, Retry_After="30")

    httpserver.expect_request("/x").respond_with_handler(answer)
    client = make(limiter=Limiter(clock=fake.clock))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.get, "/x")
        while not fake.sleeps:
            assert not first.done()
        assert client.requests_sent == 1
        second = pool.submit(client.get, "/x", limit_key="another")
        assert [first.result(10), second.result(10)] == [OK, OK]
    assert fake.sleeps == [30.0, 30.0]


def test_attempts_on_a_rate_limit_are_bounded(httpserver: HTTPServer, make: Make, fake: FakeClock) -> None:
    seen = serve(httpserver, said({}, 429))
    with pytest.raises(RateLimitError) as caught:
        make().get("/x")
    assert caught.value.retry_after == STEADY.longest_wait
    assert len(seen) == STEADY.attempts
    assert fake.sleeps == BACKOFFS


@pytest.mark.parametrize(("headers", "wait"), [({"Retry_After": "86000"}, 86_000), ({}, QUOTA_WAIT)])
def test_a_used_up_quota_is_its_own_error(
    httpserver: HTTPServer, make: Make, headers: dict[str, str], wait: float
) -> None:
    body = {"error": {"status": 429, "message": "Too many requests", "reason": "QUOTA_EXCEEDED"}}
    seen = serve(httpserver, said(body, 429, **headers))
    with pytest.raises(QuotaError, match="Too many requests") as caught:
        make().get("/x")
    assert caught.value.retry_after == wait
    assert len(seen) == 1


# --- retries ---


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_failing_service_is_asked_five_times(
    httpserver: HTTPServer, make: Make, fake: FakeClock, status: int
) -> None:
    seen = serve(httpserver, Response("<html>Bad gateway</html>", status))
    with pytest.raises(UnavailableError, match=f"HTTP {status}: no reason given"):
        make().get("/x")
    assert len(seen) == 5
    assert fake.sleeps == BACKOFFS


def test_a_503_may_tell_its_wait(httpserver: HTTPServer, make: Make, fake: FakeClock) -> None:
    serve(httpserver, said({}, 503, Retry_After="20"), said({}, 503, Retry_After="9999"), said(OK))
    assert make().get("/x") == OK
    assert fake.sleeps == [20, 2]


@pytest.mark.parametrize("status", [500, 503])
def test_a_post_is_not_repeated_unless_asked(httpserver: HTTPServer, make: Make, status: int) -> None:
    seen = serve(httpserver, said({"message": "oops"}, status), said(OK), method="POST")
    with pytest.raises(UnavailableError, match="oops; whether the request was carried out is not known"):
        make().post("/x")
    assert len(seen) == 1
    seen.clear()
    assert make().post("/x", retry_unsafe=True) == OK
    assert len(seen) == 2


class RawServer:
    """Takes connections and answers each with the same bytes, or hangs up, as no well-behaved server does."""

    def __init__(self, answer: bytes) -> None:
        self.connections = 0
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with closing(connection):
                self.connections += 1
                connection.recv(65_536)
                connection.sendall(self._answer)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@pytest.fixture(params=[b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", b"nonsense\r\n\r\n"])
def broken(request: pytest.FixtureRequest) -> Iterator[RawServer]:
    server = RawServer(request.param)
    yield server
    server.close()


def test_a_broken_connection_is_retried_for_a_get_alone(broken: RawServer, make: Make) -> None:
    with pytest.raises(UnavailableError, match=r"Last\.fm API error \(GET /x\): no answer"):
        make(base_url=broken.url).get("/x")
    assert broken.connections == 5
    with pytest.raises(UnavailableError, match="whether the request was carried out is not known"):
        make(base_url=broken.url).post("/x")
    assert broken.connections == 6


def test_a_slow_answer_is_a_timeout(httpserver: HTTPServer, make: Make) -> None:
    late, arrived = Event(), Semaphore(0)

    def answer(_: Request) -> Response:
        late.wait(5)
        arrived.release()
        return said(OK)

    httpserver.expect_request("/x").respond_with_handler(answer)
    with pytest.raises(UnavailableError, match="ReadTimeout"):
        make(timeout=(1, 0.05), retry=RetryPolicy(attempts=2, jitter=0)).get("/x")
    late.set()
    # The server answers one at a time: what is left waiting would reach the next test's handler.
    assert all(arrived.acquire(timeout=5) for _ in range(2))


def test_a_refused_connection_is_retried_for_a_post_too(make: Make, fake: FakeClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(UnavailableError, match="no answer") as caught:
        make(base_url=f"http://127.0.0.1:{port}").post("/x")
    assert "carried out" not in str(caught.value)
    assert fake.sleeps == BACKOFFS


# --- errors ---


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, {"error": {"status": 401, "message": "The access token expired"}}, AuthenticationError, "token expired"),
        (403, {"error": {"status": 403, "message": "Forbidden"}}, AuthorizationError, "Forbidden"),
        (404, {"code": 404, "error": "Cannot find user: x"}, NotFoundError, "Cannot find user"),
        (404, {"message": "Failed to find", "name": "TrackNotFound"}, NotFoundError, "Failed to find"),
        (400, {"error": "invalid_grant", "error_description": "revoked"}, BadPayloadError, "invalid_grant, revoked"),
        (418, [], BadPayloadError, r"\[\]"),
        (403, {"error": {"error": {"error": {"error": 1}}}}, AuthorizationError, "error"),
    ],
)
def test_a_status_is_an_error_of_its_own_and_not_retried(
    httpserver: HTTPServer, make: Make, status: int, body: Any, kind: type[ClientError], words: str
) -> None:
    seen = serve(httpserver, said(body, status))
    with pytest.raises(kind, match=rf"^Last\.fm API error \(GET /x\): HTTP {status}: .*{words}") as caught:
        make().get("/x")
    assert type(caught.value) is kind
    assert caught.value.service == "Last.fm"
    assert str(caught.value).endswith(kind.remedy)
    assert len(seen) == 1


@pytest.mark.parametrize("body", ["<html>maintenance</html>", "", "  \n<!doctype html>", "Service Temporarily Down"])
def test_a_gateways_page_with_200_is_an_outage(httpserver: HTTPServer, make: Make, body: str) -> None:
    serve(httpserver, Response(body), said(OK))
    assert make().get("/x") == OK
    httpserver.clear()
    seen = serve(httpserver, Response(body))
    with pytest.raises(UnavailableError, match="HTTP 200 without JSON"):
        make().get("/x")
    assert len(seen) == 5


@pytest.mark.parametrize(
    ("body", "attempts"),
    [('{"items": [{"a": 1}, {"b"', 5), ('{"tempo": NaN}', 1), ('{"tempo": -Infinity}', 1), ('{"tempo": 1e999}', 1)],
)
def test_damaged_json_is_a_bad_payload(httpserver: HTTPServer, make: Make, body: str, attempts: int) -> None:
    seen = serve(httpserver, Response(body, content_type="application/json"))
    with pytest.raises(BadPayloadError, match="damaged JSON"):
        make().get("/x")
    assert len(seen) == attempts


def test_long_error_texts_are_shortened(httpserver: HTTPServer, make: Make) -> None:
    serve(httpserver, Response("much\n" * 1000, 400))
    with pytest.raises(BadPayloadError) as caught:
        make().get("/x")
    assert len(caught.value.problem) < 300
    assert "\n" not in str(caught.value)


class LastfmUserError(ClientError):
    service = "Last.fm"
    remedy = "Correct the name."


def explain_lastfm(reply: Reply) -> ClientError | None:
    if not isinstance(reply.payload, dict) or "error" not in reply.payload:
        return None
    code, message = reply.payload["error"], f"Last.fm API error {reply.payload['error']}: {reply.payload['message']}"
    if code in (8, 11, 16):
        return UnavailableError(message)
    return RateLimitError(message) if code == 29 else LastfmUserError(message)


@pytest.mark.parametrize(("code", "status"), [(8, 200), (11, 503), (16, 200), (8, 404)])
def test_a_services_own_outage_is_retried(httpserver: HTTPServer, make: Make, code: int, status: int) -> None:
    seen = serve(httpserver, said({"error": code, "message": "try again"}, status), said(OK))
    assert make(explain=explain_lastfm).get("/x") == OK
    assert len(seen) == 2


def test_a_services_own_rate_limit_pauses_all(httpserver: HTTPServer, make: Make, fake: FakeClock) -> None:
    serve(httpserver, said({"error": 29, "message": "Rate limit exceeded"}))
    with pytest.raises(RateLimitError, match="Rate limit exceeded") as caught:
        make(explain=explain_lastfm).get("/x")
    assert fake.sleeps == BACKOFFS
    assert caught.value.retry_after == STEADY.longest_wait
    assert caught.value.service == "Last.fm"


def test_a_services_own_error_goes_out_as_it_is_but_redacted(httpserver: HTTPServer, make: Make) -> None:
    seen = serve(httpserver, said({"error": 6, "message": f"no such key {SECRET}"}))
    with pytest.raises(LastfmUserError) as caught:
        make(explain=explain_lastfm).get("/x", params={"k": SecretStr(SECRET)})
    assert str(caught.value) == "Last.fm API error 6: no such key [redacted]. Correct the name."
    assert len(seen) == 1


# --- redirects ---


def test_authorization_is_not_forwarded_to_another_host(httpserver: HTTPServer, make: Make) -> None:
    there = httpserver.url_for("/there").replace("localhost", "127.0.0.1")
    assert there != httpserver.url_for("/there")
    httpserver.expect_request("/x").respond_with_data(status=302, headers={"Location": there})
    httpserver.expect_request("/there").respond_with_json(OK)
    client = make()
    assert client.get("/x", headers={"Authorization": SecretStr(f"Bearer {SECRET}")}) == OK
    first, second = (request for request, _ in httpserver.log)
    assert first.headers["Authorization"] == f"Bearer {SECRET}"
    assert "Authorization" not in second.headers
    assert client.requests_sent == 2


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_post_is_never_sent_on(httpserver: HTTPServer, make: Make, status: int) -> None:
    httpserver.expect_request("/x").respond_with_data(status=status, headers={"Location": "/there"})
    with pytest.raises(BadPayloadError, match="Check the base URL"):
        make().post("/x", form={"client_secret": SECRET})
    assert len(httpserver.log) == 1


def test_a_redirect_can_be_read(httpserver: HTTPServer, make: Make) -> None:
    httpserver.expect_request("/x").respond_with_data(status=302, headers={"Location": f"/back?code={SECRET}"})
    reply = make().send("GET", "/x", follow_redirects=False)
    assert (reply.status, reply.headers["location"]) == (302, f"/back?code={SECRET}")
    assert SECRET not in repr(reply)


def test_redirects_without_end_are_a_bad_payload(httpserver: HTTPServer, make: Make) -> None:
    httpserver.expect_request("/x").respond_with_data(status=302, headers={"Location": "/x"})
    with pytest.raises(BadPayloadError, match="without end"):
        make().get("/x")


# --- secrets ---


def echo(request: Request) -> Response:
    return Response(f"you sent {request.url} {request.headers} {request.get_data(as_text=True)}", 400)


@pytest.mark.parametrize("where", ["echo", "refused", "broken header", "unprintable header", "proxy", "invalid"])
def test_no_secret_in_logs_exceptions_or_tracebacks(
    httpserver: HTTPServer, make: Make, where: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/x/someone").respond_with_handler(echo)
    options: dict[str, Any] = {"params": {"api_key": SECRET, "k": SecretStr(SECRET)}}
    base_url = "" if where == "echo" else "http://127.0.0.1:1"
    bad = {"broken header": f"{SECRET}\r\nX: y", "unprintable header": f"{SECRET}…"}.get(where, SECRET)
    options["headers"] = {"Authorization": authorization("Bearer", SecretStr(bad))}
    if where == "proxy":
        monkeypatch.setenv("http_proxy", f"http://me:{SECRET}@127.0.0.1:1")
        base_url = "http://api.example.invalid"
    if where == "invalid":
        base_url = "http://host..name"
    structlog.reset_defaults()
    with capture_logs() as events, caplog.at_level(logging.DEBUG), pytest.raises(ClientError) as caught:
        make(base_url=base_url, secrets=(SecretStr(SECRET),)).get("/x/{user}", path={"user": "someone"}, **options)
    error = caught.value
    assert error.__context__ is None
    assert error.__cause__ is None
    told = [*traceback.format_exception(error), repr(error), str(error.args), str(vars(error)), str(events)]
    logged = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]  # the test's own server
    assert SECRET not in "\n".join(told + logged)
    assert "someone" not in "\n".join([str(events), *logged])


def test_each_attempt_is_logged_by_its_template(httpserver: HTTPServer, make: Make) -> None:
    httpserver.expect_ordered_request("/1/user/bob/listens").respond_with_data(status=500)
    httpserver.expect_ordered_request("/1/user/bob/listens").respond_with_json(OK)
    structlog.reset_defaults()
    with capture_logs() as events:
        make().get("/1/user/{name}/listens", path={"name": "bob"}, params={"count": 5})
    shown = {"service": "Last.fm", "method": "GET", "route": "/1/user/{name}/listens", "seconds": 0.0}
    failed = {"status": 500, "attempt": 1, "error": "UnavailableError", "again": True, "wait": 1.0}
    assert events == [
        {"event": "request_failed", "log_level": "info", **shown, **failed},
        {"event": "request", "log_level": "debug", **shown, "status": 200, "attempt": 2},
    ]
