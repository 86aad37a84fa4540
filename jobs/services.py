"""The services' clients as the settings say: each made when it is needed first, then shared by all threads.

The trap: a service's limits hold for all who ask it, so there must be one client of each, and one `Services` in a run.
"""

from __future__ import annotations

from importlib import import_module
from threading import RLock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from clients.clock import SYSTEM_CLOCK, Clock
from clients.http import TIMEOUT
from clients.service import ServiceSettings, Shared
from jobs.plan import SERVICES, Fetch, Ingest
from jobs.runtime.settings import Settings, absolute_path

if TYPE_CHECKING:
    from clients.beatport_api import BeatportAPIClient
    from clients.kaggle_api import KaggleAPIClient
    from clients.lastfm_api import LastfmAPIClient
    from clients.listenbrainz_api import ListenBrainzAPIClient
    from clients.lyrics_api import LyricsAPIClient
    from clients.mood_api import MoodAPIClient
    from clients.reccobeats_api import ReccoBeatsAPIClient
    from clients.spotify_api import SpotifyAPIClient


class Services:
    """One client of each source of the plan, an attribute by its name. Threads may share it; it lives as long as a run.

    A client whose credential is missing raises MissingCredentialError, at the latest when it is asked something.
    """

    if TYPE_CHECKING:  # those that jobs call by name
        spotify: SpotifyAPIClient
        lastfm: LastfmAPIClient
        listenbrainz: ListenBrainzAPIClient
        reccobeats: ReccoBeatsAPIClient
        lyrics: LyricsAPIClient
        ai: MoodAPIClient
        kaggle: KaggleAPIClient
        beatport: BeatportAPIClient

    def __init__(self, settings: Settings, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.settings = settings
        self.clock = clock
        http = settings.http
        self._shared = Shared(
            folder=absolute_path("."),
            clock=clock,
            timeout=(min(TIMEOUT[0], http.timeout_seconds), http.timeout_seconds),
            max_retries=http.max_retries,
            longest_wait=http.longest_wait_seconds,
        )
        self._lock = RLock()

    def __getattr__(self, source: str) -> Any:
        """The client of a source, made at its first use, by whichever thread comes first."""
        if source not in SERVICES:
            raise AttributeError(source)
        with self._lock:
            made = vars(self)  # what stands there is found before this is asked again
            if source not in made:
                made[source] = self._settings_of(source).client(self._shared)
            return made[source]

    def feed(self, ingest: Ingest) -> Any:
        """The AccountFeed, TrackFeed or SnapshotFeed of an entry of the plan, by its `fetch`.

        Raises MissingCredentialError where the service needs a credential that the settings do not have.
        """
        if not self.is_configured(ingest.source, ingest.fetch):
            raise self._settings_of(ingest.source).missing()
        module, _, name = ingest.feed.partition(":")
        return getattr(import_module(f"clients.{module}"), name)(getattr(self, ingest.source))

    def is_configured(self, source: str, fetch: Fetch | None = None) -> bool:
        """Whether there is what a source of the plan needs (of Spotify, for what is fetched), good or not."""
        return self._settings_of(source).is_complete(self._shared, for_accounts=fetch is Fetch.ACCOUNT)

    def has_credential(self) -> bool:
        """Whether somebody set a key or logged in: who only imports files has asked for no service."""
        own = self.settings
        keys = (own.spotify.client_id, own.lastfm.api_key, own.listenbrainz.token, own.ai.api_url)
        return any(keys) or self.is_configured("beatport")

    def called_hosts(self) -> list[str]:
        """The hosts that a run with these settings may call, as host or host:port."""
        called = [
            address
            for source in SERVICES
            if self.is_configured(source, Fetch.ACCOUNT)
            for address in self._settings_of(source).addresses
        ]
        return list(dict.fromkeys(urlsplit(address).netloc.rpartition("@")[2] for address in called))

    def _settings_of(self, source: str) -> ServiceSettings:
        if source not in SERVICES:
            raise ValueError(f"no source {source!r}")
        own: ServiceSettings = getattr(self.settings, source)
        return own
