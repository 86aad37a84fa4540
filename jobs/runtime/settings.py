"""Every setting, read once from the environment (and .env for people, never for tests): LAKE__ROOT and so on."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from jobs.runtime.errors import UsageError

PROJECT = Path(__file__).resolve().parents[2]
GIBIBYTE = 1024**3
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


class LogSettings(Section):
    level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least severe level that is logged")
    format: str = Field("console", pattern="^(console|json)$", description="console for people, json for machines")


class Settings(BaseSettings):
    """All settings by section; an unknown name in a section is an error, so that a typing mistake is seen."""

    model_config = SettingsConfigDict(env_nested_delimiter="__", env_file_encoding="utf-8", extra="ignore")

    lake: LakeSettings = Field(default_factory=LakeSettings)  # type: ignore[arg-type]
    spark: SparkSettings = Field(default_factory=SparkSettings)  # type: ignore[arg-type]
    imports: ImportSettings = Field(default_factory=ImportSettings)  # type: ignore[arg-type]
    run: RunSettings = Field(default_factory=RunSettings)  # type: ignore[arg-type]
    log: LogSettings = Field(default_factory=LogSettings)  # type: ignore[arg-type]


def load_settings() -> Settings:
    """Settings from the environment, over .env, over the defaults. Raises UsageError naming the bad setting."""
    dotenv = None if os.environ.get(NO_DOTENV) else PROJECT / ".env"
    try:
        return Settings(_env_file=dotenv)  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        name = "__".join(str(part) for part in first["loc"]).upper()
        raise UsageError(f"setting {name}: {first['msg']}; see .env.example") from None


def setting_names() -> dict[str, tuple[object, str]]:
    """Every setting by its environment name, with its default and description: what .env.example must list."""
    found: dict[str, tuple[object, str]] = {}
    for section, outer in Settings.model_fields.items():
        model = outer.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        for name, inner in model.model_fields.items():
            found[f"{section}__{name}".upper()] = (inner.default, inner.description or "")
    return found
