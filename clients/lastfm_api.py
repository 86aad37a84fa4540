"""Last.fm: a user's scrobbles and loved tracks as its API sends them (contracts 2.2).

The trap: errors come with HTTP 200, and what is newest comes first on pages that shift while they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

import requests
from pydantic import Field, SecretStr

from clients.errors import (
    AuthenticationError,
    AuthorizationError,
    BadPayloadError,
    ClientError,
    MissingCredentialError,
    NotFoundError,
    RateLimitError,
    UnavailableError,
)
from clients.feeds import Account, Batch, Window
from clients.http import DEFAULT_RETRY, TIMEOUT, RetryPolicy, ServiceClient, Value
from clients.limits import Limiter, Rate
from clients.replies import Reply, own_words
from clients.secrets import Redactor
from clients.service import Address, ServiceSettings, Shared

BASE_URL = "https://ws.audioscrobbler.com"
RATES = (Rate(5, 1.0), Rate(300, 60.0))  # per address; the first is Last.fm's word, the second caution
PAGE_SIZE = 200  # rows; the largest documented
QUICK_LOOK, LONGEST_QUICK_LOOK = 50, 200  # rows of one page: Last.fm's default, and its largest
MOST_SHIFTS = 20  # times that a list may change while it is read, and once a page, before it waits for the next run

# https://www.last.fm/api/errorcodes; what is not listed here goes by the HTTP status
OUTAGES = frozenset({8, 11, 16})
BAD_CREDENTIALS = frozenset({4, 9, 10, 13, 26})
UNKNOWN_USER, HIDDEN, TOO_OFTEN = 6, 17, 29

KEY_REMEDY = "Set LASTFM_API_KEY in .env; https://www.last.fm/api/account/create makes one."
NAME_REMEDY = "Check the user name: `accounts list` shows it, `accounts add` sets it."
HIDDEN_REMEDY = (
    "The listener hides recent listening: at https://www.last.fm/settings/privacy, "
    "switch off “Hide recent listening information”."
)

Row = dict[str, Any]


@dataclass(frozen=True)
class _Page:
    """Finished rows as they came, newest first, and what Last.fm says of the whole list."""

    rows: list[Row]
    size: int
    total: int
    last_page: int


class LastfmAPIClient:
    """Public data of Last.fm users. Threads may share it; all share the limiter.

    Raises MissingCredentialError without a key, and from its methods ClientErrors that begin `Last.fm API error`:
    NotFoundError for an unknown user, AuthorizationError for one who hides recent listening, AuthenticationError
    for a key that is wrong or suspended, UnavailableError after retries, RateLimitError, BadPayloadError.
    """

    def __init__(
        self,
        api_key: SecretStr | None,
        *,
        base_url: str = BASE_URL,
        limiter: Limiter | None = None,
        retry: RetryPolicy = DEFAULT_RETRY,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        if api_key is None or not api_key.get_secret_value().strip():
            raise no_key()
        self._api_key = api_key
        self._redact = Redactor((api_key,))
        self._http = ServiceClient(
            "Last.fm",
            base_url,
            limiter=limiter or Limiter(*RATES),
            retry=retry,
            session=session,
            timeout=timeout,
            secrets=(api_key,),
            explain=self._explained,
        )

    @property
    def requests_sent(self) -> int:
        return self._http.requests_sent

    def iter_recent_tracks(
        self, user: str, start: datetime | None, end: datetime, extended: bool = True
    ) -> Iterator[Row]:
        """The finished scrobbles in [start, end), pages from the oldest on; a start of None means all history."""
        for page in self.iter_recent_pages(user, start, end, extended=extended):
            yield from page

    def iter_recent_pages(
        self, user: str, start: datetime | None, end: datetime, extended: bool = True
    ) -> Iterator[list[Row]]:
        """The same by page, the oldest page first, the newest row first within each.

        What is playing now is left out; rows without a date are not. Each request starts at the newest second read, so
        what arrives late or goes away there shows as another total; then it goes on from the last page again. A row may
        come twice, but none is passed over.
        """
        since, until = None if start is None else ceil(start.timestamp()), ceil(end.timestamp())
        page = self._recent(user, since, until, number=1, extended=extended)
        if page.last_page <= 1:
            yield page.rows
            return
        number, expected, shifts_left = page.last_page, page.total, MOST_SHIFTS + page.last_page
        while number >= 1:
            page = self._recent(user, since, until, number=number, extended=extended)
            if number > page.last_page or (number < page.last_page and page.total != expected):
                number, expected, shifts_left = page.last_page, page.total, shifts_left - 1
                if shifts_left < 0:
                    raise _failed("the history keeps changing while it is read (an import?)")
                continue
            if not page.rows and number < page.last_page:
                raise _failed(f"page {number} of {page.last_page} came empty")
            yield page.rows
            newest = max((*map(_seconds, page.rows), since or 0))
            expected = page.total
            if newest > (since or 0):  # all that is older leaves the list; the pages before this one stay as they are
                read = page.total - (number - 1) * page.size
                expected -= read - sum(_seconds(row) == newest for row in page.rows)
                since = newest
            number -= 1

    def newest_tracks(self, user: str, start: datetime | None, end: datetime, limit: int) -> list[Row]:
        """The newest `limit` (at most 200) finished scrobbles in [start, end), newest first."""
        if not 1 <= limit <= LONGEST_QUICK_LOOK:
            raise ValueError(f"Last.fm gives 1 to {LONGEST_QUICK_LOOK} plays in a quick look, not {limit}")
        since, until = None if start is None else ceil(start.timestamp()), ceil(end.timestamp())
        return self._recent(user, since, until, number=1, extended=True, limit=limit).rows[:limit]

    def loved_tracks(self, user: str) -> list[Row]:
        """The whole list of loved tracks, the latest first, read anew where it changed in between."""
        for _ in range(MOST_SHIFTS):
            pages = [self._loved(user, number=1)]
            while len(pages) < pages[0].last_page and pages[-1].total == pages[0].total:
                pages.append(self._loved(user, number=len(pages) + 1))
            if pages[-1].total == pages[0].total:
                return [row for page in pages for row in page.rows]
        raise _failed("the loved tracks keep changing while they are read")

    def count_scrobbles(self, user: str) -> int:
        """How many scrobbles a user has; the cheapest request that meets the privacy setting."""
        return self._list("user.getrecenttracks", "recenttracks", user, number=1, limit=1).total

    def count_loved(self, user: str) -> int:
        return self._loved(user, number=1, limit=1).total

    def _recent(
        self, user: str, since: int | None, until: int, *, number: int, extended: bool, limit: int = PAGE_SIZE
    ) -> _Page:
        """One page of [since, until), in epoch seconds."""
        fields: dict[str, Value] = {"from": since, "to": until, "extended": int(extended)}
        return self._list("user.getrecenttracks", "recenttracks", user, number=number, limit=limit, **fields)

    def _loved(self, user: str, *, number: int, limit: int = PAGE_SIZE) -> _Page:
        return self._list("user.getlovedtracks", "lovedtracks", user, number=number, limit=limit)

    def _list(self, method: str, name: str, user: str, *, number: int, limit: int, **fields: Value) -> _Page:
        if not user.strip():
            raise MissingCredentialError(
                "No Last.fm username found", service="Last.fm", remedy="Connect one with `accounts add`."
            )
        payload = self._http.get(
            "/2.0/",
            params={
                "method": method,
                "user": user,
                "api_key": self._api_key,
                "format": "json",
                "limit": limit,
                "page": number,
                **fields,
            },
        )
        try:
            listing = payload[name]
            said, rows = listing["@attr"], listing.get("track", [])
            rows = [rows] if isinstance(rows, dict) else rows  # a list of one is sent as its only row
            return _Page(
                rows=[row for row in rows if row.get("@attr", {}).get("nowplaying") != "true"],
                size=max(int(said["perPage"]), 1),
                total=int(said["total"]),
                last_page=int(said["totalPages"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            problem = f"Last.fm API error ({method}): the answer is no list of {name}"
            raise BadPayloadError(problem, service="Last.fm") from None

    def _explained(self, reply: Reply) -> ClientError | None:
        """The error that a body names, whatever the HTTP status."""
        body = reply.payload
        if not isinstance(body, dict) or "error" not in body:
            return None
        try:
            code = int(body["error"])
        except (TypeError, ValueError):
            return None
        problem = f"Last.fm API error {code}: {own_words(reply, self._redact)}"
        if code in OUTAGES:
            return UnavailableError(problem)
        if code == TOO_OFTEN:
            return RateLimitError(problem)
        if code in BAD_CREDENTIALS:
            return AuthenticationError(problem, remedy=KEY_REMEDY)
        if code == UNKNOWN_USER:
            return NotFoundError(problem, remedy=NAME_REMEDY)
        if code == HIDDEN:
            return AuthorizationError(problem, remedy=HIDDEN_REMEDY)
        return BadPayloadError(problem) if reply.status < 400 else None


class LastfmScrobbles:
    """Scrobbles of an account, page by page from the oldest on, so that the watermark moves with every page."""

    stream = "lastfm_scrobbles"

    def __init__(self, client: LastfmAPIClient) -> None:
        self._client = client

    def batches(self, account: Account, window: Window, limit: int | None = None) -> Iterator[Batch]:
        """One batch a page, and an empty one that covers the window's rest.

        A `limit` (1 to 200, else ValueError) gives the newest alone and covers nothing.
        """
        user = account.source_user
        if limit is not None:
            yield Batch(self._client.newest_tracks(user, window.start, window.end, limit))
            return
        for page in self._client.iter_recent_pages(user, window.start, window.end):
            yield Batch(page, covered_to=_newest(page, window))
        yield Batch([], covered_to=window.end)

    def check(self, account: Account) -> str:
        return f"Last.fm shows {self._client.count_scrobbles(account.source_user):,} plays"


class LastfmLovedTracks:
    """The loved tracks of an account as they are now: a snapshot, so what is missing in it is no longer loved."""

    stream = "lastfm_loved_tracks"

    def __init__(self, client: LastfmAPIClient) -> None:
        self._client = client

    def batches(self, account: Account, window: Window, limit: int | None = None) -> Iterator[Batch]:
        """The whole list in one batch, whatever the window; cut at `limit` it covers nothing."""
        loved = self._client.loved_tracks(account.source_user)
        yield Batch(loved, covered_to=window.end) if limit is None else Batch(loved[:limit])

    def check(self, account: Account) -> str:
        return f"Last.fm shows {self._client.count_loved(account.source_user):,} loved tracks"


def no_key() -> MissingCredentialError:
    return MissingCredentialError("No Last.fm API key found", service="Last.fm", remedy=KEY_REMEDY)


def _failed(problem: str) -> UnavailableError:
    return UnavailableError(f"Last.fm API error: {problem}", service="Last.fm")


def _newest(rows: Iterable[Row], window: Window) -> datetime | None:
    """The newest date of a page, within the window; None where no row has one."""
    seconds = (_seconds(row) for row in rows)
    inside = [s for s in seconds if s > 0]
    return min(datetime.fromtimestamp(max(inside), UTC), window.end) if inside else None


def _seconds(row: Row) -> int:
    """When a row was played, in epoch seconds; 0 where it does not say, or says what cannot be."""
    date = row.get("date")
    uts = str(date.get("uts", "")) if isinstance(date, dict) else ""
    return int(uts) if uts.isascii() and uts.isdigit() and len(uts) <= 10 else 0


class LastfmSettings(ServiceSettings):
    api_key: SecretStr | None = Field(None, description="Last.fm: API key")
    api_url: Address = Field(BASE_URL, description="Last.fm: where its API is")
    requests_per_second: int = Field(RATES[0].requests, ge=1, description="Last.fm: requests a second")
    requests_per_minute: int = Field(RATES[1].requests, ge=1, description="Last.fm: requests a minute")

    def client(self, shared: Shared) -> LastfmAPIClient:
        limiter = shared.limiter(Rate(self.requests_per_second, 1), Rate(self.requests_per_minute, 60))
        return LastfmAPIClient(
            self.api_key, base_url=self.api_url, limiter=limiter, retry=shared.retry(), timeout=shared.timeout
        )

    def is_complete(self, shared: Shared, *, for_accounts: bool) -> bool:  # noqa: ARG002
        return self.api_key is not None

    def missing(self) -> MissingCredentialError:
        return no_key()
