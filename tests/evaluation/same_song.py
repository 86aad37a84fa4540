"""E, same song: the share of plays whose names lead to the catalogue, by method, and how often that is right.

Right is what a judge said who saw pairs of names, shuffled, with neither method nor score. Kept are hashes of pairs and
verdicts, never names: the build of today says which method a judged pair is of.
"""

from __future__ import annotations

import csv
import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

from pyspark.sql import functions as F

from jobs.runtime.frames import local_frame
from schemas.contract import Contract
from schemas.ops.identity_reviews import CONTRACT as IDENTITY_REVIEWS
from schemas.silver.plays import CONTRACT as PLAYS
from schemas.silver.spotify_tracks import CONTRACT as SPOTIFY_TRACKS
from schemas.silver.track_identities import CONTRACT as TRACK_IDENTITIES
from tests.evaluation.lakes import AS_OF, catalogue_lake
from tests.evaluation.sections import Gate, Section
from transformations.ids import PART_SEPARATOR
from transformations.silver.track_identities import build, evidence, said

VERDICTS = Path(__file__).with_name("same_song_verdicts.csv")
SEED, PER_METHOD = 11, 50
HASH_LENGTH = 16
NEAR = "near miss"
# Matched as a recording, then with other versions, then with artists; each line adds to the one before.
LEVELS = {
    "exact": ("exact",),
    "+ normalised": ("normalised",),
    "+ fuzzy": ("letters", "subtitle", "similar"),
    "+ other version": ("version",),
    "+ artist": ("artist",),
}
KNOWN = {  # what an earlier matcher reached, in percent, by the levels above
    "sparkify_2018_11": (9.7, 14.6, 14.8, 15.8, 60.1),
    "lastfm_1k_user_tracks": (9.8, 11.7, 12.0, 12.6, 54.1),
    "lastfm_1k_slice": (1.8, 2.2, 2.3, 2.3, 26.6),
}
LEAST = {  # percent of tracks, and with artists
    "sparkify_2018_11": (15.8, 60.0),
    "lastfm_1k_user_tracks": (12.6, 54.0),
    "lastfm_1k_slice": (2.3, None),
}
LEAST_PRECISION = 0.99
JUDGED_METHODS = ("normalised", "letters", "subtitle", "similar", "version")
RECORDING_METHODS = JUDGED_METHODS[:-1]

Names = tuple[str, str]


@dataclass(frozen=True)
class Pair:
    """Names heard and names of the catalogue, and by what method they were brought together."""

    heard: Names
    catalogue: Names
    method: str

    @property
    def hash(self) -> str:
        """Of the names alone."""
        parts = PART_SEPARATOR.join((*self.heard, *self.catalogue))
        return hashlib.sha256(parts.encode()).hexdigest()[:HASH_LENGTH]


def measure(shared: Path) -> Section:
    heard = histories(shared)
    methods, pairs = decided(shared, heard)
    rows, gates = [], []
    for history, plays in heard.items():
        shares = _shares(plays, methods)
        rows += [(history, "known", *map(_percent, KNOWN[history])), (history, "**ours**", *map(_percent, shares))]
        tracks, artists = LEAST[history]
        gates.append(_at_least(f"{history}, tracks", tracks, shares[-2]))
        if artists is not None:
            gates.append(_at_least(f"{history}, with artists", artists, shares[-1]))
    judged = precision(pairs, read_verdicts())
    if judged:
        right, count = (sum(judged[m][i] for m in RECORDING_METHODS if m in judged) for i in (0, 1))
        found = right / count if count else 0.0
        gates.append(
            Gate(
                "same song, of judged pairs taken for one",
                f"at least {LEAST_PRECISION}",
                f"{found:.3f}",
                found >= LEAST_PRECISION,
            )
        )
    return Section(
        title="Same song?",
        how=(
            "Artist and title alone, against the catalogue of 89,740 ids: share of plays (of lastfm_1k_user_tracks: "
            "of links) that is matched, each column adding to the one before."
        ),
        header=("history", "", *LEVELS),
        rows=tuple(rows),
        gates=tuple(gates),
        notes=_notes(judged),
    )


