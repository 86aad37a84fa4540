"""Plays per track to what a listener likes; a listener in, a row out, whatever was heard.

The trap: sums of doubles depend on their order. Weights and features are whole numbers until the last division.
Expressions are texts, because each call that makes a column is one to the JVM.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schemas.vocab import SHARE_FEATURES
from transformations.ranking.matcher import COUNT_POWER, RARITY_POWER
from transformations.ranking.population import MOST_DEVIATIONS

MIN_PLAYS = 10  # fewer say nothing about a taste
MIN_SOUND_TRACKS = 5  # tracks with a known sound
TOP_ARTISTS, TOP_GENRES, RECENT_TRACKS = 50, 20, 5
FEATURES = (*SHARE_FEATURES, "loudness_db", "tempo_bpm")
SCALE = 1_000_000
DAMPED_SCALE = 1_000  # damped plays in thousandths: their product with a feature in millionths stays far from overflow
POPULATION_SCALE = 1_000  # and so do the squares of means in thousandths
EVERYBODY = "OVER (PARTITION BY 0)"  # all rows of one per listener


def build(*, user_tracks: DataFrame, tracks: DataFrame, track_features: DataFrame, users: DataFrame) -> DataFrame:
    """All sums of all listeners in: rarity and the mean listener are of the whole population."""
    counted = user_tracks.selectExpr("user_id", "track_id", "listen_count - skip_count AS plays", "last_played_at")
    named = tracks.selectExpr("track_id", "track_name", "artist_id", "get(artist_names, 0) AS artist_name", "genres")
    heard = counted.where("plays > 0").join(named, "track_id")
    rows = (
        users.select("user_id")
        .join(_items(heard), "user_id", "left")
        .join(_sounds(heard, track_features), "user_id", "left")
    )
    among_all = rows.selectExpr(
        "*",
        f"count(items) {EVERYBODY} AS listeners",
        *[
            f"try_divide(sum({_whole(name)}) {EVERYBODY}, count({name}) {EVERYBODY}) AS mean_{name}"
            for name in FEATURES
        ],
        *[
            f"try_divide(sum({_whole(name)} * {_whole(name)}) {EVERYBODY}, count({name}) {EVERYBODY}) AS square_{name}"
            for name in FEATURES
        ],
    )
    sorted_by_weight = among_all.selectExpr(
        "*", f"array_sort(transform(coalesce(items, array()), {_weighed()})) AS own"
    )
    of_kinds = sorted_by_weight.selectExpr(
        "*", "filter(own, i -> i.kind = 'artist') AS artists", "filter(own, i -> i.kind = 'genre') AS all_genres"
    )
    totals = [
        f"aggregate({kind}, 0L, (total, i) -> total + i.order) AS {kind}_total" for kind in ("artists", "all_genres")
    ]
    sound = f"IF(energy IS NULL, NULL, array({', '.join(map(_sound_of, FEATURES))}))"
    told = of_kinds.selectExpr("*", *totals).selectExpr(
        "user_id",
        "aggregate(artists, 0L, (total, i) -> total + i.plays) AS listen_count",
        "CAST(size(artists) AS BIGINT) AS artist_count",
        f"""transform(slice(artists, 1, {TOP_ARTISTS}), (i, n) -> named_struct(
            'rank', n + 1, 'artist_id', i.item, 'artist_name', i.name, 'listen_count', i.plays,
            'weight', i.order / artists_total, 'track_id', i.track.track_id, 'track_name', i.track.track_name
        )) AS top_artists""",
        f"""transform(slice(all_genres, 1, {TOP_GENRES}), i -> named_struct(
            'genre', i.item, 'listen_count', i.plays, 'weight', i.order / all_genres_total
        )) AS genres""",
        f"{sound} AS sound",
        "IF(tempos IS NULL, NULL, named_struct('low_bpm', tempos[0], 'high_bpm', tempos[1])) AS tempo",
        "coalesce(recent_tracks, array()) AS recent_tracks",
    )
    status = (
        f"CASE WHEN listen_count < {MIN_PLAYS} THEN 'too_few_plays' WHEN sound IS NULL THEN 'no_features' ELSE 'ok' END"
    )
    return told.selectExpr("*", f"{status} AS status")


def _items(heard: DataFrame) -> DataFrame:
    """Per listener all artists and genres, each with its plays, its listeners and the track played most."""
    kinds = """explode(concat(
        array(named_struct('kind', 'artist', 'item', artist_id)),
        transform(genres, genre -> named_struct('kind', 'genre', 'item', genre))
    )) AS one"""
    played = (
        heard.selectExpr(
            "user_id",
            "plays",
            "artist_name",
            "named_struct('track_id', track_id, 'track_name', track_name) AS track",
            kinds,
        )
        .groupBy("user_id", F.expr("one.kind AS kind"), F.expr("one.item AS item"))
        .agg(
            F.expr("sum(plays) AS plays"),
            F.expr("min(artist_name) AS name"),
            F.expr("max_by(track, struct(plays, track)) AS track"),
        )
    )
    return (
        played.selectExpr("*", "count(*) OVER (PARTITION BY kind, item) AS holders")
        .groupBy("user_id")
        .agg(F.expr("collect_list(struct(kind, item, name, plays, holders, track)) AS items"))
    )


def _sounds(heard: DataFrame, track_features: DataFrame) -> DataFrame:
    """Per listener the latest tracks; and with enough known tracks, the mean of every feature and the usual tempos."""
    known = track_features.where("valence IS NOT NULL AND energy IS NOT NULL").select("track_id", *FEATURES)
    damped = f"CAST(round(pow(plays, {COUNT_POWER}D) * {DAMPED_SCALE}) AS BIGINT) AS damped"
    means = [
        f"try_divide(sum(CAST(round({name} * {SCALE}) AS BIGINT) * damped), sum(IF({name} IS NULL, NULL, damped)))"
        f" / {SCALE} AS {name}"
        for name in FEATURES
    ]
    sums = (
        heard.join(known, "track_id", "left")
        .selectExpr("*", damped)
        .groupBy("user_id")
        .agg(
            F.expr(
                f"count(energy) >= {MIN_SOUND_TRACKS} AND sum(IF(energy IS NULL, 0, plays)) >= {MIN_PLAYS} AS is_known"
            ),
            F.expr("percentile(tempo_bpm, array(0.25D, 0.75D), damped) AS tempos"),
            F.expr(
                f"""slice(sort_array(collect_list(struct(last_played_at, track_id, artist_name, track_name)), false),
                1, {RECENT_TRACKS}) AS latest"""
            ),
            *map(F.expr, means),
        )
    )
    return sums.selectExpr(
        "user_id",
        *[f"IF(is_known, {name}, NULL) AS {name}" for name in (*FEATURES, "tempos")],
        """transform(latest, one -> named_struct(
            'track_id', one.track_id, 'artist_name', one.artist_name, 'track_name', one.track_name,
            'last_played_at', one.last_played_at
        )) AS recent_tracks""",
    )


def _weighed() -> str:
    """Of an item what it is and its weight, negative to be sorted by; ties go by the item."""
    rarity = f"pow(log1p(listeners / i.holders), {RARITY_POWER}D)"
    return f"""i -> named_struct(
        'order', -CAST(round(pow(i.plays, {COUNT_POWER}D) * {rarity} * {SCALE}) AS BIGINT),
        'item', i.item, 'kind', i.kind, 'name', i.name, 'plays', i.plays, 'track', i.track
    )"""


def _sound_of(feature: str) -> str:
    """A feature and how far it is from the mean listener, in standard deviations; 0 where all are alike."""
    spread = f"sqrt(greatest(square_{feature} - mean_{feature} * mean_{feature}, 0D))"
    deviations = f"coalesce(try_divide({_whole(feature)} - mean_{feature}, {spread}), 0D)"
    bounded = f"greatest(least({deviations}, {MOST_DEVIATIONS}D), -{MOST_DEVIATIONS}D)"
    return f"""named_struct(
        'feature', '{feature}', 'raw', {feature}, 'normalised', IF({feature} IS NULL, NULL, {bounded})
    )"""


def _whole(feature: str) -> str:
    return f"CAST(round({feature} * {POPULATION_SCALE}) AS BIGINT)"
