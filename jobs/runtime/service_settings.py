"""What each service needs, under the flat names that people know: settings.spotify.client_id is SPOTIFY_CLIENT_ID.

The trap: the addresses and limits repeat those of the clients, which are too heavy to import for every verb; a test
holds the two together.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("give an address such as https://host/path")
    return value.rstrip("/")


def _listed(value: Any) -> Any:
    """`5, 6` as a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Address = Annotated[str, AfterValidator(_address)]
Ids = Annotated[tuple[int, ...], BeforeValidator(_listed)]


class ServiceSettings(BaseModel):
    """The settings of one service; an empty one counts as not set."""

    model_config = ConfigDict(extra="forbid")


class SpotifySettings(ServiceSettings):
    client_id: str | None = Field(None, description="Spotify: Client ID of your app")
    client_secret: SecretStr | None = Field(None, description="Spotify: Client secret, for tracks and audio features")
    redirect_uri: str = Field(
        "http://127.0.0.1:8888/callback", description="Spotify: exactly as in the app's Redirect URIs"
    )
    max_retries: int = Field(4, ge=0, le=20, description="Spotify: how often a request is tried again")
    requests_per_hour: int = Field(100, ge=1, description="Spotify: requests for each user")
    api_url: Address = Field("https://api.spotify.com/v1", description="Spotify: where its Web API is")
    accounts_url: Address = Field("https://accounts.spotify.com", description="Spotify: where consent and tokens are")
    token_file: str = Field("data/.spotify_tokens.json", description="Spotify: the listeners' tokens")


class LastfmSettings(ServiceSettings):
    api_key: SecretStr | None = Field(None, description="Last.fm: API key")
    api_url: Address = Field("https://ws.audioscrobbler.com", description="Last.fm: where its API is")
    requests_per_second: int = Field(5, ge=1, description="Last.fm: requests a second")
    requests_per_minute: int = Field(300, ge=1, description="Last.fm: requests a minute")


class ListenBrainzSettings(ServiceSettings):
    token: SecretStr | None = Field(
        None, description="ListenBrainz: user token; listens are public, so it may stay empty"
    )
    api_url: Address = Field("https://api.listenbrainz.org", description="ListenBrainz: where its API is")


class ReccoBeatsSettings(ServiceSettings):
    api_url: Address = Field("https://api.reccobeats.com", description="ReccoBeats: where its API is")


class LrclibSettings(ServiceSettings):
    api_url: Address = Field("https://lrclib.net", description="LRCLIB: where its API is")


class LyricsOvhSettings(ServiceSettings):
    api_url: Address = Field("https://api.lyrics.ovh", description="lyrics.ovh: where its API is")


class AiSettings(ServiceSettings):
    api_url: Address | None = Field(None, description="AI service for moods of lyrics: its address; off where empty")


class KaggleSettings(ServiceSettings):
    api_token: SecretStr | None = Field(
        None, description="Kaggle: API token, unless the kaggle package finds a credential by itself"
    )
    username: str | None = Field(None, description="Kaggle: user name, together with a key, instead of a token")
    key: SecretStr | None = Field(None, description="Kaggle: key of that user")
    dataset: str = Field(
        "maharshipandya/-spotify-tracks-dataset",
        pattern=r"^[^/\s]+/[^/\s]+$",
        description="Kaggle: the track catalogue",
    )
    dataset_version: int | None = Field(None, ge=1, description="Kaggle: its version; the latest where empty")
    api_url: Address = Field("https://api.kaggle.com", description="Kaggle: where its API is")


class BeatportSettings(ServiceSettings):
    username: str | None = Field(None, description="Beatport: user name; off unless it is set or a token is stored")
    password: SecretStr | None = Field(None, description="Beatport: password")
    client_id: str | None = Field(None, description="Beatport: client id; read from its documentation where empty")
    genre_ids: Ids = Field(
        (), description="Beatport: genres whose charts are fetched nightly, such as 5,6 (`beatport genres` lists them)"
    )
    spacing_seconds: float = Field(0.5, gt=0, description="Beatport: seconds between two requests")
    api_url: Address = Field("https://api.beatport.com/v4", description="Beatport: where its API is")
    token_file: str = Field("data/.beatport_tokens.json", description="Beatport: its token")
    cache_dir: str = Field("data/.beatport_cache", description="Beatport: details already asked for")
    cache_days: float = Field(7, ge=0, description="Beatport: days for which a detail is not asked again")
