"""Beatport's catalogue: search, charts and details, raw with readable views (contracts 2.6).

The trap: pages say where the next one is by an address that may lie inside Beatport, so pages are counted, not
followed; and a 403 may be about one item alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import requests
from pydantic import Field, SecretStr

from clients.auth.beatport_auth import BASE_URL, SPACING, BeatportAuth
from clients.auth.token_store import TokenFileError, TokenStore
from clients.beatport_cache import Cache, CachedDetail, DetailFiles
from clients.beatport_errors import (
    SERVICE,
    BeatportError,
    BeatportMissingCredentialError,
    BeatportNotFoundError,
    BeatportPayloadError,
    BeatportRestrictedError,
    as_beatport,
)
from clients.beatport_views import (
    BeatportArtist,
    BeatportChart,
    BeatportGenre,
    BeatportItem,
    BeatportLabel,
    BeatportRelease,
    BeatportTrack,
)
from clients.errors import AuthenticationError, ClientError, MissingCredentialError
from clients.http import DEFAULT_RETRY, TIMEOUT, Fields, RetryPolicy, ServiceClient
from clients.limits import Limiter, Rate
from clients.replies import Reply
from clients.secrets import authorization
from clients.service import Address, Ids, ServiceSettings, Shared

PAGE_SIZE = 100  # items; the largest Beatport gives
SEARCH_SIZE = 25  # items of one kind on a page, for people
MOST_PAGES = 500  # of one list: the largest labels have some ten thousand releases
CACHE_LIFETIME = timedelta(days=7)  # details hardly change; what is restricted today may be released next week

Item = TypeVar("Item", bound=BeatportItem)


class BeatportAPIClient:
    """The catalogue with the token of `auth`, whose limiter it shares unless it is given another.

    `genre_charts` are those of `genre_ids`. `cache` holds details, refusals of single items among them, for
    `cache_lifetime`. Threads may share it. It raises BeatportErrors alone, each of which is also the common kind of
    error.
    """

    def __init__(
        self,
        auth: BeatportAuth,
        *,
        base_url: str = BASE_URL,
        genre_ids: Iterable[int] = (),
        cache: Cache | None = None,
        cache_lifetime: timedelta = CACHE_LIFETIME,
        limiter: Limiter | None = None,
        retry: RetryPolicy = DEFAULT_RETRY,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self.auth = auth
        self.genre_charts = BeatportGenreCharts(self, genre_ids)
        self._cache: Cache = {} if cache is None else cache
        self._cache_lifetime = cache_lifetime
        limiter = limiter or auth.limiter
        self._clock = limiter.clock
        self._http = ServiceClient(
            SERVICE,
            base_url,
            limiter=limiter,
            retry=retry,
            session=session,
            timeout=timeout,
            explain=_explained,
        )

    @property
    def requests_sent(self) -> int:
        return self._http.requests_sent

    def check(self) -> str:
        account = self._get("/my/account")
        name = account.get("username") if isinstance(account, dict) else None
        return f"Beatport answers to {name or 'this account'}"

    # --- search; genre_id and label_id narrow it ---

    def search_tracks(
        self,
        query: str,
        *,
        genre_id: int | None = None,
        label_id: int | None = None,
        page: int = 1,
        per_page: int = SEARCH_SIZE,
    ) -> list[BeatportTrack]:
        return self._search(BeatportTrack, "tracks", query, genre_id, label_id, page, per_page)

    def search_releases(
        self,
        query: str,
        *,
        genre_id: int | None = None,
        label_id: int | None = None,
        page: int = 1,
        per_page: int = SEARCH_SIZE,
    ) -> list[BeatportRelease]:
        return self._search(BeatportRelease, "releases", query, genre_id, label_id, page, per_page)

    def search_artists(
        self, query: str, *, genre_id: int | None = None, page: int = 1, per_page: int = SEARCH_SIZE
    ) -> list[BeatportArtist]:
        return self._search(BeatportArtist, "artists", query, genre_id, None, page, per_page)

    def search_labels(self, query: str, *, page: int = 1, per_page: int = SEARCH_SIZE) -> list[BeatportLabel]:
        return self._search(BeatportLabel, "labels", query, None, None, page, per_page)

    # --- charts; without a genre, of all Beatport ---

    def top_100(self, genre_id: int | None = None) -> list[BeatportTrack]:
        return self._hundred(genre_id)

    def hype_100(self, genre_id: int | None = None) -> list[BeatportTrack]:
        return self._hundred(genre_id, hype="true")

    def charts(self, genre_id: int | None = None, *, page: int = 1, per_page: int = SEARCH_SIZE) -> list[BeatportChart]:
        """One page of the charts that people made."""
        params: Fields = {"genre_id": genre_id, "page": page, "per_page": _checked(page, per_page)}
        return [BeatportChart(raw) for raw in _results(self._get("/catalog/charts/", params=params))]

    def iter_chart_tracks(self, chart_id: int) -> Iterator[BeatportTrack]:
        return self._iter(BeatportTrack, "/catalog/charts/{id}/tracks/", chart_id)

    # --- lists and details ---

    def iter_genres(self) -> Iterator[BeatportGenre]:
        return self._iter(BeatportGenre, "/catalog/genres/")

    def iter_artist_tracks(self, artist_id: int) -> Iterator[BeatportTrack]:
        return self._iter(BeatportTrack, "/catalog/artists/{id}/tracks/", artist_id)

    def iter_label_releases(self, label_id: int) -> Iterator[BeatportRelease]:
        return self._iter(BeatportRelease, "/catalog/labels/{id}/releases/", label_id)

    def iter_release_tracks(self, release_id: int) -> Iterator[BeatportTrack]:
        return self._iter(BeatportTrack, "/catalog/releases/{id}/tracks/", release_id)

    def get_track(self, track_id: int) -> BeatportTrack:
        return self._detail(BeatportTrack, "/catalog/tracks/{id}/", track_id)

    def get_release(self, release_id: int) -> BeatportRelease:
        return self._detail(BeatportRelease, "/catalog/releases/{id}/", release_id)

    def get_artist(self, artist_id: int) -> BeatportArtist:
        return self._detail(BeatportArtist, "/catalog/artists/{id}/", artist_id)

    def get_label(self, label_id: int) -> BeatportLabel:
        return self._detail(BeatportLabel, "/catalog/labels/{id}/", label_id)

    def get_chart(self, chart_id: int) -> BeatportChart:
        return self._detail(BeatportChart, "/catalog/charts/{id}/", chart_id)

    def _search(
        self,
        view: type[Item],
        kind: str,
        query: str,
        genre_id: int | None,
        label_id: int | None,
        page: int,
        per_page: int,
    ) -> list[Item]:
        if not query.strip():
            raise ValueError("there is nothing to search for")
        params: Fields = {
            "q": query,
            "type": kind,
            "genre_id": genre_id,
            "label_id": label_id,
            "page": page,
            "per_page": _checked(page, per_page),
        }
        return [view(raw) for raw in _results(self._get("/catalog/search/", params=params), kind)]

    def _hundred(self, genre_id: int | None, hype: str | None = None) -> list[BeatportTrack]:
        """At most 100, in the chart's order; those of small labels alone with `hype` (as public clients ask for it)."""
        among = "tracks" if genre_id is None else "genres/{id}"
        path = None if genre_id is None else {"id": genre_id}
        payload = self._get(f"/catalog/{among}/top/100/", path=path, params={"per_page": PAGE_SIZE, "hype": hype})
        return [BeatportTrack(raw) for raw in _results(payload)]

    def _iter(self, view: type[Item], route: str, item_id: int | None = None) -> Iterator[Item]:
        path = None if item_id is None else {"id": item_id}
        for page in range(1, MOST_PAGES + 1):
            payload = self._get(route, path=path, params={"page": page, "per_page": PAGE_SIZE})
            results = _results(payload)
            yield from (view(raw) for raw in results)
            if not results or not payload.get("next"):
                return
        raise BeatportPayloadError(f"Beatport API error (GET {route}): more than {MOST_PAGES} pages")

    def _detail(self, view: type[Item], route: str, item_id: int) -> Item:
        """The item, from the cache while that is fresh; raises BeatportRestrictedError or BeatportNotFoundError."""
        key = route.format(id=item_id)
        known = self._cache.get(key)
        if known is None or self._clock.now() - known.fetched_at >= self._cache_lifetime:
            known = self._cache[key] = self._fetched(route, item_id)
        if known.raw is not None:
            return view(known.raw)
        refused = BeatportRestrictedError if known.refusal == "restricted" else BeatportNotFoundError
        raise refused(f"Beatport API error (GET {route}): {item_id} is {known.refusal}")

    def _fetched(self, route: str, item_id: int) -> CachedDetail:
        now = self._clock.now()
        try:
            raw = self._get(route, path={"id": item_id})
        except BeatportRestrictedError:
            return CachedDetail(now, None, "restricted")
        except BeatportNotFoundError:
            return CachedDetail(now, None, "unknown")
        if not _is_item(raw):
            raise BeatportPayloadError(f"Beatport API error (GET {route}): the answer is no item")
        return CachedDetail(now, raw)

    def _get(self, route: str, *, path: Mapping[str, int] | None = None, params: Fields | None = None) -> Any:
        """The payload; a token that is refused is renewed once."""
        token = self.auth.get_valid_token()
        try:
            return self._sent(route, token, path, params)
        except AuthenticationError:
            pass
        return self._sent(route, self.auth.get_valid_token(refused=token), path, params)

    def _sent(self, route: str, token: SecretStr, path: Mapping[str, int] | None, params: Fields | None) -> Any:
        error: BeatportError | None = None
        try:
            headers = {"Authorization": authorization("Bearer", token)}
            return self._http.get(route, path=path, params=params, headers=headers)
        except ClientError as failed:
            error = as_beatport(failed)
        raise error


