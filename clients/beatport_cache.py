"""Beatport's details on disk, a small JSON file each, so that their time to live outlasts a process.

The trap: several processes may share the folder, so files are replaced whole, and one that cannot be read is a miss.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Literal, Protocol

import structlog
from pydantic import TypeAdapter, ValidationError

log = structlog.get_logger()


@dataclass(frozen=True)
class CachedDetail:
    """A detail as it came, or why there is none."""

    fetched_at: datetime
    raw: dict[str, Any] | None = field(repr=False)
    refusal: Literal["", "restricted", "unknown"] = ""


class Cache(Protocol):
    """Details by their route; a dict is one, `DetailFiles` outlasts the process."""

    def get(self, route: str, /) -> CachedDetail | None: ...

    def __setitem__(self, route: str, detail: CachedDetail, /) -> None: ...


_DETAIL = TypeAdapter(CachedDetail)


class DetailFiles:
    """Details by route (such as `/catalog/tracks/12/`) in a folder that is made when the first one is kept.

    Where the disk refuses, nothing is kept and the log says so: the details are at hand all the same.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    def get(self, route: str) -> CachedDetail | None:
        with suppress(OSError, ValidationError):
            return _DETAIL.validate_json(self._path(route).read_bytes())
        return None

    def __setitem__(self, route: str, detail: CachedDetail) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = mkstemp(dir=self.folder, prefix=".new")
            with os.fdopen(descriptor, "wb") as file:
                file.write(_DETAIL.dump_json(detail))
            os.replace(temporary, self._path(route))
        except OSError as error:
            log.warning("beatport_detail_not_kept", folder=str(self.folder), error=type(error).__name__)

    def _path(self, route: str) -> Path:
        return self.folder / (re.sub(r"\W+", "-", route).strip("-") + ".json")
