"""The same silver and gold as SQL for DuckDB: written from the tables' contracts, not translated from our code.

Every table is written to Parquet as the project does, and read back from there by the next one. The trap: DuckDB
rounds a cast to integer where Spark cuts it off, and arg_max skips nulls; hence trunc and arg_max_null.
"""

from __future__ import annotations

import json
import unicodedata
from datetime import date
from pathlib import Path

from schemas.silver.pages import PAGE_FIELDS
from tests.benchmarks import duckdb_gold
from tests.benchmarks.duckdb_gold import HIGHEST, LIKELIEST, MOODS, SEP

SOUND_MODEL = Path(__file__).resolve().parents[2] / "data" / "models" / "mood_sound.json"
FEATURES = ("danceability", "energy", "valence", "speechiness", "acousticness", "instrumentalness", "liveness",
            "loudness_db", "tempo_bpm", "key", "mode", "time_signature")  # fmt: skip
SUMS = """sum(listen_count)::BIGINT AS listen_count, sum(skip_count)::BIGINT AS skip_count,
    sum(ms_played)::BIGINT AS ms_played, min(first_played_at) AS first_played_at,
    max(last_played_at) AS last_played_at"""


# DuckDB counts bytes where it compares; of the letters in generated names these have several.
OTHER_LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюя夜春光"
ONE_BYTE_EACH = "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&*+/:=?"[: len(OTHER_LETTERS)]


def _letters() -> tuple[str, str]:
    """Accented and full-width letters and what is left of them without accents."""
    pairs = {}
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00), *range(0xFF01, 0xFF5F)):
        base = unicodedata.normalize("NFKD", chr(code))[0].lower()
        if base.isascii() and base.isprintable() and base != chr(code):
            pairs[chr(code)] = base
    pairs |= dict.fromkeys("\u2010\u2011\u2012\u2013\u2014", "-") | dict.fromkeys("\u2018\u2019", "'")
    return "".join(pairs), "".join(pairs.values()).replace("'", "''")


def _macros() -> str:
    accented, plain = _letters()
    folded = f"translate(lower(t), '{accented}', '{plain}')"
    for pair in ("ß ss", "æ ae", "œ oe", "ø o", "đ d", "ł l", "ı i", "þ th", "ð d"):
        letter, letters = pair.split()
        folded = f"replace({folded}, '{letter}', '{letters}')"
    in_brackets = r"'\s*[(\[](feat\.?|ft\.?|featuring|with)\s[^)\]]*[)\]]'"
    at_end = r"'\s(feat\.?|ft\.?|featuring)\s.*$'"
    remaster = "' - remastered 2011$'"  # the one note of an edition that generated titles have
    note = (
        r"(digital(ly)?|re-?master(ed)?|deluxe|expanded|special|limited|bonus|anniversary|single|album|original|"
        r"standard|explicit|clean|radio|mono|stereo|edition|version|edit|track|mix)"
    )
    year = r"(\d{4}|\d{1,3}(st|nd|rd|th))"
    edition = rf"'(\s?[-(\[]\s?({year}\s)?{note}([\s/,.]{{1,3}}({note}|{year}))*(\s?[)\]])?)+$'"
    words = r"trim(regexp_replace(replace(replace(t, '&', ' and '), '''', ''), '[^\p{L}\p{N}]+', ' ', 'g'))"
    return f"""
CREATE MACRO folded(t) AS trim(regexp_replace({folded}, '\\s+', ' ', 'g'));
CREATE MACRO words(t, otherwise) AS CASE WHEN {words} = '' THEN otherwise ELSE {words} END;
CREATE MACRO without_guests(t) AS regexp_replace(regexp_replace(t, {in_brackets}, '', 'g'), {at_end}, '', 'g');
CREATE MACRO recording(t) AS
    trim(regexp_replace(without_guests(folded(t)), {remaster}, '', 'g'));
CREATE MACRO version_of(t) AS CASE WHEN regexp_matches(recording(t), '\\(acoustic\\)') THEN 'acoustic'
    WHEN regexp_matches(recording(t), ' - live[^a-z]*$') THEN 'live' END;
CREATE MACRO without_version(t) AS
    regexp_replace(regexp_replace(recording(t), '\\(acoustic\\)', ' '), ' - live[^a-z]*$', ' ');
CREATE MACRO base_title(t) AS words(without_version(t), recording(t));
CREATE MACRO core_title(t) AS
    words(string_split(regexp_replace(without_version(t), '\\([^()]*\\)', ' ', 'g'), ' - ')[1], base_title(t));
CREATE MACRO letters(t) AS replace(t, ' ', '');
CREATE MACRO once(l) AS list_filter(l, lambda x, i: list_position(l, x) = i);
CREATE MACRO ends(t) AS CASE WHEN length(t) >= 8 THEN ['<' || left(t, 4), '>' || right(t, 4)] ELSE []::VARCHAR[] END;
CREATE MACRO blocks(l) AS once(list_concat(l, flatten(list_transform(l, lambda x: ends(x)))));
CREATE MACRO names_id(artist, title, version) AS md5(concat_ws({SEP}, 'names', artist, title, coalesce(version, '')));
CREATE MACRO work_id(artist, title) AS md5(concat_ws({SEP}, 'work', artist, title));
CREATE MACRO one_byte_each(t) AS translate(t, '{OTHER_LETTERS}', '{ONE_BYTE_EACH}');
CREATE MACRO apart(a, b) AS levenshtein(one_byte_each(a), one_byte_each(b));
CREATE MACRO ratio(a, b) AS 1 - (2 * apart(a, b) - abs(length(a) - length(b)))
    / greatest(length(a) + length(b), 1)::DOUBLE;
CREATE MACRO numbers(t) AS array_to_string(list_sort(regexp_extract_all(t, '[0-9]+')), ' ');
CREATE MACRO twins(a, b) AS a = b OR (left(a, 1) = left(b, 1) AND apart(a, b) <= CASE
    WHEN least(length(a), length(b)) >= 8 THEN 2 WHEN least(length(a), length(b)) >= 5 THEN 1 ELSE 0 END);
CREATE MACRO all_twinned(a, b) AS list_bool_and(list_transform(string_split(a, ' '),
    lambda x: list_bool_or(list_transform(string_split(b, ' '), lambda y: twins(x, y)))));
CREATE MACRO song_title_key(t) AS
    words(regexp_replace(without_guests(folded(t)), {edition}, '', 'g'), folded(t));
CREATE MACRO artist_key(t) AS
    regexp_replace(words(without_guests(folded(t)), folded(t)), '^the (.)', '\\1');
CREATE MACRO exact_key(t) AS lower(trim(t));
CREATE MACRO moment(t) AS make_timestamp(epoch_us(t));
"""


