"""All contracts and checks against the lake as it stands: whole tables, every row rule, every set check."""

from __future__ import annotations

from datetime import date

from pyspark.sql import functions as F
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.runtime.lake import Lake, table_names
from jobs.runtime.quality import VIOLATIONS, Metric, Verdict, judge, measure, with_violations
from schemas.catalog import contract_of


def check_lake(lake: Lake, as_of_date: date) -> list[Verdict]:
    """The verdict on every metric of every table. Raises ContractError where a stored schema has drifted."""
    present = [contract_of(name) for name in table_names() if lake.exists(name)]
    for contract in present:
        lake.guard_schema(contract.table)
    tables = [(contract, lake.read(contract.table), True) for contract in present]
    metrics = measure(tables, lake.read, as_of_date)
    for contract in present:
        broken = with_violations(lake.read(contract.table), contract).select(F.explode(VIOLATIONS).alias("rule"))
        counts = {row["rule"]: row["count"] for row in broken.groupBy("rule").count().collect()}
        metrics += [Metric(contract.table, rule, count, 0, 0, "fail") for rule, count in counts.items()]
        metrics.append(Metric(contract.table, "rows_breaking_a_rule", sum(counts.values()), 0, 0, "fail"))
    return judge(metrics)


def print_verdicts(verdicts: list[Verdict], console: Console) -> None:
    """A line per table, and every check that does not hold."""
    by_table: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_table.setdefault(verdict.metric.table, []).append(verdict)
    table = Table(title="Checks", title_justify="left", header_style="bold")
    for column in ("table", "checks", "hold", "broken"):
        table.add_column(column)
    for name, found in sorted(by_table.items()):
        broken = [v for v in found if not v.holds]
        told = escape("; ".join(str(v) for v in broken))  # its bounds stand in brackets
        table.add_row(name, str(len(found)), str(len(found) - len(broken)), told)
    console.print(table)
