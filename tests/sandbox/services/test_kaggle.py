"""Kaggle, asked by the kaggle package itself and by hand."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import requests

from sandbox.catalogue import catalogue_csv
from sandbox.services.server import Sandbox
from sandbox.world import World
from tests.sandbox.services.calling import kinds

DATASET = "maharshipandya/-spotify-tracks-dataset"
# In a process of its own: the package reads its environment when it is imported.
ASK = """
import sys
from kagglesdk import kaggle_env
kaggle_env._env_to_endpoint[kaggle_env.KaggleEnv.PROD] = sys.argv[1]
from kaggle.api.kaggle_api_extended import KaggleApi
api = KaggleApi()
api.authenticate()
print(api.config_values["auth_method"])
print(api.dataset_status(sys.argv[2], format="json"))
print(api.dataset_list_files(sys.argv[2]).files[0].name)
api.dataset_metadata(sys.argv[2], sys.argv[3])
api.dataset_download_files(sys.argv[2], path=sys.argv[3], quiet=True)
"""


@pytest.fixture
def ask(box: Sandbox, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(**credentials: str) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("KAGGLE")}
        environment |= {"HOME": str(tmp_path), "KAGGLE_CONFIG_DIR": str(tmp_path), **credentials}
        return subprocess.run(
            [sys.executable, "-c", ASK, box.url("kaggle"), DATASET, str(tmp_path)],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run


def zipped(box: Sandbox) -> bytes:
    answer = requests.get(f"{box.url('kaggle')}/api/v1/datasets/download/{DATASET}", timeout=10)
    assert answer.ok
    return answer.content


def test_the_package_downloads_the_catalogue(
    box: Sandbox, world: World, tmp_path: Path, ask: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = ask(KAGGLE_USERNAME=box.kaggle.username, KAGGLE_KEY=box.kaggle.key)
    assert done.returncode == 0, done.stderr
    assert '"current_version_number": 3' in done.stdout
    assert "dataset.csv" in done.stdout
    with zipfile.ZipFile(tmp_path / "-spotify-tracks-dataset.zip") as archive:
        text = archive.read("dataset.csv").decode()
    assert text == catalogue_csv(Random(f"{world.seed}/catalogue"), world.tracks)[0]
    assert [request.endpoint for request in box.requests][-2:] == ["DownloadDataset", "storage"]
    assert kinds(box) == []


def test_the_package_takes_a_token_and_is_refused_without_a_good_one(
    box: Sandbox, ask: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = ask(KAGGLE_API_TOKEN=box.kaggle.token)
    assert done.returncode == 0, done.stderr
    assert box.requests.count(endpoint="IntrospectToken", status=200) >= 1
    assert ask(KAGGLE_USERNAME="x", KAGGLE_KEY="y").returncode != 0
    assert "token" in kinds(box)


def test_a_download_is_a_redirect_to_the_store(box: Sandbox) -> None:
    url = f"{box.url('kaggle')}/api/v1/datasets"
    view = requests.get(f"{url}/view/{DATASET}", timeout=10).json()
    assert view["currentVersionNumber"] == 3
    first = requests.get(f"{url}/download/{DATASET}", allow_redirects=False, timeout=10)
    assert first.status_code == 302
    content = zipped(box)
    assert len(content) == view["totalBytes"]
    numbered = requests.get(f"{url}/download/{DATASET}", params={"dataset_version_number": "3"}, timeout=10)
    assert numbered.content == content
    assert requests.get(f"{url}/download/{DATASET}?dataset_version_number=9", timeout=10).status_code == 404
    assert requests.get(f"{url}/view/somebody/else", timeout=10).status_code == 404


def test_versions_and_bytes_change(box: Sandbox) -> None:
    url = f"{box.url('kaggle')}/api/v1/datasets/view/{DATASET}"
    before = hashlib.sha256(zipped(box)).hexdigest()
    box.faults.on("kaggle.other_bytes")
    assert hashlib.sha256(zipped(box)).hexdigest() != before
    assert requests.get(url, timeout=10).json()["currentVersionNumber"] == 3
    box.faults.off()
    box.faults.on("kaggle.new_version")
    assert requests.get(url, timeout=10).json()["currentVersionNumber"] == 4
    changed = zipped(box)
    assert hashlib.sha256(changed).hexdigest() != before
    assert zipfile.ZipFile(io.BytesIO(changed)).namelist() == ["dataset.csv"]


@pytest.mark.parametrize(
    ("name", "status"), [("unauthorized", 401), ("forbidden", 403), ("gone", 404), ("rate", 429), ("not_a_zip", 200)]
)
def test_refusals(box: Sandbox, name: str, status: int) -> None:
    box.faults.on(f"kaggle.{name}", times=1)
    answer = requests.get(f"{box.url('kaggle')}/api/v1/datasets/download/{DATASET}", timeout=10)
    assert answer.status_code == status
    assert not answer.content.startswith(b"PK")


def test_a_truncated_zip_is_no_zip(box: Sandbox) -> None:
    box.faults.on("kaggle.truncated", times=1)
    assert not zipfile.is_zipfile(io.BytesIO(zipped(box)))
    assert zipfile.is_zipfile(io.BytesIO(zipped(box)))
