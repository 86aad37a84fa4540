"""Gold as SQL for DuckDB; the mood sums of a day stand in a temporary table, as both mood tables add them up."""

from __future__ import annotations

from datetime import date

SEP = "chr(31)"
MOODS = ("happy", "angry", "sad", "relaxed")
SCORES = (*MOODS, "valence", "energy")
PLAYS = ("plays", "mood_plays", "sound_plays", "measured_plays")
DAYS = {"365d": 365, "90d": 90, "30d": 30, "7d": 7}
STATS_PERIODS = ("all", *DAYS)
PERIODS = (*STATS_PERIODS, "current")
HIGHEST = f"greatest({', '.join(MOODS)})"
LIKELIEST = "CASE " + " ".join(f"WHEN {m} = {HIGHEST} THEN '{m}'" for m in MOODS)


def _scaled(name: str) -> str:
    return f"round({name} * 1000000)::BIGINT AS {name}"


MOOD_SUMS = f"""
CREATE TEMP TABLE mood_sums AS
WITH scores AS (
    SELECT track_id, {", ".join(_scaled(name) for name in SCORES)}, feature_source = 'kaggle' AS is_measured
    FROM track_features JOIN track_moods USING (track_id)
)
SELECT user_id, listen_date AS mood_date, sum(n)::BIGINT AS plays,
    coalesce(sum(n) FILTER (happy IS NOT NULL), 0)::BIGINT AS mood_plays,
    coalesce(sum(n) FILTER (valence IS NOT NULL), 0)::BIGINT AS sound_plays,
    coalesce(sum(n) FILTER (is_measured), 0)::BIGINT AS measured_plays,
    {", ".join(f"sum(coalesce({name} * n, 0))::BIGINT AS {name}" for name in SCORES)}
FROM (SELECT user_id, listen_date, track_id, listen_count - skip_count AS n FROM user_track_days WHERE n > 0)
    LEFT JOIN scores USING (track_id)
GROUP BY user_id, mood_date"""
_TOTAL = f"nullif({' + '.join(MOODS)}, 0)"
USER_MOOD_DAYS = f"""
SELECT user_id, mood_date, {", ".join(f"({m} / {_TOTAL})::DOUBLE AS {m}" for m in MOODS)}, plays AS listen_count,
    0::BIGINT AS entry_count
FROM mood_sums"""


def _in_period(period: str, day: str, as_of: date) -> str:
    until = f"{day} <= DATE '{as_of}'"
    if period == "all":
        return until
    return f"({until} AND {day} > DATE '{as_of}' - {DAYS.get(period, 28)})"


def profiles(as_of: date) -> str:
    parts = []
    for period in PERIODS:
        inside = _in_period(period, "mood_date", as_of)
        weight = "1000"
        if period == "current":
            weight = f"round(1000 * pow(0.5, (DATE '{as_of}' - mood_date) / 7.0))::BIGINT"
        sums = ", ".join(f"sum({name} * {weight}) FILTER ({inside}) AS {name}" for name in (*PLAYS, *SCORES))
        parts.append(
            f"SELECT user_id, '{period}' AS period, sum(plays) FILTER ({inside}) AS listen_count, "
            f"sum(mood_plays) FILTER ({inside}) AS mood_listen_count, {sums} FROM mood_sums GROUP BY user_id"
        )
    numbers = ", ".join(f"coalesce({n}, 0) AS {n}" for n in ("listen_count", "mood_listen_count", *PLAYS, *SCORES))
    periods = ", ".join(f"'{period}'" for period in PERIODS)
    return f"""
WITH sums AS ({" UNION ALL ".join(parts)}), rows AS (
    SELECT user_id, period, {numbers},
        CASE WHEN coalesce(listen_count, 0) < 10 THEN 'too_few_plays'
            WHEN coalesce(mood_listen_count, 0) < 5 THEN 'no_features' ELSE 'ok' END AS status
    FROM (SELECT user_id, unnest([{periods}]) AS period FROM users) LEFT JOIN sums USING (user_id, period)
), shares AS (
    SELECT user_id, period, status,
        {", ".join(f"CASE WHEN status = 'ok' THEN ({m} / {_TOTAL})::DOUBLE END AS {m}" for m in MOODS)},
        CASE WHEN status = 'ok' THEN valence / nullif(sound_plays, 0) / 1000000 END AS valence_mean,
        CASE WHEN status = 'ok' THEN energy / nullif(sound_plays, 0) / 1000000 END AS energy_mean,
        listen_count::BIGINT AS listen_count, 0::BIGINT AS entry_count,
        (measured_plays / nullif(plays, 0))::DOUBLE AS measured_share
    FROM rows
)
SELECT user_id, period, status, {", ".join(MOODS)},
    CASE WHEN status = 'ok' THEN {LIKELIEST} ELSE 'unknown' END END AS dominant_mood, valence_mean, energy_mean,
    listen_count, entry_count, measured_share, DATE '{as_of}' AS as_of_date
FROM shares"""


