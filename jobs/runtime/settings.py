"""Every setting, read once from the environment (and .env for people, never for tests): LAKE__ROOT, SPOTIFY_CLIENT_ID.

The trap: sections of ours take two underscores; services have the flat names that people know from elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from clients.service import ServiceSettings
from jobs.plan import CURRENT_DAYS, SERVICES
from jobs.runtime.errors import UsageError

if TYPE_CHECKING:
    from clients.beatport_api import BeatportSettings
    from clients.kaggle_api import KaggleSettings
    from clients.lastfm_api import LastfmSettings
    from clients.listenbrainz_api import ListenBrainzSettings
    from clients.lyrics_api import LyricsSettings
    from clients.mood_api import MoodSettings
    from clients.reccobeats_api import ReccoBeatsSettings
    from clients.spotify_api import SpotifySettings

PROJECT = Path(__file__).resolve().parents[2]
GIBIBYTE = 1024**3
EXAMPLE_HEAD = """\
# Every setting, with its default; what is empty is not set. Copy to .env and change what you need; tests, bench and
# demo never read it.
"""
NO_DOTENV = "MOODLAKE_IGNORE_DOTENV"  # set by tests, bench and demo, which must not read a person's credentials


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LakeSettings(Section):
    root: str = Field("data/lake", description="Where the tables live: a folder, or s3a://bucket/prefix")
    min_free_bytes: int = Field(GIBIBYTE, ge=0, description="A run or import refuses to start with less free space")


class SparkSettings(Section):
    master: str = Field("local[*]", description="Spark master: local[*], spark://host:7077, k8s://...")
    driver_memory: str = Field("4g", pattern=r"^\d+[mg]$", description="Heap of the driver, such as 4g")
    jars_dir: str = Field(".jars", description="Where `make setup` put Delta's JARs")
    local_dir: str = Field("", description="Where Spark spills; empty is the system's temporary folder")


class ImportSettings(Section):
    skip_incognito: bool = Field(True, description="Leave out plays of Spotify's private sessions")
    max_archive_bytes: int = Field(50 * GIBIBYTE, ge=1, description="Largest unpacked size of an archive")


class RunSettings(Section):
    full_above_share: float = Field(
        0.2, gt=0, le=1, description="Share of listeners or tracks above which a table is built in full"
    )


class ModelSettings(Section):
    dir: str = Field("data/models", description="Where the fitted models are that builds use")
    lyric_scorer: str = Field(
        "",
        pattern="^(local|remote|)$",
        description="What reads moods from lyrics: local, remote; where empty, remote if AI_API_URL is set, else local",
    )
    train_on_api_rows: bool = Field(
        False, description="Let `train` learn from values that came through Spotify's API; its terms forbid it"
    )


class ProfileSettings(Section):
    current_half_life_days: float = Field(
        7.0,
        ge=1,
        le=CURRENT_DAYS,
        description=f"Days after which a day counts half in `current`, which looks back {CURRENT_DAYS} days",
    )


class MatchSettings(Section):
    exact_up_to_users: int = Field(
        100_000,
        ge=0,
        description="Listeners up to which one process compares all pairs; of more, Spark those of like taste",
    )
    refit_above_growth: float = Field(
        0.2,
        ge=0,
        description="Beyond it, the share by which listeners or artists may change until their model is fitted anew",
    )


class RecommendationSettings(Section):
    exact_up_to_users: int = Field(
        100_000,
        ge=0,
        description="Listeners up to which one process makes all lists; of more, many processes, out of candidates",
    )


class LogSettings(Section):
    level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least severe level that is logged")
    format: str = Field("console", pattern="^(console|json)$", description="console for people, json for machines")


class IngestSettings(Section):
    workers: int = Field(4, ge=1, le=64, description="How many accounts or services are asked at the same time")
    tracks_per_run: int = Field(
        2000, ge=1, description="Tracks a source is asked about in one run, those heard last first"
    )
    one_by_one_per_run: int = Field(
        200, ge=1, description="Tracks asked about one by one in one run: lyrics, Spotify tracks"
    )
    lyrics_days: int = Field(30, ge=1, description="Days for which the text of lyrics is kept; scores stay")
    unknown_days: int = Field(30, ge=1, description="Days until a source is asked again about a track it did not know")


class HttpSettings(Section):
    timeout_seconds: float = Field(30.0, gt=0, description="Longest silence of a service before a request has failed")
    max_retries: int = Field(4, ge=0, le=20, description="How often a request is tried again; Spotify has its own")
    longest_wait_seconds: float = Field(
        60.0,
        ge=0,
        description="Longest wait that a service may ask for within a run; beyond it, it is left for the next",
    )


class OwnSettings(BaseSettings):
    """All settings but the services', by section.

    An unknown name in a section is an error, so that a typing mistake is seen. An empty value counts as not set. What
    is a credential is a SecretStr, so that no repr shows it.
    """

    model_config = SettingsConfigDict(
        env_nested_delimiter="__", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore"
    )

    lake: LakeSettings = Field(default_factory=LakeSettings)  # type: ignore[arg-type]
    spark: SparkSettings = Field(default_factory=SparkSettings)  # type: ignore[arg-type]
    imports: ImportSettings = Field(default_factory=ImportSettings)  # type: ignore[arg-type]
    run: RunSettings = Field(default_factory=RunSettings)  # type: ignore[arg-type]
    ingest: IngestSettings = Field(default_factory=IngestSettings)  # type: ignore[arg-type]
    http: HttpSettings = Field(default_factory=HttpSettings)  # type: ignore[arg-type]
    model: ModelSettings = Field(default_factory=ModelSettings)  # type: ignore[arg-type]
    profile: ProfileSettings = Field(default_factory=ProfileSettings)  # type: ignore[arg-type]
    matches: MatchSettings = Field(default_factory=MatchSettings)  # type: ignore[arg-type]
    recommendations: RecommendationSettings = Field(default_factory=RecommendationSettings)  # type: ignore[arg-type]
    log: LogSettings = Field(default_factory=LogSettings)  # type: ignore[arg-type]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        assert isinstance(env_settings, EnvSettingsSource)
        assert isinstance(dotenv_settings, EnvSettingsSource)
        return (
            init_settings,
            _FlatNames(settings_cls, env_settings.env_vars),
            env_settings,
            _FlatNames(settings_cls, dotenv_settings.env_vars),
            dotenv_settings,
            file_secret_settings,
        )


class _FlatNames(PydanticBaseSettingsSource):
    """The services' settings by their flat names, out of variables that another source has read."""

    def __init__(self, settings_cls: type[BaseSettings], variables: Mapping[str, str | None]) -> None:
        super().__init__(settings_cls)
        self._variables = {name.upper(): value for name, value in variables.items() if value}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        model = _model_of(field)
        names = model.model_fields if issubclass(model, ServiceSettings) else {}
        found = {name: self._variables.get(setting_name(field_name, name)) for name in names}
        return {name: value for name, value in found.items() if value}, field_name, False

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields
        return {name: found for name, field in fields.items() if (found := self.get_field_value(field, name)[0])}


