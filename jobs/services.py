"""The services' clients as the settings say: each made when it is needed first, then shared by all threads.

The trap: a service's limits hold for all who ask it, so there must be one client of each, and one `Services` in a run.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from urllib.parse import urlsplit

from clients.clock import SYSTEM_CLOCK, Clock
from clients.errors import MissingCredentialError
from clients.http import TIMEOUT, RetryPolicy
from clients.limits import Limiter, Rate
from jobs.plan import Fetch, Ingest
from jobs.runtime.settings import Settings, absolute_path

if TYPE_CHECKING:
    from clients.auth.app_auth import SpotifyAppAuth
    from clients.auth.beatport_auth import BeatportAuth
    from clients.auth.token_store import TokenStore
    from clients.auth.user_auth import SpotifyAuthClient
    from clients.beatport_api import BeatportAPIClient
    from clients.beatport_feeds import BeatportGenreCharts
    from clients.kaggle_api import KaggleAPIClient
    from clients.lastfm_api import LastfmAPIClient
    from clients.listenbrainz_api import ListenBrainzAPIClient
    from clients.lyrics_api import LyricsAPIClient
    from clients.mood_api import MoodAPIClient
    from clients.reccobeats_api import ReccoBeatsAPIClient
    from clients.spotify_api import SpotifyAPIClient

Made = TypeVar("Made")


class _Shared(Generic[Made]):
    """A property made at its first use, by whichever thread comes first, and kept."""

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, services: Services, owner: type) -> Made:
        with services.lock:
            kept = vars(services)  # what stands there is found before this is asked again
            if self._name not in kept:
                kept[self._name] = self._make(services)
            return cast(Made, kept[self._name])


class Services:
    """One client of each service, made at first use. Threads may share it; it lives as long as a run.

    A client whose credential is missing raises MissingCredentialError, at the latest when it is asked something.
    """

    def __init__(self, settings: Settings, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.settings = settings
        self.clock = clock
        self.lock = RLock()
        http = settings.http
        self._timeout = (min(TIMEOUT[0], http.timeout_seconds), http.timeout_seconds)
        self._retry = self._retrying(http.max_retries)
        self._spotify_retry = self._retrying(settings.spotify.max_retries)

    # --- what a run asks

    def feed(self, ingest: Ingest) -> Any:
        """The AccountFeed, TrackFeed or SnapshotFeed of an entry of the plan, by its `fetch`.

        Raises MissingCredentialError where the service needs a credential that the settings do not have.
        """
        if not self.is_configured(ingest.source, ingest.fetch):
            raise self._missing(ingest.source)
        module, _, name = ingest.feed.partition(":")
        feed = getattr(import_module(f"clients.{module}"), name)
        return feed(self.beatport_charts if ingest.source == "beatport" else getattr(self, ingest.source))

    def is_configured(self, source: str, fetch: Fetch | None = None) -> bool:
        """Whether there is what a source needs (of Spotify, for what is fetched), good or not.

        Sources are those of the plan, `kaggle` and `ai`. Kaggle counts as configured once any of its ways leads to a
        credential, Beatport with a login or a token.
        """
        settings = self.settings
        match source:
            case "spotify":  # listeners' tokens are had by PKCE, without the secret
                return bool(settings.spotify.client_id and (settings.spotify.client_secret or fetch is Fetch.ACCOUNT))
            case "lastfm":
                return settings.lastfm.api_key is not None
            case "listenbrainz" | "reccobeats" | "lyrics":
                return True
            case "beatport":
                return bool(settings.beatport.username and settings.beatport.password) or self._has_beatport_token()
            case "ai":
                return settings.ai.api_url is not None
            case "kaggle":
                return self.kaggle.has_credential
        raise ValueError(f"no source {source!r}")

    def has_credential(self) -> bool:
        """Whether somebody set a key or logged in: who only imports files has asked for no service."""
        own = self.settings
        keys = (own.spotify.client_id, own.lastfm.api_key, own.listenbrainz.token, own.ai.api_url)
        return any(keys) or self.is_configured("beatport")

    def called_hosts(self) -> list[str]:
        """The hosts that a run with these settings may call, as host or host:port."""
        settings = self.settings
        addresses = {
            "spotify": (settings.spotify.accounts_url, settings.spotify.api_url),
            "lastfm": (settings.lastfm.api_url,),
            "listenbrainz": (settings.listenbrainz.api_url,),
            "reccobeats": (settings.reccobeats.api_url,),
            "lyrics": (settings.lrclib.api_url, settings.lyrics_ovh.api_url),
            "kaggle": (settings.kaggle.api_url,),
            "ai": (settings.ai.api_url or "",),
            "beatport": (settings.beatport.api_url,),
        }
        called = [
            address for source, of in addresses.items() if self.is_configured(source, Fetch.ACCOUNT) for address in of
        ]
        return list(dict.fromkeys(urlsplit(address).netloc.rpartition("@")[2] for address in called))

    # --- Spotify

    @_Shared
    def spotify_tokens(self) -> TokenStore:
        from clients.auth.token_store import TokenStore

        return TokenStore(absolute_path(self.settings.spotify.token_file))

    @_Shared
    def spotify_user_auth(self) -> SpotifyAuthClient:
        from clients.auth.user_auth import SpotifyAuthClient

        own = self.settings.spotify
        return SpotifyAuthClient(
            own.client_id,
            self.spotify_tokens,
            redirect_uri=own.redirect_uri,
            accounts_url=own.accounts_url,
            clock=self.clock,
            retry=self._spotify_retry,
            timeout=self._timeout,
        )

    @_Shared
    def spotify_app_auth(self) -> SpotifyAppAuth:
        from clients.auth.app_auth import SpotifyAppAuth

        own = self.settings.spotify
        return SpotifyAppAuth(
            own.client_id,
            own.client_secret,
            accounts_url=own.accounts_url,
            clock=self.clock,
            retry=self._spotify_retry,
            timeout=self._timeout,
        )

    @_Shared
    def spotify(self) -> SpotifyAPIClient:
        from clients.spotify_api import SpotifyAPIClient

        own = self.settings.spotify
        return SpotifyAPIClient(
            self.spotify_user_auth,
            self.spotify_app_auth,
            api_url=own.api_url,
            user_rates=(Rate(own.requests_per_hour, 3600),),
            clock=self.clock,
            retry=self._spotify_retry,
            timeout=self._timeout,
        )

    # --- scrobblers

    @_Shared
    def lastfm(self) -> LastfmAPIClient:
        from clients.lastfm_api import LastfmAPIClient

        own = self.settings.lastfm
        limiter = self._limiter(Rate(own.requests_per_second, 1), Rate(own.requests_per_minute, 60))
        return LastfmAPIClient(
            own.api_key, base_url=own.api_url, limiter=limiter, retry=self._retry, timeout=self._timeout
        )

    @_Shared
    def listenbrainz(self) -> ListenBrainzAPIClient:
        from clients.listenbrainz_api import RATES, ListenBrainzAPIClient

        own = self.settings.listenbrainz
        return ListenBrainzAPIClient(
            own.token, base_url=own.api_url, limiter=self._limiter(*RATES), retry=self._retry, timeout=self._timeout
        )

    # --- what tracks are like

    @_Shared
    def reccobeats(self) -> ReccoBeatsAPIClient:
        from clients.reccobeats_api import RATES, ReccoBeatsAPIClient

        return ReccoBeatsAPIClient(
            base_url=self.settings.reccobeats.api_url,
            limiter=self._limiter(*RATES),
            retry=self._retry,
            timeout=self._timeout,
        )

    @_Shared
    def lyrics(self) -> LyricsAPIClient:
        from clients.lyrics_api import LRCLIB_RATES, OVH_RATES, OVH_RETRY, LyricsAPIClient

        return LyricsAPIClient(
            lrclib_url=self.settings.lrclib.api_url,
            ovh_url=self.settings.lyrics_ovh.api_url,
            lrclib_limiter=self._limiter(*LRCLIB_RATES),
            ovh_limiter=self._limiter(*OVH_RATES),
            lrclib_retry=self._retry,
            ovh_retry=self._retrying(min(OVH_RETRY.attempts - 1, self.settings.http.max_retries)),
            timeout=self._timeout,
        )

    @_Shared
    def ai(self) -> MoodAPIClient:
        from clients.mood_api import RATES, MoodAPIClient

        return MoodAPIClient(
            self.settings.ai.api_url, limiter=self._limiter(*RATES), retry=self._retry, timeout=self._timeout
        )

    @_Shared
    def kaggle(self) -> KaggleAPIClient:
        from clients.kaggle_api import RATES, KaggleAPIClient

        own = self.settings.kaggle
        return KaggleAPIClient(
            base_url=own.api_url,
            api_token=own.api_token,
            username=own.username,
            key=own.key,
            limiter=self._limiter(*RATES),
            retry=self._retry,
            timeout=self._timeout,
        )

    # --- Beatport

    @_Shared
    def beatport_tokens(self) -> TokenStore:
        from clients.auth.token_store import TokenStore

        return TokenStore(absolute_path(self.settings.beatport.token_file))

    @_Shared
    def beatport_auth(self) -> BeatportAuth:
        from clients.auth.beatport_auth import BeatportAuth

        own = self.settings.beatport
        return BeatportAuth(
            self.beatport_tokens,
            username=own.username,
            password=own.password,
            client_id=own.client_id,
            base_url=own.api_url,
            limiter=self._limiter(Rate(1, own.spacing_seconds)),
            retry=self._retry,
            timeout=self._timeout,
        )

    @_Shared
    def beatport(self) -> BeatportAPIClient:
        from clients.beatport_api import BeatportAPIClient
        from clients.beatport_cache import DetailFiles

        return BeatportAPIClient(
            self.beatport_auth,
            base_url=self.settings.beatport.api_url,
            cache=DetailFiles(absolute_path(self.settings.beatport.cache_dir)),
            cache_lifetime=timedelta(days=self.settings.beatport.cache_days),
            retry=self._retry,
            timeout=self._timeout,
        )

    @_Shared
    def beatport_charts(self) -> BeatportGenreCharts:
        """The charts of BEATPORT_GENRE_IDS, which all feeds of Beatport read."""
        from clients.beatport_feeds import BeatportGenreCharts

        return BeatportGenreCharts(self.beatport, self.settings.beatport.genre_ids)

    # --- inside

    def _limiter(self, *rates: Rate) -> Limiter:
        return Limiter(*rates, clock=self.clock)

    def _retrying(self, retries: int) -> RetryPolicy:
        return RetryPolicy(attempts=retries + 1, longest_wait=self.settings.http.longest_wait_seconds)

    def _has_beatport_token(self) -> bool:
        from clients.auth.token_store import TokenFileError

        try:
            return bool(self.beatport_tokens.users())
        except TokenFileError:
            return True  # asked for it, Beatport says what is wrong with its file

    def _missing(self, source: str) -> MissingCredentialError:
        """The service's own error for a credential that was never given."""
        if source == "spotify":
            from clients.spotify_errors import no_key

            return no_key()
        if source == "lastfm":
            from clients.lastfm_api import no_key as no_lastfm_key

            return no_lastfm_key()
        from clients.beatport_errors import BeatportMissingCredentialError

        return BeatportMissingCredentialError("No Beatport login found")
