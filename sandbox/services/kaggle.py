"""Kaggle's API as the kaggle package (2.2) calls it, and its older REST paths: one dataset, the world's catalogue.

The package posts to {endpoint}/v1/SERVICE/METHOD, where endpoint stands for https://api.kaggle.com (here /kaggle);
https://www.kaggle.com/api/v1/... is here /kaggle/api/v1/...
"""

from __future__ import annotations

import base64
import binascii
import io
import math
import secrets
import zipfile
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any

from flask import Blueprint, Response, redirect, request, send_file
from werkzeug.wrappers import Response as AnyResponse

from sandbox.catalogue import catalogue_csv
from sandbox.exports import ZIP_TIME
from sandbox.services.exchange import GATEWAY_PAGE
from sandbox.services.state import State, fault, options, reply

Body = dict[str, Any]

OWNER, SLUG = "maharshipandya", "-spotify-tracks-dataset"
FILE = "dataset.csv"
VERSION = 3
UPDATED = datetime(2026, 3, 1, tzinfo=UTC)
DATASET_ID = 2_570_056
DATASETS, OAUTH = "datasets.DatasetApiService", "security.OAuthService"
FIELDS = {
    "GetDataset": ("ownerSlug", "datasetSlug"),
    "GetDatasetMetadata": ("ownerSlug", "datasetSlug"),
    "GetDatasetStatus": ("ownerSlug", "datasetSlug"),
    "ListDatasetFiles": ("ownerSlug", "datasetSlug", "datasetVersionNumber", "pageToken", "pageSize"),
    "DownloadDataset": ("ownerSlug", "datasetSlug", "fileName", "datasetVersionNumber", "raw", "hashLink"),
    "IntrospectToken": ("token",),
}


def refuse(status: int, message: str) -> Response:
    return reply({"code": status, "message": message}, status)


