"""The contract of a table: name, grain, key, typed and documented columns, checks.

From a contract come the Spark schema with comments, the conforming projection, the merge condition, the row rules
and set checks, the data dictionary and the rows that tests build. The trap: types are never cast silently, so a build
must give exactly the declared type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

Severity = Literal["fail", "warn"]
PersonalData = Literal["none", "pseudonymous", "name", "own_words"]  # own_words: free text of a listener
STRING, BOOLEAN, DATE, TIMESTAMP = StringType(), BooleanType(), DateType(), TimestampType()
INT, LONG, DOUBLE = IntegerType(), LongType(), DoubleType()
STRINGS = ArrayType(STRING)

TABLE_NAME = re.compile(r"^(bronze|silver|gold|ops)\.[a-z][a-z0-9_]*$")


@dataclass(frozen=True)
class Column:
    """One column: Spark type, whether null is allowed, unit, and a doc that says what it means."""

    name: str
    type: DataType
    doc: str
    nullable: bool = False
    unit: str | None = None


@dataclass(frozen=True)
class Between:
    """Row rule: the value lies in [low, high]; null passes (nullability is the column's)."""

    column: str
    low: float | None = None
    high: float | None = None
    severity: Severity = "fail"

    @property
    def id(self) -> str:
        return f"between_{self.column}"


@dataclass(frozen=True)
class OneOf:
    """Row rule: the value is one of the listed; null passes."""

    column: str
    values: tuple[str, ...]
    severity: Severity = "fail"

    @property
    def id(self) -> str:
        return f"one_of_{self.column}"


@dataclass(frozen=True)
class Matches:
    """Row rule: the text matches a Java regular expression; null passes."""

    column: str
    pattern: str
    severity: Severity = "fail"

    @property
    def id(self) -> str:
        return f"matches_{self.column}"


@dataclass(frozen=True)
class SumsTo:
    """Row rule: the columns add up to `total` within `tolerance`, or are all null together."""

    columns: tuple[str, ...]
    total: float
    tolerance: float = 1e-6
    severity: Severity = "fail"

    @property
    def id(self) -> str:
        return f"sums_to_{self.columns[0]}"


@dataclass(frozen=True)
class References:
    """Set check: every non-null value of `column` exists as `to` in `table`."""

    column: str
    table: str
    to: str
    severity: Severity = "fail"

    @property
    def id(self) -> str:
        return f"references_{self.column}"


@dataclass(frozen=True)
class MinRows:
    """Set check: a whole table holds at least `rows` rows."""

    rows: int
    severity: Severity = "fail"

    @property
    def id(self) -> str:
        return "min_rows"


@dataclass(frozen=True)
class Freshness:
    """Set check: the newest `column` of a whole table is at most `days` older than the run's as_of_date."""

    column: str
    days: int
    severity: Severity = "warn"

    @property
    def id(self) -> str:
        return f"freshness_{self.column}"


RowCheck = Between | OneOf | Matches | SumsTo
SetCheck = References | MinRows | Freshness
Check = RowCheck | SetCheck


@dataclass(frozen=True)
class Contract:
    """What one table is.

    `clustering` is the order in which rows are written, so that file statistics can skip files. `history` marks a
    table that no rebuild reproduces. `stored=False` marks a view: rows that exist only while a stage runs.
    Raises ValueError on construction where the declaration contradicts itself.
    """

    table: str
    doc: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    checks: tuple[Check, ...] = ()
    clustering: tuple[str, ...] = ()
    personal_data: PersonalData = "none"
    retention_days: int | None = None
    history: bool = False
    stored: bool = True

    def __post_init__(self) -> None:
        if not TABLE_NAME.match(self.table):
            raise ValueError(f"{self.table}: a table is named <layer>.<snake_case>")
        names = self.names
        if len(set(names)) != len(names):
            raise ValueError(f"{self.table}: a column is declared twice")
        if not self.doc.strip() or not self.grain.strip():
            raise ValueError(f"{self.table}: doc and grain are mandatory")
        for column in self.columns:
            if not column.doc.strip():
                raise ValueError(f"{self.table}.{column.name}: a doc is mandatory")
        mentioned = [*self.key, *self.clustering]
        for check in self.checks:
            if isinstance(check, SumsTo):
                mentioned += check.columns
            elif not isinstance(check, MinRows):
                mentioned.append(check.column)
        unknown = sorted(set(mentioned) - set(names))
        if unknown:
            raise ValueError(f"{self.table}: no such column {', '.join(unknown)}")
        nullable = [name for name in self.key if self.column(name).nullable]
        if nullable:
            raise ValueError(f"{self.table}: key column {nullable[0]} may not be null")

    @property
    def layer(self) -> str:
        return self.table.split(".")[0]

    @property
    def name(self) -> str:
        """The short name: `user_matches` of `gold.user_matches`."""
        return self.table.split(".")[1]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def business_columns(self) -> tuple[str, ...]:
        """The columns that make two tables equal: all but the technical ones, which lead with `_`."""
        return tuple(name for name in self.names if not name.startswith("_"))

    @property
    def row_checks(self) -> tuple[RowCheck, ...]:
        return tuple(check for check in self.checks if isinstance(check, RowCheck))

    @property
    def set_checks(self) -> tuple[SetCheck, ...]:
        return tuple(check for check in self.checks if isinstance(check, SetCheck))

    @property
    def statistics_columns(self) -> tuple[str, ...]:
        """Columns worth file statistics: the key, the clustering order, ids and dates."""
        wanted = [*self.key, *self.clustering]
        wanted += [c.name for c in self.columns if c.name.endswith(("_id", "_date", "_at"))]
        nested = (ArrayType, MapType, StructType)
        return tuple(dict.fromkeys(name for name in wanted if not isinstance(self.column(name).type, nested)))

    def column(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.table} has no column {name}")

    def struct(self) -> StructType:
        """The Spark schema. Every field is nullable there: null rules quarantine rows, they do not fail a write."""
        return StructType([StructField(c.name, c.type, True, {"comment": self._comment(c)}) for c in self.columns])

    @staticmethod
    def _comment(column: Column) -> str:
        return f"{column.doc} [{column.unit}]" if column.unit else column.doc
