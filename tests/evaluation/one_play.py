"""I, one play once: precision and recall of the merge between feeds on generated plays, by what makes them hard.

Judged are pairs of records of one listener: a pair is right where both are of the same play. It counts for every
trait that one of its two records has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.runtime.frames import local_frame
from schemas.contract import Contract
from schemas.ops.identity_reviews import CONTRACT as IDENTITY_REVIEWS
from schemas.silver.catalogue_tracks import CONTRACT as CATALOGUE_TRACKS
from schemas.silver.plays import CONTRACT as PLAYS
from schemas.silver.spotify_tracks import CONTRACT as SPOTIFY_TRACKS
from schemas.silver.track_identities import CONTRACT as TRACK_IDENTITIES
from schemas.silver.user_loved_tracks import CONTRACT as LOVED_TRACKS
from schemas.silver.users import CONTRACT as USERS
from tests.evaluation.lakes import session
from tests.evaluation.sections import Gate, Section
from tests.evaluation.witnesses import Play, Record, make_plays, seen
from transformations.silver import listen_members, listens, track_identities, tracks
from transformations.silver.catalogue_tracks import ADDED, recordings

PLAYS_JUDGED = 100_000
TUNED_ON, FRESH = 2026, 2027  # seeds
ALL = "all"
NOTHING = (TRACK_IDENTITIES, SPOTIFY_TRACKS, LOVED_TRACKS, IDENTITY_REVIEWS)
BOUND = 0.995

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


def measure(_: Path) -> Section:
    """Generated plays alone: no data holds the truth of which records are of one play."""
    scores, fresh = (_scores(seed) for seed in (TUNED_ON, FRESH))
    return Section(
        title="One play, once",
        how=(
            f"{PLAYS_JUDGED:,} generated plays seen through 2 to 4 feeds, with what feeds do to them, and true "
            "repeats. Judged are pairs of records of one listener; a pair counts in every class that one of its two "
            f"records is in. The rule was made while looking at plays of seed {TUNED_ON}; those of seed {FRESH} were "
            "judged afterwards."
        ),
        header=(
            "what makes it hard",
            "pairs of one play",
            "pairs merged",
            "precision",
            "recall",
            f"precision, seed {FRESH}",
            f"recall, seed {FRESH}",
        ),
        rows=tuple((trait, *_told(scores[trait]), *_told(fresh.get(trait, Score(0, 0, 0)))[2:]) for trait in scores),
        gates=tuple(
            Gate(f"{what}, seed {seed}", f"at least {BOUND}", f"{figure:.4f}", figure >= BOUND)
            for seed, whole in ((TUNED_ON, scores[ALL]), (FRESH, fresh[ALL]))
            for what, figure in (("precision", whole.precision), ("recall", whole.recall))
        ),
        notes=(
            "The plays and their errors are made up by the tests, so the figures say how well the rule undoes these "
            "errors, not how often feeds make them.",
        ),
    )


def _scores(seed: int) -> dict[str, Score]:
    plays = make_plays(PLAYS_JUDGED, seed=seed)
    records = seen(plays, seed=seed)
    return score(records, judged(session(), plays, records))


def _told(score: Score) -> tuple[str, str, str, str]:
    return f"{score.true:,}", f"{score.merged:,}", f"{score.precision:.4f}", f"{score.recall:.4f}"


def judged(spark: SparkSession, plays: Sequence[Play], records: Sequence[Record]) -> dict[str, str]:
    """The listen of every record by their event ids, as the tables' own builds find it."""
    told = _table(spark, PLAYS, ({name: getattr(r, name, None) for name in PLAYS.names} for r in records))
    catalogue = _table(
        spark,
        CATALOGUE_TRACKS,
        (
            {
                "spotify_id": song.spotify_id,
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
    catalogue = recordings(catalogue.drop(*ADDED)).localCheckpoint()
    users = _table(spark, USERS, ({"user_id": u, "time_zone": "UTC"} for u in sorted({r.user_id for r in records})))
    nothing = {contract: _table(spark, contract, ()) for contract in NOTHING}
    named = track_identities.evidence(
        said=track_identities.said(plays=told),
        previous=nothing[TRACK_IDENTITIES],
        spotify_tracks=nothing[SPOTIFY_TRACKS],
    ).localCheckpoint()
    identities = track_identities.build(
        evidence=named,
        catalogue_tracks=catalogue,
        spotify_tracks=nothing[SPOTIFY_TRACKS],
        identity_reviews=nothing[IDENTITY_REVIEWS],
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
