"""An identity that changes (found later, merged, split, decided by a person) moves every table that night, and no table
keeps a track that is no more."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from jobs.identities import decide_pair, pairs
from jobs.runtime.errors import UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.settings import LakeSettings, RunSettings, Settings
from tests import worlds
from tests.lakes import business_rows, dead_tracks, import_catalogue, import_plays, run, store

FIRST_NIGHT = date(2026, 10, 1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """No step falls back to a full build because the world is small."""
    return Settings(lake=LakeSettings(root=str(tmp_path / "lake")), run=RunSettings(full_above_share=1.0))


def test_decisions_merge_split_and_survive_a_rebuild(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    ours = worlds.Song("The Artists", "She Loves You So Much", worlds.spotify_id(1), valence=0.9, energy=0.9)
    near = worlds.Song("Artists", "He Loves You So Much", None)
    import_catalogue(lake, settings, tmp_path, [ours])
    day = datetime(2026, 9, 1)  # noqa: DTZ001
    plays = [worlds.Play("ash", day + timedelta(days=n), song) for n, song in enumerate((near, near, ours))]
    import_plays(lake, settings, tmp_path, plays)
    run(lake, settings, FIRST_NIGHT)
    (pair,) = pairs(lake)

    def tracks_heard() -> int:
        assert dead_tracks(lake) == {}
        return lake.read("silver.user_tracks").select("track_id").distinct().count()

    assert (pair.heard, pair.catalogue, tracks_heard()) == (
        "Artists - He Loves You So Much",
        "The Artists - She Loves You So Much",
        2,
    )
    for decision, count in (("accept", 1), ("reject", 2), ("accept", 1)):
        decide_pair(lake, pair.review_id, decision)
        outcomes = run(lake, settings, FIRST_NIGHT)
        assert not [message for outcome in outcomes for message in outcome.messages]
        assert tracks_heard() == count
        assert pairs(lake) == []
    incremental = business_rows(lake, FIRST_NIGHT)
    run(lake, settings, FIRST_NIGHT, full=True)
    assert business_rows(lake, FIRST_NIGHT) == incremental
    with pytest.raises(UsageError, match="no pairs"):
        decide_pair(lake, "0" * 10, "accept")


def test_a_new_catalogue_artist_decides_only_its_block_anew(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    heard = [worlds.Song(f"Artist {n}", "Song", None) for n in range(12)] + [
        worlds.Song("Cristian Castro", "Azul", None)
    ]
    day = datetime(2026, 9, 1)  # noqa: DTZ001
    import_plays(lake, settings, tmp_path, [worlds.Play("ash", day, song) for song in heard])
    run(lake, settings, FIRST_NIGHT)
    import_catalogue(lake, settings, tmp_path, [worlds.Song("Christian Castro", "Azul", worlds.spotify_id(1))])
    with structlog.testing.capture_logs() as logs:
        run(lake, settings, FIRST_NIGHT)
    assert [entry["keys"] for entry in logs if entry["event"] == "decided anew"] == [1]
    methods = {row["artist_name"]: row["match_method"] for row in lake.read("silver.track_identities").collect()}
    assert methods.pop("Cristian Castro") == "letters"
    assert set(methods.values()) == {"none"}


def test_a_heard_track_found_in_a_later_catalogue_moves_everywhere(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    song = worlds.Song("Mía", "Señal (feat. Guest)", worlds.spotify_id(7), valence=0.9, energy=0.9)
    plays = [
        worlds.Play("ash", datetime(2026, 9, 1 + day), worlds.Song("mia", "Senal", None))  # noqa: DTZ001
        for day in range(12)
    ]
    import_plays(lake, settings, tmp_path, plays)
    run(lake, settings, FIRST_NIGHT)
    (heard_only,) = lake.read("silver.tracks").collect()

    import_catalogue(lake, settings, tmp_path, [song])
    run(lake, settings, FIRST_NIGHT)

    (found,) = lake.read("silver.tracks").collect()
    assert found["track_id"] != heard_only["track_id"]
    (identity,) = lake.read("silver.track_identities").collect()
    assert (identity["match_method"], identity["replaced_by"]) == ("normalised", found["track_id"])
    for table in ("silver.listens", "silver.enriched_listens", "silver.user_track_days", "silver.user_tracks"):
        assert {row["track_id"] for row in lake.read(table).collect()} == {found["track_id"]}, table
    (profile,) = lake.read("gold.user_mood_profiles").where("period = 'all'").collect()
    assert (profile["status"], profile["dominant_mood"]) == ("ok", "happy")


def test_a_change_of_a_members_track_reaches_its_listen(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    """A song and its edit, heard at one moment, are one listen; a catalogue with the song moves its record alone."""
    song, edit = worlds.Song("A", "Song", worlds.spotify_id(2)), worlds.Song("A", "Song - Edit", worlds.spotify_id(1))
    at = datetime(2014, 5, 1, 12)  # noqa: DTZ001
    import_plays(lake, settings, tmp_path, [worlds.Play("ash", at, song, None)])
    exported = [worlds.export_line(worlds.Play("ash", at, edit))]
    store(lake, "bronze.spotify_export_plays", "spotify_extended", exported, user_id=lake.pseudonym("ash"))
    run(lake, settings, FIRST_NIGHT)
    (before,) = lake.read("silver.listens").collect()
    assert (before["source"], before["record_count"]) == ("spotify_extended", 2)

    import_catalogue(lake, settings, tmp_path, [song])
    run(lake, settings, FIRST_NIGHT)
    (after,) = lake.read("silver.listens").collect()
    assert after["track_id"] == before["track_id"]
    moved = {member["source"]: member["track_id"] for member in after["members"]}
    assert moved["csv:diary"] != moved["spotify_extended"] == after["track_id"]
    incremental = business_rows(lake, FIRST_NIGHT)
    run(lake, settings, FIRST_NIGHT, full=True)
    assert business_rows(lake, FIRST_NIGHT) == incremental


def test_an_isrc_that_spotify_answers_merges_two_tracks_that_night(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    ours, named = worlds.Song("Utada", "Hikari", worlds.spotify_id(1)), worlds.Song("宇多田", "光", None)
    answer = worlds.spotify_track(ours)
    day = datetime(2026, 9, 1)  # noqa: DTZ001
    import_plays(lake, settings, tmp_path, [worlds.Play("ash", day, ours, with_id=True)])
    listen = worlds.listen(worlds.Play("ash", day + timedelta(days=1), named))
    listen["track_metadata"]["additional_info"] = {"isrc": answer["external_ids"]["isrc"]}
    store(lake, "bronze.listenbrainz_listens", "listenbrainz", [listen], user_id=lake.pseudonym("ash"))
    run(lake, settings, FIRST_NIGHT)
    assert lake.read("silver.tracks").count() == 2

    store(lake, "bronze.spotify_tracks", "spotify", [answer], track_key=str(ours.spotify_id))
    outcomes = run(lake, settings, FIRST_NIGHT)
    assert not [message for outcome in outcomes for message in outcome.messages]
    (track,) = lake.read("silver.tracks").collect()
    assert (track["spotify_id"], track["isrc"]) == (ours.spotify_id, answer["external_ids"]["isrc"])
    assert dead_tracks(lake) == {}
    incremental = business_rows(lake, FIRST_NIGHT)
    run(lake, settings, FIRST_NIGHT, full=True)
    assert business_rows(lake, FIRST_NIGHT) == incremental
