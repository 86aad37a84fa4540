"""L, why matched: what an explanation tells adds up to the score, both ways alike, and is the row of the match.

The trap: hetrec2011 knows artists, not tracks. Each artist is one track there, of the artist's mean sound in the
catalogue, and its tags stand for genres.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.runtime.lake import Lake
from schemas.gold.user_match_explanations import CONTRACT
from schemas.gold.user_matches import CONTRACT as USER_MATCHES
from schemas.gold.user_mood_profiles import CONTRACT as USER_MOOD_PROFILES
from schemas.ops.privacy_settings import CONTRACT as PRIVACY_SETTINGS
from schemas.ops.user_blocks import CONTRACT as USER_BLOCKS
from schemas.silver.user_top_items import CONTRACT as USER_TOP_ITEMS
from tests.evaluation.lakes import LISTENED_UNTIL, listeners_lake
from tests.evaluation.sections import Gate, Section
from tests.evaluation.splits import told
from transformations.gold import user_match_explanations, user_matches, user_taste_profiles
from transformations.gold.user_taste_profiles import FEATURES
from transformations.ids import artist_id_of_name
from transformations.names import artist_letters

PARTS = ("artists", "neighbours", "genres", "sound", "moods")
ROUNDING = 1e-8  # each number is stored with nine digits, and up to a dozen are added up
KEY = ("user_id", "match_user_id")


def measure(shared: Path) -> Section:
    lake = listeners_lake(shared)
    stored = lake.read("gold.user_match_explanations")
    of_artists = explained(lake, shared).localCheckpoint()
    populations = {
        "hetrec2011": (of_artists, user_matches.build(user_match_explanations=of_artists)),
        "Last.fm-1K, as stored": (stored, lake.read("gold.user_matches")),
    }
    found = {name: figures(*tables) for name, tables in populations.items()}
    worst = {name: max(one[name] for one in found.values()) for name in BOUND}
    return Section(
        title="Why two listeners match",
        how=(
            "gold.user_match_explanations of C's listeners (hetrec2011, all their plays, tags for genres, the mean "
            "sound of the artist's tracks in the catalogue) by the table's own build, and as stored for those of "
            "Last.fm-1K. Told one by one: what the ten shared artists that add most, and each feature, give of the "
            "score; the rest is told in sums (other artists, who else shares artists, genres, moods)."
        ),
        header=("of the pairs", *populations),
        rows=tuple((what, *(shown(one[name]) for one in found.values())) for name, (what, shown) in SHOWN.items()),
        gates=tuple(
            Gate(what, f"at most {bound:.0e}" if bound else "none", f"{worst[name]:.1e}", bool(worst[name] <= bound))
            for name, (what, bound) in BOUND.items()
        ),
        notes=(
            "Whether the nearest of a listener split in two is the other half is measured in section C.",
            "A pair has a row of each side only where each is among the other's 50 nearest; both ways alike is looked "
            "at where it has.",
        ),
    )


SHOWN = {
    "pairs": ("pairs", lambda value: f"{value:,.0f}"),
    "listeners": ("listeners with a match", lambda value: f"{value:,.0f}"),
    "completeness": ("share of the score that its parts give", lambda value: f"{value:.9f}"),
    "one_by_one": ("share of the score that is told one by one", told),
    "with_artists": ("with shared artists told", told),
    "with_genres": ("with shared genres told", told),
    "with_sound": ("with the sound of both told", told),
    "with_tempo": ("with the tempos of both told", told),
    "with_new": ("with new artists to try", told),
    "with_icebreakers": ("with icebreaker tracks", told),
    "with_reverse": ("that stand in both lists", told),
}
# What may differ, and by how much.
BOUND = {
    "score_apart": ("score less the sum of its parts", ROUNDING),
    "artists_apart": ("the artists' part less those of the artists told and the others", ROUNDING),
    "sound_apart": ("the sound's part less those of the features", ROUNDING),
    "both_ways_apart": ("score and parts, one way less the other", ROUNDING),
    "deltas_apart": ("delta of a feature, one way plus the other", ROUNDING),
    "rows_apart": ("summaries that are not the row of gold.user_matches", 0.0),
}


def figures(explanations: DataFrame, matches: DataFrame) -> dict[str, float]:
    """What is told of all pairs, and how far apart is what should be the same."""
    parts = " + ".join(f"summary.parts.{part}" for part in PARTS)
    of_artists = "aggregate(shared_artists, 0D, (total, one) -> total + one.part)"
    of_sound = "aggregate(audio_breakdown, 0D, (total, one) -> total + coalesce(one.part, 0D))"
    row = explanations.selectExpr(
        "count(*) AS pairs",
        "count(DISTINCT user_id) AS listeners",
        f"sum({parts}) / sum(summary.score) AS completeness",
        f"sum({of_artists} + coalesce({of_sound}, 0D)) / sum(summary.score) AS one_by_one",
        "avg(IF(size(shared_artists) > 0, 1, 0)) AS with_artists",
        "avg(IF(size(shared_genres) > 0, 1, 0)) AS with_genres",
        "avg(IF(audio_breakdown IS NULL, 0, 1)) AS with_sound",
        "avg(IF(tempo IS NULL, 0, 1)) AS with_tempo",
        "avg(IF(size(suggestions_new_artists) > 0, 1, 0)) AS with_new",
        "avg(IF(size(icebreaker_tracks) > 0, 1, 0)) AS with_icebreakers",
        f"max(abs(summary.score - ({parts}))) AS score_apart",
        f"max(abs(summary.parts.artists - {of_artists} - other_artists_part)) AS artists_apart",
        f"max(abs(summary.parts.sound - coalesce({of_sound}, 0D))) AS sound_apart",
    ).collect()[0]
    return {name: float(value) for name, value in row.asDict().items()} | {
        **_both_ways(explanations),
        "rows_apart": float(_rows_apart(explanations, matches)),
    }


def _both_ways(explanations: DataFrame) -> dict[str, float]:
    numbers = ["summary.score", *(f"summary.parts.{part}" for part in PARTS)]
    there = explanations.selectExpr(*KEY, f"array({', '.join(numbers)}) AS numbers", "audio_breakdown.delta AS deltas")
    back = there.selectExpr(
        "match_user_id AS user_id", "user_id AS match_user_id", "numbers AS others", "deltas AS other_deltas"
    )
    row = (
        there.join(back, list(KEY))
        .selectExpr(
            "count(*) AS pairs",
            "max(array_max(zip_with(numbers, others, (x, y) -> abs(x - y)))) AS both_ways_apart",
            "coalesce(max(array_max(zip_with(deltas, other_deltas, (x, y) -> abs(x + y)))), 0D) AS deltas_apart",
        )
        .collect()[0]
    )
    return {
        "with_reverse": row["pairs"] / explanations.count(),
        "both_ways_apart": row["both_ways_apart"],
        "deltas_apart": row["deltas_apart"],
    }


def _rows_apart(explanations: DataFrame, matches: DataFrame) -> int:
    """Rows of the one table that are not in the other."""
    summaries = explanations.select(*KEY, "summary.*").select(*USER_MATCHES.names)
    rows = matches.select(*USER_MATCHES.names)
    return summaries.exceptAll(rows).count() + rows.exceptAll(summaries).count()


# --- hetrec2011 as tables


def explained(lake: Lake, shared: Path) -> DataFrame:
    """gold.user_match_explanations of the listeners of hetrec2011, by the builds of the nightly plan."""
    spark = lake.spark
    artist_id = artist_id_of_name(artist_letters(F.col("name")))
    plays = spark.createDataFrame(_plays(shared)).withColumn("artist_id", artist_id)
    tags = spark.createDataFrame(_tags(shared)).withColumn("artist_id", artist_id)
    catalogue = lake.read("silver.tracks").where("is_catalogue").select("track_id", "artist_id")
    known = catalogue.join(lake.read("silver.track_features").select("track_id", *FEATURES), "track_id")
    means = known.groupBy("artist_id").agg(*[F.avg(name).alias(name) for name in FEATURES])
    sums = plays.groupBy("user_id", "artist_id").agg(
        F.min("name").alias("artist_name"), F.sum("play_count").alias("listen_count")
    )
    artists = (
        plays.groupBy("artist_id")
        .agg(F.min("name").alias("name"))
        .join(tags.groupBy("artist_id").agg(F.sort_array(F.collect_set("tag")).alias("genres")), "artist_id", "left")
    )
    tracks = artists.selectExpr(
        "artist_id AS track_id",
        "artist_id",
        "array(name) AS artist_names",
        "name AS track_name",
        "coalesce(genres, CAST(array() AS array<string>)) AS genres",
    )
    users = sums.select("user_id").distinct()
    last = f"TIMESTAMP'{LISTENED_UNTIL:%Y-%m-%d} 00:00:00'"
    user_artists = sums.selectExpr("*", "0L AS skip_count", f"{last} AS last_played_at")
    profiles = user_taste_profiles.build(
        user_tracks=user_artists.withColumnRenamed("artist_id", "track_id"),
        tracks=tracks,
        track_features=means.withColumnRenamed("artist_id", "track_id"),
        users=users,
    ).localCheckpoint()
    nothing = {
        contract.name: spark.createDataFrame([], contract.struct())
        for contract in (USER_TOP_ITEMS, PRIVACY_SETTINGS, USER_BLOCKS, USER_MOOD_PROFILES)
    }
    return user_match_explanations.build(
        user_artists=user_artists,
        tracks=tracks,
        user_taste_profiles=profiles,
        **nothing,
    ).select(*CONTRACT.names)


def _plays(shared: Path) -> pd.DataFrame:
    rows = pd.read_csv(shared / "hetrec2011" / "user_artists.dat", sep="\t")
    found = rows.merge(_names(shared), left_on="artistID", right_on="id")
    return pd.DataFrame(
        {"user_id": found["userID"].astype(str), "name": found["name"], "play_count": found["weight"].astype("int64")}
    )


def _tags(shared: Path) -> pd.DataFrame:
    given = pd.read_csv(shared / "hetrec2011" / "user_taggedartists.dat", sep="\t")[["artistID", "tagID"]]
    named = given.drop_duplicates().merge(_names(shared), left_on="artistID", right_on="id")
    words = pd.read_csv(shared / "hetrec2011" / "tags.dat", sep="\t", encoding="latin-1", keep_default_na=False)
    return named.merge(words, on="tagID")[["name", "tagValue"]].set_axis(["name", "tag"], axis=1)


def _names(shared: Path) -> pd.DataFrame:
    path = shared / "hetrec2011" / "artists.dat"
    return pd.read_csv(path, sep="\t", keep_default_na=False, quoting=3)[["id", "name"]]