PLAYS_VIEW = f"""
CREATE VIEW plays AS
WITH parsed AS (
    SELECT event_id, user_id, moment(event_at) AS event_at, _source AS source,
        from_json(payload, '{{"artist_name":"VARCHAR","track_name":"VARCHAR","album_name":"VARCHAR",
            "duration_ms":"VARCHAR","ms_played":"VARCHAR","spotify_id":"VARCHAR","isrc":"VARCHAR",
            "recording_mbid":"VARCHAR"}}') AS r
    FROM file_listens
), shaped AS (
    SELECT event_id, user_id, event_at, source, trim(r.artist_name) AS artist_name, trim(r.track_name) AS track_name,
        nullif(trim(r.album_name), '') AS album_name,
        nullif(regexp_extract(r.spotify_id, '([0-9A-Za-z]{{22}})$', 1), '') AS spotify_id,
        CASE WHEN regexp_matches(upper(r.isrc), '^[A-Z]{{2}}[A-Z0-9]{{3}}[0-9]{{7}}$') THEN upper(r.isrc) END AS isrc,
        CASE WHEN regexp_matches(r.recording_mbid,
            '^[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}$') THEN r.recording_mbid
        END AS recording_mbid,
        try_cast(r.duration_ms AS DOUBLE) AS duration, try_cast(r.ms_played AS DOUBLE) AS ms
    FROM parsed
)
SELECT event_id, user_id, event_at, source,
    coalesce(spotify_id, concat_ws({SEP}, artist_name, track_name)) AS source_track_key,
    artist_name, track_name, album_name, spotify_id, isrc, recording_mbid,
    nullif(CASE WHEN duration >= 0 THEN trunc(duration)::BIGINT END, 0) AS duration_ms,
    CASE WHEN ms >= 0 THEN trunc(ms)::BIGINT END AS ms_played
FROM shaped"""


def _number(name: str) -> str:
    return f"try_cast(r.{name} AS DOUBLE)"


def _feature(name: str) -> str:
    """Null where the analysis failed: tempo and danceability 0."""
    failed = f"coalesce({_number('tempo')} = 0 AND {_number('danceability')} = 0, false)"
    return f"(CASE WHEN NOT {failed} THEN {_number(name)} END)"