class BeatportGenreCharts:
    """The charts of some genres, fetched once for all feeds of a run."""

    def __init__(self, client: BeatportAPIClient, genre_ids: Iterable[int]) -> None:
        """`genre_ids` is BEATPORT_GENRE_IDS."""
        self.client = client
        self.genre_ids = tuple(dict.fromkeys(genre_ids))
        self._hundreds: dict[tuple[str, int], list[BeatportTrack]] = {}

    def hundred(self, kind: str, genre_id: int) -> list[BeatportTrack]:
        """The tracks of "top_100" or "hype_100", in the chart's order."""
        if (kind, genre_id) not in self._hundreds:
            fetch = self.client.top_100 if kind == "top_100" else self.client.hype_100
            self._hundreds[kind, genre_id] = fetch(genre_id)
        return self._hundreds[kind, genre_id]

    def tracks(self) -> list[BeatportTrack]:
        """Each track of all those charts once."""
        charted = (
            track for genre in self.genre_ids for kind in ("top_100", "hype_100") for track in self.hundred(kind, genre)
        )
        return list({track.id: track for track in charted}.values())


def _explained(reply: Reply) -> ClientError | None:
    """A 403 for the country is about the item; any other is about the account."""
    if reply.status == 403 and "territory" in reply.text.lower():
        return BeatportRestrictedError(f"Beatport API error (GET {reply.route}): not for this country")
    return None


