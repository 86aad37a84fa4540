"""Plays per artist, Spotify's top lists, genres, sound and mood to the nearest listeners of each and why they are.

Two engines tell the same of a pair: `build` compares all listeners with all in one place; `build_of_many` those who
share a cell, in Spark, and of a night only what touched listeners change. What an item adds to a score is told by the
engine, what both sides have besides (genres, tempo, tracks) is read off their profiles. Top lists count as plays, so
that a listener who connected today has matches tonight. Who opted out, and who is blocked, never reaches a list.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType, DoubleType, StructField, StructType

from schemas.gold.user_match_explanations import CONTRACT
from transformations.gold.counted_artists import genres_of_artists, listed_artists
from transformations.gold.exact import computed_in_blocks, links
from transformations.gold.explained_pairs import TOP, explained_pairs
from transformations.gold.match_cells import candidates, explained
from transformations.gold.match_model import felt_moods
from transformations.gold.periods import counted_plays
from transformations.ranking.matcher import CELLS_OF_USER

ICEBREAKERS = 5
MEETINGS = CELLS_OF_USER  # so often lists read a listener: once a cell that they are in
PROFILE = ("top_artists", "genres", "sound", "tempo", "recent_tracks")  # what pairs are told of besides
FROM_ENGINE = ("user_id", "match_user_id", "summary", "shared_artists", "other_artists_part", "suggestions_new_artists")
PAIR = StructType(
    [
        *(StructField(name, CONTRACT.column(name).type) for name in FROM_ENGINE),
        StructField("sound_parts", ArrayType(DoubleType())),
        StructField("is_activity_shown", BooleanType()),
    ]
)


def build(
    *,
    user_artists: DataFrame,
    user_top_items: DataFrame,
    tracks: DataFrame,
    privacy_settings: DataFrame,
    user_blocks: DataFrame,
    user_taste_profiles: DataFrame,
    user_mood_profiles: DataFrame,
) -> DataFrame:
    """All listeners in, at most 50 rows each out; a listener without an artist, or who opted out, has none."""
    artist, user, name = F.col("artist_id"), F.col("user_id"), F.col("artist_name")
    choices = privacy_settings.selectExpr(
        "user_id", "stack(2, 'unmatched', NOT is_matched, 'active', is_activity_shown) AS (choice, is_chosen)"
    )
    sounds = user_taste_profiles.where("sound IS NOT NULL").selectExpr("user_id", "inline(sound)")
    pairs = computed_in_blocks(
        [
            links(user_artists, "plays", user, artist, counted_plays(), name=name),
            links(listed_artists(user_top_items), "top_items", user, artist, F.col("plays"), name=name),
            links(genres_of_artists(tracks), "genres", artist, F.col("genre"), F.col("tracks")),
            links(choices.where("is_chosen"), "choices", user, F.col("choice"), F.lit(1)),
            links(user_blocks, "blocks", user, F.col("blocked_user_id"), F.lit(1)),
            links(sounds.where("normalised IS NOT NULL"), "sound", user, F.col("feature"), F.col("normalised")),
            links(felt_moods(user_mood_profiles), "moods", user, F.col("mood"), F.col("share")),
        ],
        explained_pairs,
        PAIR,
    )
    return _told(pairs, user_taste_profiles)


def nearest(
    *,
    match_listeners: DataFrame,
    user_blocks: DataFrame,
    touched: DataFrame | None,
    previous: DataFrame | None,
) -> DataFrame:
    """The nearest of all listeners; or, where some are `touched` (user_id), of those whose lists in `previous` may have
    changed by it: cell (null where the pair stood), user_id, match_user_id, rank.

    Touched ones, and those who have one in their list, are compared anew with all of their cells. Others take touched
    ones in where the score is high enough.
    """
    if touched is None or previous is None:
        wanted = match_listeners.selectExpr("user_id", "true AS is_asked", "false AS is_news", "0D AS bound")
        return _best(candidates(match_listeners, wanted, user_blocks, size=TOP))
    changed = touched.select("user_id").distinct()
    of_others = previous.selectExpr("user_id", "match_user_id", "summary.score AS score").join(
        F.broadcast(changed), "user_id", "left_anti"
    )
    losers = (
        of_others.join(F.broadcast(_as_matches(changed)), "match_user_id", "left_semi").select("user_id").distinct()
    )
    bounds = of_others.groupBy("user_id").agg(F.expr(f"IF(count(*) < {TOP}, 0D, min(score)) AS bound"))
    wanted = (
        match_listeners.select("user_id")
        .join(F.broadcast(changed.withColumn("is_news", F.lit(True))), "user_id", "left")
        .join(F.broadcast(losers.withColumn("is_loser", F.lit(True))), "user_id", "left")
        .join(bounds, "user_id", "left")
        .selectExpr(
            "user_id",
            "is_news IS NOT NULL OR is_loser IS NOT NULL AS is_asked",
            "is_news IS NOT NULL AS is_news",
            "coalesce(bound, 0D) AS bound",
        )
    )
    kept = of_others.join(F.broadcast(losers), "user_id", "left_anti")
    found = candidates(match_listeners, wanted, user_blocks, size=TOP)
    return _best(found.unionByName(kept.selectExpr("CAST(NULL AS INT) AS cell", "*")))


def build_of_many(
    *, nearest: DataFrame, match_listeners: DataFrame, touched: DataFrame | None, previous: DataFrame | None
) -> DataFrame:
    """The pairs of `nearest`, explained; what stands in `previous` of two who are not touched is kept, under its new
    rank."""
    profiles = match_listeners.selectExpr("user_id", "top_artists", "top_genres AS genres", *PROFILE[2:])
    if touched is None or previous is None:
        return _told(explained(nearest, match_listeners, PAIR), profiles)
    changed = touched.select("user_id").distinct()
    standing = previous.join(F.broadcast(changed), "user_id", "left_anti").join(
        F.broadcast(_as_matches(changed)), "match_user_id", "left_anti"
    )
    fresh = nearest.join(standing.select(*CONTRACT.key), list(CONTRACT.key), "left_anti")
    reranked = standing.join(nearest.selectExpr(*CONTRACT.key, "rank"), list(CONTRACT.key)).withColumn(
        "summary", F.col("summary").withField("rank", F.col("rank"))
    )
    new = _told(explained(fresh, match_listeners, PAIR), profiles)
    return new.select(*CONTRACT.names).unionByName(reranked.select(*CONTRACT.names))


def _as_matches(users: DataFrame) -> DataFrame:
    return users.withColumnRenamed("user_id", "match_user_id")


def _best(found: DataFrame) -> DataFrame:
    """The nearest of each listener over all cells, ties by the match; of those alone of whom a pair was found."""
    of_user = Window.partitionBy("user_id")
    return (
        found.repartition("user_id")
        .groupBy("user_id", "match_user_id")
        .agg(F.max("score").alias("score"), F.min("cell").alias("cell"))
        .withColumns(
            {
                "rank": F.row_number().over(of_user.orderBy(F.col("score").desc(), "match_user_id")),
                "is_new": F.bool_or(F.col("cell").isNotNull()).over(of_user),
            }
        )
        .where(F.col("is_new") & (F.col("rank") <= TOP))
        .select("cell", "user_id", "match_user_id", "rank")
    )


def _told(pairs: DataFrame, profiles: DataFrame) -> DataFrame:
    """The engine's pairs, with what is read off the profiles of both."""
    sides = profiles.selectExpr("user_id", f"struct({', '.join(PROFILE)}) AS own")
    others = sides.selectExpr("user_id AS match_user_id", "own AS other")
    return (
        pairs.join(sides, "user_id", "left")
        .join(others, "match_user_id", "left")
        .selectExpr(
            *FROM_ENGINE,
            f"coalesce({_shared_genres()}, array()) AS shared_genres",
            f"{_audio_breakdown()} AS audio_breakdown",
            f"{_tempo()} AS tempo",
            f"coalesce({_icebreaker_tracks()}, array()) AS icebreaker_tracks",
            "IF(is_activity_shown, other.recent_tracks, NULL) AS recent_activity",
        )
    )


