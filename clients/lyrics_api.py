"""Lyrics of tracks by their names: LRCLIB first, lyrics.ovh where it has none or does not answer (contracts 2.5).

The trap: an instrumental is an answer, not a lack of lyrics; and a track is unknown only if both services said so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import requests
from pydantic import Field

from clients.errors import BadPayloadError, ClientError, NotFoundError, UnavailableError
from clients.feeds import Answer, TrackQuery
from clients.http import DEFAULT_RETRY, TIMEOUT, USER_AGENT, RetryPolicy, ServiceClient
from clients.limits import Limiter, Rate
from clients.replies import Reply
from clients.service import Address, ServiceSettings, Shared

LRCLIB_URL, OVH_URL = "https://lrclib.net", "https://api.lyrics.ovh"
LRCLIB_RATES = (Rate(5, 1.0),)  # neither publishes a limit; both are run for free
OVH_RATES = (Rate(2, 1.0),)
OVH_RETRY = RetryPolicy(attempts=2)  # its timeouts are common and long
LRCLIB_DURATION = range(1, 3601)  # seconds it takes; it allows 2 s of difference
MOST_FAILURES = 3  # outages in a row, after which a service is left alone for the rest of the queries
TIMESTAMP = re.compile(r"^(?:\[[0-9:.]+\]\s?)+", re.M)  # of a line of synced lyrics
TEXT_FIELDS = frozenset({"plainLyrics", "syncedLyrics", "lyrics"})

Found = dict[str, Any]


class LyricsAPIClient:
    """Both services, each with its own limits. No keys. Threads may share it."""

    def __init__(
        self,
        *,
        lrclib_url: str = LRCLIB_URL,
        ovh_url: str = OVH_URL,
        lrclib_limiter: Limiter | None = None,
        ovh_limiter: Limiter | None = None,
        lrclib_retry: RetryPolicy = DEFAULT_RETRY,
        ovh_retry: RetryPolicy = OVH_RETRY,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self._lrclib = ServiceClient(
            "LRCLIB",
            lrclib_url,
            limiter=lrclib_limiter or Limiter(*LRCLIB_RATES),
            retry=lrclib_retry,
            session=session,
            timeout=timeout,
            explain=partial(_explained, "LRCLIB"),
        )
        self._ovh = ServiceClient(
            "lyrics.ovh",
            ovh_url,
            limiter=ovh_limiter or Limiter(*OVH_RATES),
            retry=ovh_retry,
            session=session,
            timeout=timeout,
            explain=partial(_explained, "lyrics.ovh"),
        )

    @property
    def requests_sent(self) -> int:
        return self._lrclib.requests_sent + self._ovh.requests_sent

    def from_lrclib(self, artist: str, title: str, seconds: int | None = None) -> Found | None:
        """What LRCLIB has, None if it knows no lyrics; raises a ClientError where it did not answer.

        The album is not asked for: another edition's name would hide the lyrics.
        """
        params = {
            "artist_name": artist,
            "track_name": title,
            "duration": seconds if seconds in LRCLIB_DURATION else None,
        }
        record = _record(self._lrclib, "/api/get", params=params, headers={"Lrclib-Client": USER_AGENT})
        if record is None:
            return None
        text = _text(record.get("plainLyrics")) or TIMESTAMP.sub("", _text(record.get("syncedLyrics")))
        instrumental = record.get("instrumental") is True
        return _found("lrclib", record, "" if instrumental else text, instrumental=instrumental)

    def from_ovh(self, artist: str, title: str) -> Found | None:
        """What lyrics.ovh has, None if it knows no lyrics; raises a ClientError where it did not answer."""
        record = _record(self._ovh, "/v1/{artist}/{title}", path={"artist": artist, "title": title})
        return None if record is None else _found("lyrics.ovh", record, _text(record.get("lyrics")), instrumental=False)


class Lyrics:
    """`{lyrics_source, instrumental, text}` and the service's other fields; the text stands in `text` alone."""

    stream = "lyrics"
    batch_size = 1

    def __init__(self, client: LyricsAPIClient) -> None:
        self._client = client

    def answers(self, queries: Iterable[TrackQuery]) -> Iterator[Answer]:
        """A definite answer for each query that could be settled; at the end, the first error of those that could not.

        A service that fails MOST_FAILURES times in a row is not asked again.
        """
        failures: Counter[str] = Counter()
        unsettled: ClientError | None = None
        for query in queries:
            answer = self._answer(query, failures)
            if isinstance(answer, Answer):
                yield answer
            else:
                unsettled = unsettled or answer
        if unsettled is not None:
            raise unsettled

    def _answer(self, query: TrackQuery, failures: Counter[str]) -> Answer | ClientError:
        """The answer, or the first error of a service that may have had one."""
        artist, title = (query.artist_name or "").strip(), (query.track_name or "").strip()
        if not artist or not title:
            return Answer(query.track_key, "unknown", None)
        seconds = None if query.duration_ms is None else round(query.duration_ms / 1000)
        services: dict[str, Callable[[], Found | None]] = {
            "LRCLIB": lambda: self._client.from_lrclib(artist, title, seconds),
            "lyrics.ovh": lambda: self._client.from_ovh(artist, title),
        }
        error: ClientError | None = None
        for service, ask in services.items():
            if failures[service] >= MOST_FAILURES:
                problem = f"{service} API error: it failed {MOST_FAILURES} times in a row"
                error = error or UnavailableError(problem, service=service)
                continue
            try:
                found = ask()
            except ClientError as failed:
                failures[service] += 1
                error = error or failed
                continue
            failures[service] = 0
            if found is not None:
                return Answer(query.track_key, "found", found)
        return error or Answer(query.track_key, "unknown", None)


def _explained(service: str, reply: Reply) -> ClientError | None:
    """A name that a service finds malformed is one it has no lyrics for; a 404 not in its words is not its own."""
    if reply.status == 400:
        return NotFoundError(f"{service} API error: it finds the names malformed")
    if reply.status == 404 and not isinstance(reply.payload, dict):
        return UnavailableError(f"{service} API error: HTTP 404 without JSON", remedy="Check the base URL in .env.")
    return None


def _record(http: ServiceClient, route: str, **options: Any) -> dict[str, Any] | None:
    try:
        record = http.get(route, **options)
    except NotFoundError:
        return None
    if not isinstance(record, dict):
        raise BadPayloadError(f"{http.service} API error: the answer is no record", service=http.service)
    return record


def _found(source: str, record: dict[str, Any], text: str, *, instrumental: bool) -> Found | None:
    if not text and not instrumental:
        return None
    raw = {name: value for name, value in record.items() if name not in TEXT_FIELDS}
    return raw | {"lyrics_source": source, "instrumental": instrumental, "text": text or None}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


class LyricsSettings(ServiceSettings):
    lrclib_url: Address = Field(LRCLIB_URL, description="LRCLIB: where its API is")
    ovh_url: Address = Field(OVH_URL, description="lyrics.ovh: where its API is")

    def client(self, shared: Shared) -> LyricsAPIClient:
        return LyricsAPIClient(
            lrclib_url=self.lrclib_url,
            ovh_url=self.ovh_url,
            lrclib_limiter=shared.limiter(*LRCLIB_RATES),
            ovh_limiter=shared.limiter(*OVH_RATES),
            lrclib_retry=shared.retry(),
            ovh_retry=shared.retry(min(OVH_RETRY.attempts - 1, shared.max_retries)),
            timeout=shared.timeout,
        )
