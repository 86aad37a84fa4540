"""The sample world: same arguments, same bytes; real layouts; the dirt that importers must bear."""

import ast
import csv
import json
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import sandbox
from sandbox.catalogue import make_artists, make_tracks
from sandbox.dirt import spelling_variant, without_accents
from sandbox.listeners import make_listeners, make_plays
from sandbox.world import LAYOUTS, Manifest, generate, main

END = date(2026, 10, 31)
DAYS = 20
KAGGLE_HEADER = (
    ",track_id,artists,album_name,track_name,popularity,duration_ms,explicit,danceability,energy,key,loudness,"
    "mode,speechiness,acousticness,instrumentalness,liveness,valence,tempo,time_signature,track_genre"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    out = tmp_path_factory.mktemp("world")
    # 15 listeners: one of every layout, with both older Spotify ones
    return out, generate(out, seed=7, listeners=len(LAYOUTS), days=DAYS, end=END)


@pytest.fixture(scope="module")
def catalogue(world: tuple[Path, Manifest]) -> list[dict[str, str]]:
    with (world[0] / "catalogue/spotify_tracks.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def small_world(out: Path, seed: int = 7) -> Path:
    generate(out, seed=seed, listeners=6, days=DAYS, end=END)
    return out


def contents(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def paths(world: tuple[Path, Manifest], format_: str) -> list[Path]:
    return [world[0] / entry.path for entry in world[1].imports if entry.format == format_]


def members(path: Path) -> dict[str, str]:
    if path.is_dir():
        return {file.name: file.read_text(encoding="utf-8") for file in sorted(path.iterdir())}
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def extended_records(world: tuple[Path, Manifest]) -> Iterator[dict[str, Any]]:
    for path in paths(world, "spotify-extended"):
        for text in members(path).values():
            yield from json.loads(text)


def repeated(records: list[Any]) -> int:
    return sum(count - 1 for count in Counter(json.dumps(record) for record in records).values())


def test_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = contents(small_world(tmp_path / "one")), contents(small_world(tmp_path / "two"))
    assert one == two
    assert contents(small_world(tmp_path / "two")) == one  # again over the old files


def test_another_seed_gives_another_world(tmp_path: Path) -> None:
    one, two = contents(small_world(tmp_path / "one")), contents(small_world(tmp_path / "two", seed=8))
    assert all(one[name] != two[name] for name in one.keys() & two.keys())


@pytest.mark.parametrize(("listeners", "days"), [(1, 1), (2, 2), (60, 1)])
def test_the_smallest_worlds_are_written_too(tmp_path: Path, listeners: int, days: int) -> None:
    manifest = generate(tmp_path, seed=1, listeners=listeners, days=days, end=END)
    assert len({listener.name for listener in manifest.listeners}) == listeners
    assert all((tmp_path / entry.path).exists() for entry in manifest.imports)


def test_nonsense_arguments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        generate(tmp_path, listeners=0)
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path), "--days", "0"])


def test_command_reports_counts_by_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path), "--listeners", "6", "--days", "5", "--end", "2026-10-31"]) == 0
    printed = capsys.readouterr().out
    for format_ in (
        "kaggle-tracks",
        "spotify-extended",
        "spotify-account",
        "listenbrainz",
        "csv",
        "lastfm-1k",
    ):
        assert format_ in printed


def test_manifest_lists_what_to_import_in_order(world: tuple[Path, Manifest]) -> None:
    out, manifest = world
    stored = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert set(stored) == {"seed", "end", "imports", "listeners"}
    assert stored["end"] == "2026-10-31"
    assert stored["imports"][0]["format"] == "kaggle-tracks"
    handles = [listener["name"] for listener in stored["listeners"]]
    assert len(handles) == len(set(handles)) == len(LAYOUTS)
    for listener in stored["listeners"]:
        ZoneInfo(listener["time_zone"])
    for entry in stored["imports"]:
        assert set(entry) == {"format", "path", "user", "options"}
        assert (out / entry["path"]).exists()
        one_user_a_file = entry["format"] in ("spotify-extended", "spotify-account", "listenbrainz")
        assert (entry["user"] in handles) if one_user_a_file else entry["user"] is None
    assert [entry.options for entry in manifest.imports if entry.format == "csv"] == [
        {"label": "diary"},
        {"label": "radio_log"},
    ]


def test_catalogue_has_the_kaggle_layout_and_its_dirt(
    world: tuple[Path, Manifest], catalogue: list[dict[str, str]]
) -> None:
    header = (world[0] / "catalogue/spotify_tracks.csv").read_text(encoding="utf-8").split("\n", 1)[0]
    assert header == KAGGLE_HEADER
    assert [row[""] for row in catalogue] == [str(number) for number in range(len(catalogue))]
    assert {row["explicit"] for row in catalogue} == {"True", "False"}
    assert len([row for row in catalogue if not (row["artists"] or row["album_name"] or row["track_name"])]) == 1
    assert repeated([{**row, "": ""} for row in catalogue]) > 5
    assert any(";" in row["artists"] for row in catalogue)
    rhythmless = [row for row in catalogue if float(row["tempo"]) == 0]
    assert rhythmless
    assert all(row["time_signature"] == "0" and float(row["danceability"]) == 0 for row in rhythmless)
    ids_of_song: dict[tuple[str, str], set[str]] = {}
    for row in catalogue:
        ids_of_song.setdefault((row["artists"], row["track_name"]), set()).add(row["track_id"])
    assert sum(len(ids) == 2 for ids in ids_of_song.values()) > 50
    assert 30 <= len({row["track_genre"] for row in catalogue}) <= 50