CATALOGUE = f"""
WITH parsed AS (
    SELECT event_id, from_json(payload, '{{{
    ", ".join(
        f'"{name}":"VARCHAR"'
        for name in (
            "track_id",
            "artists",
            "album_name",
            "track_name",
            "popularity",
            "duration_ms",
            "explicit",
            "danceability",
            "energy",
            "key",
            "loudness",
            "mode",
            "speechiness",
            "acousticness",
            "instrumentalness",
            "liveness",
            "valence",
            "tempo",
            "time_signature",
            "track_genre",
        )
    )
}}}') AS r
    FROM kaggle_tracks
), grouped AS (
    SELECT r.track_id AS spotify_id, arg_min(r, event_id) AS r, trunc(max({_number("popularity")}))::INT AS popularity,
        list_sort(list(DISTINCT trim(r.track_genre)) FILTER (r.track_genre IS NOT NULL)) AS genres
    FROM parsed GROUP BY r.track_id
), typed AS (
SELECT spotify_id,
    list_filter(list_transform(string_split(r.artists, ';'), lambda a: trim(a)), lambda a: a <> '') AS artist_names,
    trim(r.track_name) AS track_name, nullif(trim(r.album_name), '') AS album_name, popularity,
    lower(r.explicit) = 'true' AS is_explicit, nullif(trunc({_number("duration_ms")})::BIGINT, 0) AS duration_ms,
    genres, {_feature("danceability")} AS danceability, {_feature("energy")} AS energy,
    {_feature("valence")} AS valence, {_feature("speechiness")} AS speechiness,
    {_feature("acousticness")} AS acousticness, {_feature("instrumentalness")} AS instrumentalness,
    {_feature("liveness")} AS liveness, {_feature("loudness")} AS loudness_db,
    nullif({_feature("tempo")}, 0) AS tempo_bpm,
    CASE WHEN {_feature("key")} >= 0 THEN trunc({_feature("key")})::INT END AS key,
    trunc({_feature("mode")})::INT AS mode, nullif(trunc({_feature("time_signature")})::INT, 0) AS time_signature
FROM grouped
), named AS (
    SELECT *, base_title(track_name) AS base_title, core_title(track_name) AS core_title,
        version_of(track_name) AS version,
        list_transform(artist_names, lambda a: letters(artist_key(a))) AS each_artist,
        letters(artist_key(array_to_string(artist_names, ' & '))) AS together
    FROM typed
), chained AS (
    SELECT *, list_sort(each_artist) AS all_artists, CASE WHEN valence IS NULL THEN spotify_id
            ELSE concat_ws('/', {", ".join(f"coalesce({name}::VARCHAR, '-')" for name in FEATURES)}) END AS sound,
        CASE WHEN duration_ms - lag(duration_ms) OVER same_names <= 2000 THEN 0 ELSE 1 END AS starts
    FROM named WINDOW same_names AS (
        PARTITION BY list_sort(each_artist), base_title, version ORDER BY duration_ms NULLS FIRST, spotify_id)
), numbered AS (
    SELECT *, sum(starts) OVER (PARTITION BY all_artists, base_title, version
        ORDER BY duration_ms NULLS FIRST, spotify_id ROWS UNBOUNDED PRECEDING) AS chain
    FROM chained
), of_chain AS (
    SELECT *, min({{'unmeasured': valence IS NULL, 'id': spotify_id}}) OVER (
        PARTITION BY all_artists, base_title, version, chain) AS least FROM numbered
), of_sound AS (
    SELECT *, min(least) OVER (PARTITION BY all_artists, base_title, version, sound) AS lesser FROM of_chain
), recorded AS (
    SELECT *, (min(lesser) OVER (PARTITION BY all_artists, base_title, version, chain)).id AS recording FROM of_sound
)
SELECT spotify_id, md5(concat_ws({SEP}, 'track', 'spotify', recording)) AS track_id, spotify_id = recording AS
    is_representative, artist_names, track_name, album_name, popularity, is_explicit, duration_ms, genres,
    {", ".join(FEATURES)}, once(list_append(each_artist, together)) AS artist_letters,
    list_transform(each_artist, lambda a: md5(concat_ws({SEP}, 'artist', a))) AS artist_ids,
    blocks(once(list_append(each_artist, together))) AS artist_blocks, base_title, core_title,
    coalesce(version, '') AS version_letters, version,
    names_id(each_artist[1], letters(base_title), version) AS names_id,
    work_id(each_artist[1], letters(base_title)) AS work_id
FROM recorded"""

