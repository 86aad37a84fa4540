"""What people chose, as column conditions and frames for the tables that show them to others or play to them.

The trap: a block holds in both directions, and so does every consent: what one shows is seen by those who show it too.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from transformations.ids import track_id_of_spotify

# Of who set nothing.
DEFAULTS = {"is_matched": True, "is_activity_shown": False, "is_name_shown": False}


def with_choices(users: DataFrame, privacy_settings: DataFrame) -> DataFrame:
    """Listeners with what each of them lets others see: the columns of DEFAULTS, never null."""
    chosen = users.join(privacy_settings.select("user_id", *DEFAULTS), "user_id", "left")
    return chosen.withColumns({name: F.coalesce(name, F.lit(value)) for name, value in DEFAULTS.items()})


def matched_users(users: DataFrame, privacy_settings: DataFrame) -> DataFrame:
    """The listeners who have matches and are matches of others."""
    return with_choices(users, privacy_settings).where("is_matched").select(*users.columns)


def blocked_pairs(user_blocks: DataFrame) -> DataFrame:
    """Every pair of which one blocks the other, in both directions, once each: user_id, match_user_id."""
    there = user_blocks.select("user_id", F.col("blocked_user_id").alias("match_user_id"))
    back = user_blocks.select(F.col("blocked_user_id").alias("user_id"), F.col("user_id").alias("match_user_id"))
    return there.unionByName(back).distinct()


def without_blocked(pairs: DataFrame, user_blocks: DataFrame) -> DataFrame:
    """Rows by user_id and match_user_id less those of pairs of which one blocks the other."""
    return pairs.join(F.broadcast(blocked_pairs(user_blocks)), ["user_id", "match_user_id"], "left_anti")


def both(choice: str, one: str, other: str) -> Column:
    """Whether both sides of a pair made a choice: columns of two frames of `with_choices`, by their aliases."""
    return F.col(f"{one}.{choice}") & F.col(f"{other}.{choice}")


def verdicts(track_feedback: DataFrame, track_identities: DataFrame, catalogue_tracks: DataFrame) -> DataFrame:
    """What each listener says of each track as it is known now: user_id, track_id, is_liked.

    A track all of whose keys, and Spotify id in the catalogue, mean another one by now was replaced. What was said of
    both counts by the later word, of two at one moment by the dislike.
    """
    of_catalogue = track_id_of_spotify(F.col("spotify_id"))
    meant = track_identities.select("own_track_id", "replaced_by").unionByName(
        catalogue_tracks.select(
            of_catalogue.alias("own_track_id"), F.nullif(F.col("track_id"), of_catalogue).alias("replaced_by")
        )
    )
    own = meant.join(
        F.broadcast(track_feedback.select(F.col("track_id").alias("own_track_id")).distinct()),
        "own_track_id",
        "left_semi",
    )
    replaced = (
        own.groupBy("own_track_id")
        .agg(F.bool_and(F.col("replaced_by").isNotNull()).alias("is_replaced"), F.min("replaced_by").alias("now"))
        .where("is_replaced")
        .select(F.col("own_track_id").alias("track_id"), "now")
    )
    known_now = track_feedback.join(F.broadcast(replaced), "track_id", "left").select(
        "user_id", F.coalesce("now", "track_id").alias("track_id"), "is_liked", "said_at"
    )
    last = Window.partitionBy("user_id", "track_id").orderBy(F.col("said_at").desc(), "is_liked")
    return (
        known_now.withColumn("_place", F.row_number().over(last))
        .where("_place = 1")
        .select("user_id", "track_id", "is_liked")
    )
