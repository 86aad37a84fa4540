"""Kaggle: the track catalogue as one CSV file of a known version and checksum (contracts 2.7).

It goes by `kagglesdk`, the part of the kaggle package that sends requests. The trap: `import kaggle` itself signs in,
against the real Kaggle only, and prints; so it is never imported here.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeVar

import requests
from pydantic import Field, SecretStr
from requests.structures import CaseInsensitiveDict

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
from clients.http import DEFAULT_RETRY, TIMEOUT, USER_AGENT, RetryPolicy
from clients.limits import Limiter, Rate
from clients.replies import Reply, own_words, parsed, told_wait
from clients.secrets import Redactor, silence_url_logs
from clients.service import Address, ServiceSettings, Shared

BASE_URL = "https://api.kaggle.com"
DATASET = "maharshipandya/-spotify-tracks-dataset"
RATES = (Rate(2, 1.0),)  # caution: a download is two requests
CHUNK = 1 << 20  # bytes
MOST_BYTES = 1 << 30  # of the unpacked file, whose 114,000 rows take 20 MB; a zip can claim anything

WAYS = (
    "Set KAGGLE_API_TOKEN (or KAGGLE_USERNAME and KAGGLE_KEY) in .env, or save a token as ~/.kaggle/access_token; "
    "https://www.kaggle.com/settings makes one. Without Kaggle, give the file you have."
)
CHANGED = (
    "Nothing was stored of it, the catalogue of before stays. KAGGLE_DATASET_VERSION chooses another version; a file "
    "that you trust is taken by `import kaggle-tracks FILE`."
)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Download:
    """A file that is here, complete: `sha256` in hex, `version` None for a file that was given."""

    path: Path
    version: int | None
    sha256: str
    bytes: int


@dataclass(frozen=True)
class _Connection:
    """A client of kagglesdk, what hides its credential, and whether it has one or is about to ask for it by a login."""

    client: Any
    redact: Redactor
    credential: Literal["given", "login", "none"]


@dataclass(frozen=True)
class _Failure:
    """An error, and after how many seconds to try again; None: not at all."""

    error: ClientError
    wait: float | None


class KaggleAPIClient:
    """Public datasets of Kaggle.

    Credentials are looked for in this order: `api_token`, KAGGLE_API_TOKEN, ~/.kaggle/access_token; `username` with
    `key`, KAGGLE_USERNAME with KAGGLE_KEY, kaggle.json; what `kaggle auth login` left. Without any it asks as nobody,
    which public data may allow.

    `session` lends its proxies, certificates and adapters. Raises MissingCredentialError or AuthenticationError (no
    credential, or a wrong one), AuthorizationError, NotFoundError (no such dataset or version), RateLimitError,
    UnavailableError after retries, BadPayloadError (no such file inside, or another one than was recorded).
    """

    def __init__(
        self,
        *,
        base_url: str = BASE_URL,
        api_token: SecretStr | None = None,
        username: str | None = None,
        key: SecretStr | None = None,
        limiter: Limiter | None = None,
        retry: RetryPolicy = DEFAULT_RETRY,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._api_token = api_token
        self._username, self._key = username, key
        self._limiter = limiter or Limiter(*RATES)
        self._clock = self._limiter.clock
        self._retry = retry
        self._lent = session
        self._timeout = timeout
        silence_url_logs()  # where a download is sent on to, the URL is the credential

    @property
    def has_credential(self) -> bool:
        """Whether any way leads to one; whether it is good, Kaggle knows."""
        token, _, key = self._credentials()
        saved_login = import_module("kagglesdk").KaggleCredentials.DEFAULT_CREDENTIALS_FILE
        return token is not None or key is not None or Path(saved_login).expanduser().is_file()

    def check(self, dataset: str = DATASET) -> str:
        return f"Kaggle has {dataset} in version {self.latest_version(dataset)}"

    def latest_version(self, dataset: str = DATASET) -> int:
        types = import_module("kagglesdk.datasets.types.dataset_api_service")
        request = types.ApiGetDatasetRequest()
        request.owner_slug, request.dataset_slug = _slugs(dataset)
        with self._connected() as connection:
            ask = partial(connection.client.datasets.dataset_api_client.get_dataset, request)
            found = self._tried(ask, dataset, connection)
        version = found.current_version_number
        if not isinstance(version, int) or version < 1:
            raise BadPayloadError(f"Kaggle API error: no version of {dataset} is told", service="Kaggle")
        return version

    def download_catalogue(
        self,
        target_dir: Path,
        dataset: str = DATASET,
        version: int | None = None,
        expected_sha256: str | None = None,
    ) -> Download:
        """The one CSV file of a dataset, in its latest version unless one is given; it appears complete or not at all.

        The checksum is of the CSV, not of the zip around it, which Kaggle may pack anew. A file of that version that
        is here already and has the expected checksum is not downloaded again.
        """
        version = version or self.latest_version(dataset)
        owner, slug = _slugs(dataset)
        target = target_dir / f"{owner}_{slug.strip('-')}_v{version}.csv"
        if expected_sha256 and target.is_file():
            here = _described(target, version)
            if here.sha256 == expected_sha256.lower():
                return here
        target_dir.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target_dir, prefix=".download-") as folder:
            packed, unpacked = Path(folder) / "packed.zip", Path(folder) / "catalogue.csv"
            self._fetch(dataset, version, packed)
            _unpack(packed, unpacked, dataset)
            download = _described(unpacked, version)
            _compare(download, expected_sha256, f"{dataset} in version {version}")
            os.replace(unpacked, target)
        return Download(target, version, download.sha256, download.bytes)

    def _fetch(self, dataset: str, version: int, target: Path) -> None:
        types = import_module("kagglesdk.datasets.types.dataset_api_service")
        request = types.ApiDownloadDatasetRequest()
        request.owner_slug, request.dataset_slug = _slugs(dataset)
        request.dataset_version_number = version

        def download() -> None:
            response = connection.client.datasets.dataset_api_client.download_dataset(request)
            with response, target.open("wb") as file:
                for chunk in response.iter_content(CHUNK):
                    file.write(chunk)

        with self._connected() as connection:
            self._tried(download, f"{dataset}, version {version}", connection)

    @contextmanager
    def _connected(self) -> Iterator[_Connection]:
        """Signed in where there is a credential."""
        token, username, key = self._credentials()
        if token is None and key is None:
            with self._client(None, None, None) as nobody:
                ask = partial(_token_of_login, nobody)
                token = self._tried(ask, "the saved login", _Connection(nobody, Redactor(), "login"))
        with self._client(token, username, key) as client:
            secrets = [secret for secret in (token, key) if secret is not None]
            yield _Connection(client, Redactor(secrets), "given" if secrets else "none")

    def _client(self, token: SecretStr | None, username: str | None, key: SecretStr | None) -> Any:
        kagglesdk = import_module("kagglesdk")
        client = kagglesdk.KaggleClient(
            env=kagglesdk.KaggleEnv.PROD,
            username=username,
            password=key and key.get_secret_value(),
            api_token=token and token.get_secret_value(),
            user_agent=USER_AGENT,
        )
        # kagglesdk knows a fixed list of endpoints, and waits for ever: neither can be set from outside.
        http = client.http_client()
        http._endpoint = self._base_url
        http._init_session()
        if self._lent is not None:
            for name in ("proxies", "verify", "cert", "trust_env", "adapters"):
                setattr(http._session, name, getattr(self._lent, name))
        http._session.send = partial(http._session.send, timeout=self._timeout)
        return client

    def _credentials(self) -> tuple[SecretStr | None, str | None, SecretStr | None]:
        """A token, or a user name and key, or nothing."""
        if self._api_token is not None and _given(self._api_token):
            return _opened(self._api_token), None, None
        token, _ = import_module("kagglesdk").get_access_token_from_env()
        if token:
            return SecretStr(token), None, None
        if self._username and _given(self._key):
            return None, self._username, self._key
        username, key = os.environ.get("KAGGLE_USERNAME"), os.environ.get("KAGGLE_KEY")
        if not (username and key):
            username, key = _kaggle_json()
        return (None, username, SecretStr(key)) if username and key else (None, None, None)

    def _tried(self, ask: Callable[[], Result], what: str, connection: _Connection) -> Result:
        """What `ask` returns, after retries; raises ClientErrors alone, chained to nothing that holds a URL."""
        for attempt in range(1, self._retry.attempts + 1):
            while (wait := self._limiter.take()) > 0:
                if wait > self._retry.longest_wait:
                    problem = f"Kaggle API error: the limit is reached for {wait:.0f} s"
                    raise RateLimitError(problem, retry_after=wait, service="Kaggle")
                self._clock.sleep(wait)
            try:
                return ask()
            except requests.RequestException as cause:
                failure = self._failure(cause, what, connection, attempt)
            except json.JSONDecodeError:  # a web page: a gateway answered in Kaggle's place
                error = UnavailableError(f"Kaggle API error ({what}): no JSON", service="Kaggle")
                failure = _Failure(error, self._retry.backoff_after(attempt))
            except (ValueError, KeyError, TypeError, AttributeError) as cause:  # what kagglesdk makes of another shape
                problem = f"Kaggle API error ({what}): the answer is not understood ({type(cause).__name__})"
                failure = _Failure(BadPayloadError(problem, service="Kaggle"), None)
            if failure.wait is None or attempt == self._retry.attempts:
                break
            self._clock.sleep(failure.wait)
        raise failure.error

    def _failure(self, cause: requests.RequestException, what: str, connection: _Connection, attempt: int) -> _Failure:
        backoff = self._retry.backoff_after(attempt)
        if not isinstance(cause, requests.HTTPError) or cause.response is None:
            problem = f"Kaggle API error ({what}): no answer, or not all of it ({type(cause).__name__})"
            return _Failure(UnavailableError(problem, service="Kaggle"), backoff)
        response = cause.response
        reply = Reply(response.status_code, what, response.headers, response.content, parsed(response.content)[0])
        code = reply.payload.get("code") if isinstance(reply.payload, dict) else None
        status = code if reply.status < 400 and isinstance(code, int) else reply.status  # errors may come with a 200
        problem = f"Kaggle API error ({what}): HTTP {status}: {own_words(reply, connection.redact)}"
        if status == 429:
            told = told_wait(CaseInsensitiveDict(reply.headers), self._clock.now())
            wait = backoff if told is None else told
            error = RateLimitError(problem, retry_after=wait, service="Kaggle")
            return _Failure(error, wait if wait <= self._retry.longest_wait else None)
        if status >= 500 or status == 408:
            return _Failure(UnavailableError(problem, service="Kaggle"), backoff)
        return _Failure(_refusal(status, problem, connection.credential), None)


def _refusal(status: int, problem: str, credential: Literal["given", "login", "none"]) -> ClientError:
    if credential == "none" and status in (401, 403):
        return MissingCredentialError(f"No Kaggle credential found, and {problem}", service="Kaggle", remedy=WAYS)
    if status == 401 or (credential == "login" and status in (400, 403)):  # a saved login that is no longer good
        remedy = "Run `kaggle auth login` again, or else: " + WAYS if credential == "login" else WAYS
        return AuthenticationError(problem, service="Kaggle", remedy=remedy)
    kinds: dict[int, type[ClientError]] = {403: AuthorizationError, 404: NotFoundError}
    return kinds.get(status, BadPayloadError)(problem, service="Kaggle")


def given_catalogue(path: Path, expected_sha256: str | None = None) -> Download:
    """A catalogue file that is here already, for use without Kaggle.

    Raises NotFoundError if it is not, BadPayloadError if it is another than was recorded.
    """
    if not path.is_file():
        raise NotFoundError(f"There is no catalogue file {path}", service="Kaggle", remedy="Check the path.")
    download = _described(path, None)
    _compare(download, expected_sha256, str(path))
    return download


def _compare(download: Download, expected_sha256: str | None, what: str) -> None:
    if expected_sha256 and download.sha256 != expected_sha256.lower():
        recorded, found = expected_sha256[:12].lower(), download.sha256[:12]
        problem = f"Kaggle API error: {what} is not the file that was recorded (sha256 {found}…, not {recorded}…)"
        raise BadPayloadError(problem, service="Kaggle", remedy=CHANGED)


def _described(path: Path, version: int | None) -> Download:
    with path.open("rb") as file:
        return Download(path, version, hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def _unpack(packed: Path, unpacked: Path, dataset: str) -> None:
    try:
        with zipfile.ZipFile(packed) as archive:
            files = [entry for entry in archive.infolist() if entry.filename.lower().endswith(".csv")]
            if len(files) == 1 and files[0].file_size <= MOST_BYTES:
                with archive.open(files[0]) as source, unpacked.open("wb") as target:
                    shutil.copyfileobj(source, target, CHUNK)
                return
        problem = f"{len(files)} CSV files of at most {MOST_BYTES >> 20} MiB are in {dataset}, not 1"
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        problem = f"what came for {dataset} is no whole zip file ({type(error).__name__})"
    raise BadPayloadError(f"Kaggle API error: {problem}", service="Kaggle")


def _token_of_login(client: Any) -> SecretStr | None:
    """The access token of `kaggle auth login`, renewed if need be."""
    saved = import_module("kagglesdk").KaggleCredentials.load(client=client)
    token = saved.get_access_token() if saved else None
    return SecretStr(token) if token else None


def _kaggle_json() -> tuple[str | None, str | None]:
    """User name and key from kaggle.json, in the folders in which the kaggle package looks for it."""
    home, settings = Path.home(), os.environ.get("XDG_CONFIG_HOME")
    folders = [home / ".kaggle", (Path(settings) if settings else home / ".config") / "kaggle"]
    if os.environ.get("KAGGLE_CONFIG_DIR"):
        folders.insert(0, Path(os.environ["KAGGLE_CONFIG_DIR"]))
    for folder in folders:
        try:
            saved = json.loads((folder / "kaggle.json").read_text(encoding="utf-8"))
            return str(saved["username"]), str(saved["key"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None, None


def _opened(token: SecretStr) -> SecretStr:
    """KAGGLE_API_TOKEN may name a file that holds the token; so the package has it."""
    value = token.get_secret_value().strip()
    return SecretStr(Path(value).read_text(encoding="utf-8").strip()) if os.path.isfile(value) else token


def _given(secret: SecretStr | None) -> bool:
    return secret is not None and bool(secret.get_secret_value().strip())


def _slugs(dataset: str) -> tuple[str, str]:
    owner, _, slug = dataset.partition("/")
    if not owner or not slug or "/" in slug:
        raise ValueError(f"a Kaggle dataset is named owner/name, not {dataset!r}")
    return owner, slug


class KaggleSettings(ServiceSettings):
    api_token: SecretStr | None = Field(
        None, description="Kaggle: API token, unless the kaggle package finds a credential by itself"
    )
    username: str | None = Field(None, description="Kaggle: user name, together with a key, instead of a token")
    key: SecretStr | None = Field(None, description="Kaggle: key of that user")
    dataset: str = Field(DATASET, pattern=r"^[^/\s]+/[^/\s]+$", description="Kaggle: the track catalogue")
    dataset_version: int | None = Field(None, ge=1, description="Kaggle: its version; the latest where empty")
    api_url: Address = Field(BASE_URL, description="Kaggle: where its API is")

    def client(self, shared: Shared) -> KaggleAPIClient:
        return KaggleAPIClient(
            base_url=self.api_url,
            api_token=self.api_token,
            username=self.username,
            key=self.key,
            limiter=shared.limiter(*RATES),
            retry=shared.retry(),
            timeout=shared.timeout,
        )

    def is_complete(self, shared: Shared, *, for_accounts: bool) -> bool:  # noqa: ARG002
        return self.client(shared).has_credential
