"""Every bronze event becomes one play in one shape, whatever its feed left out or wrote oddly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from schemas.bronze.file_listens import CONTRACT as FILE_LISTENS
from schemas.bronze.lastfm_scrobbles import CONTRACT as LASTFM_SCROBBLES
from schemas.bronze.listenbrainz_listens import CONTRACT as LISTENBRAINZ_LISTENS
from schemas.bronze.spotify_export_plays import CONTRACT as SPOTIFY_EXPORT_PLAYS
from schemas.bronze.spotify_plays import CONTRACT as SPOTIFY_PLAYS
from schemas.silver.plays import CONTRACT
from tests.rows import checked, make_rows
from transformations.silver.plays import build

SPOTIFY_ID = "28cnXtME493VX9NOw9cIUh"
MBID = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
SPOTIFY = {
    "master_metadata_track_name": " Hurt ",
    "master_metadata_album_artist_name": "Johnny Cash",
    "master_metadata_album_album_name": "American IV",
    "spotify_track_uri": f"spotify:track:{SPOTIFY_ID}",
    "ms_played": 200_000,
}
RECENT: dict[str, Any] = {
    "track": {
        "id": SPOTIFY_ID,
        "name": " Hurt ",
        "duration_ms": 218_000,
        "artists": [{"name": "Johnny Cash"}, {"name": "Guest"}],
        "album": {"name": "American IV"},
        "external_ids": {"isrc": "usug11904206"},
    },
    "played_at": "2024-01-01T12:00:00Z",
}
SCROBBLE: dict[str, Any] = {
    "artist": {"name": "Johnny Cash", "mbid": "d43d12a1-2dc9-4257-a2fd-0a3bb1081b86"},
    "name": "Hurt",
    "mbid": "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae",
    "album": {"#text": "American IV", "mbid": ""},
    "loved": "1",
    "streamable": "0",
}
NAMES = {"artist_name": "Johnny Cash", "track_name": "Hurt"}
NAMES_KEY = "Johnny Cash\x1fHurt"


def plays(
    spark: SparkSession,
    *,
    extended: tuple[dict[str, Any], ...] = (),
    account: tuple[dict[str, Any], ...] = (),
    listens: tuple[dict[str, Any], ...] = (),
    lines: tuple[dict[str, Any], ...] = (),
    recent: tuple[dict[str, Any], ...] = (),
    scrobbles: tuple[dict[str, Any], ...] = (),
) -> DataFrame:
    spotify = [(p, "spotify_extended") for p in extended] + [(p, "spotify_account") for p in account]
    return build(
        spotify_plays=make_rows(
            spark, SPOTIFY_PLAYS, *({"event_id": f"a{n}", "payload": json.dumps(p)} for n, p in enumerate(recent))
        ),
        lastfm_scrobbles=make_rows(
            spark, LASTFM_SCROBBLES, *({"event_id": f"l{n}", "payload": json.dumps(p)} for n, p in enumerate(scrobbles))
        ),
        spotify_export_plays=make_rows(
            spark,
            SPOTIFY_EXPORT_PLAYS,
            *({"event_id": f"s{n}", "payload": json.dumps(p), "_source": feed} for n, (p, feed) in enumerate(spotify)),
        ),
        listenbrainz_listens=make_rows(
            spark,
            LISTENBRAINZ_LISTENS,
            *({"event_id": f"b{n}", "payload": json.dumps(p)} for n, p in enumerate(listens)),
        ),
        file_listens=make_rows(
            spark,
            FILE_LISTENS,
            *({"event_id": f"f{n}", "payload": json.dumps(p), "_source": "csv:diary"} for n, p in enumerate(lines)),
        ),
    )


def test_all_feeds_come_in_one_shape(spark: SparkSession) -> None:
    account = {"artistName": "Johnny Cash", "trackName": "Hurt", "msPlayed": 1000}
    got = checked(
        plays(
            spark,
            extended=(SPOTIFY,),
            account=(account,),
            listens=({"track_metadata": NAMES},),
            lines=(NAMES,),
            recent=(RECENT,),
            scrobbles=(SCROBBLE,),
        ),
        CONTRACT,
    )
    shown = ("event_id", "source", "source_track_key", "artist_name", "track_name", "album_name", "ms_played")
    assert [tuple(play[name] for name in shown) for play in got] == [
        ("a0", "spotify_api", SPOTIFY_ID, "Johnny Cash", "Hurt", "American IV", None),
        ("b0", "listenbrainz", NAMES_KEY, "Johnny Cash", "Hurt", None, None),
        ("f0", "csv:diary", NAMES_KEY, "Johnny Cash", "Hurt", None, None),
        ("l0", "lastfm", NAMES_KEY, "Johnny Cash", "Hurt", "American IV", None),
        ("s0", "spotify_extended", SPOTIFY_ID, "Johnny Cash", "Hurt", "American IV", 200_000),
        ("s1", "spotify_account", NAMES_KEY, "Johnny Cash", "Hurt", None, 1000),
    ]
    assert {play["event_at"] for play in got} == {"2024-01-01 12:00:00"}
    assert {play["source"] for play in got if play["fetched_in"]} == {"spotify_api"}


def test_no_events_give_no_plays(spark: SparkSession) -> None:
    assert checked(plays(spark), CONTRACT) == []


def test_a_uri_that_is_no_track_gives_no_spotify_id(spark: SparkSession) -> None:
    uris = (None, "", f"spotify:episode:{SPOTIFY_ID}", "spotify:local:::Hurt:200", "spotify:track:short")
    got = checked(plays(spark, extended=tuple({**SPOTIFY, "spotify_track_uri": uri} for uri in uris)), CONTRACT)
    assert {(play["spotify_id"], play["source_track_key"]) for play in got} == {(None, NAMES_KEY)}


def test_a_recent_play_brings_its_isrc_and_length(spark: SparkSession) -> None:
    (play,) = checked(plays(spark, recent=(RECENT,)), CONTRACT)
    assert (play["spotify_id"], play["isrc"], play["duration_ms"]) == (SPOTIFY_ID, "USUG11904206", 218_000)
    assert (play["is_loved"], play["is_streamable"], play["recording_mbid"]) == (None, None, None)


def test_a_local_file_is_known_by_its_names(spark: SparkSession) -> None:
    file = {**RECENT["track"], "id": None, "album": {"name": ""}, "external_ids": {}, "artists": [{"name": "Me"}]}
    (play,) = checked(plays(spark, recent=({**RECENT, "track": file},)), CONTRACT)
    shown = ("spotify_id", "source_track_key", "album_name", "isrc")
    assert tuple(play[name] for name in shown) == (None, "Me\x1fHurt", None, None)


def test_a_scrobble_says_whether_it_is_loved_and_streamable_and_its_mbid_is_not_trusted(spark: SparkSession) -> None:
    plain = {**SCROBBLE, "artist": {"#text": "Johnny Cash"}, "loved": None, "streamable": {"#text": "0"}}
    got = checked(plays(spark, scrobbles=(SCROBBLE, {**SCROBBLE, "loved": "0", "streamable": "1"}, plain)), CONTRACT)
    assert [(play["is_loved"], play["is_streamable"]) for play in got] == [(True, False), (False, True), (None, None)]
    assert {(play["artist_name"], play["recording_mbid"]) for play in got} == {("Johnny Cash", None)}


def test_a_scrobble_brings_its_pages_and_pictures_but_not_the_star_for_none(spark: SparkSession) -> None:
    artist_mbid, star = SCROBBLE["artist"]["mbid"], "https://x/34s/2a96cbd8b46e442fc41c2b86b821562f.png"
    images = [{"size": "small", "#text": star}, {"size": "large", "#text": "l"}, {"size": "medium", "#text": ""}]
    artist = {"name": "Johnny Cash", "mbid": artist_mbid, "url": "https://www.last.fm/music/Johnny+Cash"}
    (play,) = checked(plays(spark, scrobbles=({**SCROBBLE, "artist": artist, "url": "p", "image": images},)), CONTRACT)
    assert play["lastfm"] == {
        "url": "p",
        "artist_url": artist["url"],
        "artist_mbid": artist_mbid,
        "release_mbid": None,
        "small": None,
        "medium": None,
        "large": "l",
        "extralarge": None,
    }
    (other,) = checked(plays(spark, recent=(RECENT,)), CONTRACT)
    assert other["lastfm"] is None


def test_listenbrainz_ids_and_length_are_read_from_where_they_stand(spark: SparkSession) -> None:
    def listen(**info: Any) -> dict[str, Any]:
        return {"track_metadata": {**NAMES, "additional_info": info}}

    page = f"https://open.spotify.com/track/{SPOTIFY_ID}"
    mapped = {"track_metadata": {**NAMES, "release_name": " ", "mbid_mapping": {"recording_mbid": MBID}}}
    got = checked(
        plays(
            spark,
            listens=(
                listen(spotify_id=page, isrc="gbawa9700010", duration_ms=301_000),
                listen(duration=301, recording_mbid=MBID),
                listen(isrc="unknown", duration="long", recording_mbid="", duration_ms=0),
                mapped,
            ),
        ),
        CONTRACT,
    )
    shown = ("spotify_id", "isrc", "recording_mbid", "duration_ms", "album_name")
    assert [tuple(play[name] for name in shown) for play in got] == [
        (SPOTIFY_ID, "GBAWA9700010", None, 301_000, None),
        (None, None, MBID, 301_000, None),
        (None, None, None, None, None),
        (None, None, MBID, None, None),
    ]


def test_negative_and_zero_lengths_are_unknown_and_zero_played_is_known(spark: SparkSession) -> None:
    lines = ({**NAMES, "duration_ms": "-1", "ms_played": "0"}, {**NAMES, "duration_ms": "0", "ms_played": "1999.9"})
    got = checked(plays(spark, lines=lines), CONTRACT)
    assert [(play["duration_ms"], play["ms_played"]) for play in got] == [(None, 0), (None, 1999)]


def test_repeats_of_an_event_stay_as_many_as_they_are(spark: SparkSession) -> None:
    assert len(checked(plays(spark, lines=(NAMES, NAMES, NAMES)), CONTRACT)) == 3


@pytest.mark.parametrize("absurd", ["1e30", "NaN", "Infinity"])
def test_an_absurd_length_is_unknown(spark: SparkSession, absurd: str) -> None:
    (play,) = checked(plays(spark, lines=({**NAMES, "duration_ms": absurd},)), CONTRACT)
    assert play["duration_ms"] is None


@pytest.mark.parametrize("text", [f"https://open.spotify.com/track/{'1' * 22}?si={'2' * 22}", "0" * 32])
def test_what_only_ends_like_a_spotify_id_is_not_taken_for_one(spark: SparkSession, text: str) -> None:
    (play,) = checked(plays(spark, lines=({**NAMES, "spotify_id": text},)), CONTRACT)
    assert play["spotify_id"] in (None, "1" * 22)
