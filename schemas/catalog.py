"""All contracts, found by walking the layer packages: a new module under schemas/<layer>/ is a new table."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType

import schemas.bronze
import schemas.gold
import schemas.ops
import schemas.silver
from schemas.contract import Contract

LAYERS: dict[str, ModuleType] = {
    "bronze": schemas.bronze,
    "silver": schemas.silver,
    "gold": schemas.gold,
    "ops": schemas.ops,
}


@cache
def contracts() -> dict[str, Contract]:
    """Every contract by table name. Raises ValueError where a module's name is not its table's."""
    found: dict[str, Contract] = {}
    for layer, package in LAYERS.items():
        for module_info in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{module_info.name}")
            contract = getattr(module, "CONTRACT", None)
            if contract is None:
                continue  # shared columns of the layer, such as schemas.bronze.stream
            if contract.table != f"{layer}.{module_info.name}":
                raise ValueError(f"{module.__name__} declares {contract.table}: a module is named like its table")
            found[contract.table] = contract
    return found


def contract_of(table: str) -> Contract:
    """The contract of a table. Raises KeyError with the known names where there is none."""
    try:
        return contracts()[table]
    except KeyError:
        raise KeyError(f"no table {table}; known: {', '.join(sorted(contracts()))}") from None
