"""One play, once: precision and recall of the merge between feeds on generated plays, by what makes them hard.

Judged are pairs of records of one listener: a pair is right where both are of the same play. It counts for every
trait that one of its two records has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.runtime.frames import local_frame
from jobs.runtime.settings import SparkSettings
from jobs.runtime.spark import open_session
from schemas.contract import Contract
from schemas.silver.catalogue_tracks import CONTRACT as CATALOGUE_TRACKS
from schemas.silver.plays import CONTRACT as PLAYS
from schemas.silver.spotify_tracks import CONTRACT as SPOTIFY_TRACKS
from schemas.silver.track_identities import CONTRACT as TRACK_IDENTITIES
from schemas.silver.user_loved_tracks import CONTRACT as LOVED_TRACKS
from schemas.silver.users import CONTRACT as USERS
from tests.evaluation.witnesses import Play, Record, make_plays, seen
from transformations.silver import listen_members, listens, track_identities, tracks

TITLE = "One play, once"
HEADER = ("what makes it hard", "pairs of one play", "pairs merged", "precision", "recall")
PLAYS_JUDGED, SEED = 100_000, 2026
ALL = "all"

Pair = tuple[str, str]


@dataclass(frozen=True)
class Score:
    """Pairs of records that are of one play, that were merged, and both."""

    true: int
    merged: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.merged if self.merged else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 1.0


def evaluate(
    spark: SparkSession, *, count: int = PLAYS_JUDGED, seed: int = SEED
) -> tuple[str, Sequence[str], list[Sequence[str]]]:
    """Title, header and a row per trait, all records together first."""
    plays = make_plays(count, seed=seed)
    records = seen(plays, seed=seed)
    scores = score(records, judged(spark, plays, records))
    rows = [
        (trait, f"{s.true:,}", f"{s.merged:,}", f"{s.precision:.4f}", f"{s.recall:.4f}") for trait, s in scores.items()
    ]
    return TITLE, HEADER, rows


def judged(spark: SparkSession, plays: Sequence[Play], records: Sequence[Record]) -> dict[str, str]:
    """The listen of every record by their event ids, as the tables' own builds find it."""
    told = _table(spark, PLAYS, ({name: getattr(r, name, None) for name in PLAYS.names} for r in records))
    catalogue = _table(
        spark,
        CATALOGUE_TRACKS,
        (
            {
                "spotify_id": song.spotify_id,
                "track_id": f"track-{song.spotify_id}",
                "artist_names": [song.artist],
                "track_name": song.title,
                "duration_ms": song.duration_ms,
                "genres": [],
            }
            for song in sorted(
                {play.song for play in plays if play.song.is_catalogue}, key=lambda song: song.spotify_id
            )
        ),
    )
    users = _table(spark, USERS, ({"user_id": u, "time_zone": "UTC"} for u in sorted({r.user_id for r in records})))
    nothing = {contract: _table(spark, contract, ()) for contract in (TRACK_IDENTITIES, SPOTIFY_TRACKS, LOVED_TRACKS)}
    identities = track_identities.build(
        plays=told, catalogue_tracks=catalogue, previous=nothing[TRACK_IDENTITIES]
    ).localCheckpoint()
    known = tracks.build(
        catalogue_tracks=catalogue, spotify_tracks=nothing[SPOTIFY_TRACKS], track_identities=identities
    )
    found = listens.build(
        plays=told, track_identities=identities, tracks=known, users=users, user_loved_tracks=nothing[LOVED_TRACKS]
    )
    members = listen_members.build(listens=found).select("event_id", "listen_id").toArrow()
    return dict(zip(members["event_id"].to_pylist(), members["listen_id"].to_pylist(), strict=True))


def score(records: Sequence[Record], listen_of: Mapping[str, str]) -> dict[str, Score]:
    """Scores by trait. Raises ValueError where a record has no listen or a listen no record."""
    if sorted(listen_of) != sorted(record.event_id for record in records):
        raise ValueError("every record must be of one listen")
    traits = {record.event_id: record.traits for record in records}
    true = _pairs((record.play, record.event_id) for record in records)
    merged = _pairs((listen, event) for event, listen in listen_of.items())
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for place, pairs in enumerate((true, merged, true & merged)):
        for first, second in pairs:
            for trait in {ALL, *traits[first], *traits[second]}:
                counts[trait][place] += 1
    in_order = sorted(counts, key=lambda trait: (trait != ALL, trait))
    return {trait: Score(*counts[trait]) for trait in in_order}


def _pairs(members: Iterable[tuple[object, str]]) -> set[Pair]:
    groups: dict[object, list[str]] = defaultdict(list)
    for group, event_id in members:
        groups[group].append(event_id)
    return {pair for events in groups.values() for pair in combinations(sorted(events), 2)}


def _table(spark: SparkSession, contract: Contract, rows: Iterable[Mapping[str, Any]]) -> DataFrame:
    """Rows of a contract, null where a row is silent; kept, so that no later step makes them again."""
    values = [tuple(row.get(name) for name in contract.names) for row in rows]
    return local_frame(spark, values, contract.struct()).localCheckpoint()


def main() -> None:
    spark = open_session(SparkSettings())
    title, header, rows = evaluate(spark)
    spark.stop()
    print(f"# {title}")
    for row in (header, *rows):
        print(" | ".join(row))


if __name__ == "__main__":
    main()