_PAGE = ", ".join(f'"{name}" VARCHAR' for name in PAGE_FIELDS)
IDENTITIES = f"""
WITH said AS (  -- first what was said at all, so that few structs have to be compared
    SELECT source, source_track_key, max({{'named_at': event_at, 'named_event_id': event_id}}) AS named,
        artist_name, track_name, coalesce(album_name, '') AS al, coalesce(spotify_id, '') AS sp,
        coalesce(isrc, '') AS isrc, coalesce(recording_mbid, '') AS mbid,
        coalesce(duration_ms, -1) AS du
    FROM plays GROUP BY ALL
), latest AS (
    SELECT source, source_track_key, unnest(max({{'named': named, 'artist_name': artist_name,
        'track_name': track_name, 'al': al, 'sp': sp, 'isrc': isrc, 'mbid': mbid, 'du': du}}))
    FROM said GROUP BY source, source_track_key
), keyed AS (
    SELECT * EXCLUDE (isrc, named), named.named_at, named.named_event_id,
        nullif(al, '') AS album_name, nullif(sp, '') AS spotify_id, nullif(isrc, '') AS isrc,
        nullif(mbid, '') AS recording_mbid, nullif(du, -1) AS duration_ms, letters(artist_key(artist_name)) AS artist,
        base_title(track_name) AS base, core_title(track_name) AS core, version_of(track_name) AS version,
        list_transform(string_split_regex(folded(artist_name), '\\s&\\s'), lambda a:
            letters(regexp_replace(words(a, ''), '^the (.)', '\\1'))) AS credits
    FROM latest
), named AS (
    SELECT *, names_id(artist, letters(base), version) AS names_id,
        CASE WHEN len(credits) > 1 THEN once(credits) ELSE []::VARCHAR[] END AS credited
    FROM keyed
), credits AS (
    SELECT track_id, spotify_id, work_id, names_id AS other_names_id, base_title, core_title,
        coalesce(version, '') AS other_version, place, letters,
        {{'unpopular': -coalesce(popularity, -1), 'spotify_id': spotify_id, 'track_id': track_id, 'work_id': work_id,
            'base_title': base_title}} AS candidate,
        names_id(letters, letters(base_title), version) AS names_id
    FROM (SELECT *, unnest(artist_letters) AS letters, generate_subscripts(artist_letters, 1) - 1 AS place
        FROM catalogue_tracks)
), exactly AS (
    SELECT exact_key(artist_names[1]) AS exact_artist, exact_key(track_name) AS exact_title,
        arg_min(track_id, {{'a': -coalesce(popularity, -1), 'b': spotify_id}}) AS track_exact,
        arg_min(work_id, {{'a': -coalesce(popularity, -1), 'b': spotify_id}}) AS work_exact
    FROM catalogue_tracks GROUP BY ALL
), same AS (
    SELECT names_id, (min({{'place': place, 'candidate': candidate}})).candidate AS same FROM credits GROUP BY names_id
), known AS (
    SELECT DISTINCT letters FROM credits
), heard_artists AS (
    SELECT DISTINCT artist, credited FROM named
), unknown AS (
    SELECT * FROM heard_artists WHERE artist NOT IN (FROM known)
), typos AS (
    SELECT artist, credited, (min({{'unlike': -ratio(artist, letters), 'letters': letters}})).letters AS letters
    FROM (SELECT DISTINCT u.*, k.letters FROM (SELECT *, unnest(ends(artist)) AS block FROM unknown) u
        JOIN (SELECT letters, unnest(ends(letters)) AS block FROM known) k USING (block))
    WHERE ratio(artist, letters) >= 0.93 GROUP BY artist, credited
), artists AS (
    SELECT artist, credited, artist AS letters, 0 AS found, 0 AS turn FROM heard_artists WHERE artist IN (FROM known)
    UNION ALL SELECT artist, credited, letters, 1, 0 FROM typos
    UNION ALL SELECT artist, credited, letters, 2, turn FROM (
        SELECT *, unnest(credited) AS letters, generate_subscripts(credited, 1) - 1 AS turn FROM heard_artists)
    WHERE letters IN (FROM known)
), first_artists AS (
    SELECT artist, credited, min({{'found': found, 'turn': turn, 'letters': letters}}) AS first
    FROM artists GROUP BY ALL
), names AS (
    SELECT names_id, unnest(min({{'artist': artist, 'credited': credited, 'base': base, 'core': core,
        'version': coalesce(version, '')}}))
    FROM named WHERE names_id NOT IN (SELECT names_id FROM same) GROUP BY names_id
), compared AS (
    SELECT n.names_id, a.found, c.*, letters(base) = letters(base_title) AS is_same,
        numbers(base) = numbers(base_title) AND length(letters(core)) >= 3 AND
            ((core = base_title AND core <> base) OR (core_title = base AND core_title <> base_title)) AS is_subtitle,
        core = core_title AND length(letters(core)) >= 3 AND numbers(base) = numbers(base_title) AS is_core,
        numbers(base) = numbers(base_title) AS has_numbers, version = other_version AS is_alike,
        CASE WHEN abs(length(letters(base)) - length(letters(base_title)))
            <= (1 - 0.8::DOUBLE) * (length(letters(base)) + length(letters(base_title)))
            THEN ratio(letters(base), letters(base_title)) ELSE 0 END AS likeness,
        all_twinned(base, base_title) AND all_twinned(base_title, base) AS is_twinned
    FROM names n JOIN artists a USING (artist, credited) JOIN (SELECT * EXCLUDE (names_id) FROM credits) c
        ON c.letters = a.letters
), judged AS (
    SELECT *, is_same OR is_subtitle OR (has_numbers AND likeness >= 0.9 AND is_twinned) AS is_one,
        CASE WHEN is_alike AND is_same THEN 'letters' WHEN is_alike AND is_subtitle THEN 'subtitle'
            WHEN is_one AND is_alike THEN 'similar'
            WHEN is_one OR (is_core AND NOT is_alike) THEN 'version' END AS method
    FROM compared
), near AS (
    SELECT names_id, count(*) AS compared_count,
        min({{'rank': CASE method WHEN 'letters' THEN 1 WHEN 'subtitle' THEN 2 WHEN 'similar' THEN 3 ELSE 4 END,
            'found': found, 'unlike': -likeness, 'place': place, 'candidate': candidate, 'method': method}})
            FILTER (method IS NOT NULL) AS best,
        min({{'unlike': -likeness, 'found': found, 'place': place, 'candidate': candidate, 'names_id': other_names_id}})
            FILTER (method IS NULL AND is_alike AND has_numbers AND likeness >= 0.8) AS nearest
    FROM judged GROUP BY names_id
), matched AS (
    SELECT k.*, c.track_id AS track_by_id, n.nearest, coalesce(n.compared_count, 0) AS compared_count, f.first,
        CASE WHEN track_exact IS NOT NULL THEN 'exact' WHEN s.same.base_title = k.base THEN 'normalised'
            WHEN s.same IS NOT NULL THEN 'letters' ELSE n.best.method END AS by_names,
        coalesce(track_exact, s.same.track_id, n.best.candidate.track_id) AS track_by_names,
        coalesce(work_exact, s.same.work_id, n.best.candidate.work_id) AS work_by_names,
        CASE WHEN track_exact IS NULL AND s.same IS NULL AND n.best.found > 0 THEN 0.97 ELSE 1 END::DOUBLE AS weight,
        md5(concat_ws({SEP}, 'track', 'spotify', k.spotify_id)) AS strong
    FROM named k LEFT JOIN catalogue_tracks c ON k.spotify_id = c.spotify_id
        LEFT JOIN exactly e ON exact_key(k.artist_name) = e.exact_artist AND exact_key(k.track_name) = e.exact_title
        LEFT JOIN same s ON k.names_id = s.names_id LEFT JOIN near n ON k.names_id = n.names_id
        LEFT JOIN first_artists f ON k.artist = f.artist AND k.credited = f.credited
), told AS (  -- generated plays have neither ISRC nor MBID, and a Spotify id is its own key
    SELECT *, coalesce(track_by_id, CASE WHEN by_names <> 'version' THEN track_by_names END) AS found_id,
        min(CASE WHEN spotify_id IS NOT NULL THEN strong END) OVER (PARTITION BY names_id) AS strong_of_names,
        CASE WHEN spotify_id IS NOT NULL THEN strong
            ELSE md5(concat_ws({SEP}, 'track', 'names', names_id)) END AS own_track_id,
        CASE WHEN track_by_id IS NOT NULL THEN 'spotify_id' WHEN by_names IS NOT NULL THEN by_names
            WHEN first IS NOT NULL THEN 'artist' ELSE 'none' END AS match_method
    FROM matched
), placed AS (
    SELECT *, coalesce(found_id, CASE WHEN spotify_id IS NOT NULL THEN strong END, strong_of_names, own_track_id)
        AS track_id, found_id IS NULL AND nearest IS NOT NULL AS is_open
    FROM told
)
SELECT source, source_track_key, track_id, match_method,
    CASE WHEN match_method = 'exact' THEN 0.98::DOUBLE WHEN match_method = 'normalised' THEN 0.95::DOUBLE
        WHEN match_method = 'letters' THEN 0.94::DOUBLE * weight
        WHEN match_method IN ('subtitle', 'similar', 'version') THEN 0.9::DOUBLE * weight
        WHEN match_method = 'artist' THEN 0.9::DOUBLE * CASE WHEN first.found > 0 THEN 0.97 ELSE 1 END::DOUBLE
        ELSE 1.0 END::DOUBLE AS match_score,
    CASE WHEN match_method = 'version' THEN track_by_names END AS related_track_id,
    own_track_id, CASE WHEN track_id <> own_track_id THEN track_id END AS replaced_by, 2 AS rule_version,
    md5(concat_ws({SEP}, 'artist', CASE WHEN first.found < 2 OR first.turn = 0 THEN first.letters ELSE artist END))
        AS artist_id, first IS NOT NULL AS is_artist_known,
    version, CASE WHEN match_method = 'version' THEN work_by_names ELSE work_id(artist, letters(base)) END AS work_id,
    names_id, blocks(once(list_concat([artist], credited))) AS artist_blocks, compared_count,
    CASE WHEN is_open THEN nearest.names_id END AS near_names_id,
    CASE WHEN is_open THEN nearest.candidate.track_id END AS near_track_id,
    CASE WHEN is_open THEN -nearest.unlike END AS near_score,
    md5(concat_ws({SEP}, 'song', artist_key(artist_name), song_title_key(track_name))) AS song_key,
    artist_name, track_name, album_name, spotify_id, isrc, isrc AS linked_isrc, recording_mbid, duration_ms,
    NULL::STRUCT({_PAGE}) AS lastfm, named_at, named_event_id
FROM placed"""