class Kaggle:
    name = "kaggle"

    def __init__(self, state: State) -> None:
        self._state = state
        self.username = "moodlake_sandbox"
        self.key = state.vault.keep(secrets.token_hex(16))
        self.token = state.vault.make("KGAT_")
        self.archive = cache(self._archive)

    def blueprint(self) -> Blueprint:
        routes = Blueprint(self.name, __name__, url_prefix=f"/{self.name}")
        for prefix in ("/v1", "/api/v1"):
            routes.add_url_rule(f"{prefix}/<service>/<method>", f"call {prefix}", self.call, methods=["POST"])
        routes.add_url_rule("/api/v1/datasets/view/<owner>/<slug>", "view", self.view)
        routes.add_url_rule("/api/v1/datasets/download/<owner>/<slug>", "download", self.download)
        routes.add_url_rule("/storage/<int:version>/<variant>.zip", "storage", self.storage)
        return routes

    def identify(self) -> tuple[str | None, str]:
        endpoint = (request.endpoint or "").partition(".")[2]
        older = {"view": "GetDataset", "download": "DownloadDataset"}
        return None, older.get(endpoint) or (request.view_args or {}).get("method", endpoint)

    def admit(self) -> Response | None:
        if rate := options("kaggle.rate"):
            wait = str(math.ceil(rate["seconds"]))
            return reply({"code": 429, "message": "Too many requests"}, 429, {"Retry-After": wait})
        if fault("kaggle.unauthorized"):
            return refuse(401, "Unauthenticated")
        if request.endpoint == "kaggle.storage":
            return None
        if not self._is_welcome():
            self._state.violate("token", "credentials that were never issued")
            return refuse(401, "Unauthenticated")
        if fault("kaggle.forbidden"):
            return refuse(403, "You must accept this dataset's terms before downloading")
        if fault("kaggle.gone"):
            return refuse(404, "Dataset not found")
        return None

    def _is_welcome(self) -> bool:
        """Public data needs no credentials, but wrong ones are refused."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return True
        if scheme == "Bearer":
            return value == self.token
        try:
            return scheme == "Basic" and base64.b64decode(value).decode() == f"{self.username}:{self.key}"
        except (binascii.Error, UnicodeDecodeError):
            return False

    # The calls of the package

    def call(self, service: str, method: str) -> AnyResponse:
        sent = request.get_json(silent=True)
        if not isinstance(sent, dict):
            self._state.violate("body", "the body is no JSON object")
            return refuse(400, "Invalid request")
        if method not in FIELDS or service != (OAUTH if method == "IntrospectToken" else DATASETS):
            self._state.violate("endpoint", f"{service}/{method} is not played here")
            return refuse(404, "Not found")
        if strange := sent.keys() - set(FIELDS[method]):
            self._state.violate("body", f"unknown field {min(strange)!r}")
        if method == "IntrospectToken":
            known = sent.get("token") == self.token
            return reply({"active": known, "username": self.username} if known else {"active": False})
        if (sent.get("ownerSlug"), sent.get("datasetSlug")) != (OWNER, SLUG):
            return refuse(404, "Dataset not found")
        if method == "GetDataset":
            return reply(self._dataset())
        if method == "GetDatasetMetadata":
            info = {"datasetId": DATASET_ID, "datasetSlug": SLUG, "ownerUser": OWNER, "title": "Spotify Tracks Dataset"}
            return reply({"info": info | {"licenses": [{"name": "ODbL-1.0"}]}})
        if method == "GetDatasetStatus":
            return reply({"status": "READY"})
        if method == "ListDatasetFiles":
            return reply({"datasetFiles": [self._file()], "nextPageToken": ""})
        return self._to_storage(sent.get("datasetVersionNumber"))

    def view(self, owner: str, slug: str) -> Response:
        self._state.parameters(())
        return reply(self._dataset()) if (owner, slug) == (OWNER, SLUG) else refuse(404, "Dataset not found")

    def download(self, owner: str, slug: str) -> AnyResponse:
        self._state.parameters(("dataset_version_number", "datasetVersionNumber", "file_name"))
        if (owner, slug) != (OWNER, SLUG):
            return refuse(404, "Dataset not found")
        version = request.args.get("dataset_version_number") or request.args.get("datasetVersionNumber")
        return self._to_storage(int(version) if version and version.isdigit() else None)

    def _version(self) -> int:
        return VERSION + int(fault("kaggle.new_version"))

    def _variant(self) -> str:
        return "changed" if fault("kaggle.other_bytes") else "catalogue"

    def _dataset(self) -> Body:
        return {
            "id": DATASET_ID,
            "ref": f"{OWNER}/{SLUG}",
            "title": "Spotify Tracks Dataset",
            "ownerRef": OWNER,
            "ownerName": OWNER,
            "licenseName": "Database: Open Database, Contents: © Original Authors",
            "totalBytes": len(self.archive(self._version(), self._variant())),
            "lastUpdated": UPDATED.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "url": f"https://www.kaggle.com/datasets/{OWNER}/{SLUG}",
            "isPrivate": False,
            "currentVersionNumber": self._version(),
            "files": [self._file()],
            "versions": [{"versionNumber": number, "status": "Ready"} for number in range(self._version(), 0, -1)],
        }

    def _file(self) -> Body:
        return {"name": FILE, "ref": FILE, "creationDate": UPDATED.strftime("%Y-%m-%dT%H:%M:%S.000Z")}

    def _to_storage(self, version: int | None) -> AnyResponse:
        """Every download is a redirect to a store that asks for no credentials."""
        if version is not None and not 1 <= version <= self._version():
            return refuse(404, "Dataset version not found")
        return redirect(f"/kaggle/storage/{version or self._version()}/{self._variant()}.zip", 302)

    def storage(self, version: int, variant: str) -> AnyResponse:
        if fault("kaggle.not_a_zip"):
            return Response(GATEWAY_PAGE, content_type="text/html")
        return send_file(
            io.BytesIO(self.archive(version, variant)),
            mimetype="application/zip",
            download_name=f"{SLUG}.zip",
            etag=f"{version}-{variant}",
            last_modified=UPDATED,
        )

    def _archive(self, version: int, variant: str) -> bytes:
        """The catalogue of that version; the current one has the bytes that the world's files have."""
        world, own = self._state.world, (version, variant) == (VERSION, "catalogue")
        seed = f"{world.seed}/catalogue" if own else f"{world.seed}/catalogue/{version}/{variant}"
        text, _ = catalogue_csv(Random(seed), world.tracks)
        stored = io.BytesIO()
        with zipfile.ZipFile(stored, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(FILE, ZIP_TIME), text.encode(), zipfile.ZIP_DEFLATED)
        return stored.getvalue()
