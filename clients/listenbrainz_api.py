"""ListenBrainz: a user's listens as its API sends them (contracts 2.3).

The trap: bounds are exclusive and pages come newest first, so listens of one second may lie on both sides of an edge.
"""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps
from math import ceil
from typing import Any

import requests
from pydantic import Field, SecretStr

from clients.errors import (
    AuthenticationError,
    BadPayloadError,
    ClientError,
    MissingCredentialError,
    NotFoundError,
)
from clients.feeds import Account, Batch, Window
from clients.http import DEFAULT_RETRY, TIMEOUT, RetryPolicy, ServiceClient
from clients.limits import Limiter, Rate
from clients.replies import Reply, own_words, told_wait
from clients.secrets import Redactor, authorization
from clients.service import Address, ServiceSettings, Shared

BASE_URL = "https://api.listenbrainz.org"
RATES = (Rate(30, 10.0),)  # per address; a token alone does not raise it
PAGE_SIZE = 1000  # listens; the largest ListenBrainz gives

TOKEN_REMEDY = "Correct LISTENBRAINZ_TOKEN in .env (https://listenbrainz.org/settings/ shows it), or leave it out."
NAME_REMEDY = (
    "The name is wrong, or the account was renamed or deleted: `accounts list` shows it, `accounts add` sets it."
)
ONE_SECOND_REMEDY = "Delete the surplus at ListenBrainz, or import the account's export instead."

Row = dict[str, Any]


class ListenBrainzAPIClient:
    """Public listens of ListenBrainz users. Threads may share it; all share the limiter.

    `token` is optional: listens are public. Its methods raise NotFoundError for a user unknown or deleted,
    AuthenticationError for a wrong token, RateLimitError, UnavailableError, BadPayloadError; without a user name
    MissingCredentialError, before any request.
    """

    def __init__(
        self,
        token: SecretStr | None = None,
        *,
        base_url: str = BASE_URL,
        limiter: Limiter | None = None,
        retry: RetryPolicy = DEFAULT_RETRY,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        given = token if token is not None and token.get_secret_value().strip() else None
        secrets = () if given is None else (given,)
        self._headers = {"Authorization": None if given is None else authorization("Token", given)}
        self._redact = Redactor(secrets)
        self._limiter = limiter or Limiter(*RATES)
        self._http = ServiceClient(
            "ListenBrainz",
            base_url,
            limiter=self._limiter,
            retry=retry,
            session=session,
            timeout=timeout,
            secrets=secrets,
            explain=self._explained,
        )

    @property
    def requests_sent(self) -> int:
        return self._http.requests_sent

    def iter_listens(self, user: str, min_ts: int | None, max_ts: int) -> Iterator[Row]:
        """The listens strictly between the two epoch seconds, newest first; no min_ts means all before max_ts."""
        for page in self.iter_listen_pages(user, min_ts, max_ts):
            yield from page

    def iter_listen_pages(
        self, user: str, min_ts: int | None, max_ts: int, count: int = PAGE_SIZE
    ) -> Iterator[list[Row]]:
        """The same by page, each listen once.

        Each page starts in the second in which the last one ended, less what was seen of it; one without anything
        new is the end (a short one is not: a server may give less than was asked for). The server is not told min_ts:
        with it, it gives the listens nearest to that one first, and those between would be lost. Raises
        BadPayloadError where one second fills a page, as nothing leads past it.
        """
        after = -1 if min_ts is None else min_ts
        edge: set[str] = set()  # the listens of the second in which the last page ended
        while max_ts > after + 1:
            page = self._page(user, max_ts, count)
            wanted = [row for row in page if _second(row) > after]
            new = [row for row in wanted if _identity(row) not in edge]
            if not new and len(wanted) >= count:
                problem = f"ListenBrainz API error: more than {count} listens within the second {max_ts - 1}"
                raise BadPayloadError(problem, service="ListenBrainz", remedy=ONE_SECOND_REMEDY)
            if not new:
                return
            yield new
            if len(wanted) < len(page):
                return
            oldest = min(_second(row) for row in page)
            if oldest + 1 < max_ts:
                edge = set()
            edge |= {_identity(row) for row in page if _second(row) == oldest}
            max_ts = oldest + 1

    def count_listens(self, user: str) -> int:
        payload = self._get("/1/user/{name}/listen-count", user)
        try:
            return int(payload["payload"]["count"])
        except (KeyError, TypeError, ValueError):
            raise _bad("the answer is no count") from None

    def _page(self, user: str, max_ts: int, count: int) -> list[Row]:
        payload = self._get("/1/user/{name}/listens", user, max_ts=max_ts, count=count)
        try:
            listens = list(payload["payload"]["listens"])
            for listen in listens:
                _second(listen)
        except (KeyError, TypeError, ValueError):
            raise _bad("the answer is no list of listens") from None
        return listens

    def _get(self, route: str, user: str, **params: int | None) -> Any:
        if not user.strip():
            remedy = "Connect one with `accounts add`."
            raise MissingCredentialError("No ListenBrainz username found", service="ListenBrainz", remedy=remedy)
        return self._http.get(route, path={"name": user}, params=params, headers=self._headers)

    def _explained(self, reply: Reply) -> ClientError | None:
        """Errors that need a remedy of their own; and a pause where this reply was the last one allowed."""
        if reply.headers.get("X-RateLimit-Remaining", "").strip() == "0":
            self._limiter.pause(told_wait(reply.headers, self._limiter.clock.now()) or 0.0)
        problem = f"ListenBrainz API error: {own_words(reply, self._redact)}"
        if reply.status == 404:
            return NotFoundError(problem, remedy=NAME_REMEDY)
        return AuthenticationError(problem, remedy=TOKEN_REMEDY) if reply.status == 401 else None


class ListenBrainzListens:
    """Listens of an account. Pages come newest first, so the watermark moves once, at the end."""

    stream = "listenbrainz_listens"

    def __init__(self, client: ListenBrainzAPIClient) -> None:
        self._client = client

    def batches(self, account: Account, window: Window, limit: int | None = None) -> Iterator[Batch]:
        """One batch a page, and an empty one that covers the window. A `limit` gives the newest, covers nothing."""
        min_ts = None if window.start is None else max(ceil(window.start.timestamp()) - 1, 0)
        pages = self._client.iter_listen_pages(
            account.source_user,
            min_ts,
            ceil(window.end.timestamp()),
            count=PAGE_SIZE if limit is None else min(limit, PAGE_SIZE),
        )
        left = limit
        for page in pages:
            yield Batch(page[:left])
            if left is not None:
                left -= len(page)
                if left <= 0:
                    return
        if limit is None:
            yield Batch([], covered_to=window.end)

    def check(self, account: Account) -> str:
        return f"ListenBrainz shows {self._client.count_listens(account.source_user):,} listens"


def _second(row: Row) -> int:
    return int(row["listened_at"])


def _identity(row: Row) -> str:
    return dumps(row, sort_keys=True)


def _bad(problem: str) -> BadPayloadError:
    return BadPayloadError(f"ListenBrainz API error: {problem}", service="ListenBrainz")


class ListenBrainzSettings(ServiceSettings):
    token: SecretStr | None = Field(
        None, description="ListenBrainz: user token; listens are public, so it may stay empty"
    )
    api_url: Address = Field(BASE_URL, description="ListenBrainz: where its API is")

    def client(self, shared: Shared) -> ListenBrainzAPIClient:
        return ListenBrainzAPIClient(
            self.token,
            base_url=self.api_url,
            limiter=shared.limiter(*RATES),
            retry=shared.retry(),
            timeout=shared.timeout,
        )