_LATER = ("lastfm_url", "artist_lastfm_url", "release_mbid", "album_thumbnail", "album_thumbnail_small",
          "album_thumbnail_medium", "album_thumbnail_large", "album_thumbnail_extralarge")  # fmt: skip
TRACKS = f"""
WITH heard AS (
    SELECT track_id, max({{'named_at': named_at, 'source': source, 'source_track_key': source_track_key,
            'artist_name': artist_name, 'track_name': track_name}}) AS named,
        arg_max_null(album_name, {{'a': named_at, 'b': source, 'c': source_track_key}}) AS heard_album,
        min(spotify_id) AS heard_spotify_id, min(isrc) AS isrc, min(recording_mbid) AS recording_mbid,
        max(duration_ms) AS heard_duration_ms,
        arg_max({{'artist_id': artist_id, 'version': version, 'work_id': work_id}},
            {{'a': named_at, 'b': source, 'c': source_track_key}}) AS told
    FROM track_identities GROUP BY track_id
), of_all AS (
    SELECT track_id, list_sort(list_distinct(flatten(list(genres)))) AS genres, max(popularity) AS popularity
    FROM catalogue_tracks GROUP BY track_id
), recordings AS (
    SELECT * FROM (SELECT * EXCLUDE (genres, popularity) FROM catalogue_tracks WHERE is_representative)
    JOIN of_all USING (track_id)
), merged AS (
    SELECT coalesce(c.track_id, h.track_id) AS track_id, coalesce(c.spotify_id, heard_spotify_id) AS spotify_id,
        h.isrc, h.recording_mbid, coalesce(artist_names, [named.artist_name]) AS artist_names,
        coalesce(c.track_name, named.track_name) AS track_name, coalesce(c.album_name, heard_album) AS album_name,
        coalesce(c.duration_ms, heard_duration_ms) AS duration_ms, is_explicit, popularity,
        coalesce(genres, []::VARCHAR[]) AS genres, c.track_id IS NOT NULL AS is_catalogue,
        coalesce(c.artist_ids[1], told.artist_id) AS artist_id, coalesce(c.work_id, told.work_id) AS work_id,
        CASE WHEN c.track_id IS NOT NULL THEN c.version ELSE told.version END AS version
    FROM recordings c FULL JOIN heard h ON c.track_id = h.track_id
)
SELECT track_id, spotify_id, isrc, coalesce(spotify_id, isrc) AS track_key, recording_mbid, artist_names,
    artist_id, track_name, version, work_id, album_name,
    NULL::DATE AS release_date, duration_ms, is_explicit, popularity, genres, is_catalogue,
    'https://open.spotify.com/track/' || spotify_id AS spotify_url,
    {", ".join(f"NULL::VARCHAR AS {name}" for name in _LATER)},
    NULL::VARCHAR[] AS artist_urls, NULL::VARCHAR[] AS artist_mbids
FROM merged"""

