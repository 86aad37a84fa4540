"""The data dictionary, written from the contracts: every table, column, unit and check."""

from __future__ import annotations

from schemas.catalog import LAYERS, contracts
from schemas.contract import Between, Check, Contract, Freshness, Matches, MinRows, OneOf, References, SumsTo

INTRODUCTION = """# Data dictionary

Written by `make docs` from the contracts under `schemas/`; a test keeps it in step. Times are UTC unless said
otherwise; `_id` text, `_at` a moment, `_date` a day, `_share` and `_score` in 0-1, `_rank` from 1, technical columns
lead with `_`.
"""


def dictionary() -> str:
    """The dictionary as Markdown."""
    parts = [INTRODUCTION]
    for layer in LAYERS:
        parts.append(f"## {layer}\n")
        parts += [_table(c) for c in contracts().values() if c.layer == layer]
    return "\n".join(parts)


def _table(contract: Contract) -> str:
    facts = [f"Key: {', '.join(f'`{name}`' for name in contract.key)}.", f"Grain: {contract.grain}"]
    if contract.clustering:
        facts.append(f"Written in order of {', '.join(f'`{name}`' for name in contract.clustering)}.")
    if contract.personal_data != "none":
        facts.append(f"Personal data: {contract.personal_data}.")
    if contract.history:
        facts.append("History: no rebuild reproduces it.")
    if not contract.stored:
        facts.append("A view: it is never stored.")
    lines = [
        f"### {contract.table}\n",
        contract.doc,
        "",
        " ".join(facts),
        "",
        "| column | type | unit | null | meaning |",
    ]
    lines.append("|---|---|---|---|---|")
    for column in contract.columns:
        kind = column.type.simpleString().replace("|", "\\|")
        null = "yes" if column.nullable else ""
        lines.append(f"| `{column.name}` | {kind} | {column.unit or ''} | {null} | {column.doc} |")
    if contract.checks:
        lines += ["", "Checks: " + "; ".join(_check(check) for check in contract.checks) + "."]
    return "\n".join(lines) + "\n"


def _check(check: Check) -> str:
    match check:
        case Between():
            told = f"`{check.column}` between {_bound(check.low)} and {_bound(check.high)}"
        case OneOf():
            told = f"`{check.column}` one of {', '.join(check.values)}"
        case Matches():
            pattern = check.pattern.replace("|", "\\|")
            told = f"`{check.column}` matches `{pattern}`"
        case SumsTo():
            told = f"{', '.join(f'`{name}`' for name in check.columns)} sum to {check.total:g}, or are null together"
        case References():
            told = f"`{check.column}` is a `{check.to}` of {check.table}"
        case MinRows():
            told = f"at least {check.rows} rows"
        case Freshness():
            told = f"newest `{check.column}` at most {check.days} days old"
    return told + (" (warn)" if check.severity == "warn" else "")


def _bound(bound: float | None) -> str:
    return "any" if bound is None else f"{bound:g}"
