"""Decisions of people on names that are nearly alike: what waits for one, and how one is made.

A decision is on a pair of names, whatever tracks have them, so it outlives every rebuild; the next run follows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.runtime import ops
from jobs.runtime.errors import UsageError
from jobs.runtime.increments import difference
from jobs.runtime.lake import Lake
from jobs.runtime.ops import new_run_id
from jobs.runtime.publish import Entry, Group, decide, publish, recover
from jobs.runtime.quality import with_violations
from schemas.catalog import contract_of
from schemas.vocab import NAME_METHODS
from transformations.ids import hashed

TABLE = "ops.identity_reviews"
REVIEW_ID_LENGTH = 10  # hex digits, enough to type; two of a lake's pairs alike are refused, not mixed up


@dataclass(frozen=True)
class Pair:
    """Names heard beside names of the catalogue, how near they are and what was made of them."""

    review_id: str
    names_id: str
    catalogue_names_id: str
    heard: str
    catalogue: str
    method: str
    score: float


def pairs(lake: Lake, *, accepted: bool = False, limit: int | None = None) -> list[Pair]:
    """Pairs without a decision, the nearest first: the near misses, or those that a rule accepted by their names."""
    found = _accepted(lake) if accepted else _near(lake)
    decided = lake.read(TABLE).select("names_id", "catalogue_names_id")
    rows = _by_names(found.join(decided, ["names_id", "catalogue_names_id"], "left_anti")).orderBy(
        F.col("score").asc() if accepted else F.col("score").desc(), "review_id"
    )
    return [Pair(**row.asDict()) for row in (rows.limit(limit) if limit else rows).collect()]


def decide_pair(lake: Lake, review_id: str, decision: str) -> Pair:
    """Accept or reject a pair by its id; a decision made anew replaces the one of before.

    Raises UsageError where no pair has the id, or several do.
    """
    recover(lake)
    found = _near(lake).unionByName(_accepted(lake)).unionByName(_decided(lake))
    rows = _by_names(found.where(_review_id() == review_id.strip().lower())).collect()
    if len(rows) != 1:
        raise UsageError(f"{len(rows) or 'no'} pairs have the id {review_id!r}: `identities review` shows them")
    pair = Pair(**rows[0].asDict())
    row = {
        "names_id": pair.names_id,
        "catalogue_names_id": pair.catalogue_names_id,
        "decision": decision,
        "decided_at": datetime.now(UTC),
    }
    _publish(lake, ops.frame(lake, TABLE, [row]))
    return pair


def print_pairs(found: list[Pair], console: Console) -> None:
    """What waits for a decision."""
    if not found:
        console.print("Nothing waits for a decision.")
        return
    table = Table(header_style="bold")
    for column in ("id", "heard", "catalogue", "method", "score"):
        table.add_column(column, overflow="fold")
    for pair in found:
        told = (pair.review_id, pair.heard, pair.catalogue, pair.method, f"{pair.score:.3f}")
        table.add_row(*map(escape, told))
    console.print(table)


def _near(lake: Lake) -> DataFrame:
    identities = lake.read("silver.track_identities").where("near_names_id IS NOT NULL")
    return _told(lake, identities, F.col("near_names_id"), F.lit("near"), F.col("near_score"))


def _accepted(lake: Lake) -> DataFrame:
    """Keys that names alone led to a track of the catalogue, with that track's names."""
    by_names = lake.read("silver.track_identities").where(F.col("match_method").isin(*NAME_METHODS))
    standing = _standing(lake).select("track_id", F.col("names_id").alias("catalogue_names_id"))
    known = by_names.join(standing, "track_id")
    return _told(lake, known, F.col("catalogue_names_id"), F.col("match_method"), F.col("match_score"))


def _decided(lake: Lake) -> DataFrame:
    """Pairs that were decided already, by names heard; of those whose names nobody has any more there is none."""
    known = lake.read("silver.track_identities").join(
        lake.read(TABLE).select("names_id", "catalogue_names_id", "decision"), "names_id"
    )
    return _told(lake, known, F.col("catalogue_names_id"), F.col("decision"), F.lit(1.0))


def _told(lake: Lake, identities: DataFrame, names_id: Column, method: Column, score: Column) -> DataFrame:
    written = (
        lake.read("silver.catalogue_tracks")
        .groupBy(F.col("names_id").alias("catalogue_names_id"))
        .agg(F.min(F.concat_ws(" - ", F.get("artist_names", F.lit(0)), "track_name")).alias("catalogue"))
    )
    return identities.select(
        "names_id",
        names_id.alias("catalogue_names_id"),
        F.concat_ws(" - ", "artist_name", "track_name").alias("heard"),
        method.alias("method"),
        score.alias("score"),
    ).join(written, "catalogue_names_id")


def _by_names(found: DataFrame) -> DataFrame:
    """A row a pair of names, with the pair's id; of several keys of these names the first in order is told."""
    return (
        found.groupBy("names_id", "catalogue_names_id")
        .agg(F.min(F.struct("heard", "catalogue", "method", "score")).alias("told"))
        .select("names_id", "catalogue_names_id", "told.*", _review_id())
    )


def _standing(lake: Lake) -> DataFrame:
    return lake.read("silver.catalogue_tracks").where("is_representative")


def _review_id() -> Column:
    return F.left(hashed(F.col("names_id"), F.col("catalogue_names_id")), F.lit(REVIEW_ID_LENGTH)).alias("review_id")


def _publish(lake: Lake, built: DataFrame) -> None:
    group_id = f"{new_run_id()}-identities"
    path = lake.staging(group_id, "identity_reviews")
    is_new = not lake.exists(TABLE)
    keys = built.select("names_id", "catalogue_names_id")
    current = lake.read(TABLE).join(keys, ["names_id", "catalogue_names_id"], "left_semi")
    staged = built if is_new else difference(with_violations(built, contract_of(TABLE)), current, TABLE)
    staged.coalesce(1).write.parquet(path)
    entry = Entry(TABLE, path, "append" if is_new else "merge")
    group = Group(group_id, datetime.now(UTC).date().isoformat(), (entry,))
    decide(lake, group)
    publish(lake, group)