ARTISTS = """
WITH told AS (
    SELECT artist_id, artist_names[1] AS artist_name, CASE WHEN is_catalogue THEN 0 ELSE 1 END AS trust, genres,
        is_catalogue, 1 AS tracks
    FROM tracks
    UNION ALL SELECT artist_id, artist_name, 2, []::VARCHAR[], is_artist_known, 0 FROM track_identities
), spelt AS (
    SELECT artist_id, trust, artist_name, sum(tracks) AS tracks, bool_or(is_catalogue) AS is_catalogue,
        flatten(list(genres)) AS genres
    FROM told GROUP BY ALL
)
SELECT artist_id, (min({'trust': trust, 'least': -tracks, 'artist_name': artist_name})).artist_name AS artist_name,
    list_sort(list(DISTINCT artist_name)) AS spellings, bool_or(is_catalogue) AS is_catalogue,
    list_sort(list_distinct(flatten(list(genres)))) AS genres, sum(tracks)::BIGINT AS track_count
FROM spelt GROUP BY artist_id"""

ESTIMATED = FEATURES[:9]
_WEIGHTS = {  # of the genres against the artist's mean, of the artist's against the album's
    "danceability": (1.5, 3.0), "energy": (1.0, 2.0), "valence": (2.0, 4.0), "speechiness": (1.5, 3.0),
    "acousticness": (1.0, 3.0), "instrumentalness": (0.75, 3.0), "liveness": (4.0, 3.0), "loudness_db": (0.5, 3.0),
    "tempo_bpm": (12.0, 6.0),
}  # fmt: skip
PAIR = ("valence", "energy")  # of one source or of none
_KNOWN = "valence IS NOT NULL AND energy IS NOT NULL"


def _sums(name: str, prefix: str = "") -> str:
    return (
        f"sum(round({prefix}{name} * 1000000::DOUBLE)::BIGINT)::BIGINT AS {prefix}{name}_sum, "
        f"count({prefix}{name}) AS {prefix}{name}_count"
    )


def _mean(name: str) -> str:
    return f"({name}_sum / nullif({name}_count, 0) / 1000000::DOUBLE)"


def _shrunk(name: str, prior: str, weight: float, record: str) -> str:
    total, count = f"coalesce({record}.{name}_sum, 0)", f"coalesce({record}.{name}_count, 0)"
    weighed = f"({total} / 1000000::DOUBLE + {weight}::DOUBLE * {prior}) / ({count} + {weight}::DOUBLE)"
    return f"coalesce({weighed}, {_mean(f'{record}.{name}')})"


GENRES = f"""
WITH counted AS (
    SELECT unnest(list_append(list_distinct(genres), '*')) AS genre, {", ".join(ESTIMATED)}
    FROM catalogue_tracks WHERE {_KNOWN}
), sums AS (
    SELECT genre, count(*) AS track_count, {", ".join(map(_sums, ESTIMATED))} FROM counted GROUP BY genre
), population AS (
    SELECT {", ".join(f"{_mean(name)} AS {name}" for name in ESTIMATED)} FROM sums WHERE genre = '*'
)
SELECT s.genre, s.track_count, {
    ", ".join(
        f"CASE WHEN genre = '*' THEN {_mean(name)} ELSE {_shrunk(name, f'p.{name}', 5.0, 's')} END AS {name}"
        for name in ESTIMATED
    )
}
FROM sums s, population p"""


def _estimate(name: str) -> str:
    genre_weight, artist_weight = _WEIGHTS[name]
    prior = f"coalesce(k.genre_{name}, {_mean(f'a.genre_{name}')}, p.{name})"
    return _shrunk(name, _shrunk(name, prior, genre_weight, "a"), artist_weight, "m")


_CONFIDENCE = """CASE feature_source WHEN 'kaggle' THEN 1.0 WHEN 'genre' THEN 0.5::DOUBLE
    WHEN 'artist' THEN 0.6::DOUBLE * tracks / (tracks + 0.2::DOUBLE) ELSE 0.0 END::DOUBLE"""
