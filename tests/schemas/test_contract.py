"""Every contract says what it must and is named by the rules of the design; contradictions do not construct."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from jobs.runtime.ops import NAMES_OF_PEOPLE, OWN_WORDS
from schemas.catalog import contract_of, contracts
from schemas.contract import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INT,
    LONG,
    STRING,
    STRINGS,
    TIMESTAMP,
    Between,
    Column,
    Contract,
    References,
    SumsTo,
)

CONTRACTS = pytest.mark.parametrize("contract", contracts().values(), ids=contracts())
TYPES_BY_ENDING: dict[str, tuple[DataType, ...]] = {
    "_id": (STRING,),
    "_name": (STRING,),
    "_at": (TIMESTAMP,),
    "_date": (DATE,),
    "_count": (LONG,),
    "_share": (DOUBLE,),
    "_score": (DOUBLE,),
    "_confidence": (DOUBLE,),
    "_ms": (LONG,),
    "_db": (DOUBLE,),
    "_bpm": (DOUBLE,),
    "_rank": (INT,),
}
UNIT_BY_ENDING = {"_ms": "ms", "_db": "dB", "_bpm": "bpm"}

DECLARED = Contract(
    table="gold.example",
    doc="An example.",
    grain="An example.",
    key=("user_id",),
    columns=(
        Column("user_id", STRING, "Whose"),
        Column("genres", STRINGS, "Genres"),
        Column("mood_date", DATE, "When"),
        Column("valence", DOUBLE, "Pleasure", nullable=True),
    ),
)


@CONTRACTS
def test_docs_grain_and_key_are_given(contract: Contract) -> None:
    assert contract.doc.strip().endswith(".")
    assert contract.grain.strip()
    assert contract.key
    assert all(column.doc.strip() for column in contract.columns)


@CONTRACTS
def test_names_say_type_and_unit(contract: Contract) -> None:
    for column in contract.columns:
        for ending, types in TYPES_BY_ENDING.items():
            if column.name.endswith(ending):
                assert column.type in types, column.name
        for ending, unit in UNIT_BY_ENDING.items():
            if column.name.endswith(ending):
                assert column.unit == unit, column.name
        assert column.name.startswith("is_") == (column.type == BOOLEAN), column.name


@CONTRACTS
def test_bronze_and_ops_alone_have_technical_columns(contract: Contract) -> None:
    technical = set(contract.names) - set(contract.business_columns)
    assert technical == ({"_source", "_run_id", "_ingested_at"} if contract.layer == "bronze" else set())


@CONTRACTS
def test_shares_and_scores_are_held_between_0_and_1(contract: Contract) -> None:
    held = {check.column: check for check in contract.checks if isinstance(check, Between)}
    for name in contract.names:
        if name.endswith(("_share", "_score")):
            assert (held[name].low, held[name].high) == (0, 1)


@CONTRACTS
def test_references_lead_to_a_key_of_a_known_table(contract: Contract) -> None:
    for check in contract.checks:
        if isinstance(check, References):
            assert contract_of(check.table).key == (check.to,)
            assert contract_of(check.table).column(check.to).type == contract.column(check.column).type


@CONTRACTS
def test_who_is_in_a_table_is_said(contract: Contract) -> None:
    if set(NAMES_OF_PEOPLE) & set(contract.names):
        assert contract.personal_data == "name"
    elif set(OWN_WORDS) & set(contract.names):
        assert contract.personal_data == "own_words"
    elif "user_id" in contract.names:
        assert contract.personal_data == "pseudonymous"


@CONTRACTS
def test_statistics_columns_are_flat_and_hold_the_key(contract: Contract) -> None:
    columns = contract.statistics_columns
    assert len(set(columns)) == len(columns)
    assert set(contract.key) <= set(columns)
    assert not any(isinstance(contract.column(c).type, ArrayType | MapType | StructType) for c in columns)


def test_statistics_columns_leave_out_a_nested_clustering_column() -> None:
    assert replace(DECLARED, clustering=("genres", "valence")).statistics_columns == ("user_id", "valence", "mood_date")


@CONTRACTS
def test_the_spark_schema_carries_docs_and_units(contract: Contract) -> None:
    for field, column in zip(contract.struct(), contract.columns, strict=True):
        assert (field.name, field.dataType, field.nullable) == (column.name, column.type, True)
        assert field.metadata["comment"].startswith(column.doc)
        assert column.unit is None or field.metadata["comment"].endswith(f"[{column.unit}]")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": (*DECLARED.columns, Column("genres", STRINGS, "Again"))}, "declared twice"),
        ({"key": ("nobody_id",)}, "no such column nobody_id"),
        ({"clustering": ("nobody_id",)}, "no such column nobody_id"),
        ({"checks": (Between("nothing", 0, 1),)}, "no such column nothing"),
        ({"checks": (SumsTo(("valence", "nothing"), 1.0),)}, "no such column nothing"),
        ({"key": ("user_id", "valence")}, "key column valence may not be null"),
        ({"columns": (*DECLARED.columns, Column("energy", DOUBLE, " "))}, "energy: a doc is mandatory"),
        ({"doc": ""}, "doc and grain are mandatory"),
        ({"grain": " "}, "doc and grain are mandatory"),
        ({"table": "example"}, "<layer>.<snake_case>"),
        ({"table": "gold.Example"}, "<layer>.<snake_case>"),
        ({"table": "platinum.example"}, "<layer>.<snake_case>"),
    ],
)
def test_a_contradictory_declaration_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(DECLARED, **change)


def test_an_unknown_table_is_answered_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"gold\.user_mood_profiles"):
        contract_of("gold.nothing")


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(KeyError, match=r"gold\.example has no column nothing"):
        DECLARED.column("nothing")
