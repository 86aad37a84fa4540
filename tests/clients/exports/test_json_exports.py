"""JSON exports: layouts, policy skips, redaction, and damage that costs the damaged record only."""

import hashlib
import json
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clients.exports import (
    READERS,
    Chunk,
    EmptyExportError,
    ExportError,
    ReadOptions,
    WrongFormatError,
    decoding,
)
from clients.exports.json_records import MAX_RECORD_CHARS

Record = dict[str, Any]

CANARIES = ("203.0.113.77", "CanaryAgent/9", "canary_listener", "ZZ-canary")


def play(number: int = 0, **changes: Any) -> Record:
    """A play as in the extended history."""
    record: Record = {
        "ts": "2024-03-01T10:00:00Z",
        "username": CANARIES[2],
        "platform": "linux",
        "ms_played": number,
        "conn_country": CANARIES[3],
        "ip_addr": CANARIES[0],
        "user_agent": CANARIES[1],
        "user_agent_decrypted": CANARIES[1],
        "userName": CANARIES[2],
        "master_metadata_track_name": f"Título {number}",
        "master_metadata_album_artist_name": "Some Artist {feat. x}",
        "spotify_track_uri": "spotify:track:abc",
        "episode_name": None,
        "spotify_episode_uri": None,
        "incognito_mode": False,
    }
    return record | changes


def account_play(number: int = 0) -> Record:
    return {"endTime": "2023-01-01 10:00", "artistName": "A", "trackName": f"T{number}", "msPlayed": number}


def listen(number: int = 0, **changes: Any) -> Record:
    names = {
        "track_name": "T",
        "artist_name": "A",
        "additional_info": {"user_name": CANARIES[2], "n": number},
    }
    return {
        "listened_at": 1_700_000_000 + number,
        "track_metadata": names,
        "user_name": CANARIES[2],
    } | changes