_ENTRIES = ", ".join(
    f"CASE WHEN {name} IS NOT NULL THEN {{'key': '{name}', 'value': {{'source': {name}_source, "
    f"'confidence': CASE {name}_source WHEN 'kaggle' THEN 1.0::DOUBLE WHEN 'genre' THEN 0.5::DOUBLE "
    f"ELSE 0.6::DOUBLE * tracks / (tracks + 0.2::DOUBLE) END}}}} END"
    for name in FEATURES
)
TRACK_FEATURES = f"""
WITH sounds AS (
    SELECT track_id, {", ".join(f"avg(g.{name}) AS genre_{name}" for name in ESTIMATED)}
    FROM (SELECT track_id, unnest(genres) AS genre FROM tracks) JOIN genres g USING (genre)
    GROUP BY track_id
), known AS (
    SELECT t.track_id, t.artist_id, coalesce(lower(trim(t.album_name)), '') AS album,
        {", ".join(f"c.{name}" for name in FEATURES)}, {", ".join(f"s.genre_{name}" for name in ESTIMATED)},
        c.valence IS NOT NULL AND c.energy IS NOT NULL AS is_measured, s.track_id IS NOT NULL AS has_genres
    FROM tracks t LEFT JOIN (FROM catalogue_tracks WHERE is_representative) c USING (track_id)
        LEFT JOIN sounds s USING (track_id)
), artists AS (
    SELECT artist_id, count(*) AS tracks, {", ".join(map(_sums, ESTIMATED))},
        {", ".join(_sums(name, "genre_") for name in ESTIMATED)}
    FROM known WHERE is_measured GROUP BY artist_id
), mates AS (
    SELECT artist_id, album, {", ".join(map(_sums, ESTIMATED))}
    FROM known WHERE is_measured AND album <> '' GROUP BY artist_id, album
), sourced AS (
    SELECT k.track_id, k.artist_id, a.tracks,
        CASE WHEN k.is_measured THEN 'kaggle' WHEN a.artist_id IS NOT NULL THEN 'artist' WHEN k.has_genres THEN 'genre'
            ELSE 'none' END AS feature_source,
        {", ".join(f"k.{name} AS known_{name}" for name in FEATURES)},
        {", ".join(f"{_estimate(name)} AS estimated_{name}" for name in ESTIMATED)},
        CASE WHEN a.artist_id IS NOT NULL THEN 'artist' ELSE 'genre' END AS estimate_source
    FROM known k LEFT JOIN artists a USING (artist_id) LEFT JOIN mates m ON m.artist_id = k.artist_id
        AND m.album = k.album LEFT JOIN genres p ON p.genre = '*'
), valued AS (
    SELECT track_id, artist_id, tracks, feature_source, {
    ", ".join(
        f"CASE WHEN feature_source = 'none' THEN NULL WHEN feature_source = 'kaggle' OR {name not in PAIR} "
        f"THEN coalesce(known_{name}, estimated_{name}) ELSE estimated_{name} END AS {name}, "
        f"CASE WHEN known_{name} IS NOT NULL AND (feature_source = 'kaggle' OR {name not in PAIR}) THEN 'kaggle' "
        f"ELSE estimate_source END AS {name}_source"
        for name in ESTIMATED
    )
},
        {
    ", ".join(
        f"CASE WHEN feature_source <> 'none' THEN known_{name} END AS {name}, 'kaggle' AS {name}_source"
        for name in FEATURES[9:]
    )
}
    FROM sourced
)
SELECT track_id, artist_id, {", ".join(FEATURES)}, feature_source, {_CONFIDENCE} AS feature_confidence,
    map_from_entries(list_filter([{_ENTRIES}], lambda e: e IS NOT NULL)) AS value_sources
FROM valued"""


def _track_moods() -> str:
    """The fitted model as its artefact tells it: a mood's share of the exponents of weighted, standardised features."""
    model = json.loads(SOUND_MODEL.read_text(encoding="utf-8"))
    scores: dict[str, list[str]] = {mood: [] for mood in MOODS}
    for axis in model["axes"]:
        terms = [f"({axis['intercept']!r})::DOUBLE"]
        for name, weight in axis["weights"].items():
            mean, spread = (f"({model['features'][name][of]!r})::DOUBLE" for of in ("mean", "spread"))
            terms.append(f"({weight!r})::DOUBLE * coalesce(({name} - {mean}) / {spread}, 0)")
        for mood in axis["moods"]:
            scores[mood].append(f"({' + '.join(terms)})")
    exponents = ", ".join(f"exp({' + '.join(parts) or '0::DOUBLE'}) AS e_{mood}" for mood, parts in scores.items())
    total = " + ".join(f"e_{mood}" for mood in MOODS)
    return f"""
WITH raised AS (
    SELECT track_id, feature_source, feature_confidence, valence IS NOT NULL AND energy IS NOT NULL AS is_known,
        {exponents}
    FROM track_features
), scored AS (
    SELECT track_id, feature_source, feature_confidence,
        {", ".join(f"CASE WHEN is_known THEN e_{mood} / ({total}) END AS {mood}" for mood in MOODS)}
    FROM raised
)
SELECT track_id, {", ".join(MOODS)}, {LIKELIEST} ELSE 'unknown' END AS mood,
    CASE WHEN happy IS NULL THEN 'none' WHEN feature_source = 'kaggle' THEN 'sound' ELSE 'estimate' END AS mood_source,
    coalesce({HIGHEST} * feature_confidence, 0) AS mood_confidence, '{model["version"]}' AS model_version
FROM scored"""


