"""ReccoBeats: audio features of tracks by Spotify id or ISRC, raw (contracts 2.4).

The trap: answers leave out what is unknown and keep no order, so each is known by its `href`, never by its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import requests
from pydantic import Field

from clients.errors import BadPayloadError
from clients.feeds import Answer, TrackQuery
from clients.http import DEFAULT_RETRY, TIMEOUT, RetryPolicy, ServiceClient
from clients.limits import Limiter, Rate
from clients.service import Address, ServiceSettings, Shared

BASE_URL = "https://api.reccobeats.com"
RATES = (Rate(5, 1.0),)  # the real limit is unpublished; a 429 tells more
MOST_IDS = 40  # per request; ids beyond it are dropped without a word

SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
ISRC = re.compile(r"[A-Z]{2}[0-9A-Z]{3}[0-9]{7}")  # one malformed id would turn the whole request into a 400

Item = dict[str, Any]


class ReccoBeatsAPIClient:
    """Features modelled by ReccoBeats, which are not Spotify's. No key. Threads may share it; all share the limiter.

    Raises RateLimitError, UnavailableError, BadPayloadError, and what else the frame says; never for unknown tracks.
    """

    def __init__(
        self,
        *,
        base_url: str = BASE_URL,
        limiter: Limiter | None = None,
        retry: RetryPolicy = DEFAULT_RETRY,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self._http = ServiceClient(
            "ReccoBeats",
            base_url,
            limiter=limiter or Limiter(*RATES),
            retry=retry,
            session=session,
            timeout=timeout,
        )

    @property
    def requests_sent(self) -> int:
        return self._http.requests_sent

    def get_audio_features(self, ids: Iterable[str]) -> dict[str, Item]:
        """Raw features by the Spotify id or ISRC asked for; unknown ones are left out. No ids, no request."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Item] = {}
        for start in range(0, len(wanted), MOST_IDS):
            asked = wanted[start : start + MOST_IDS]
            payload = self._http.get("/v1/audio-features", params={"ids": ",".join(asked)})
            items = payload.get("content") if isinstance(payload, dict) else None
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                problem = "ReccoBeats API error: the answer is no list of features"
                raise BadPayloadError(problem, service="ReccoBeats")
            known = {name: item for item in reversed(items) for name in _names(item)}  # of several, the first
            found |= {name: known[name] for name in asked if name in known}
        return found


class ReccoBeatsAudioFeatures:
    """Features by Spotify id; what is unknown by it, or has none, by ISRC."""

    stream = "audio_features"
    batch_size = MOST_IDS

    def __init__(self, client: ReccoBeatsAPIClient) -> None:
        self._client = client

    def answers(self, queries: Iterable[TrackQuery]) -> Iterator[Answer]:
        """A definite answer for each query; one that has no id that could be asked for is unknown."""
        rest = iter(queries)
        while batch := list(islice(rest, self.batch_size)):
            unsettled = batch
            for name_of in (_spotify_id, _isrc):
                found = self._found(unsettled, name_of)
                yield from (Answer(key, "found", item) for key, item in found.items())
                unsettled = [query for query in unsettled if query.track_key not in found]
            yield from (Answer(query.track_key, "unknown", None) for query in unsettled)

    def _found(self, queries: list[TrackQuery], name_of: Callable[[TrackQuery], str]) -> dict[str, Item]:
        names = {query.track_key: name_of(query) for query in queries}
        features = self._client.get_audio_features(filter(None, names.values()))
        return {key: features[name] for key, name in names.items() if name in features}


def _names(item: Item) -> set[str]:
    """What an item may have been asked for by: the Spotify id in its link, and its ISRC."""
    return {str(item.get("href") or "").rstrip("/").rpartition("/")[2], str(item.get("isrc") or "").upper()} - {""}


def _spotify_id(query: TrackQuery) -> str:
    return query.spotify_id if query.spotify_id and SPOTIFY_ID.fullmatch(query.spotify_id) else ""


def _isrc(query: TrackQuery) -> str:
    isrc = (query.isrc or "").replace("-", "").upper()
    return isrc if ISRC.fullmatch(isrc) else ""


class ReccoBeatsSettings(ServiceSettings):
    api_url: Address = Field(BASE_URL, description="ReccoBeats: where its API is")

    def client(self, shared: Shared) -> ReccoBeatsAPIClient:
        return ReccoBeatsAPIClient(
            base_url=self.api_url, limiter=shared.limiter(*RATES), retry=shared.retry(), timeout=shared.timeout
        )
