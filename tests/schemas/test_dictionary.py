"""The committed data dictionary is the one that the contracts give, and leaves nothing out."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.catalog import contracts
from schemas.contract import Contract
from schemas.dictionary import dictionary

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "dictionary.md"


def test_the_committed_dictionary_is_in_step() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == dictionary(), "run `make docs`"


@pytest.mark.parametrize("contract", contracts().values(), ids=contracts())
def test_every_table_and_column_is_in_it(contract: Contract) -> None:
    (section,) = (part for part in dictionary().split("\n### ") if part.startswith(f"{contract.table}\n"))
    assert contract.doc in section
    assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == list(contract.names)
    for check in contract.checks:
        assert check.severity == "fail" or "(warn)" in section


def test_tables_rows_have_as_many_cells_as_their_header() -> None:
    rows = [line.replace("\\|", "") for line in dictionary().splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {6}
