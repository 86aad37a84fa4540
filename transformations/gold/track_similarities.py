"""Plays and features to the tracks that go best with each track that was heard.

Only pairs that were played near one another, or that lie in neighbouring blocks of sound, are ever compared: no cross
join. The trap: another edition of the same recording sounds most alike, and is no answer.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.gold.track_similarities import CONTRACT
from schemas.vocab import MEASURED_SOURCES
from transformations.millionths import SCALE

TOP = 20
REACH = 10  # plays within which two tracks of a session go together: an hour's listening is about twice it
MOST_OF_A_LISTENER = 5  # sessions of one listener that count for a pair, so that nobody rules it
SESSION_SHRINKAGE = 2.0  # sessions: a pair met once counts a third of its cosine
# A block is a tenth of valence and energy and a fifth of danceability; a track is compared with its own block and the
# nearer neighbour each way, so that everything within half a block of it is found.
BLOCKS = {"valence": 10, "energy": 10, "danceability": 5}
COMPARED = ("valence", "energy", "danceability", "acousticness", "instrumentalness")
UNKNOWN_DIFFERENCE = 0.3  # of a feature that one of two has not: about that of two tracks drawn at random
SOUND_WIDTH = 0.1  # distance at which likeness has fallen to e^-0.5
LEAST_SOUND_SCORE = 0.2
OTHER_GENRE = 0.5  # what likeness counts where no genre is shared
SAME_RECORDING = 0.002  # distance under which two tracks of an artist are one recording


def build(*, listens: DataFrame, user_tracks: DataFrame, tracks: DataFrame, track_features: DataFrame) -> DataFrame:
    """All plays and all tracks in, at most 20 rows out for each track that was heard."""
    pairs = _heard_together(listens).unionByName(
        _of_like_sound(user_tracks, tracks, track_features), allowMissingColumns=True
    )
    facts = ("session_count", "session_score", "sound_distance", "sound_score")
    told = pairs.groupBy("track_id", "similar_track_id").agg(*[F.max(fact).alias(fact) for fact in facts])
    scored = told.selectExpr(
        "*",
        f"{_rounded('1 - (1 - coalesce(session_score, 0)) * (1 - coalesce(sound_score, 0))')} AS score",
        "CASE WHEN sound_score IS NULL THEN 'sessions' WHEN session_score IS NULL THEN 'sound' "
        "ELSE 'both' END AS basis",
    )
    place = "CAST(row_number() OVER (PARTITION BY track_id ORDER BY score DESC, similar_track_id) AS int) AS rank"
    return scored.selectExpr("*", place).where(f"rank <= {TOP}").select(*CONTRACT.names)


def _heard_together(listens: DataFrame) -> DataFrame:
    """Pairs of tracks by the sessions they share, in both directions.

    A track is paired with itself as well: that tells in how many sessions it was heard.
    """
    sessions = (
        listens.where("NOT coalesce(is_skipped, false)")
        .groupBy("user_id", "session_id")
        .agg(F.expr("sort_array(collect_list(struct(played_at, listen_id, track_id))).track_id AS played"))
    )
    near = f"""explode(array_distinct(flatten(transform(played, (one, place) -> transform(
        slice(played, place + 1, {REACH + 1}),
        other -> named_struct('low', least(one, other), 'high', greatest(one, other))))))) AS pair"""
    pairs = (
        sessions.selectExpr("user_id", near)
        .groupBy("user_id", "pair")
        .agg(F.least(F.count("*"), F.lit(MOST_OF_A_LISTENER)).alias("sessions"))
        .groupBy("pair")
        .agg(F.sum("sessions").alias("sessions"))
        .selectExpr(
            "sessions",
            "inline(array_distinct(array(named_struct('track_id', pair.low, 'similar_track_id', pair.high), "
            "named_struct('track_id', pair.high, 'similar_track_id', pair.low))))",
        )
    )
    own = "IF(track_id = similar_track_id, sessions, 0L)"
    counted = pairs.selectExpr("*", f"max({own}) OVER (PARTITION BY similar_track_id) AS there").selectExpr(
        "*", f"max({own}) OVER (PARTITION BY track_id) AS here"
    )
    cosine = "sessions / sqrt(CAST(here AS double) * there)"
    return counted.where("track_id <> similar_track_id").selectExpr(
        "track_id",
        "similar_track_id",
        "sessions AS session_count",
        f"{_rounded(f'{cosine} * sessions / (sessions + {SESSION_SHRINKAGE}D)')} AS session_score",
    )


def _of_like_sound(user_tracks: DataFrame, tracks: DataFrame, track_features: DataFrame) -> DataFrame:
    """Tracks that were heard with those of like sound; an estimate is never an answer, for it is of other tracks."""
    known = track_features.where("valence IS NOT NULL AND energy IS NOT NULL").join(
        tracks.select("track_id", "genres"), "track_id"
    )
    columns = ["artist_id", "genres", "feature_confidence", *COMPARED]
    heard = known.join(user_tracks.select("track_id").distinct(), "track_id", "left_semi").selectExpr(
        "track_id", f"struct({', '.join(columns)}) AS one", f"explode({_blocks_around()}) AS block"
    )
    measured = ", ".join(f"'{source}'" for source in MEASURED_SOURCES)
    candidates = known.where(f"feature_source IN ({measured})").selectExpr(
        "track_id AS similar_track_id", f"struct({', '.join(columns)}) AS other", f"{_own_block()} AS block"
    )
    squares = " + ".join(f"pow(coalesce(one.{f} - other.{f}, {UNKNOWN_DIFFERENCE}D), 2)" for f in COMPARED)
    compared = (
        heard.join(candidates, "block")
        .where("track_id <> similar_track_id")
        .selectExpr("*", f"{_rounded(f'sqrt(({squares}) / {len(COMPARED)})')} AS sound_distance")
        .where(f"NOT (one.artist_id = other.artist_id AND sound_distance < {SAME_RECORDING})")
    )
    likeness = f"exp(-0.5 * pow(sound_distance / {SOUND_WIDTH}, 2))"
    trust = "one.feature_confidence * other.feature_confidence"
    genre = f"IF(arrays_overlap(one.genres, other.genres), 1D, {OTHER_GENRE}D)"
    best = "row_number() OVER (PARTITION BY track_id ORDER BY sound_score DESC, similar_track_id) AS place"
    return (
        compared.selectExpr(
            "track_id",
            "similar_track_id",
            "sound_distance",
            f"{_rounded(f'{likeness} * {trust} * {genre}')} AS sound_score",
        )
        .where(f"sound_score >= {LEAST_SOUND_SCORE}")
        .selectExpr("*", best)
        .where(f"place <= {TOP}")
        .drop("place")
    )


def _rounded(value: str) -> str:
    # Millions of pairs are compared, and Spark's round goes through the decimal text of each double.
    return f"(rint(({value}) * {SCALE}) / {SCALE})"


def _own_block() -> str:
    return _block([f"floor({_at(feature)})" for feature in BLOCKS])


def _blocks_around() -> str:
    """The blocks that a track is compared with: its own, and in each feature the nearer neighbour."""
    nearer = [f"array(floor({_at(feature)} - 0.5), floor({_at(feature)} + 0.5))" for feature in BLOCKS]
    found = _block(["x", "y", "z"])
    for name, near in zip("zyx", nearer[::-1], strict=True):
        found = f"transform({near}, {name} -> {found})"
    return f"flatten(flatten({found}))"


def _block(places: list[str]) -> str:
    x, y, z = places
    return f"({x} * 10000 + {y} * 100 + {z})"


def _at(feature: str) -> str:
    return f"coalesce({feature}, 0.5D) * {BLOCKS[feature]}"
