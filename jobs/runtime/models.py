"""Fitted models by name: <MODEL__DIR>/<name>.json, read by schemas.models.<name>."""

from __future__ import annotations

import importlib
import json
from typing import Any

from jobs.runtime.errors import ModelError
from jobs.runtime.settings import ModelSettings, absolute_path


class Models:
    """The models of a run, each read when it is first needed; what has a `version` and goes to `build` by its name."""

    def __init__(self, settings: ModelSettings) -> None:
        self._folder = absolute_path(settings.dir)
        self._read: dict[str, Any] = {}

    def of(self, names: tuple[str, ...]) -> dict[str, Any]:
        """The models of these names. Raises ModelError where a file is missing or is not what its version says."""
        for name in names:
            if name not in self._read:
                self._read[name] = self._load(name)
        return {name: self._read[name] for name in names}

    def _load(self, name: str) -> Any:
        path = self._folder / f"{name}.json"
        try:
            artefact = json.loads(path.read_text(encoding="utf-8"))
            return importlib.import_module(f"schemas.models.{name}").read(artefact)
        except FileNotFoundError:
            raise ModelError(f"the model {name}.json is not in {self._folder}: see MODEL__DIR and `train`") from None
        except (ValueError, OSError) as error:
            raise ModelError(f"the model {path} cannot be read: {error}") from None
