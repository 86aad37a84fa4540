"""Plays per artist, Spotify's top lists, genres, sound and mood to the nearest listeners of each and why they are.

The engine stands in one place. It compares all listeners, or of many those of like taste, and tells what each item adds
to a score; what both sides have besides (genres, tempo, tracks) is read off their taste profiles. Top lists count as
plays, so that a listener who connected today has matches tonight. Who opted out, and who is blocked, never reaches the
engine's lists.
"""

from __future__ import annotations

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType, DoubleType, StructField, StructType

from schemas.gold.user_match_explanations import CONTRACT
from schemas.vocab import MOODS
from transformations.gold.exact import computed_in_blocks, links
from transformations.gold.explained_pairs import explained_pairs
from transformations.gold.periods import counted_plays
from transformations.ids import artist_id_of_name
from transformations.names import artist_letters

ICEBREAKERS = 5
# Plays that the first of a list counts, the k-th a k-th of it; in fractions of which sums are exact in any order.
TOP_ITEM_PLAYS = {"short_term": 3, "medium_term": 6, "long_term": 12}
FRACTION = 1_024
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
    exact_up_to_users: int,
) -> DataFrame:
    """All listeners in, at most 50 rows each out; a listener without an artist, or who opted out, has none.

    Up to `exact_up_to_users` all are compared with all, beyond with those whose taste has the same direction.
    """
    artist, user, moods = F.col("artist_id"), F.col("user_id"), ", ".join(f"'{mood}', {mood}" for mood in MOODS)
    listed = user_top_items.where("entity = 'artist' AND get(artist_names, 0) IS NOT NULL").selectExpr(
        "user_id", "time_range", "rank", "artist_names[0] AS artist_name"
    )
    first = " ".join(f"WHEN '{name}' THEN {plays}" for name, plays in TOP_ITEM_PLAYS.items())
    listed_plays = F.expr(f"greatest(round(CASE time_range {first} END * {FRACTION} / rank), 1D) / {FRACTION}")
    genres = (
        tracks.selectExpr("artist_id", "explode(genres) AS genre")
        .groupBy("artist_id", "genre")
        .agg(F.expr("count(*) AS tracks"))
    )
    choices = privacy_settings.selectExpr(
        "user_id", "stack(2, 'unmatched', NOT is_matched, 'active', is_activity_shown) AS (choice, is_chosen)"
    )
    sounds = user_taste_profiles.where("sound IS NOT NULL").selectExpr("user_id", "inline(sound)")
    felt = user_mood_profiles.where("period = 'all' AND happy IS NOT NULL").selectExpr(
        "user_id", f"stack({len(MOODS)}, {moods}) AS (mood, share)"
    )
    pairs = computed_in_blocks(
        [
            links(user_artists, "plays", user, artist, counted_plays(), name=F.col("artist_name")),
            links(
                listed,
                "top_items",
                user,
                artist_id_of_name(artist_letters(F.col("artist_name"))),
                listed_plays,
                name=F.col("artist_name"),
            ),
            links(genres, "genres", artist, F.col("genre"), F.col("tracks")),
            links(choices.where("is_chosen"), "choices", user, F.col("choice"), F.lit(1)),
            links(user_blocks, "blocks", user, F.col("blocked_user_id"), F.lit(1)),
            links(sounds.where("normalised IS NOT NULL"), "sound", user, F.col("feature"), F.col("normalised")),
            links(felt, "moods", user, F.col("mood"), F.col("share")),
        ],
        partial(explained_pairs, exact_up_to_users=exact_up_to_users),
        PAIR,
    )
    sides = user_taste_profiles.selectExpr("user_id", "struct(top_artists, genres, sound, tempo, recent_tracks) AS own")
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
