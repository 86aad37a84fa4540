"""Settings by the names people know: flat for services, environment over .env, empty is not set, secrets unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from clients.http import DEFAULT_RETRY, TIMEOUT
from jobs.runtime import settings as settings_module
from jobs.runtime.errors import UsageError
from jobs.runtime.jars import folders
from jobs.runtime.lake import absolute_root
from jobs.runtime.settings import NO_DOTENV, Settings, example, load_settings, setting_names

SECRETS = (
    "SPOTIFY_CLIENT_SECRET",
    "LASTFM_API_KEY",
    "LISTENBRAINZ_TOKEN",
    "KAGGLE_API_TOKEN",
    "KAGGLE_KEY",
    "BEATPORT_PASSWORD",
)


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No variable of the machine, and a project whose .env is the test's."""
    for name in setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv(NO_DOTENV)
    monkeypatch.setattr(settings_module, "PROJECT", tmp_path)
    return tmp_path


def test_services_have_flat_names(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    (project / ".env").write_text(
        "SPOTIFY_CLIENT_ID=of-the-file\nSPOTIFY_CLIENT_SECRET='quoted secret'\nBEATPORT_GENRE_IDS=5, 6\n"
        "HTTP__TIMEOUT_SECONDS=12\nsomething_else=1\n"
    )
    monkeypatch.setenv("SPOTIFY_CLIENT_ID", "of-the-environment")
    monkeypatch.setenv("LASTFM_API_URL", "http://127.0.0.1:8700/lastfm/")
    settings = load_settings()
    assert settings.spotify.client_id == "of-the-environment"
    assert settings.spotify.client_secret is not None
    assert settings.spotify.client_secret.get_secret_value() == "quoted secret"
    assert settings.beatport.genre_ids == (5, 6)
    assert settings.lastfm.api_url == "http://127.0.0.1:8700/lastfm"
    assert settings.http.timeout_seconds == 12


def test_dotenv_can_be_ignored(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    (project / ".env").write_text("SPOTIFY_CLIENT_ID=of-the-file\n")
    monkeypatch.setenv(NO_DOTENV, "1")
    assert load_settings().spotify.client_id is None


def test_setup_fetches_where_commands_look_with_and_without_dotenv(
    monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    assert folders() == [project / ".jars"]
    (project / ".env").write_text("SPARK__JARS_DIR=/opt/jars\n")
    assert folders() == [project / ".jars", Path("/opt/jars")]
    monkeypatch.setenv("SPARK__JARS_DIR", "theirs")
    assert folders() == [project / "theirs"]
    (project / ".env").write_text("LAKE__ROOTT=x\n")
    assert folders() == [project / "theirs"]


def test_paths_lie_under_the_project_and_home_is_opened(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    monkeypatch.setenv("HOME", "/home/ash")
    roots = ("data/lake", "~/lake", "/lake/", "s3a://bucket/lake/")
    assert [absolute_root(root) for root in roots] == [
        f"{project}/data/lake", "/home/ash/lake", "/lake", "s3a://bucket/lake"
    ]  # fmt: skip


def test_empty_is_not_set(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    (project / ".env").write_text("LASTFM_API_KEY=of-the-file\nSPARK__DRIVER_MEMORY=\n")
    for name in setting_names():
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert settings.lastfm.api_key is not None
    assert settings.lastfm.api_key.get_secret_value() == "of-the-file"
    assert settings.model_copy(update={"lastfm": Settings().lastfm}) == Settings()


def test_the_example_is_the_defaults(project: Path) -> None:
    committed = (Path(__file__).resolve().parents[2] / ".env.example").read_text()
    assert committed == example(), "`make docs` writes it"
    (project / ".env").write_text(committed)
    assert load_settings() == Settings()


def test_no_repr_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, f"s3cr3t-{name}")
    settings = load_settings()
    assert "s3cr3t" not in f"{settings!r}{settings}{settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPOTIFY_MAX_RETRIES", "s3cr3t"),
        ("SPOTIFY_API_URL", "s3cr3t"),
        ("BEATPORT_GENRE_IDS", "5,s3cr3t"),
        ("LYRICS_OVH_URL", "http://"),
        ("KAGGLE_DATASET", "s3cr3t"),
        ("HTTP__TIMEOUT_SECONDS", "-1"),
        ("HTTP__TIMEOUT", "1"),
    ],
)
def test_a_bad_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=f"setting {name}: ") as caught:
        load_settings()
    assert "s3cr3t" not in str(caught.value)


def test_a_variable_named_like_a_section_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI", "yes")
    with pytest.raises(UsageError, match='field "ai"'):
        load_settings()


def test_patience_is_that_of_the_clients() -> None:
    http = Settings().http
    assert http.max_retries == DEFAULT_RETRY.attempts - 1
    assert http.longest_wait_seconds == DEFAULT_RETRY.longest_wait
    assert http.timeout_seconds == TIMEOUT[1]