def test_every_catalogue_id_has_its_features(catalogue: list[dict[str, str]]) -> None:
    for row in catalogue:
        assert len(row["track_id"]) == 22
        assert row["track_id"].isalnum()
        for feature in ("danceability", "energy", "speechiness", "acousticness", "liveness", "valence"):
            assert 0 <= float(row[feature]) <= 1
        assert -60 < float(row["loudness"]) < 0
        assert 0 <= int(row["key"]) < 12
        assert 0 <= int(row["popularity"]) <= 100


def test_all_four_moods_are_in_the_catalogue(catalogue: list[dict[str, str]]) -> None:
    moods = Counter((float(row["valence"]) >= 0.5, float(row["energy"]) >= 0.5) for row in catalogue)
    assert len(moods) == 4
    assert min(moods.values()) > 0.05 * len(catalogue)


def test_all_four_moods_are_heard_and_most_songs_are_listed() -> None:
    artists = make_artists(Random("a"))
    tracks = make_tracks(Random("t"), artists, last_year=2026)
    assert 3_000 < len(tracks) < 4_000
    assert 0.70 < sum(track.listed for track in tracks) / len(tracks) < 0.80
    moods: Counter[tuple[bool, bool]] = Counter()
    for listener in make_listeners(Random("l"), 8, DAYS, artists, tracks):
        plays = make_plays(Random("p"), listener, END, DAYS)
        assert (len(plays) < 10) == listener.sparse
        heard = [play.track.features for play in plays if play.track]
        moods.update((features.valence >= 0.5, features.energy >= 0.5) for features in heard)
        assert all(one.end_ms <= two.start_ms for one, two in pairwise(plays))
    assert min(moods[valence, energy] for valence in (True, False) for energy in (True, False)) > 100


def test_a_phase_moves_the_mood_of_what_is_heard() -> None:
    artists = make_artists(Random("a"))
    tracks = make_tracks(Random("t"), artists, last_year=2026)
    first_day = (END - timedelta(days=119)).toordinal()
    moved: list[float] = []
    for listener in make_listeners(Random("l"), 12, 120, artists, tracks):
        inside: dict[int, list[float]] = {number: [] for number in range(len(listener.phases))}
        outside: list[float] = []
        for play in make_plays(Random("p"), listener, END, 120):
            day = datetime.fromtimestamp(play.start_ms / 1000, UTC).toordinal() - first_day
            at = [n for n, phase in enumerate(listener.phases) if phase.first <= day <= phase.last]
            if play.track:
                (inside[at[0]] if at else outside).append(play.track.features.valence)
        for number, phase in enumerate(listener.phases):
            if len(inside[number]) > 50 and abs(phase.valence) > 0.2:
                direction = 1 if phase.valence > 0 else -1
                moved.append(direction * (fmean(inside[number]) - fmean(outside)))
    assert len(moved) > 5
    assert fmean(moved) > 0.06


def test_extended_history_is_ordered_and_dirty(world: tuple[Path, Manifest]) -> None:
    broken = nameless = videos = 0
    for path in paths(world, "spotify-extended"):
        for name, text in members(path).items():
            videos += "Video" in name
            last_end: datetime | None = None
            for record in json.loads(text):
                try:
                    end = datetime.fromisoformat(record["ts"])
                except ValueError:
                    broken += 1
                    continue
                start = end - timedelta(milliseconds=record["ms_played"])
                first = (start + timedelta(seconds=1)).date()  # stamps are cut to the second
                assert END - timedelta(days=DAYS) < first <= END
                assert end.date() <= END
                # a play starts when the one before is over; two seconds for stamps cut to the second,
                # and an exact duplicate starts where it did
                assert last_end is None or end == last_end or start >= last_end - timedelta(seconds=2)
                last_end = end
                nameless += bool(record["spotify_track_uri"] and not record["master_metadata_track_name"])
    assert broken
    assert nameless
    assert videos


def test_extended_history_has_every_kind_of_record(world: tuple[Path, Manifest]) -> None:
    records = list(extended_records(world))
    assert repeated(records) > 0
    assert any(record["spotify_episode_uri"] for record in records)
    assert any(record.get("audiobook_title") for record in records)
    assert any(record["incognito_mode"] for record in records)
    assert any(record["skipped"] and record["ms_played"] < 30_000 for record in records)
    stamps = [record["offline_timestamp"] for record in records]
    assert 0 in stamps
    assert None in stamps
    assert any(stamp and stamp < 10**10 for stamp in stamps)  # seconds
    assert any(stamp and stamp > 10**12 for stamp in stamps)  # milliseconds
    assert all(record.get("ip_addr", "192.0.2.").startswith("192.0.2.") for record in records)
    older = [name for path in paths(world, "spotify-extended") for name in members(path) if "endsong" in name]
    assert "endsong_0.json" in older
    assert any(path.is_dir() for path in paths(world, "spotify-extended"))