def stats(as_of: date) -> str:
    sums = []
    for period in STATS_PERIODS:
        inside = _in_period(period, "listen_date", as_of)
        sums.append(f"coalesce(sum(listen_count - skip_count) FILTER ({inside}), 0) AS plays_{period}")
        sums.append(f"sum(ms_played) FILTER ({inside}) AS ms_{period}")
    added = ", ".join(
        f"sum({kind}_{period}) AS {kind}_{period}" for kind in ("plays", "ms") for period in STATS_PERIODS
    )
    entities = {
        "artist": ("artist_id", "artist_name", "NULL", "named"),
        "track": ("track_id", "track_name", "min(artist_name)", "named"),
        "album": ("album_id", "album_name", "min(artist_name)", "named WHERE album_id IS NOT NULL"),
        "genre": ("genre", "genre", "NULL", "(SELECT *, unnest(genres) AS genre FROM named)"),
    }
    tops = [
        f"SELECT user_id, '{entity}' AS entity, {key} AS entity_id, min({name}) AS name, "
        f"{artist}::VARCHAR AS artist_name, {added} FROM {source} GROUP BY user_id, {key}"
        for entity, (key, name, artist, source) in entities.items()
    ]
    periods = ", ".join(
        f"{{'period': '{p}', 'listen_count': plays_{p}::BIGINT, 'ms_played': ms_{p}::BIGINT}}" for p in STATS_PERIODS
    )
    return f"""
WITH by_track AS (SELECT user_id, track_id, {", ".join(sums)} FROM user_track_days GROUP BY user_id, track_id),
names AS (
    SELECT track_id, artist_id, artist_names[1] AS artist_name, track_name, album_name, genres,
        CASE WHEN album_name IS NOT NULL THEN md5(concat_ws({SEP}, 'album', artist_id, album_name)) END AS album_id
    FROM tracks
), named AS (SELECT * FROM by_track JOIN names USING (track_id)),
summed AS ({" UNION ALL ".join(tops)}),
long AS (
    SELECT user_id, entity, entity_id, name, artist_name, unnest([{periods}], recursive := true) FROM summed
)
SELECT user_id, period, entity, row_number() OVER (
        PARTITION BY user_id, period, entity ORDER BY listen_count DESC, ms_played DESC NULLS LAST, entity_id
    )::INT AS rank, entity_id, name, artist_name, listen_count, ms_played, DATE '{as_of}' AS as_of_date
FROM long WHERE listen_count > 0
QUALIFY rank <= 50"""


def coverage(as_of: date) -> str:
    def by_source(name: str) -> str:
        return f"map_from_entries(list({{'k': feature_source, 'v': {name}}} ORDER BY feature_source))"

    return f"""
WITH sourced AS (
    SELECT user_id, track_id, listen_count, feature_source
    FROM user_tracks JOIN (SELECT track_id, feature_source FROM track_features) USING (track_id)
), counted AS (
    SELECT user_id, feature_source, sum(listen_count)::BIGINT AS listens, count(*) AS tracks
    FROM sourced GROUP BY user_id, feature_source
    UNION ALL
    SELECT '*', feature_source, sum(listen_count)::BIGINT, count(DISTINCT track_id) FROM sourced GROUP BY feature_source
)
SELECT DATE '{as_of}' AS run_date, user_id, sum(listens)::BIGINT AS listen_count,
    coalesce(sum(listens) FILTER (feature_source <> 'none'), 0)::BIGINT AS covered_listen_count,
    sum(tracks)::BIGINT AS track_count,
    coalesce(sum(tracks) FILTER (feature_source <> 'none'), 0)::BIGINT AS covered_track_count,
    {by_source("listens")} AS listens_by_source, {by_source("tracks")} AS tracks_by_source
FROM counted GROUP BY user_id"""
