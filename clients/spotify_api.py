"""Spotify's Web API, raw payloads: a listener's plays and top items, and tracks and audio features, nobody's own.

The trap: an endpoint may be closed to this app while the rest works (audio features and batches are to newer apps), so
a 403 closes that endpoint for the lifetime of the client and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal

import requests
import structlog
from pydantic import Field, SecretStr

from clients.auth.app_auth import SpotifyAppAuth
from clients.auth.token_endpoint import ACCOUNTS_URL
from clients.auth.token_store import TokenStore
from clients.auth.user_auth import REDIRECT_URI, SpotifyAuthClient
from clients.clock import SYSTEM_CLOCK, Clock
from clients.errors import (
    AuthenticationError,
    AuthorizationError,
    BadPayloadError,
    MissingCredentialError,
    NotFoundError,
    OwnLimitError,
    QuotaError,
    RateLimitError,
    UnavailableError,
)
from clients.http import DEFAULT_RETRY, TIMEOUT, RetryPolicy, ServiceClient, Value
from clients.limits import Limiter, Rate
from clients.replies import Reply
from clients.secrets import authorization
from clients.service import Address, ServiceSettings, Shared
from clients.spotify_errors import (
    SERVICE,
    MissingScopeError,
    NotRegisteredError,
    OwnerWithoutPremiumError,
    explain,
    no_key,
    reconnect,
    told_as,
)

API_URL = "https://api.spotify.com/v1"
USER_RATES = (Rate(100, 3600),)  # for each user (issue: 100 an hour); Spotify publishes no figure of its own
PAGE = 50  # items in a page of recent plays or top items, at most; also tracks in a batch (Spotify's documents)
FEATURES_BATCH = 100  # ids in a request for audio features, at most

SOON = 5.0  # seconds: a limit that is real asks for about 30

RECENT_PLAYS = "Failed to fetch recently played songs"

Entity = Literal["artists", "tracks"]
TimeRange = Literal["short_term", "medium_term", "long_term"]

# A 403 that tells of the app, the account or the consent, and nothing of the endpoint.
_NOT_THE_ENDPOINT = (OwnerWithoutPremiumError, NotRegisteredError, MissingScopeError)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRACK = re.compile(r"(?:spotify:track:|https://open\.spotify\.com/(?:intl-\w+/)?track/)?([0-9A-Za-z]{22})(?:\?.*)?")

log = structlog.get_logger()


def spotify_track_id(text: str) -> str | None:
    """The id in a track's id, URI or address; None where it is none of these."""
    match = _TRACK.fullmatch(text.strip())
    return match[1] if match else None