def test_heard_songs_are_mostly_but_not_all_in_the_catalogue(
    world: tuple[Path, Manifest], catalogue: list[dict[str, str]]
) -> None:
    listed = {row["track_id"] for row in catalogue}
    uris = [record["spotify_track_uri"] for record in extended_records(world) if record["spotify_track_uri"]]
    share = sum(uri.removeprefix("spotify:track:") in listed for uri in uris) / len(uris)
    assert 0.5 < share < 0.9


def test_account_history_has_minutes_and_no_ids(world: tuple[Path, Manifest]) -> None:
    music: list[dict[str, Any]] = []
    for path in paths(world, "spotify-account"):
        texts = members(path)
        assert set(texts) == {
            "Spotify Account Data/StreamingHistory_music_0.json",
            "Spotify Account Data/StreamingHistory_podcast_0.json",
        }
        music += json.loads(texts["Spotify Account Data/StreamingHistory_music_0.json"])
    assert all(set(record) == {"endTime", "artistName", "trackName", "msPlayed"} for record in music)
    assert all(len(record["endTime"]) == len("2026-05-01 13:37") for record in music)
    assert any(record["endTime"].startswith("0000") for record in music)
    assert any(not record["trackName"] for record in music)
    assert repeated(music) > 0


def test_listenbrainz_export_has_listens_by_month_and_a_truncated_line(world: tuple[Path, Manifest]) -> None:
    listens: list[dict[str, Any]] = []
    truncated = 0
    for path in paths(world, "listenbrainz"):
        texts = members(path)
        assert json.loads(texts.pop("user.json"))["username"] in path.name
        assert all(json.loads(line)["score"] in (1, -1) for line in texts.pop("feedback.jsonl").splitlines())
        assert set(texts) == {"listens/2026/10.jsonl"}
        for line in texts["listens/2026/10.jsonl"].splitlines():
            try:
                listens.append(json.loads(line))
            except json.JSONDecodeError:
                truncated += 1
    assert truncated == 1
    assert repeated(listens) > 0
    metadata = [listen["track_metadata"] for listen in listens]
    assert any(not isinstance(listen["listened_at"], int) for listen in listens)
    assert any(not song["track_name"] for song in metadata)
    assert any("mbid_mapping" in song for song in metadata)
    assert any("isrc" in song["additional_info"] for song in metadata)
    assert any("duration_ms" not in song["additional_info"] for song in metadata)


def test_csv_files_name_their_users_and_one_starts_with_a_bom(world: tuple[Path, Manifest]) -> None:
    files = paths(world, "csv")
    assert [path.read_bytes().startswith(b"\xef\xbb\xbf") for path in files] == [False, True]
    for path in files:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
        assert ",".join(rows[0]) == (
            "user_id,played_at,artist_name,track_name,album_name,duration_ms,ms_played,spotify_id"
        )
        assert repeated(rows) > 0
        assert any(not row["track_name"] for row in rows)
        assert any(not row["played_at"].endswith("Z") for row in rows)
        assert any(not row["spotify_id"] for row in rows)


def test_lastfm_file_has_six_columns_newest_first(world: tuple[Path, Manifest]) -> None:
    (path,) = paths(world, "lastfm-1k")
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    assert {len(row) for row in rows} == {6}
    assert len({row[0] for row in rows}) == 2
    for handle in {row[0] for row in rows}:
        times = [row[1] for row in rows if row[0] == handle and not row[1].startswith("2026-02-31")]
        assert times == sorted(times, reverse=True)
    assert any(row[1].startswith("2026-02-31") for row in rows)
    assert any(not row[4] for row in rows)
    assert any(not row[5] for row in rows)
    assert repeated(rows) > 0


def test_spellings_differ_from_the_catalogue_and_keep_other_scripts() -> None:
    seen = {spelling_variant(Random(n), "Rise & Fall (feat. Café)", "The Señal") for n in range(200)}
    assert ("Rise & Fall (feat. Café)", "The Señal") not in seen
    titles = {title for title, _ in seen}
    assert {"Rise & Fall", "Rise and Fall (feat. Café)", "RISE & FALL (FEAT. CAFÉ)"} <= titles
    assert any(title.endswith(" - Remastered 2011") for title in titles)
    assert any(title.endswith(" - Live") for title in titles)
    assert ("Rise & Fall (feat. Cafe)", "The Senal") in seen
    assert without_accents("ガラスの月") == "ガラスの月"


def test_sandbox_imports_nothing_of_the_project() -> None:
    folder = Path(str(sandbox.__file__)).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                imported = [node.module or ""]
            for name in imported:
                top = name.split(".")[0]
                assert top == "sandbox" or top in sys.stdlib_module_names, f"{path.name} imports {name}"
