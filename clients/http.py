"""The one HTTP frame of all clients: limiter inside, retry outside, typed errors out, secrets nowhere.

The trap: each attempt must meet the limiter, so sessions must bring no retries of their own; and only what cannot have
been carried out twice is sent twice.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from itertools import count
from threading import Lock
from typing import Any, Literal, TypedDict, TypeVar, Unpack
from urllib.parse import quote, urlsplit

import requests
import structlog
from pydantic import SecretStr
from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt
from urllib3.exceptions import HTTPError, NewConnectionError

from clients.errors import (
    AuthenticationError,
    AuthorizationError,
    BadPayloadError,
    ClientError,
    NotFoundError,
    OwnLimitError,
    QuotaError,
    RateLimitError,
    UnavailableError,
)
from clients.limits import Limiter
from clients.replies import Reply, is_quota, own_words, parsed, told_wait
from clients.secrets import Redactor, is_secret_name, silence_url_logs

USER_AGENT = "Moodlake/0.1 (batch lakehouse for listening history)"  # Last.fm and LRCLIB ask for an identifiable one
TIMEOUT = (5.0, 30.0)  # seconds to connect, and between two bytes; lyrics.ovh is slow on good days
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})  # RFC 9110, 9.2.2
QUOTA_WAIT = 3600.0  # seconds, where a quota answer names none; seen ones name hours (contracts 2.1)

log = structlog.get_logger()

Value = str | int | float | SecretStr | None
Fields = Mapping[str, Value]


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently to try again (contracts 2.9); all spans in seconds.

    `longest_wait` is what a call waits inline, for the service's word or our own limits; beyond it, RateLimitError.
    """

    attempts: int = 5
    longest_wait: float = 60.0
    backoff: float = 1.0  # doubled from attempt to attempt
    jitter: float = 1.0  # at most so much is added, lest several runs come back in step

    def backoff_after(self, attempt: int) -> float:
        wait = self.backoff * 2.0 ** (attempt - 1) + random.uniform(0, self.jitter)
        return min(wait, self.longest_wait)


DEFAULT_RETRY = RetryPolicy()


Explain = Callable[[Reply], ClientError | None]
AnyClientError = TypeVar("AnyClientError", bound=ClientError)


class Options(TypedDict, total=False):
    """What `ServiceClient.send` takes by name."""

    path: Mapping[str, str | int] | None
    params: Fields | None
    headers: Fields | None
    form: Fields | None
    json: Any
    limit_key: str
    expects: Literal["json", "text"]
    follow_redirects: bool
    retry_unsafe: bool


@dataclass(frozen=True)
class _Call:
    """One request as asked for; secrets are still SecretStr."""

    method: str
    route: str
    url: str = field(repr=False)
    params: Fields = field(repr=False)
    headers: Fields = field(repr=False)
    form: Fields | None = field(repr=False)
    json: Any = field(repr=False)
    limit_key: str = field(repr=False)
    expects: Literal["json", "text"]
    follow_redirects: bool
    repeatable: bool
    redact: Redactor

    @property
    def label(self) -> str:
        return f"{self.method} {self.route}"


@dataclass(frozen=True)
class _Failure:
    """What came instead of a reply: the error it ends with unless it is tried again, after `wait` seconds."""

    error: ClientError
    again: bool
    wait: float = 0.0


