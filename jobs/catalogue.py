"""The track catalogue from Kaggle: downloaded, held to the hash of its first download, imported like a file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import functions as F

from jobs.importing import Report, Request, import_file
from jobs.runtime import ops
from jobs.runtime.lake import Lake
from jobs.runtime.ops import new_run_id
from jobs.runtime.publish import Entry, Group, decide, publish
from jobs.runtime.settings import Settings
from jobs.services import Services

SOURCE = "kaggle"


def download_catalogue(
    lake: Lake, settings: Settings, services: Services, folder: Path, progress: Callable[[int], None] = lambda _: None
) -> Report:
    """Download the data set's version (KAGGLE_DATASET_VERSION, else the latest) into `folder` and import it.

    Raises a ClientError, BadPayloadError among them where a version's file is not that of its first download.
    """
    dataset = settings.kaggle.dataset
    client = services.kaggle
    version = settings.kaggle.dataset_version or client.latest_version(dataset)
    of_version = (F.col("source") == SOURCE) & (F.col("dataset") == dataset) & (F.col("version") == version)
    known = lake.read("ops.downloads").where(of_version).first()
    folder.mkdir(parents=True, exist_ok=True)
    download = client.download_catalogue(
        folder, dataset, version=version, expected_sha256=known["file_sha256"] if known else None
    )
    report = import_file(lake, settings, Request("kaggle-tracks", download.path), progress)
    if known is None:
        now = datetime.now(UTC)
        row = {
            "source": SOURCE,
            "dataset": dataset,
            "version": download.version,
            "file_sha256": download.sha256,
            "file_bytes": download.bytes,
            "downloaded_at": now,
        }
        group_id = f"{new_run_id()}-download"
        path = lake.staging(group_id, "downloads")
        ops.frame(lake, "ops.downloads", [row]).coalesce(1).write.parquet(path)
        group = Group(group_id, now.date().isoformat(), (Entry("ops.downloads", path, "append"),))
        decide(lake, group)
        publish(lake, group)
    return report
