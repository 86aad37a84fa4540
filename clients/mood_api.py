"""The remote AI service: lyrics to a probability over four moods, and a mood to songs.

POST {AI_API_URL}/mood      {"lyrics": "..."}             -> MoodScores
POST {AI_API_URL}/recommend {"mood": {...}, "limit": n}   -> {"songs": [Song, ...]}

The model's version comes in the header X-Model-Version or, from services that cannot set one, in the body.

The trap: a model may answer with scores that are no probabilities; those are refused, not mended.
"""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping
from typing import Any, Self, TypeVar

import requests
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from clients.errors import BadPayloadError, MissingCredentialError
from clients.http import DEFAULT_RETRY, TIMEOUT, RetryPolicy, ServiceClient
from clients.limits import Limiter, Rate
from clients.service import Address, ServiceSettings, Shared

RATES = (Rate(5, 1.0),)  # caution: the service belongs to whoever runs it
SUM_TOLERANCE = 1e-3  # of the four probabilities; a model's rounding to 3 digits keeps within it
VERSION_HEADER = "X-Model-Version"
URL_REMEDY = "Set AI_API_URL in .env to the address of the service, or do without the service."

Shape = TypeVar("Shape", bound=BaseModel)


class Mood(BaseModel):
    """A probability over the four moods; raises ValidationError if it is none."""

    model_config = ConfigDict(frozen=True, strict=True, protected_namespaces=())

    happy: float = Field(ge=0, le=1)
    sad: float = Field(ge=0, le=1)
    angry: float = Field(ge=0, le=1)
    relaxed: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _sums_to_one(self) -> Self:
        total = self.happy + self.sad + self.angry + self.relaxed
        if abs(total - 1) > SUM_TOLERANCE:
            raise ValueError(f"the four sum to {total:.4f}, not to 1")
        return self


class MoodScores(Mood):
    """What the service says of lyrics, and by which model if it tells (the header goes before the body)."""

    model_version: str | None = None


class Song(BaseModel):
    """A song that the service recommends."""

    model_config = ConfigDict(frozen=True, strict=True)

    title: str = Field(min_length=1)
    artist: str = Field(min_length=1)
    spotify_id: str | None = None
    score: float | None = None


class _Songs(BaseModel):
    songs: list[Song]


Cache = MutableMapping[tuple[str, str], MoodScores]


class MoodAPIClient:
    """One AI service. Threads may share it; all share the limiter and the cache.

    `cache` holds scores by lyrics hash and model version. The version is the one of the last answer, at first
    `model_version`: so a new model is noticed with its first answer, and what it has not scored is asked for again.

    Raises MissingCredentialError without an address, and from its methods UnavailableError (slow, 5xx),
    BadPayloadError (another shape, or no probabilities), RateLimitError, and what else the frame says.
    """

    def __init__(
        self,
        base_url: str | None,
        *,
        model_version: str = "",
        cache: Cache | None = None,
        limiter: Limiter | None = None,
        retry: RetryPolicy = DEFAULT_RETRY,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        if not base_url or not base_url.strip():
            raise MissingCredentialError("No AI service address found", service="AI", remedy=URL_REMEDY)
        self._cache: Cache = {} if cache is None else cache
        self._model_version = model_version
        self._http = ServiceClient(
            "AI",
            base_url,
            limiter=limiter or Limiter(*RATES),
            retry=retry,
            session=session,
            timeout=timeout,
        )

    @property
    def requests_sent(self) -> int:
        return self._http.requests_sent

    def score_lyrics(self, text: str) -> MoodScores:
        """The moods of lyrics; raises ValueError for none."""
        lyrics = text.strip()
        if not lyrics:
            raise ValueError("there are no lyrics to score")
        digest = hashlib.sha256(lyrics.encode()).hexdigest()
        known = self._cache.get((digest, self._model_version))
        if known is not None:
            return known
        scores = self._ask("/mood", {"lyrics": lyrics}, MoodScores)
        self._model_version = scores.model_version or ""
        self._cache[digest, self._model_version] = scores
        return scores

    def recommend(self, mood: Mood, limit: int) -> list[Song]:
        """At most `limit` songs for a mood, the best first as the service has them."""
        if limit < 1:
            raise ValueError(f"at least one song must be asked for, not {limit}")
        body = {"mood": mood.model_dump(include=set(Mood.model_fields)), "limit": limit}
        return self._ask("/recommend", body, _Songs).songs[:limit]

    def _ask(self, route: str, body: dict[str, Any], shape: type[Shape]) -> Shape:
        reply = self._http.send("POST", route, json=body, retry_unsafe=True)  # it computes and changes nothing
        payload, version = reply.payload, reply.headers.get(VERSION_HEADER)
        if version and shape is MoodScores and isinstance(payload, dict):
            payload = payload | {"model_version": version}
        try:
            return shape.model_validate(payload)
        except ValidationError as error:
            flaws = "; ".join(f"{item['loc']} {item['msg']}" for item in error.errors(include_input=False))
        problem = f"AI API error (POST {route}): the answer is not of the declared shape: {flaws[:200]}"
        raise BadPayloadError(problem, service="AI", remedy="Nothing was stored of it. Tell whoever runs AI_API_URL.")


class MoodSettings(ServiceSettings):
    api_url: Address | None = Field(None, description="AI service for moods of lyrics: its address; off where empty")

    def client(self, shared: Shared) -> MoodAPIClient:
        return MoodAPIClient(self.api_url, limiter=shared.limiter(*RATES), retry=shared.retry(), timeout=shared.timeout)

    def is_complete(self, shared: Shared, *, for_accounts: bool) -> bool:  # noqa: ARG002
        return self.api_url is not None
