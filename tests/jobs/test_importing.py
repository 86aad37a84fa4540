"""An import accounts for every record, stores none twice, and lets nothing redacted through."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from clients.exports.errors import ExportError, WrongFormatError
from jobs.importing import Request, import_file
from jobs.people import UserSettings, set_users
from jobs.runtime.errors import DiskSpaceError, UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.settings import ImportSettings, LakeSettings, Settings
from tests import worlds
from tests.lakes import import_catalogue, versions

CANARIES = {
    "ip_addr": "203.0.113.77",
    "ip_addr_decrypted": "203.0.113.78",
    "user_agent": "canary-agent-as-sent",
    "user_agent_decrypted": "canary-agent",
    "username": "canary-name",
    "userName": "canary-other-name",
    "conn_country": "canary-country",
}


def play(**changes: Any) -> dict[str, Any]:
    """A record of the extended streaming history."""
    return {
        "ts": "2024-03-01T10:04:00Z",
        "ms_played": 180_000,
        "platform": "ios",
        "master_metadata_track_name": "Glass Harbour",
        "master_metadata_album_artist_name": "The Tin Lanterns",
        "master_metadata_album_album_name": "Tides",
        "spotify_track_uri": f"spotify:track:{worlds.spotify_id(1)}",
        "episode_name": None,
        "spotify_episode_uri": None,
        "reason_start": "trackdone",
        "reason_end": "trackdone",
        "skipped": False,
        "offline": False,
        "offline_timestamp": 0,
        "incognito_mode": False,
        **CANARIES,
        **changes,
    }


def export(folder: Path, records: list[dict[str, Any]], tail: str = "]") -> Path:
    """A zip as Spotify sends it; `tail` ends the array, or fails to."""
    path = folder / "my_spotify_data.zip"
    text = "[" + ",\n".join(json.dumps(record) for record in records) + tail
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Spotify Extended Streaming History/Streaming_History_Audio_2024_0.json", text)
    return path


def stored_text(lake: Lake, folder: Path) -> bytes:
    """Every byte that the import left on disk, tables read back as text besides."""
    rows = [
        repr(lake.read(table).drop("user_name").collect())
        for table in ("bronze.spotify_export_plays", "ops.quarantine", "ops.imports")
    ]
    files = b"".join(path.read_bytes() for path in (folder / "lake").rglob("*") if path.is_file())
    return files + "".join(rows).encode()


def test_an_import_adds_up_and_a_second_one_stores_nothing(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    records = [
        play(),
        play(),  # an exact repeat
        play(ts="2024-03-01T10:09:00Z", offline=True, offline_timestamp=1_709_287_560),
        play(ts="2024-03-01T10:14:00Z", offline_timestamp=1_709_287_860_000),
        play(ts="2024-02-31T10:00:00Z"),
        play(ts="2024-03-01T11:00:00Z", master_metadata_track_name=None),
        play(ts="2024-03-01T12:00:00Z", incognito_mode=True),
        play(spotify_track_uri=None, master_metadata_track_name=None, spotify_episode_uri="spotify:episode:1"),
        play(spotify_track_uri=None, master_metadata_track_name=None, audiobook_uri="spotify:show:1"),
    ]
    path = export(tmp_path, records, tail=',\n{"ts": "2024-03-01T13')
    request = Request("spotify-extended", path, user="ash")

    first = import_file(lake, settings, request)
    assert (first.attempted, first.stored, first.duplicate) == (10, 3, 1)
    assert first.skipped == {"incognito": 1, "podcast": 1, "audiobook": 1}
    assert first.quarantined == {"bad_timestamp": 1, "missing_track_name": 1, "truncated": 1}

    again = import_file(lake, settings, request)
    assert (again.stored, again.duplicate) == (0, 4)
    assert lake.read("bronze.spotify_export_plays").count() == 3
    assert lake.read("ops.quarantine").count() == 3
    for account in lake.read("ops.imports").collect():
        parts = (account[f"{part}_count"] for part in ("stored", "duplicate", "skipped", "quarantined"))
        assert account["attempted_count"] == sum(parts)
    starts = {str(row["event_at"]) for row in lake.read("bronze.spotify_export_plays").collect()}
    assert starts == {f"2024-03-01 10:{minute}:00" for minute in ("01", "06", "11")}


def test_incognito_plays_are_kept_where_the_setting_says_so(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    keeping = settings.model_copy(update={"imports": ImportSettings(skip_incognito=False)})
    path = export(tmp_path, [play(incognito_mode=True)])
    assert import_file(lake, keeping, Request("spotify-extended", path, user="ash")).stored == 1


def test_the_size_of_an_archive_is_bounded_by_its_setting(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    small = settings.model_copy(update={"imports": ImportSettings(max_archive_bytes=100)})
    request = Request("spotify-extended", export(tmp_path, [play()]), user="ash")
    with pytest.raises(ExportError, match="IMPORTS__MAX_ARCHIVE_BYTES"):
        import_file(lake, small, request)
    assert import_file(lake, settings, request).stored == 1


def test_no_canary_gets_through_good_and_bad_records(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    records = [play(), play(ts="never"), play(master_metadata_album_artist_name=None, ms_played=-5)]
    broken = json.dumps(play())[:-40].replace('"ms_played": 180000', '"ms_played": NaN')
    path = export(tmp_path, records, tail=f",\n{broken}")
    report = import_file(lake, settings, Request("spotify-extended", path, user="ash"))
    assert report.quarantined.total() == 3
    text = stored_text(lake, tmp_path)
    assert b"Glass Harbour" in text
    for name, canary in CANARIES.items():
        assert canary.encode() not in text, name


def test_what_is_refused_is_told_by_listener_and_by_payload_or_place(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    path = export(tmp_path, [play(ts="never")], tail=',\n{"ts": "2024')
    for user in ("ash", "birch", "ash"):
        import_file(lake, settings, Request("spotify-extended", path, user=user))
    rows = lake.read("ops.quarantine").collect()
    assert len({row["record_id"] for row in rows}) == len(rows) == 4
    assert {row["user_id"] for row in rows} == {lake.pseudonym("ash"), lake.pseudonym("birch")}
    told = {(row["rules"][0], row["place"], row["payload"] is None, row["record_sha256"] is None) for row in rows}
    assert told == {("bad_timestamp", None, False, True), ("truncated", "file 1, record 2", True, False)}


def test_names_in_a_file_become_pseudonyms_and_stay_out_of_payloads(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "plays.csv"
    path.write_text(
        "user_id,played_at,artist_name,track_name,ip_addr,nickname\n"
        "canary-person,2024-01-01T10:00:00Z,A,B,203.0.113.9,canary-person\n"
        "canary-person,never,A,B,203.0.113.9,canary-person\n"
        "canary-person,2024-01-01T11:00:00Z,A\n"
    )
    report = import_file(lake, settings, Request("csv", path, label="diary"))
    assert (report.stored, report.quarantined) == (1, {"bad_timestamp": 1, "wrong_column_count": 1})
    for table in ("bronze.file_listens", "ops.quarantine", "ops.imports"):
        stored = repr(lake.read(table).collect())
        assert "canary-person" not in stored, table
        assert "203.0.113.9" not in stored, table
    (account,) = lake.read("ops.accounts").collect()
    assert (account["user_name"], account["user_id"]) == ("canary-person", lake.pseudonym("canary-person"))


def test_user_says_whose_a_play_is_where_the_file_does_not(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "plays.csv"
    path.write_text(
        "user_id,played_at,artist_name,track_name\n birch ,2024-01-01T10:00:00Z,A,B\n ,2024-01-01T11:00:00Z,A,B\n"
    )
    report = import_file(lake, settings, Request("csv", path, user=" ash ", label="diary"))
    assert (report.stored, report.quarantined) == (2, {})
    set_users(lake, [UserSettings("ash ", country="DE")])
    (ash,) = lake.read("ops.user_settings").collect()
    assert ash["user_id"] == lake.pseudonym("ash")
    assert {row["user_name"] for row in lake.read("ops.accounts").collect()} == {"ash", "birch"}


def test_a_dry_run_accounts_for_everything_and_stores_nothing(
    lake: Lake, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("jobs.importing.files_sha256")  # nothing keeps the hash, so nothing is hashed
    before = versions(lake)
    path = export(tmp_path, [play(), play(ts="2025-01-01T00:00:00Z")])
    report = import_file(lake, settings, Request("spotify-extended", path, user="ash", dry_run=True))
    assert (report.attempted, report.stored) == (2, 2)
    assert versions(lake) == before
    assert not lake.exists("ops.imports")
    assert lake.files.names(lake.staging()) == []


def test_a_window_is_half_open_and_the_rest_is_skipped_by_policy(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    days = ("2023-12-31T23:59:00Z", "2024-01-01T00:03:00Z", "2024-01-31T23:59:00Z", "2024-02-01T00:03:00Z")
    path = export(tmp_path, [play(ts=day) for day in days])
    request = Request("spotify-extended", path, user="ash", since=date(2024, 1, 1), until=date(2024, 2, 1))
    report = import_file(lake, settings, request)
    assert (report.stored, report.skipped) == (2, {"outside_window": 2})


def test_every_catalogue_row_is_accounted_for(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    songs = worlds.songs(20, seed=3, heard_only_share=0)
    rows = sum(len(song.genres) for song in songs)
    assert import_catalogue(lake, settings, tmp_path, songs).stored == rows
    again = import_catalogue(lake, settings, tmp_path, songs)
    assert (again.attempted, again.stored, again.duplicate) == (rows, 0, rows)


def test_a_catalogue_is_known_by_its_columns_however_they_come(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    songs = worlds.songs(6, seed=3, heard_only_share=0)
    plain = worlds.write_catalogue(tmp_path / "plain.csv", songs)
    assert import_file(lake, settings, Request("kaggle-tracks", plain)).stored

    with open(plain, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    header[0] = "user"  # of no listener: a column like any other, and none that is kept
    turned = [[*header[::-1], "note"], *([*row[::-1], "x"] for row in rows)]
    text = io.StringIO()
    csv.writer(text).writerows(turned)
    both = tmp_path / "both.zip"
    with zipfile.ZipFile(both, "w") as archive:
        archive.write(plain, "a.csv")
        archive.writestr("b.csv", text.getvalue())
    again = import_file(lake, settings, Request("kaggle-tracks", both))
    assert (again.attempted, again.stored, again.listeners) == (2 * len(rows), 0, 0)


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (Request("mp3", Path("x")), "known: spotify-extended"),
        (Request("spotify-extended", Path("x")), "add --user"),
        (Request("spotify-extended", Path("x"), user=" "), "--user is blank"),
        (Request("csv", Path("x"), user=""), "--user is blank"),
        (Request("kaggle-tracks", Path("x"), user="ash"), "leave --user out"),
        (Request("lastfm-1k", Path("x"), user="ash"), "leave --user out"),
        (Request("csv", Path("x"), label="No Good"), "--label"),
        (Request("kaggle-tracks", Path("x"), since=date(2024, 1, 1)), "takes no --from"),
        (Request("lastfm-1k", Path("x"), label="diary", time_zone="Europe/Berlin"), "takes no --label, --time-zone"),
        (Request("listenbrainz", Path("x"), user="ash", delimiter=";"), "takes no --delimiter"),
        (Request("csv", Path("x"), time_zone="Mars/Base"), "IANA"),
        (Request("csv", Path("x"), since=date(2024, 1, 2), until=date(2024, 1, 2)), "--from must lie before --to"),
    ],
)
def test_a_wrong_call_says_what_to_do(lake: Lake, settings: Settings, request_: Request, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        import_file(lake, settings, request_)


def test_a_failed_import_leaves_nothing_behind(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    empty, account = tmp_path / "empty.csv", tmp_path / "StreamingHistory_music_0.json"
    empty.write_text("")
    account.write_text(
        json.dumps([{"endTime": "2024-01-01 10:00", "artistName": "A", "trackName": "B", "msPlayed": 1}])
    )
    with pytest.raises(ExportError):
        import_file(lake, settings, Request("csv", empty))
    with pytest.raises(WrongFormatError, match="spotify-account"):
        import_file(lake, settings, Request("spotify-extended", account, user="ash"))
    assert lake.files.names(lake.staging()) == []
    assert not any(versions(lake).values())


def test_too_little_disk_space_is_told_before_anything_is_written(lake: Lake, tmp_path: Path) -> None:
    greedy = Settings(lake=LakeSettings(root=lake.root, min_free_bytes=10**18))
    with pytest.raises(DiskSpaceError, match="free some space"):
        import_file(lake, greedy, Request("spotify-extended", export(tmp_path, [play()]), user="ash"))