class ServiceClient:
    """Requests to one service. Threads may share it: limits, pauses and the count are common to them.

    - `limiter` also brings the clock; clients that share a limiter share its rates and pauses.
    - `session` is used as it is (proxies, CA bundle, adapters, cookies) and belongs to the caller; it should have no
      retries of its own, they would go past the limiter. Without one, proxies and CA bundles come from the
      environment as requests documents it, and no cookies are kept: accounts share the client.
    - `secrets` are redacted from every message. So is each SecretStr given to a call, and each header, parameter and
      field with a telling name.
    - `explain` sees every reply first, whatever its status, and returns the service's own error or None for the
      default. It runs before retries are decided: UnavailableError is retried, RateLimitError waits.

    Retries: UnavailableError for requests that may be repeated (all but POST and PATCH, unless `retry_unsafe`), and
    RateLimitError for all, as the service refused. A connection that never stood is retried for all.
    """

    def __init__(
        self,
        service: str,
        base_url: str,
        *,
        limiter: Limiter | None = None,
        retry: RetryPolicy = DEFAULT_RETRY,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = TIMEOUT,
        user_agent: str = USER_AGENT,
        secrets: tuple[SecretStr, ...] = (),
        explain: Explain | None = None,
    ) -> None:
        """`base_url` may have a path; raises ValueError if it is no http or https address."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"the base URL of {service} must look like https://host/path")
        self.service = service
        self._base_url = base_url.rstrip("/")
        self._limiter = limiter or Limiter()
        self._clock = self._limiter.clock
        self._retry = retry
        self._session = session or _session_without_cookies()
        self._timeout = timeout
        self._user_agent = user_agent
        self._secrets = secrets
        self._explain = explain
        self._requests_sent = 0
        self._count_lock = Lock()
        silence_url_logs()

    @property
    def requests_sent(self) -> int:
        """How many requests went out, repeats and redirects included."""
        return self._requests_sent

    def get(self, route: str, **options: Unpack[Options]) -> Any:
        """The JSON of a GET; options and errors as in `send`."""
        return self.send("GET", route, **options).payload

    def post(self, route: str, **options: Unpack[Options]) -> Any:
        """The JSON of a POST, None where the answer has no content; options and errors as in `send`."""
        return self.send("POST", route, **options).payload

    def send(
        self,
        method: str,
        route: str,
        *,
        path: Mapping[str, str | int] | None = None,
        params: Fields | None = None,
        headers: Fields | None = None,
        form: Fields | None = None,
        json: Any = None,
        limit_key: str = "",
        expects: Literal["json", "text"] = "json",
        follow_redirects: bool = True,
        retry_unsafe: bool = False,
    ) -> Reply:
        """Send until there is a reply or nothing more to try.

        - `route` is a template such as `/1/user/{name}/listens`, and what logs and messages show; `path` fills it in,
          quoted. Fields of None are left out, SecretStr is revealed on the wire only.
        - `form` is sent url-encoded; `json` is a JSON body, SecretStr allowed in its top fields.
        - `limit_key` names the limiter's bucket (a user), "" the common one.
        - `expects="text"` takes any body, also none. An answer of 204 has no payload either way.
        - Redirects are followed for GET alone, without Authorization to another host; `follow_redirects=False`
          returns the 3xx reply with its Location.
        - `retry_unsafe` lets a POST be repeated that changes nothing (a search, a token by client credentials).

        Raises AuthenticationError (401), AuthorizationError (403), NotFoundError (404, or a name that no URL can
        carry), RateLimitError (`retry_after` beyond the cap, or attempts used up), OwnLimitError (our limit, beyond
        the cap), QuotaError, UnavailableError, BadPayloadError (any other status, or no JSON), and what `explain`
        returns.
        """
        given = (params, headers, form, json if isinstance(json, dict) else None)
        call = _Call(
            method=method.upper(),
            route=route,
            url=self._base_url + self._filled(route, path or {}),
            params=params or {},
            headers=headers or {},
            form=form,
            json=json,
            limit_key=limit_key,
            expects=expects,
            follow_redirects=follow_redirects,
            repeatable=method.upper() in IDEMPOTENT or retry_unsafe,
            redact=Redactor((*self._secrets, *(secret for fields in given for secret in _secrets_in(fields or {})))),
        )
        attempts = count(1)
        outcome = Retrying(
            stop=stop_after_attempt(self._retry.attempts),
            retry=retry_if_result(lambda result: isinstance(result, _Failure) and result.again),
            wait=_wait_of,
            sleep=self._clock.sleep,
            retry_error_callback=_result_of,
        )(lambda: self._attempt(call, next(attempts)))
        if isinstance(outcome, _Failure):
            raise outcome.error  # here, outside any except: the requests exception and its URL are not chained
        return outcome

    def _attempt(self, call: _Call, attempt: int) -> Reply | _Failure:
        while (wait := self._limiter.take(call.limit_key)) > 0:
            if wait > self._retry.longest_wait:
                return _Failure(self._limit_reached(call, wait), again=False)
            self._clock.sleep(wait)
        started = self._clock.monotonic()
        with self._count_lock:
            self._requests_sent += 1
        response = self._exchange(call)
        if isinstance(response, requests.Response):
            with self._count_lock:
                self._requests_sent += len(response.history)
            outcome = self._judged(call, response, attempt)
        else:
            outcome = self._unreached(call, response, attempt)
        event = log.bind(
            service=self.service,
            method=call.method,
            route=call.route,
            status=response.status_code if isinstance(response, requests.Response) else None,
            attempt=attempt,
            seconds=round(self._clock.monotonic() - started, 3),
        )
        if isinstance(outcome, _Failure):
            # Not found is an answer: of thousands of tracks many are unknown.
            tell = event.debug if isinstance(outcome.error, NotFoundError) else event.info
            tell("request_failed", error=type(outcome.error).__name__, again=outcome.again, wait=outcome.wait)
        else:
            event.debug("request")
        return outcome

    def _exchange(self, call: _Call) -> requests.Response | Exception:
        """The only place where secrets are revealed; nothing that it touches is raised from here."""
        try:
            return self._session.request(
                call.method,
                call.url,
                params=_revealed(call.params),
                headers={"User-Agent": self._user_agent, **_revealed(call.headers)},
                data=None if call.form is None else _revealed(call.form),
                json=_revealed(call.json) if isinstance(call.json, dict) else call.json,
                timeout=self._timeout,
                allow_redirects=call.follow_redirects and call.method == "GET",
                # Without any auth, requests takes one from ~/.netrc and overwrites our Authorization header with it.
                auth=self._session.auth or _headers_as_given,
            )
        except (OSError, ValueError, HTTPError) as error:
            return error

    def _judged(self, call: _Call, response: requests.Response, attempt: int) -> Reply | _Failure:
        payload, flaw = parsed(response.content)
        reply = Reply(response.status_code, call.route, response.headers, response.content, payload)
        error = self._explain(reply) if self._explain else None
        if error is None:
            error = self._default_error(call, reply, flaw)
        if error is None:
            return reply
        error.problem = call.redact(error.problem)
        error.args = (error.problem,)
        error.service = error.service or self.service
        told = told_wait(reply.headers, self._clock.now())
        if isinstance(error, RateLimitError):
            return self._paused(error, error.retry_after or told, attempt)
        wait = self._retry.backoff_after(attempt)
        if told is not None and wait < told <= self._retry.longest_wait:
            wait = told  # a 503 may carry Retry-After too
        again = isinstance(error, UnavailableError) or (200 <= reply.status < 300 and flaw == "cut short")
        return _Failure(error, again=again and call.repeatable, wait=wait)

    def _paused(self, error: RateLimitError, told: float | None, attempt: int) -> _Failure:
        """Wait here, and by the limiter let every other thread wait as long."""
        policy = self._retry
        if told is None:
            wait = QUOTA_WAIT if isinstance(error, QuotaError) else policy.backoff_after(attempt)
        elif told <= policy.longest_wait:
            wait = min(told + random.uniform(0, policy.jitter), policy.longest_wait)
        else:
            wait = told
        error.retry_after = told or max(wait, policy.longest_wait)
        self._limiter.pause(wait)
        return _Failure(error, again=wait <= policy.longest_wait, wait=wait)

    def _unreached(self, call: _Call, cause: Exception, attempt: int) -> _Failure:
        name = type(cause).__name__  # never its text: it contains the URL
        if isinstance(cause, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(cause):
            remedy = "Set REQUESTS_CA_BUNDLE to the CA bundle of your network."
            untrusted = self._error(UnavailableError, call, "its certificate is not trusted", remedy)
            return _Failure(untrusted, again=False)
        if isinstance(cause, requests.TooManyRedirects):
            return _Failure(self._error(BadPayloadError, call, "it redirects without end"), again=False)
        if isinstance(cause, ValueError) or type(cause) is OSError:  # requests raises OSError for a missing CA bundle
            remedy = "Check the base URL, proxy, CA bundle and credentials in the environment and .env."
            unsendable = self._error(ClientError, call, f"the request could not be made ({name})", remedy)
            return _Failure(unsendable, again=False)
        unsent = _never_connected(cause)
        problem = f"no answer ({name})"
        if not (unsent or call.repeatable):
            problem += ", and whether the request was carried out is not known"
        again = unsent or call.repeatable
        remedy = "Check the proxy settings." if isinstance(cause, requests.exceptions.ProxyError) else ""
        return _Failure(self._error(UnavailableError, call, problem, remedy), again, self._retry.backoff_after(attempt))

    def _default_error(self, call: _Call, reply: Reply, flaw: str) -> ClientError | None:
        status = reply.status
        if 200 <= status < 300:
            return self._flawed(call, reply, flaw) if call.expects == "json" and status != 204 and flaw else None
        if 300 <= status < 400 and not call.follow_redirects:
            return None
        said = f"HTTP {status}: {own_words(reply, call.redact)}"
        if status == 429:
            return self._error(QuotaError if is_quota(reply.payload) else RateLimitError, call, said)
        if 300 <= status < 400:
            return self._error(BadPayloadError, call, f"redirected, HTTP {status}", "Check the base URL in .env.")
        if status >= 500 or status == 408:
            problem = said if call.repeatable else f"{said}; whether the request was carried out is not known"
            return self._error(UnavailableError, call, problem)
        kinds: dict[int, type[ClientError]] = {401: AuthenticationError, 403: AuthorizationError, 404: NotFoundError}
        return self._error(kinds.get(status, BadPayloadError), call, said)

    def _flawed(self, call: _Call, reply: Reply, flaw: str) -> ClientError:
        if flaw == "no JSON":  # an empty body or a web page: a gateway answered in the service's place
            return self._error(UnavailableError, call, f"HTTP {reply.status} without JSON")
        return self._error(BadPayloadError, call, f"HTTP {reply.status} with damaged JSON ({flaw})")

    def _limit_reached(self, call: _Call, wait: float) -> OwnLimitError:
        error = self._error(OwnLimitError, call, f"the limit is reached for {wait:.0f} s")
        error.retry_after = wait
        return error

    def _error(self, kind: type[AnyClientError], call: _Call, problem: str, remedy: str = "") -> AnyClientError:
        return kind(f"{self.service} API error ({call.label}): {problem}", service=self.service, remedy=remedy)

    def _filled(self, route: str, path: Mapping[str, str | int]) -> str:
        values = {name: str(value) for name, value in path.items()}
        if any(value in ("", ".", "..") for value in values.values()):  # URLs normalise these away
            problem = f"{self.service} API error ({route}): no URL can carry an empty name or dots"
            raise NotFoundError(problem, service=self.service)
        return route.format_map({name: quote(value, safe="") for name, value in values.items()})


def _session_without_cookies() -> requests.Session:
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _headers_as_given(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _revealed(fields: Fields) -> dict[str, Any]:
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in fields.items()
        if value is not None
    }


def _secrets_in(fields: Mapping[str, Any]) -> list[SecretStr]:
    secrets = [value for value in fields.values() if isinstance(value, SecretStr)]
    return secrets + [SecretStr(v) for name, v in fields.items() if isinstance(v, str) and is_secret_name(name)]


def _wait_of(state: RetryCallState) -> float:
    failure = _result_of(state)
    return failure.wait if isinstance(failure, _Failure) else 0.0


def _result_of(state: RetryCallState) -> Any:
    assert state.outcome is not None
    return state.outcome.result()


def _never_connected(cause: Exception) -> bool:
    """Whether no byte of the request can have left: refused, not resolved, timed out or stopped before the service."""
    if isinstance(cause, (requests.ConnectTimeout, requests.exceptions.ProxyError)):
        return True
    reason = getattr(cause.args[0], "reason", None) if cause.args else None
    return isinstance(reason, NewConnectionError)