def zipped(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def read(name: str, path: Path, **options: Any) -> Chunk:
    """All chunks as one, after checks that hold for every reading."""
    chunks = list(READERS[name].chunks(path, options=ReadOptions(**options)))
    assert sum(chunk.bytes_read for chunk in chunks) == READERS[name].total_bytes(path)
    whole = Chunk(("payload",))
    for chunk in chunks:
        assert chunk.columns == ("payload",)
        whole.rows += chunk.rows
        whole.rejects += chunk.rejects
        whole.skipped += chunk.skipped
    return whole


def payloads(chunk: Chunk) -> list[Record]:
    return [json.loads(row[0] or "") for row in chunk.rows]


def extended(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "Streaming_History_Audio_2024_0.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def numbers(chunk: Chunk) -> list[int]:
    return [record.get("ms_played", -1) for record in payloads(chunk)]


@pytest.mark.parametrize("indent", [None, 2])
def test_extended_file_is_compact_and_redacted(tmp_path: Path, indent: int | None) -> None:
    chunk = read("spotify-extended", extended(tmp_path, json.dumps([play(1), play(2)], indent=indent)))
    private = {"username", "userName", "ip_addr", "user_agent", "user_agent_decrypted", "conn_country"}
    kept = {key: value for key, value in play(1).items() if key not in private}
    assert chunk.rows[0][0] == json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
    assert numbers(chunk) == [1, 2]


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_extended_members_of_both_layouts_at_any_depth(tmp_path: Path, form: str) -> None:
    members: dict[str, str | bytes] = {
        "Spotify Extended Streaming History/Streaming_History_Audio_2024_10.json": json.dumps([play(10)]),
        "Spotify Extended Streaming History/Streaming_History_Audio_2024_2.json": json.dumps([play(2)]),
        "Spotify Extended Streaming History/Streaming_History_Video_2024.json": json.dumps([play(3)]),
        "MyData/endsong_0.json": json.dumps([play(1)]),
        "MyData/ReadMeFirst.pdf": b"%PDF",
        "MyData/Userdata.json": '{"username": "canary_listener"}',
        "__MACOSX/MyData/._endsong_0.json": b"\0\1",
        "MyData/endsong_1.json": "[]",
    }
    if form == "zip":
        path = zipped(tmp_path / "my_spotify_data.zip", members)
    else:
        path = tmp_path / "unzipped"
        for name, content in members.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    chunk = read("spotify-extended", path)
    assert numbers(chunk) == [1, 2, 10, 3]
    assert not chunk.rejects


def test_extended_skips_by_policy_and_keeps_short_plays(tmp_path: Path) -> None:
    no_track = dict.fromkeys(("master_metadata_track_name", "master_metadata_album_artist_name", "spotify_track_uri"))
    records = [
        play(0),
        play(1, episode_name="E"),
        play(2, spotify_episode_uri="spotify:episode:1"),
        play(3, audiobook_title="B"),
        play(4, incognito_mode=True),
        play(5, **no_track),
    ]
    path = extended(tmp_path, json.dumps(records))
    chunk = read("spotify-extended", path)
    assert numbers(chunk) == [0]
    assert chunk.skipped == Counter(podcast=2, audiobook=1, incognito=1, no_track=1)
    assert numbers(read("spotify-extended", path, skip_incognito=False)) == [0, 4]


def test_an_object_that_is_no_play_is_damage_and_no_policy(tmp_path: Path) -> None:
    damaged = [{"platform": "linux", "ms_played": 1}, {}, {"ts": None, "master_metadata_track_name": ""}]
    chunk = read("spotify-extended", extended(tmp_path, json.dumps([play(1), *damaged])))
    assert (len(chunk.rows), chunk.skipped) == (1, Counter())
    assert [reject.rule for reject in chunk.rejects] == ["not_a_play"] * 3


def test_account_layouts(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "my_spotify_data.zip",
        {
            "Spotify Account Data/StreamingHistory_music_0.json": json.dumps([account_play(1)]),
            "Spotify Account Data/StreamingHistory_podcast_0.json": json.dumps(
                [{"endTime": "2023-01-01 10:00", "podcastName": "P", "episodeName": "E", "msPlayed": 1}]
            ),
            "Spotify Account Data/StreamingHistory_audiobook_0.json": json.dumps([account_play(2)]),
            "MyData/StreamingHistory0.json": json.dumps([account_play(3) | {"userName": CANARIES[2]}]),
            "Spotify Account Data/Identity.json": "{}",
        },
    )
    chunk = read("spotify-account", path)
    assert [record["msPlayed"] for record in payloads(chunk)] == [3, 1]
    assert chunk.skipped == Counter(podcast=1, audiobook=1)


def test_listenbrainz_zip_lines_and_old_array(tmp_path: Path) -> None:
    now = listen(9, playing_now=True)
    del now["listened_at"]
    path = zipped(
        tmp_path / "listenbrainz.zip",
        {
            "user.json": '{"user_id": 1}',
            "feedback.jsonl": '{"score": 1}\n',
            "pinned_recording.jsonl": '{"blurb": "x"}\n',
            "listens/2023/12.jsonl": "\n".join(json.dumps(record) for record in (listen(1), now, listen(2))),
            "somebody_listens.json": json.dumps([listen(3)]),
        },
    )
    chunk = read("listenbrainz", path)
    infos = [record["track_metadata"]["additional_info"] for record in payloads(chunk)]
    assert infos == [{"n": 1}, {"n": 2}, {"n": 3}]  # the name goes at any depth
    assert chunk.skipped == Counter(playing_now=1)


def test_listenbrainz_lines_each_fail_alone(tmp_path: Path) -> None:
    submission = {"listen_type": "single", "payload": [listen(8)]}
    lines = [
        json.dumps(listen(1)).encode(),
        b"",
        b"{broken",
        b"17",
        b'{"listened_at": NaN}',
        json.dumps(submission).encode(),
        b'{"listened_at": 1, "track_metadata": {"track_name": "\xe9"}}',
        json.dumps(listen(2)).encode(),
        b'{"listened_at": 5, "tr',
    ]
    path = tmp_path / "listens.jsonl"
    path.write_bytes(b"\n".join(lines))
    chunk = read("listenbrainz", path)
    assert [record["listened_at"] for record in payloads(chunk)] == [1_700_000_001, 1_700_000_002]
    assert [(reject.where, reject.rule) for reject in chunk.rejects] == [
        ("file 1, line 3", "not_json"),
        ("file 1, line 4", "not_an_object"),
        ("file 1, line 5", "not_json"),
        ("file 1, line 6", "not_a_listen"),
        ("file 1, line 7", "not_utf8"),
        ("file 1, line 9", "truncated"),
    ]


TEXT = json.dumps(play(7))
DEEP = '{"ts": ' + '{"a":[' * 3000 + "]}" * 3000 + "}"


@pytest.mark.parametrize(
    ("damaged", "rule"),
    [
        (TEXT.replace('"ms_played": 7', '"ms_played": NaN'), "not_json"),
        (TEXT.replace('"ms_played": 7', '"ms_played": -Infinity'), "not_json"),
        (TEXT.replace('"ms_played": 7', '"ms_played": 1e999'), "not_json"),
        (TEXT.replace('"ms_played": 7', '"ms_played": ' + "9" * 5000), "not_json"),
        (TEXT.replace('"linux"', '"linux'), "not_json"),  # everything after it looks inside out
        (TEXT.replace('"linux"', "linux"), "not_json"),
        (TEXT.replace(",", "", 1), "not_json"),
        (TEXT[:-1], "not_json"),
        (TEXT[1:], "not_json"),
        (TEXT.replace("linux", "\ud800"), "not_utf8"),  # a surrogate's three bytes
        (TEXT.replace("linux", "\\u" + "d800"), "not_utf8"),
        (TEXT.replace("linux", chr(0xDCE9)), "not_utf8"),  # a Latin-1 byte
        (TEXT.replace("linux", "a\nb"), "not_json"),
        ("17", "not_an_object"),
        ("null", "not_an_object"),
        ('"text, {"', "not_an_object"),
        ("[1, 2]", "not_an_object"),
        (DEEP, "too_deep"),
    ],
)
@pytest.mark.parametrize("join", [", ", ",\n  "])
def test_damage_costs_one_record(tmp_path: Path, damaged: str, rule: str, join: str) -> None:
    text = "[" + join.join([json.dumps(play(1)), damaged, damaged, json.dumps(play(2))]) + "]"
    data = text.encode("utf-8", "surrogateescape" if "\udce9" in text else "surrogatepass")
    chunk = read("spotify-extended", extended(tmp_path, data))
    assert numbers(chunk) == [1, 2]
    assert {reject.rule for reject in chunk.rejects} == {rule}
    assert len(chunk.rejects) == 2
    assert chunk.rejects[0].where == "file 1, record 2"
    assert not any(canary in repr(chunk) for canary in CANARIES)


def test_too_long_record_is_passed_over(tmp_path: Path) -> None:
    long = json.dumps(play(7, platform="x" * (MAX_RECORD_CHARS * 3)))
    text = ", ".join([json.dumps(play(1)), long, json.dumps(play(2))])
    chunk = read("spotify-extended", extended(tmp_path, f"[{text}]"))
    assert numbers(chunk) == [1, 2]
    assert [(reject.rule, reject.length) for reject in chunk.rejects] == [("too_long", len(long.encode()))]


def test_array_cut_off(tmp_path: Path) -> None:
    text = json.dumps([play(1), play(2), play(3)])
    chunk = read("spotify-extended", extended(tmp_path, text[:-100]))
    assert numbers(chunk) == [1, 2]
    assert [reject.rule for reject in chunk.rejects] == ["truncated"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be-bom"])
def test_byte_order_marks(tmp_path: Path, encoding: str) -> None:
    text = json.dumps([play(1)], ensure_ascii=False)
    data = ("\ufeff" + text).encode("utf-16-be") if encoding == "utf-16-be-bom" else text.encode(encoding)
    chunk = read("spotify-extended", extended(tmp_path, data))
    assert payloads(chunk)[0]["master_metadata_track_name"] == "Título 1"


def test_escaped_nul_and_escaped_redacted_key(tmp_path: Path) -> None:
    text = json.dumps([play(1, platform="a\0b")]).replace('"ip_addr"', '"\\u0069p_addr"')
    chunk = read("spotify-extended", extended(tmp_path, text))
    assert payloads(chunk)[0]["platform"] == "a\0b"
    assert CANARIES[0] not in repr(chunk)


def test_chunks_are_bounded(tmp_path: Path) -> None:
    path = extended(tmp_path, json.dumps([account_play(n) for n in range(45_000)]))
    sizes = [len(chunk.rows) for chunk in READERS["spotify-account"].chunks(path)]
    assert sizes == [20_000, 20_000, 5_000]


def test_memory_is_bounded(tmp_path: Path) -> None:
    text = json.dumps([play(n, platform=hashlib.sha256(b"%d" % n).hexdigest() * 40) for n in range(10_000)])
    path = zipped(tmp_path / "my.zip", {"endsong_0.json": text})
    size = len(text)
    del text

    def rows() -> Iterator[int]:
        for chunk in READERS["spotify-extended"].chunks(path):
            yield len(chunk.rows)

    tracemalloc.start()
    try:
        total = sum(rows())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 10_000
    assert size > 29_000_000
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("reader", "record", "other"),
    [
        ("spotify-extended", account_play(), "spotify-account"),
        ("spotify-account", play(), "spotify-extended"),
        ("listenbrainz", play(), "spotify-extended"),
        ("spotify-account", listen(), "listenbrainz"),
    ],
)
def test_wrong_format_is_named_before_the_first_chunk(tmp_path: Path, reader: str, record: Record, other: str) -> None:
    path = tmp_path / "history.json"
    path.write_text(json.dumps([record]))
    with pytest.raises(WrongFormatError, match=f"history.json looks like {other}, not .*: run import {other}"):
        next(READERS[reader].chunks(path))
    inside = zipped(tmp_path / "history.zip", {"deep/history.json": json.dumps([record])})
    with pytest.raises(WrongFormatError, match=f"run import {other}"):
        next(READERS[reader].chunks(inside))


@pytest.mark.parametrize("content", ['{"playlists": []}', "just text", '{"listen_type": "single", "payload": []}'])
def test_unknown_content_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "Playlist1.json"
    path.write_text(content)
    for reader in ("spotify-extended", "spotify-account", "listenbrainz"):
        with pytest.raises(WrongFormatError, match=f"Playlist1.json is not {reader}"):
            next(READERS[reader].chunks(path))


@pytest.mark.parametrize("content", ["", "[]", " \n"])
def test_empty_export(tmp_path: Path, content: str) -> None:
    path = extended(tmp_path, content)
    with pytest.raises(EmptyExportError):
        list(READERS["spotify-extended"].chunks(path))


GOOD = [json.dumps(play(number)).encode() for number in range(6)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_corruption_never_loses_undamaged_records(tmp_path: Path, data: st.DataObject) -> None:
    text = b"[" + b", ".join(GOOD) + b"]"
    start = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.sampled_from([1, 1, 1, 2, 5, 40, 700]))
    patch = data.draw(st.one_of(st.just(b""), st.binary(max_size=3), st.sampled_from([b'"', b"{", b"}", b"\\", b"["])))
    path = extended(tmp_path, text[:start] + patch + text[start + length :])
    block = data.draw(st.sampled_from([9, 100, decoding.READ_BYTES]))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(decoding, "READ_BYTES", block)
        try:
            chunk = read("spotify-extended", path)
        except ExportError:
            return
    at, safe = 1, set()
    for number, record in enumerate(GOOD):
        # The bracket or comma next to a record belongs to it: two records glued together are both damaged.
        if at + len(record) + 1 <= start or at >= start + length + 2:
            safe.add(number)
        at += len(record) + 2
    assert safe <= set(numbers(chunk))


def test_errors_hold_no_content(tmp_path: Path) -> None:
    listening = json.dumps([play(1)])
    for reader in ("spotify-account", "listenbrainz", "csv", "kaggle-tracks", "lastfm-1k"):
        path = tmp_path / "history.json"
        path.write_text(listening)
        with pytest.raises(WrongFormatError) as caught:
            next(READERS[reader].chunks(path))
        assert not any(canary in str(caught.value) for canary in (*CANARIES, str(tmp_path)))