def _services() -> dict[str, Any]:
    """The sections of the plan's services, each declared beside its client."""
    sections: dict[str, Any] = {}
    for source, place in SERVICES.items():
        module, _, name = place.partition(":")
        kind = getattr(import_module(f"clients.{module}"), name)
        sections[source] = (kind, Field(default_factory=kind))
    return sections


if TYPE_CHECKING:

    class Settings(OwnSettings):
        """As it is made below; those that jobs read by name."""

        spotify: SpotifySettings
        lastfm: LastfmSettings
        listenbrainz: ListenBrainzSettings
        reccobeats: ReccoBeatsSettings
        lyrics: LyricsSettings
        ai: MoodSettings
        kaggle: KaggleSettings
        beatport: BeatportSettings

        def __init__(self, **values: Any) -> None: ...
else:
    Settings = create_model("Settings", __base__=OwnSettings, **_services())


def load_settings(*, reads_dotenv: bool = True) -> Settings:
    """Settings from the environment, over .env, over the defaults. Raises UsageError naming the bad setting."""
    dotenv = PROJECT / ".env" if reads_dotenv and not os.environ.get(NO_DOTENV) else None
    try:
        return Settings(_env_file=dotenv)
    except ValidationError as error:
        first = error.errors()[0]
        name = setting_name(*map(str, first["loc"][:2]))
        raise UsageError(f"setting {name}: {first['msg']}; see .env.example") from None
    except SettingsError as error:
        raise UsageError(f"settings: {error}; see .env.example") from None


def setting_name(section: str, name: str = "") -> str:
    """The environment's name of a setting: LAKE__ROOT, but SPOTIFY_CLIENT_ID."""
    field = Settings.model_fields.get(section)
    is_flat = field is not None and issubclass(_model_of(field), ServiceSettings)
    return ("_" if is_flat else "__").join(filter(None, (section, name))).upper()


def setting_names() -> dict[str, tuple[str, str]]:
    """Every setting by its environment name, with its default as text (empty: none) and description: what .env.example
    must list."""
    return {
        setting_name(section, name): (_as_text(inner.default), inner.description or "")
        for section, outer in Settings.model_fields.items()
        for name, inner in _model_of(outer).model_fields.items()
    }


def example() -> str:
    """What .env.example holds."""
    settings = (f"# {description}\n{name}={default}\n" for name, (default, description) in setting_names().items())
    return "\n".join((EXAMPLE_HEAD, *settings))


def absolute_path(path: str) -> Path:
    """A file named by a setting: relative to the project, `~` opened."""
    return PROJECT / Path(path).expanduser()


def _model_of(field: FieldInfo) -> type[BaseModel]:
    model = field.annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    return model


def _as_text(default: Any) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return "" if default in (None, ()) else str(default)