def _results(payload: Any, name: str = "results") -> list[dict[str, Any]]:
    results = payload.get(name) if isinstance(payload, dict) else None
    if not isinstance(results, list) or not all(map(_is_item, results)):
        raise BeatportPayloadError(f"Beatport API error: the answer is no list of {name}")
    return results


def _is_item(raw: Any) -> bool:
    return isinstance(raw, dict) and isinstance(raw.get("id"), int)


def _checked(page: int, per_page: int) -> int:
    if page < 1 or not 1 <= per_page <= PAGE_SIZE:
        raise ValueError(f"Beatport has pages from 1 on with 1 to {PAGE_SIZE} items, not page {page} with {per_page}")
    return per_page


class BeatportSettings(ServiceSettings):
    username: str | None = Field(None, description="Beatport: user name; off unless it is set or a token is stored")
    password: SecretStr | None = Field(None, description="Beatport: password")
    client_id: str | None = Field(None, description="Beatport: client id; read from its documentation where empty")
    genre_ids: Ids = Field(
        (), description="Beatport: genres whose charts are fetched nightly, such as 5,6 (`beatport genres` lists them)"
    )
    spacing_seconds: float = Field(SPACING, gt=0, description="Beatport: seconds between two requests")
    api_url: Address = Field(BASE_URL, description="Beatport: where its API is")
    token_file: str = Field("data/.beatport_tokens.json", description="Beatport: its token")
    cache_dir: str = Field("data/.beatport_cache", description="Beatport: details already asked for")
    cache_days: float = Field(7, ge=0, description="Beatport: days for which a detail is not asked again")

    def client(self, shared: Shared) -> BeatportAPIClient:
        auth = BeatportAuth(
            TokenStore(shared.path(self.token_file)),
            username=self.username,
            password=self.password,
            client_id=self.client_id,
            base_url=self.api_url,
            limiter=shared.limiter(Rate(1, self.spacing_seconds)),
            retry=shared.retry(),
            timeout=shared.timeout,
        )
        return BeatportAPIClient(
            auth,
            base_url=self.api_url,
            genre_ids=self.genre_ids,
            cache=DetailFiles(shared.path(self.cache_dir)),
            cache_lifetime=timedelta(days=self.cache_days),
            retry=shared.retry(),
            timeout=shared.timeout,
        )

    def is_complete(self, shared: Shared, *, for_accounts: bool) -> bool:  # noqa: ARG002
        if self.username and self.password:
            return True
        try:
            return bool(TokenStore(shared.path(self.token_file)).users())
        except TokenFileError:
            return True  # asked for it, Beatport says what is wrong with its file

    def missing(self) -> MissingCredentialError:
        return BeatportMissingCredentialError("No Beatport login found")
