"""Checks from the contracts: row rules as columns of the build, set metrics in one Spark pass, judged by Great
Expectations as a small frame.

The trap: NOT(rule) is null for null input and would lose a row from both sides, so every rule is NULL-safe and null
itself is judged by the column's nullability alone.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.contract import (
    Between,
    Contract,
    Freshness,
    Matches,
    MinRows,
    OneOf,
    References,
    RowCheck,
    Severity,
    SumsTo,
)

VIOLATIONS = "_violations"
Rows = Callable[[str], DataFrame]


@dataclass(frozen=True)
class Metric:
    """A measured number of a table and the bounds it must keep; None is no bound."""

    table: str
    name: str
    value: float
    low: float | None
    high: float | None
    severity: Severity

    @property
    def id(self) -> str:
        return f"{self.table}/{self.name}"


@dataclass(frozen=True)
class Verdict:
    """A metric and whether it holds."""

    metric: Metric
    holds: bool

    def __str__(self) -> str:
        bounds = f"[{_shown(self.metric.low)}, {_shown(self.metric.high)}]"
        return f"{self.metric.id} is {self.metric.value:g}, allowed {bounds}"


def with_violations(rows: DataFrame, contract: Contract) -> DataFrame:
    """The rows with `_violations`: the ids of the rules of severity `fail` that each breaks."""
    broken = [
        f"IF({column.name} IS NULL, 'not_null_{column.name}', NULL)"
        for column in contract.columns
        if not column.nullable
    ]
    broken += [f"IF({_breaks(c)}, {_literal(c.id)}, NULL)" for c in contract.row_checks if c.severity == "fail"]
    return rows.selectExpr("*", f"array_compact(array({', '.join(broken)})) AS {VIOLATIONS}")


def measure(tables: Iterable[tuple[Contract, DataFrame, bool]], rows_of: Rows, as_of_date: date) -> list[Metric]:
    """Set metrics of (contract, rows, is_whole) in one Spark pass. Metrics of whole tables need all their rows."""
    wanted: list[tuple[DataFrame, list[tuple[str, str, float | None, float | None, Severity]]]] = []
    for contract, rows, is_whole in tables:
        wanted += list(_measures(contract, rows, is_whole, rows_of, as_of_date))
    if not wanted:
        return []
    frames = [
        frame.select(F.lit(place).alias("place"), F.array(*[F.col(c).cast("double") for c in frame.columns]).alias("v"))
        for place, (frame, _) in enumerate(wanted)
    ]
    measured = {row["place"]: row["v"] for row in reduce(DataFrame.unionByName, frames).collect()}
    return [
        Metric(table, name, value if value is not None else 0.0, low, high, severity)
        for place, (_, bounds) in enumerate(wanted)
        for value, (table, name, low, high, severity) in zip(measured[place], bounds, strict=True)
    ]


def judge(metrics: list[Metric]) -> list[Verdict]:
    """Every metric judged by one Great Expectations checkpoint over a one-row frame."""
    if not metrics:
        return []
    gx = _great_expectations()
    import pandas as pd

    context = gx.get_context(mode="ephemeral", project_config=_in_memory(gx))
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    frame = pd.DataFrame([{metric.id: metric.value for metric in metrics}])
    batch = (
        context.data_sources.add_pandas("metrics")
        .add_dataframe_asset("stage")
        .add_batch_definition_whole_dataframe("run")
    )
    suite = context.suites.add(gx.ExpectationSuite(name="contracts"))
    for metric in metrics:
        suite.add_expectation(
            gx.expectations.ExpectColumnValuesToBeBetween(
                column=metric.id, min_value=metric.low, max_value=metric.high, meta={"severity": metric.severity}
            )
        )
    validation = context.validation_definitions.add(gx.ValidationDefinition(name="stage", data=batch, suite=suite))
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(name="stage", validation_definitions=[validation], result_format="BOOLEAN_ONLY")
    )
    result = checkpoint.run(batch_parameters={"dataframe": frame})
    (run,) = result.run_results.values()
    held = {r.expectation_config.kwargs["column"]: bool(r.success) for r in run.results}
    return [Verdict(metric, held[metric.id]) for metric in metrics]


def warm_up() -> None:
    """Import Great Expectations in the background: it takes seconds, and a build is waiting for Spark anyway."""
    threading.Thread(target=_great_expectations, daemon=True).start()


def _in_memory(gx: Any) -> Any:
    """A context that leaves nothing behind: by default each makes a temporary folder for reports nobody reads."""
    base = gx.data_context.types.base
    backends = base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    return base.DataContextConfig(store_backend_defaults=backends)


def _great_expectations() -> Any:
    """Imported only where a stage has something to check."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    import great_expectations as gx

    return gx


def _measures(
    contract: Contract, rows: DataFrame, is_whole: bool, rows_of: Rows, as_of_date: date
) -> Iterable[tuple[DataFrame, list[tuple[str, str, float | None, float | None, Severity]]]]:
    table = contract.table
    warned = [check for check in contract.row_checks if check.severity == "warn"]
    # Two hashes make 96 bits: as sure as the key itself, and a third of its bytes to shuffle.
    key = F.struct(F.xxhash64(*contract.key), F.hash(*contract.key))
    columns = [
        (F.count("*") - F.count_distinct(key)).alias("duplicate_keys"),
        *[F.expr(f"count_if({_breaks(check)})").alias(check.id) for check in warned],
    ]
    bounds: list[tuple[str, str, float | None, float | None, Severity]] = [
        (table, "duplicate_keys", 0, 0, "fail"),
        *((table, check.id, 0, 0, check.severity) for check in warned),
    ]
    for check in contract.set_checks:
        if isinstance(check, MinRows) and is_whole:
            columns.append(F.count("*").alias(check.id))
            bounds.append((table, check.id, check.rows, None, check.severity))
        if isinstance(check, Freshness) and is_whole:
            columns.append(F.coalesce(F.datediff(F.lit(as_of_date), F.max(check.column)), F.lit(0)).alias(check.id))
            bounds.append((table, check.id, None, check.days, check.severity))
    yield rows.agg(*columns), bounds
    for check in contract.set_checks:
        if isinstance(check, References):
            known = rows_of(check.table).select(F.col(check.to).alias(check.column))
            orphans = (
                rows.select(check.column).where(F.col(check.column).isNotNull()).join(known, check.column, "left_anti")
            )
            yield orphans.agg(F.count("*").alias(check.id)), [(table, check.id, 0, 0, check.severity)]


def _breaks(check: RowCheck) -> str:
    """In SQL: true where the rule is broken; null values keep every rule.

    In SQL because a contract has dozens of rules: as columns each would be several calls to the JVM.
    """
    match check:
        case Between():
            bounds = [f"{check.column} < {check.low}"] if check.low is not None else []
            bounds += [f"{check.column} > {check.high}"] if check.high is not None else []
            broken = " OR ".join([*bounds, f"isnan(CAST({check.column} AS DOUBLE))"])
        case OneOf():
            broken = f"{check.column} NOT IN ({', '.join(_literal(value) for value in check.values)})"
        case Matches():
            broken = f"NOT {check.column} RLIKE {_literal(check.pattern)}"
        case SumsTo():
            nulls = " + ".join(f"CAST({name} IS NULL AS INT)" for name in check.columns)
            total = " + ".join(check.columns)
            broken = (
                f"abs({total} - {check.total}) > {check.tolerance} OR ({nulls}) BETWEEN 1 AND {len(check.columns) - 1}"
            )
    return f"coalesce({broken}, false)"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _shown(bound: float | None) -> str:
    return "any" if bound is None else f"{bound:g}"
