"""Kaggle by its own package against a server that is not it: zip behind a redirect, versions, every credential."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import traceback
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from werkzeug import Request, Response

from clients.errors import (
    AuthenticationError,
    AuthorizationError,
    BadPayloadError,
    ClientError,
    MissingCredentialError,
    NotFoundError,
    RateLimitError,
    UnavailableError,
)
from clients.kaggle_api import RATES, Download, KaggleAPIClient, given_catalogue
from clients.limits import Limiter
from tests.clocks import FakeClock
from tests.services import SECRET, STEADY, said, serve

DATASET = "someone/-some-tracks"
VIEW, DOWNLOAD = "/v1/datasets.DatasetApiService/GetDataset", "/v1/datasets.DatasetApiService/DownloadDataset"
CSV = b"index,track_id\n0,x\n"
CSV_SHA = hashlib.sha256(CSV).hexdigest()


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return packed.getvalue()


class FakeKaggle:
    """Redirects a download to a store, as Kaggle does, and keeps what it was asked."""

    def __init__(self, httpserver: HTTPServer) -> None:
        self.version = 3
        self.stored = Response(zipped(dataset_csv=CSV, readme_md=b"x"), content_type="application/zip")
        self.viewed: list[Request] = []
        self.asked: list[Request] = []
        self.store = httpserver.url_for("/store").replace("localhost", "127.0.0.1")
        httpserver.expect_request(VIEW, method="POST").respond_with_handler(self._view)
        httpserver.expect_request(DOWNLOAD, method="POST").respond_with_handler(self._download)
        self.fetched = serve(httpserver, "/store", self.stored)

    def _view(self, request: Request) -> Response:
        self.viewed.append(request)
        return said({"ref": DATASET, "currentVersionNumber": self.version, "isPrivate": False})

    def _download(self, request: Request) -> Response:
        self.asked.append(request)
        return Response(status=302, headers={"Location": f"{self.store}?X-Goog-Signature={SECRET}"})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / ".kaggle").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def kaggle(httpserver: HTTPServer) -> FakeKaggle:
    return FakeKaggle(httpserver)


@pytest.fixture
def options(httpserver: HTTPServer, fake: FakeClock) -> dict[str, Any]:
    limiter = Limiter(*RATES, clock=fake.clock)
    return {"base_url": httpserver.url_for("/"), "limiter": limiter, "retry": STEADY, "timeout": (1, 0.5)}


@pytest.fixture
def client(options: dict[str, Any]) -> KaggleAPIClient:
    return KaggleAPIClient(**options)


def test_the_latest_version_comes_whole(
    kaggle: FakeKaggle, client: KaggleAPIClient, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    structlog.reset_defaults()
    with capture_logs():
        got = client.download_catalogue(tmp_path / "in", DATASET)
    assert got == Download(tmp_path / "in" / "someone_some-tracks_v3.csv", 3, CSV_SHA, len(CSV))
    assert got.path.read_bytes() == CSV
    assert list((tmp_path / "in").iterdir()) == [got.path]
    assert kaggle.viewed[0].json == {"ownerSlug": "someone", "datasetSlug": "-some-tracks"}
    assert kaggle.asked[0].json == kaggle.viewed[0].json | {"datasetVersionNumber": 3}
    assert "Moodlake" in kaggle.asked[0].headers["User-Agent"]
    assert "kaggle" not in sys.modules
    assert capfd.readouterr().out == ""


def test_a_recorded_version_and_checksum_are_compared(
    kaggle: FakeKaggle, client: KaggleAPIClient, tmp_path: Path
) -> None:
    first = client.download_catalogue(tmp_path, DATASET, version=2)
    assert (first.version, len(kaggle.viewed)) == (2, 0)
    assert client.download_catalogue(tmp_path, DATASET, version=2, expected_sha256=first.sha256.upper()) == first
    assert len(kaggle.asked) == 1
    with pytest.raises(BadPayloadError, match=r"not the file that was recorded.*catalogue of before stays"):
        client.download_catalogue(tmp_path, DATASET, expected_sha256="0" * 64)
    assert list(tmp_path.glob("*.csv")) == [first.path]
    assert not list(tmp_path.glob(".download*"))


def test_a_file_can_be_given_instead(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes(CSV)
    assert given_catalogue(tmp_path / "mine.csv", CSV_SHA) == Download(tmp_path / "mine.csv", None, CSV_SHA, len(CSV))
    with pytest.raises(BadPayloadError, match="not the file that was recorded"):
        given_catalogue(tmp_path / "mine.csv", "0" * 64)
    with pytest.raises(NotFoundError, match="no catalogue file"):
        given_catalogue(tmp_path / "none.csv")


# --- credentials ---


def basic(name: str, key: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{key}".encode()).decode()


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.mark.parametrize("way", ["given", "environment", "file", "both"])
def test_a_token_is_sent_by_whatever_way_it_came(
    kaggle: FakeKaggle, options: dict[str, Any], home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str
) -> None:
    if way in ("environment", "both"):
        monkeypatch.setenv("KAGGLE_API_TOKEN", SECRET if way == "environment" else "another")
    if way == "file":
        write(home / ".kaggle" / "access_token", SECRET + "\n")
    if way in ("given", "both"):
        options["api_token"] = SecretStr(SECRET)
    write(home / ".kaggle" / "kaggle.json", {"username": "u", "key": "never"})
    KaggleAPIClient(**options).download_catalogue(tmp_path, DATASET)
    assert kaggle.asked[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert "Authorization" not in kaggle.fetched[0].headers


@pytest.mark.parametrize("way", ["given", "environment", ".kaggle", ".config/kaggle", "KAGGLE_CONFIG_DIR"])
def test_a_user_name_and_key_too(
    kaggle: FakeKaggle, options: dict[str, Any], home: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    saved = {"username": "u", "key": SECRET}
    if way == "given":
        options |= {"username": "u", "key": SecretStr(SECRET)}
    elif way == "environment":
        monkeypatch.setenv("KAGGLE_USERNAME", "u")
        monkeypatch.setenv("KAGGLE_KEY", SECRET)
    elif way == "KAGGLE_CONFIG_DIR":
        monkeypatch.setenv(way, str(home / "elsewhere"))
        write(home / "elsewhere" / "kaggle.json", saved)
    else:
        write(home / way / "kaggle.json", saved)
    assert KaggleAPIClient(**options).check(DATASET) == f"Kaggle has {DATASET} in version 3"
    assert kaggle.viewed[0].headers["Authorization"] == basic("u", SECRET)


def test_a_saved_login_too(kaggle: FakeKaggle, client: KaggleAPIClient, home: Path, httpserver: HTTPServer) -> None:
    saved = {"refresh_token": "again", "access_token": "", "username": "u", "scopes": []}
    write(home / ".kaggle" / "credentials.json", saved)
    renew = "/v1/users.AccountService/GenerateAccessToken"
    renewed = serve(httpserver, renew, said({"token": SECRET, "expiresIn": 3600}), method="POST")
    client.check(DATASET)
    assert kaggle.viewed[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert renewed[0].json["refreshToken"] == "again"
    later = (datetime.now(UTC) + timedelta(hours=5)).isoformat()
    write(home / ".kaggle" / "credentials.json", saved | {"access_token": "kept", "access_token_expiration": later})
    client.check(DATASET)
    assert kaggle.viewed[1].headers["Authorization"] == "Bearer kept"
    assert len(renewed) == 1


def test_a_saved_login_that_ended_is_told(client: KaggleAPIClient, home: Path, httpserver: HTTPServer) -> None:
    write(home / ".kaggle" / "credentials.json", {"refresh_token": SECRET, "access_token": "", "username": "u"})
    renew = "/v1/users.AccountService/GenerateAccessToken"
    serve(httpserver, renew, said({"code": 400, "message": "token revoked"}, 400), method="POST")
    with pytest.raises(AuthenticationError, match=r"the saved login.*token revoked.*kaggle auth login"):
        client.check(DATASET)


def test_public_data_may_need_none(kaggle: FakeKaggle, client: KaggleAPIClient) -> None:
    client.check(DATASET)
    assert "Authorization" not in kaggle.viewed[0].headers


@pytest.mark.parametrize(
    ("token", "status", "kind", "words"),
    [
        (None, 401, MissingCredentialError, r"^No Kaggle credential found.*KAGGLE_API_TOKEN"),
        (None, 403, MissingCredentialError, r"^No Kaggle credential found.*KAGGLE_API_TOKEN"),
        (SECRET, 401, AuthenticationError, r"^Kaggle API error.*HTTP 401: told why.*KAGGLE_API_TOKEN"),
        (SECRET, 403, AuthorizationError, r"^Kaggle API error.*HTTP 403: told why"),
        (SECRET, 404, NotFoundError, r"^Kaggle API error.*some-tracks.*HTTP 404: told why"),
        (SECRET, 400, BadPayloadError, r"^Kaggle API error.*HTTP 400: told why"),
    ],
)
@pytest.mark.parametrize("disguised", [False, True])
def test_refusals_are_told(
    httpserver: HTTPServer,
    options: dict[str, Any],
    token: str | None,
    status: int,
    kind: type[ClientError],
    words: str,
    disguised: bool,
) -> None:
    body = {"code": status, "message": f"told why {SECRET}"}
    seen = serve(httpserver, VIEW, said(body, 200 if disguised else status), method="POST")
    client = KaggleAPIClient(**options, api_token=token and SecretStr(token))
    with pytest.raises(kind, match=words) as caught:
        client.latest_version(DATASET)
    assert type(caught.value) is kind
    assert len(seen) == 1
    if token:
        assert SECRET not in "".join([*traceback.format_exception(caught.value), repr(vars(client))])


# --- failures ---


def test_outages_are_retried_and_limits_kept(httpserver: HTTPServer, client: KaggleAPIClient, fake: FakeClock) -> None:
    answers = [said({}, 503), said({"code": 429, "message": "slow"}, 429, Retry_After="20"), Response("<html>", 502)]
    serve(httpserver, VIEW, *answers, said({"currentVersionNumber": 7}), method="POST")
    assert client.latest_version(DATASET) == 7
    assert [seconds for seconds in fake.sleeps if seconds in (1, 20, 4)] == [1, 20, 4]
    fake.seconds, started = fake.seconds + 60, fake.seconds + 60
    for _ in range(3):
        client.latest_version(DATASET)
    assert fake.seconds - started >= 1


@pytest.mark.parametrize(
    ("response", "kind", "attempts"),
    [
        (said({}, 500), UnavailableError, 5),
        (said({}, 429, Retry_After="7200"), RateLimitError, 1),
        (Response("<html>", content_type="text/html"), UnavailableError, 5),
        (said({"currentVersionNumber": "three"}), BadPayloadError, 1),
        (said({}), BadPayloadError, 1),
        (said([]), BadPayloadError, 1),
    ],
)
def test_failures_are_told(
    httpserver: HTTPServer, client: KaggleAPIClient, response: Response, kind: type[ClientError], attempts: int
) -> None:
    seen = serve(httpserver, VIEW, response, method="POST")
    with pytest.raises(kind, match=r"^Kaggle API error") as caught:
        client.latest_version(DATASET)
    assert len(seen) == attempts
    if isinstance(caught.value, RateLimitError):
        assert caught.value.retry_after == 7200


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>sign in</html>", "no whole zip file"),
        (zipped(dataset_csv=CSV)[:-30], "no whole zip file"),
        (zipped(readme_md=b"x"), "0 CSV files"),
        (zipped(a_csv=CSV, b_csv=CSV), "2 CSV files"),
    ],
)
def test_another_content_is_refused_and_leaves_nothing(
    kaggle: FakeKaggle, client: KaggleAPIClient, tmp_path: Path, content: bytes, words: str
) -> None:
    kaggle.stored.set_data(content)
    with pytest.raises(BadPayloadError, match=words):
        client.download_catalogue(tmp_path / "in", DATASET)
    assert not list((tmp_path / "in").iterdir())


def test_no_secret_is_told_when_nobody_answers(
    kaggle: FakeKaggle, options: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kaggle.store = "http://127.0.0.1:1/store"
    client = KaggleAPIClient(**options, api_token=SecretStr(SECRET))
    with caplog.at_level("DEBUG"), pytest.raises(UnavailableError, match="no answer") as caught:
        client.download_catalogue(tmp_path / "in", DATASET)
    assert caught.value.__context__ is None
    told = [*traceback.format_exception(caught.value), repr(client)]
    told += [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    assert SECRET not in "".join(told)
    assert len(kaggle.asked) == STEADY.attempts


@pytest.mark.parametrize("name", ["", "one", "a/b/c", "/x"])
def test_a_dataset_has_an_owner_and_a_name(client: KaggleAPIClient, name: str) -> None:
    with pytest.raises(ValueError, match="owner/name"):
        client.latest_version(name)