# --- what is read off the profiles


def _shared_genres() -> str:
    """In the order of the listener's."""
    theirs = "get(filter(other.genres, their -> their.genre = own_one.genre), 0)"
    return f"""filter(transform(own.genres, own_one -> named_struct(
        'genre', own_one.genre, 'listen_count', own_one.listen_count, 'match_listen_count', {theirs}.listen_count
    )), pair -> pair.match_listen_count IS NOT NULL)"""


def _audio_breakdown() -> str:
    # Both list all features in one order, and so does the engine.
    return """IF(own.sound IS NULL OR other.sound IS NULL, NULL, transform(own.sound, (one, n) -> named_struct(
        'feature', one.feature, 'raw', one.raw, 'match_raw', other.sound[n].raw,
        'normalised', one.normalised, 'match_normalised', other.sound[n].normalised,
        'delta', one.normalised - other.sound[n].normalised, 'part', sound_parts[n]
    )))"""


def _tempo() -> str:
    low, high = "greatest(own.tempo.low_bpm, other.tempo.low_bpm)", "least(own.tempo.high_bpm, other.tempo.high_bpm)"
    return f"""IF(own.tempo IS NULL OR other.tempo IS NULL, NULL, named_struct(
        'low_bpm', own.tempo.low_bpm, 'high_bpm', own.tempo.high_bpm,
        'match_low_bpm', other.tempo.low_bpm, 'match_high_bpm', other.tempo.high_bpm,
        'overlap_bpm', greatest({high} - {low}, 0D)
    ))"""


def _icebreaker_tracks() -> str:
    """Of the shared artists, in their order, those among the heaviest of both."""

    def of(side: str) -> str:
        return f"get(filter({side}.top_artists, heavy -> heavy.artist_id = one.artist_id), 0)"

    return f"""slice(filter(transform(shared_artists, one -> named_struct(
        'artist_id', one.artist_id, 'artist_name', one.artist_name,
        'track_id', {of("own")}.track_id, 'track_name', {of("own")}.track_name,
        'match_track_id', {of("other")}.track_id, 'match_track_name', {of("other")}.track_name
    )), pair -> pair.track_id IS NOT NULL AND pair.match_track_id IS NOT NULL), 1, {ICEBREAKERS})"""
