from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from clients.beatport_cache import CachedDetail, DetailFiles

AT = datetime(2026, 3, 1, 3, tzinfo=UTC)
ROUTE = "/catalog/tracks/7/"


@pytest.mark.parametrize("detail", [CachedDetail(AT, {"id": 7, "name": "Ä"}), CachedDetail(AT, None, "restricted")])
def test_what_is_kept_outlasts_the_process(tmp_path: Path, detail: CachedDetail) -> None:
    folder = tmp_path / "made" / "when needed"
    assert DetailFiles(folder).get(ROUTE) is None
    DetailFiles(folder)[ROUTE] = detail
    assert DetailFiles(folder).get(ROUTE) == detail
    assert DetailFiles(folder).get("/catalog/tracks/8/") is None
    assert [path.name for path in folder.iterdir()] == ["catalog-tracks-7.json"]


def test_a_damaged_file_is_a_miss_and_replaced(tmp_path: Path) -> None:
    details = DetailFiles(tmp_path)
    details[ROUTE] = CachedDetail(AT, {"id": 7})
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:20])
    assert details.get(ROUTE) is None
    details[ROUTE] = CachedDetail(AT, {"id": 8})
    assert details.get(ROUTE) == CachedDetail(AT, {"id": 8})


def test_a_disk_that_refuses_costs_only_the_cache(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    details = DetailFiles(tmp_path / "file")
    details[ROUTE] = CachedDetail(AT, {"id": 7})
    assert details.get(ROUTE) is None