LISTENS = """
WITH identified AS (
    SELECT p.* EXCLUDE (duration_ms, event_at), event_at AS played_at, i.track_id, time_zone,
        coalesce(p.duration_ms, t.duration_ms) AS duration_ms
    FROM plays p JOIN track_identities i USING (source, source_track_key) JOIN tracks t ON i.track_id = t.track_id
        JOIN users u USING (user_id)
), once AS (  -- one feed: nothing to merge but its exact repeats
    SELECT *, count(*) OVER play AS record_count
    FROM identified
    WINDOW play AS (PARTITION BY user_id, played_at, source, artist_name, track_name)
    QUALIFY row_number() OVER (play ORDER BY event_id) = 1
), repeated AS (
    SELECT min(event_id) AS event_id, list({'event_id': event_id, 'source': source,
        'source_track_key': source_track_key, 'track_id': track_id, 'artist_name': artist_name,
        'track_name': track_name} ORDER BY event_id) AS members
    FROM identified GROUP BY user_id, played_at, source, artist_name, track_name HAVING count(*) > 1
), cut AS (
    SELECT *, coalesce(epoch_us(played_at) // 1000000 - max(epoch_us(played_at) // 1000000
        + coalesce(ms_played, 0) / 1000) OVER before >= 1800, true) AS opens
    FROM once
    WINDOW before AS (PARTITION BY user_id ORDER BY played_at, source, artist_name, track_name, event_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT event_id AS listen_id, user_id, played_at,
    CASE WHEN time_zone = 'UTC' THEN played_at ELSE timezone(time_zone, timezone('UTC', played_at)) END::DATE
        AS listen_date,
    track_id, source_track_key, artist_name, track_name, album_name, source, [source] AS merged_sources, record_count,
    members, ms_played, duration_ms, ms_played < least(30000.0::DOUBLE, duration_ms * 0.5::DOUBLE) AS is_skipped,
    NULL::BOOLEAN AS is_loved, NULL::BOOLEAN AS is_streamable,
    last_value(CASE WHEN opens THEN event_id END IGNORE NULLS) OVER (
        PARTITION BY user_id ORDER BY played_at, source, artist_name, track_name, event_id) AS session_id
FROM cut LEFT JOIN repeated USING (event_id)"""

LISTEN_MEMBERS = """
SELECT unnest(coalesce(list_transform(members, lambda m: m.event_id), [listen_id])) AS event_id, listen_id, user_id,
    listen_date
FROM listens"""

USER_TRACK_DAYS = """
SELECT user_id, listen_date, track_id, count(*) AS listen_count, count(*) FILTER (is_skipped) AS skip_count,
    sum(ms_played)::BIGINT AS ms_played, min(played_at) AS first_played_at, max(played_at) AS last_played_at
FROM listens GROUP BY ALL"""
USER_TRACKS = f"SELECT user_id, track_id, {SUMS} FROM user_track_days GROUP BY user_id, track_id"
USER_ARTISTS = f"""
SELECT user_id, artist_id, min(artist_names[1]) AS artist_name, count(*) AS track_count, {SUMS}
FROM user_tracks JOIN (SELECT track_id, artist_id, artist_names FROM tracks) USING (track_id)
GROUP BY user_id, artist_id"""
ENRICHED = f"""
SELECT l.* EXCLUDE (members), t.genres, {", ".join(f"f.{name}" for name in FEATURES)}, f.feature_source,
    f.feature_confidence,
    {", ".join(f"m.{name}" for name in MOODS)}, m.mood, m.mood_source, m.mood_confidence
FROM listens l LEFT JOIN tracks t USING (track_id) LEFT JOIN track_features f USING (track_id)
    LEFT JOIN track_moods m USING (track_id)"""


def preparation() -> str:
    """Macros and the view over bronze; the views file_listens, kaggle_tracks and users must be there."""
    return f"{_macros()}{PLAYS_VIEW};"


def tables(as_of: date) -> dict[str, str]:
    """The query of every table, in the order in which they can be built."""
    return {
        "silver.catalogue_tracks": CATALOGUE,
        "silver.genres": GENRES,
        "silver.track_identities": IDENTITIES,
        "silver.tracks": TRACKS,
        "silver.artists": ARTISTS,
        "silver.track_features": TRACK_FEATURES,
        "silver.track_moods": _track_moods(),
        "silver.listens": LISTENS,
        "silver.listen_members": LISTEN_MEMBERS,
        "silver.user_track_days": USER_TRACK_DAYS,
        "silver.user_tracks": USER_TRACKS,
        "silver.user_artists": USER_ARTISTS,
        "silver.enriched_listens": ENRICHED,
        "gold.user_mood_profiles": duckdb_gold.profiles(as_of),
        "gold.user_mood_days": duckdb_gold.USER_MOOD_DAYS,
        "gold.listening_stats": duckdb_gold.stats(as_of),
        "gold.feature_coverage": duckdb_gold.coverage(as_of),
    }