def histories(shared: Path) -> dict[str, Counter[Names]]:
    """Plays, or links, by artist and title."""
    listens = shared / "listens"
    found: dict[str, Counter[Names]] = {}
    for name in ("sparkify_2018_11", "lastfm_1k_user_tracks"):
        with open(listens / f"{name}.csv", encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            found[name] = Counter((row["artist_name"].strip(), row["track_name"].strip()) for row in rows)
    with open(listens / "lastfm_1k_slice.tsv", encoding="utf-8") as file:
        parts = (line.rstrip("\n").split("\t") for line in file)
        found["lastfm_1k_slice"] = Counter((part[3].strip(), part[5].strip()) for part in parts)
    return found


def decided(shared: Path, heard: Mapping[str, Counter[Names]]) -> tuple[dict[Names, str], list[Pair]]:
    """The method of every pair of names as the table's own build finds it, and all pairs to be judged, in order."""
    lake = catalogue_lake(shared)
    names = sorted({names for plays in heard.values() for names in plays})
    rows = (
        {
            "event_id": f"{n:08d}",
            "source": "csv:names",
            "source_track_key": PART_SEPARATOR.join(pair),
            "artist_name": pair[0],
            "track_name": pair[1],
        }
        for n, pair in enumerate(names)
    )
    told = local_frame(lake.spark, _values(PLAYS, rows), PLAYS.struct()).withColumn(
        "event_at", F.to_timestamp(F.lit(AS_OF.isoformat()))
    )
    catalogue = lake.read("silver.catalogue_tracks")
    nothing = {
        contract: local_frame(lake.spark, [], contract.struct())
        for contract in (SPOTIFY_TRACKS, IDENTITY_REVIEWS, TRACK_IDENTITIES)
    }
    named = evidence(
        said=said(plays=told), previous=nothing[TRACK_IDENTITIES], spotify_tracks=nothing[SPOTIFY_TRACKS]
    ).localCheckpoint()
    identities = build(
        evidence=named,
        catalogue_tracks=catalogue,
        spotify_tracks=nothing[SPOTIFY_TRACKS],
        identity_reviews=nothing[IDENTITY_REVIEWS],
    ).select("artist_name", "track_name", "match_method", "track_id", "related_track_id", "near_track_id")
    standing = catalogue.where("is_representative").select(
        F.col("track_id").alias("other_id"),
        F.array_join("artist_names", "; ").alias("other_artist"),
        F.col("track_name").alias("other_title"),
    )
    other = F.when(F.col("match_method").isin(*RECORDING_METHODS), F.col("track_id")).otherwise(
        F.coalesce("related_track_id", "near_track_id")
    )
    found = identities.withColumn("other_id", other).join(standing, "other_id", "left").toArrow().to_pylist()
    methods = {(row["artist_name"], row["track_name"]): row["match_method"] for row in found}
    pairs = [_pair(row) for row in found if row["other_id"] is not None]
    return methods, sorted(pairs, key=lambda pair: (pair.heard, pair.catalogue))


def sample(pairs: Iterable[Pair]) -> list[Pair]:
    """Accepted pairs of each method and near misses, shuffled; the same every time."""
    by_method: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_method[pair.method].append(pair)
    drawn = []
    for method in (*JUDGED_METHODS, NEAR):
        of_method = by_method.get(method, [])
        drawn += random.Random(f"{SEED} {method}").sample(of_method, min(PER_METHOD, len(of_method)))
    random.Random(SEED).shuffle(drawn)
    return drawn


def read_verdicts() -> dict[str, bool]:
    """Whether a pair is the same song, by its hash; nothing where none was judged yet."""
    if not VERDICTS.exists():
        return {}
    with open(VERDICTS, encoding="utf-8", newline="") as file:
        return {row["hash"]: row["verdict"] == "same" for row in csv.DictReader(file)}


def precision(pairs: Iterable[Pair], verdicts: Mapping[str, bool]) -> dict[str, tuple[int, int]]:
    """Per method how many judged pairs are the same song, and how many were judged."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for pair in pairs:
        if pair.hash in verdicts:
            counts[pair.method][0] += verdicts[pair.hash]
            counts[pair.method][1] += 1
    return {method: (same, count) for method, (same, count) in counts.items()}


def wilson(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    z, share = 1.96, right / count
    middle, reach = share + z * z / (2 * count), z * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return (middle - reach) / (1 + z * z / count), (middle + reach) / (1 + z * z / count)


def _pair(row: dict[str, Any]) -> Pair:
    is_near = row["match_method"] not in JUDGED_METHODS
    names = (row["artist_name"], row["track_name"]), (row["other_artist"], row["other_title"])
    return Pair(*names, NEAR if is_near else row["match_method"])


def _shares(plays: Counter[Names], methods: Mapping[Names, str]) -> list[float]:
    total, counts = plays.total(), Counter[str]()
    for names, count in plays.items():
        counts[methods[names]] += count
    shares, matched = [], 0
    for of_level in LEVELS.values():
        matched += sum(counts[method] for method in of_level)
        shares.append(100 * matched / total)
    return shares


def _at_least(what: str, least: float, found: float) -> Gate:
    return Gate(what, f"at least {least} %", f"{found:.2f} %", found >= least)


def _percent(share: float) -> str:
    return f"{share:.1f} %"


def _notes(judged: Mapping[str, tuple[int, int]]) -> tuple[str, ...]:
    if not judged:
        return ("No pairs were judged yet.",)
    lines = ["| method | judged | same song | 95 % interval |", "| --- | --- | --- | --- |"]
    for method in (*JUDGED_METHODS, NEAR):
        if method in judged:
            right, count = judged[method]
            low, high = wilson(right, count)
            lines.append(f"| {method} | {count} | {right / count:.2f} | {low:.2f} - {high:.2f} |")
    return (
        "\n".join(lines),
        "A pair of `version` is right where both are the same work; of a near miss nothing was accepted.",
    )


def _values(contract: Contract, rows: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row.get(name) for name in contract.names) for row in rows]