class SpotifyAPIClient:
    """Requests to the Web API with either token; each is renewed once when Spotify answers 401. Threads may share it.

    `user_rates` hold for each user by itself, `app_rates` for what the app asks in its own name; Spotify's own limit is
    the app's, so a wait that Spotify tells to one holds for all.
    """

    def __init__(
        self,
        user_auth: SpotifyAuthClient,
        app_auth: SpotifyAppAuth,
        *,
        api_url: str = API_URL,
        user_rates: tuple[Rate, ...] = USER_RATES,
        app_rates: tuple[Rate, ...] = (),
        clock: Clock = SYSTEM_CLOCK,
        retry: RetryPolicy = DEFAULT_RETRY,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self.user_auth = user_auth
        self.app_auth = app_auth
        peers: list[Limiter] = []

        def service_client(rates: tuple[Rate, ...]) -> ServiceClient:
            limiter = _LimiterOfOneApp(*rates, clock=clock, peers=peers)
            return ServiceClient(
                SERVICE, api_url, limiter=limiter, retry=retry, session=session, timeout=timeout, explain=explain
            )

        self._as_users, self._as_app = service_client(user_rates), service_client(app_rates)
        self._closed: set[str] = set()

    @property
    def requests_sent(self) -> int:
        return self._as_users.requests_sent + self._as_app.requests_sent

    def is_closed(self, endpoint: str) -> bool:
        """Whether Spotify closed `tracks` (by batch), `audio-features` or `audio-features of users` to this app."""
        return endpoint in self._closed

    def get_me(self, user: str) -> dict[str, Any]:
        """The account that the user's token belongs to; its key is `account_id` where there is one, else `id`."""
        with told_as("Failed to fetch the Spotify account"):
            return _object(self._of_user(user, "GET", "/me").payload)

    def get_recently_played(
        self, user: str, *, after: datetime | None = None, before: datetime | None = None, limit: int = PAGE
    ) -> dict[str, Any]:
        """One page of plays, newest first, after or before a time (exclusive): `items` and, unless empty, `cursors`.

        Raises MissingCredentialError, else ClientErrors that begin `Failed to fetch recently played songs`.
        """
        if after and before:
            raise ValueError("Spotify takes `after` or `before`, not both")
        params = {"limit": limit, "after": _milliseconds(after), "before": _milliseconds(before)}
        with told_as(RECENT_PLAYS):
            reply = self._of_user(
                user, "GET", "/me/player/recently-played", scope="user-read-recently-played", params=params
            )
            return _with_list(reply.payload, "items")

    def iter_recently_played(self, user: str, *, back_to: datetime | None = None) -> Iterator[dict[str, Any]]:
        """Plays newest first, by whole pages, until one reaches back to `back_to` or there are no more in reach."""
        for page in self.iter_recent_pages(user, back_to=back_to):
            yield from page

    def iter_recent_pages(self, user: str, *, back_to: datetime | None = None) -> Iterator[list[dict[str, Any]]]:
        """The same by pages: what came is in hand before the next is asked for, which may fail.

        Spotify keeps about 50 plays in reach, so there is seldom a second page with anything on it.
        """
        before: datetime | None = None
        while True:
            page = self.get_recently_played(user, before=before)
            if page["items"]:
                yield page["items"]
            oldest = _cursor(page)
            if not page["items"] or oldest is None or (before and oldest >= before) or (back_to and oldest <= back_to):
                return
            if len(page["items"]) < PAGE and not page.get("next"):
                return
            before = oldest

    def get_top_items(self, user: str, entity: Entity, time_range: TimeRange, *, limit: int = PAGE) -> dict[str, Any]:
        """The first page of a user's top artists or tracks, best first, under `items`."""
        with told_as(f"Failed to fetch top {entity}"):
            reply = self._of_user(
                user,
                "GET",
                f"/me/top/{entity}",
                scope="user-top-read",
                params={"time_range": time_range, "limit": limit},
            )
            return _with_list(reply.payload, "items")

    def get_track(self, track_id: str) -> dict[str, Any]:
        """One track; raises NotFoundError."""
        with told_as("Failed to fetch a track"):
            return _object(self._of_app("GET", "/tracks/{id}", path={"id": track_id}).payload)

    def get_tracks(self, track_ids: Iterable[str]) -> list[dict[str, Any]]:
        """The tracks that Spotify knows, in the order asked."""
        return [track for _, track in self.iter_tracks(track_ids) if track is not None]

    def iter_tracks(self, track_ids: Iterable[str]) -> Iterator[tuple[str, dict[str, Any] | None]]:
        """Each id once with its track, None if Spotify has none: 50 in a request, singly once batches are closed."""
        for batch in _batches(track_ids, PAGE):
            tracks = self._several("tracks", "tracks", batch)
            if tracks is not None:
                yield from zip(batch, tracks, strict=True)  # by place: a track may come under another id than asked
                continue
            for track_id in batch:
                yield track_id, self._track_or_none(track_id)

    def get_audio_features(self, track_ids: Iterable[str], *, user: str | None = None) -> list[dict[str, Any]]:
        """The audio features that Spotify has, by the app's token or by a user's.

        Ends without an error where they are closed to that kind of token: see `is_closed`.
        """
        return [found for _, found in self.iter_audio_features(track_ids, user=user) if found is not None]

    def iter_audio_features(
        self, track_ids: Iterable[str], *, user: str | None = None
    ) -> Iterator[tuple[str, dict[str, Any] | None]]:
        """Each id once with its features, None if Spotify has none; ends early where they are closed, as above."""
        endpoint = "audio-features of users" if user else "audio-features"
        for batch in _batches(track_ids, FEATURES_BATCH):
            features = self._several(endpoint, "audio_features", batch, user)
            if features is None:
                return
            by_id = {found.get("id"): found for found in features if found is not None}
            if not by_id.keys() <= set(batch):
                raise _bad_payload("audio features of tracks that were not asked for")
            yield from ((track_id, by_id.get(track_id)) for track_id in batch)

    def search_track(self, track_name: str, artist_name: str = "", *, isrc: str = "") -> dict[str, Any] | None:
        """The first hit for an ISRC, else for names; None if there is none. Whether it is the track, others judge."""
        names = (("track", track_name), ("artist", artist_name))
        wanted = (("isrc", isrc),) if isrc else tuple((field, value) for field, value in names if value)
        query = " ".join(f'{field}:"{value.replace(chr(34), " ").strip()}"' for field, value in wanted)
        with told_as("Failed to search for a track"):
            reply = self._of_app("GET", "/search", params={"q": query, "type": "track", "limit": 1})
            hits: list[dict[str, Any]] = _with_list(_object(reply.payload).get("tracks"), "items")["items"]
            return hits[0] if hits else None

    def queue_track(self, user: str, track: str) -> None:
        """Add a track (id, URI or address) to what plays on the user's active device; sent once, never blindly again.

        Raises MissingScopeError, PremiumRequiredError, NoActiveDeviceError and other ClientErrors; after an
        UnavailableError the track may have been queued.
        """
        track_id = spotify_track_id(track)
        if track_id is None:
            remedy = "Give a track's id, its spotify:track: URI or its address at open.spotify.com."
            raise NotFoundError("That is no Spotify track", service=SERVICE, remedy=remedy)
        with told_as("Failed to queue the track"):
            try:
                self._of_user(
                    user,
                    "POST",
                    "/me/player/queue",
                    scope="user-modify-playback-state",
                    params={"uri": f"spotify:track:{track_id}"},
                    expects="text",  # 204 by the documents; some see 200 with a body that is no JSON
                )
            except UnavailableError as error:
                error.remedy = "Look at the queue in Spotify before you try again."
                raise

    def _of_user(self, user: str, method: str, route: str, *, scope: str = "", **options: Any) -> Reply:
        def token(refused: SecretStr | None) -> SecretStr:
            return self.user_auth.get_valid_token(user, scope=scope, refused=refused)

        def send(bearer: SecretStr) -> Reply:
            try:
                return self._as_users.send(method, route, headers=_bearer(bearer), limit_key=user, **options)
            except (AuthenticationError, MissingScopeError) as error:
                error.remedy = reconnect(user)
                raise

        return _sent_with(token, send)

    def _of_app(self, method: str, route: str, **options: Any) -> Reply:
        def send(bearer: SecretStr) -> Reply:
            return self._as_app.send(method, route, headers=_bearer(bearer), **options)

        return _sent_with(self.app_auth.get_access_token, send)

    def _several(self, endpoint: str, name: str, ids: list[str], user: str | None = None) -> list[Any] | None:
        """What `name` lists for these ids, null where there is nothing; None where the endpoint is closed."""
        if self.is_closed(endpoint):
            return None
        route, params = f"/{name.replace('_', '-')}", {"ids": ",".join(ids)}
        try:
            with told_as(f"Failed to fetch {name.replace('_', ' ')}"):
                reply = (
                    self._of_user(user, "GET", route, params=params)
                    if user
                    else self._of_app("GET", route, params=params)
                )
                found: list[Any] = _with_list(reply.payload, name, nulls=True)[name]
                if len(found) != len(ids):
                    raise _bad_payload(f"{len(found)} {name} for {len(ids)} ids")
                return found
        except _NOT_THE_ENDPOINT:
            raise
        except AuthorizationError:
            self._closed.add(endpoint)
        except RateLimitError as error:
            # Some apps are told 429 where others are told 403: again and again, and each time to come back soon.
            if isinstance(error, (QuotaError, OwnLimitError)) or error.retry_after > SOON:
                raise
            self._closed.add(endpoint)
        log.warning("endpoint_closed", service=SERVICE, endpoint=endpoint)
        return None

    def _track_or_none(self, track_id: str) -> dict[str, Any] | None:
        try:
            return self.get_track(track_id)
        except NotFoundError:
            return None


class _LimiterOfOneApp(Limiter):
    """Spotify limits the app, whatever the token: a pause told to one of these holds for its peers."""

    def __init__(self, *rates: Rate, clock: Clock, peers: list[Limiter]) -> None:
        super().__init__(*rates, clock=clock)
        self._peers = peers
        peers.append(self)

    def pause(self, seconds: float) -> None:
        for peer in self._peers:
            Limiter.pause(peer, seconds)


def _sent_with(token: Callable[[SecretStr | None], SecretStr], send: Callable[[SecretStr], Reply]) -> Reply:
    """Send with a token; after a 401 once more with another, which even a POST may: it was refused."""
    bearer = token(None)
    try:
        return send(bearer)
    except AuthenticationError:
        pass
    return send(token(bearer))


def _bearer(token: SecretStr) -> dict[str, Value]:
    return {"Authorization": authorization("Bearer", token)}


def _batches(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    """Each id once, in order; the empty ones are no ids."""
    remaining = iter(dict.fromkeys(filter(None, ids)))
    while batch := list(islice(remaining, size)):
        yield batch


def _object(payload: Any) -> dict[str, Any]:
    if not isinstance(payload, dict):
        raise _bad_payload("no object")
    return payload


def _with_list(payload: Any, name: str, *, nulls: bool = False) -> dict[str, Any]:
    """The payload, if it has a list of objects (or nulls) of that name."""
    values = _object(payload).get(name)
    if not isinstance(values, list) or not all(isinstance(v, dict) or (nulls and v is None) for v in values):
        raise _bad_payload(f"no list of {name}")
    return _object(payload)


def _bad_payload(found: str) -> BadPayloadError:
    return BadPayloadError(f"{SERVICE} API error: the answer holds {found}", service=SERVICE)


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // timedelta(milliseconds=1)


def _cursor(page: dict[str, Any]) -> datetime | None:
    """Where the next older page begins; cursors are milliseconds in strings, null or absent when a page is empty."""
    cursors = page.get("cursors")
    before = str(cursors.get("before")) if isinstance(cursors, dict) else ""
    return _EPOCH + timedelta(milliseconds=int(before)) if re.fullmatch(r"[0-9]{1,14}", before) else None


class SpotifySettings(ServiceSettings):
    client_id: str | None = Field(None, description="Spotify: Client ID of your app")
    client_secret: SecretStr | None = Field(None, description="Spotify: Client secret, for tracks and audio features")
    redirect_uri: str = Field(REDIRECT_URI, description="Spotify: exactly as in the app's Redirect URIs")
    max_retries: int = Field(
        DEFAULT_RETRY.attempts - 1, ge=0, le=20, description="Spotify: how often a request is tried again"
    )
    requests_per_hour: int = Field(USER_RATES[0].requests, ge=1, description="Spotify: requests for each user")
    api_url: Address = Field(API_URL, description="Spotify: where its Web API is")
    accounts_url: Address = Field(ACCOUNTS_URL, description="Spotify: where consent and tokens are")
    token_file: str = Field("data/.spotify_tokens.json", description="Spotify: the listeners' tokens")

    def client(self, shared: Shared) -> SpotifyAPIClient:
        clock, retry, timeout = shared.clock, shared.retry(self.max_retries), shared.timeout
        user_auth = SpotifyAuthClient(
            self.client_id,
            TokenStore(shared.path(self.token_file)),
            redirect_uri=self.redirect_uri,
            accounts_url=self.accounts_url,
            clock=clock,
            retry=retry,
            timeout=timeout,
        )
        app_auth = SpotifyAppAuth(
            self.client_id,
            self.client_secret,
            accounts_url=self.accounts_url,
            clock=clock,
            retry=retry,
            timeout=timeout,
        )
        rates = (Rate(self.requests_per_hour, 3600),)
        return SpotifyAPIClient(
            user_auth, app_auth, api_url=self.api_url, user_rates=rates, clock=clock, retry=retry, timeout=timeout
        )

    def is_complete(self, shared: Shared, *, for_accounts: bool) -> bool:  # noqa: ARG002
        """Listeners' tokens are had by PKCE, without the secret."""
        return bool(self.client_id and (self.client_secret or for_accounts))

    def missing(self) -> MissingCredentialError:
        return no_key()
