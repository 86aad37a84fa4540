"""Delimited exports: headers, quotes, widths and encodings; a bad line costs itself only."""

import csv
import io
import zipfile
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
    MissingColumnsError,
    ReadOptions,
    WrongFormatError,
    decoding,
)

HEADER = "user_id,played_at,artist_name,track_name"
TIME = "2020-01-01T10:00:00Z"
KAGGLE = (
    ",track_id,artists,album_name,track_name,popularity,duration_ms,explicit,danceability,energy,key,loudness,"
    "mode,speechiness,acousticness,instrumentalness,liveness,valence,tempo,time_signature,track_genre"
)


def written(tmp_path: Path, content: str | bytes, name: str = "plays.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(name: str, path: Path, **options: Any) -> Chunk:
    chunks = list(READERS[name].chunks(path, options=ReadOptions(**options)))
    assert sum(chunk.bytes_read for chunk in chunks) == READERS[name].total_bytes(path)
    whole = Chunk(chunks[0].columns)
    for chunk in chunks:
        assert not chunk.skipped
        whole.rows += chunk.rows
        whole.rejects += chunk.rejects
    return whole


def rules(chunk: Chunk) -> list[tuple[str, str]]:
    return [(reject.where.split(", ")[1], reject.rule) for reject in chunk.rejects]


def test_csv_typical_with_any_header_order(tmp_path: Path) -> None:
    text = f"\ufeffTrack_Name, PLAYED_AT ,user_id,artist_name,mood\r\nT,{TIME},u,A,\r\n\r\nT2,{TIME},u,A,x\r\n"
    chunk = read("csv", written(tmp_path, text))
    assert chunk.columns == ("track_name", "played_at", "user_id", "artist_name", "mood")
    assert chunk.rows == [("T", TIME, "u", "A", None), ("T2", TIME, "u", "A", "x")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_delimiter_is_sniffed(tmp_path: Path, delimiter: str) -> None:
    row = ("u", TIME, "A", "a,b" if delimiter != "," else "a;b")
    text = HEADER.replace(",", delimiter) + "\n" + delimiter.join(row) + "\n"
    assert read("csv", written(tmp_path, text)).rows == [row]
    assert read("csv", written(tmp_path, text), delimiter=delimiter).rows == [row]


def test_csv_quotes_and_newlines(tmp_path: Path) -> None:
    rows = [("u", TIME, 'The "A", Band', "line one\nline two\nthree"), ("u", TIME, "B", "plain")] * 3
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    chunk = read("csv", written(tmp_path, f"{HEADER}\n{out.getvalue()}"))
    assert chunk.rows == rows
    assert not chunk.rejects


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (f'u,{TIME},"A,T', "stray_quote"),
        (f'u,{TIME},A,"T', "stray_quote"),
        (f'u,{TIME},"A" Band,T', "stray_quote"),
        (f"u,{TIME},A", "wrong_column_count"),
        (f"u,{TIME},A,T,more", "wrong_column_count"),
        (f"u,{TIME},A\0,T", "nul_byte"),
        (f"u,{TIME},A\udce9,T", "not_utf8"),
    ],
)
def test_csv_bad_line_costs_itself_only(tmp_path: Path, line: str, rule: str) -> None:
    lines = [HEADER, f"u,{TIME},A,1", line, f"u,{TIME},A,2", f'u,{TIME},"A, B",3', line, f"u,{TIME},A,4", ""]
    data = "\n".join(lines).encode("utf-8", "surrogateescape")
    chunk = read("csv", written(tmp_path, data))
    assert [row[3] for row in chunk.rows] == ["1", "2", "3", "4"]
    assert rules(chunk) == [("line 3", rule), ("line 6", rule)]
    assert chunk.rejects[0].length == len(line.encode("utf-8", "surrogateescape"))


def test_csv_quote_inside_a_value_is_text(tmp_path: Path) -> None:
    assert read("csv", written(tmp_path, f'{HEADER}\nu,{TIME},5" Floppy,T\n')).rows[0][2] == '5" Floppy'


def test_csv_cut_off_in_its_last_line(tmp_path: Path) -> None:
    chunk = read("csv", written(tmp_path, f"{HEADER}\nu,{TIME},A,T\nu,{TIME}"))
    assert len(chunk.rows) == 1
    assert rules(chunk) == [("line 3", "truncated")]


def test_csv_last_line_without_line_feed(tmp_path: Path) -> None:
    assert len(read("csv", written(tmp_path, f"{HEADER}\nu,{TIME},A,T")).rows) == 1


def test_csv_overlong_line_is_passed_over(tmp_path: Path) -> None:
    long = "x" * 3_000_000
    chunk = read("csv", written(tmp_path, f"{HEADER}\nu,{TIME},A,1\n{long}\nu,{TIME},A,2\n"))
    assert [row[3] for row in chunk.rows] == ["1", "2"]
    assert [(reject.where, reject.rule, reject.length) for reject in chunk.rejects] == [
        ("file 1, line 3", "too_long", 3_000_000)
    ]


def test_csv_quotes_across_blocks(tmp_path: Path) -> None:
    rows = [f'u,{TIME},"A\n{number}",{number}' for number in range(30_000)]
    chunk = read("csv", written(tmp_path, "\n".join([HEADER, *rows, ""])))
    assert [row[3] for row in chunk.rows] == [str(number) for number in range(30_000)]
    assert not chunk.rejects


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_csv_byte_order_marks(tmp_path: Path, encoding: str) -> None:
    chunk = read("csv", written(tmp_path, f"{HEADER}\nu,{TIME},Ä,T\n".encode(encoding)))
    assert chunk.rows == [("u", TIME, "Ä", "T")]


def test_csv_latin_1_when_said(tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEADER}\nu,{TIME},Ä,T\n".encode("latin-1"))
    assert rules(read("csv", path)) == [("line 2", "not_utf8")]
    assert read("csv", path, encoding="latin-1").rows[0][2] == "Ä"


def test_csv_missing_columns_lists_found_and_needed(tmp_path: Path) -> None:
    path = written(tmp_path, "user_id,artist_name,Song Title\nu,A,T\n")
    with pytest.raises(MissingColumnsError, match=r"lacks played_at, track_name: found user_id.*; needed user_id"):
        next(READERS["csv"].chunks(path))


def test_csv_without_header_never_quotes_its_row(tmp_path: Path) -> None:
    path = written(tmp_path, f"canary_listener,{TIME},A,T\n")
    with pytest.raises(MissingColumnsError, match="no header") as caught:
        next(READERS["csv"].chunks(path))
    assert "canary" not in str(caught.value)


def test_csv_user_given(tmp_path: Path) -> None:
    path = written(tmp_path, f"played_at,artist_name,track_name\n{TIME},A,T\n")
    assert len(read("csv", path, user_given=True).rows) == 1
    with pytest.raises(MissingColumnsError):
        next(READERS["csv"].chunks(path))


def test_kaggle_names_the_first_column_and_reads_zips(tmp_path: Path) -> None:
    row = '0,id1,"A;B",Album,"Song, part",1,2,False,' + ",".join(["0.1"] * 12) + ",acoustic"
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("dataset.csv", f"{KAGGLE}\n{row}\n")
    chunk = read("kaggle-tracks", path)
    assert chunk.columns[0] == "row_number"
    assert chunk.rows[0][2:5] == ("A;B", "Album", "Song, part")


def test_lastfm_quotes_are_text(tmp_path: Path) -> None:
    rows = [("u1", TIME, "m", 'The "A', None, "T"), ("u1", TIME, None, "坂本龍一", None, '"x')]
    text = "".join("\t".join(value or "" for value in row) + "\n" for row in rows) + "u1\tshort\n"
    path = tmp_path / "lastfm.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("lastfm/userid-timestamp-artid-artname-traid-traname.tsv", text)
        archive.writestr("lastfm/userid-profile.tsv", "u1\tf\t22\tDE\tNov 1, 2006\n")
    chunk = read("lastfm-1k", path)
    assert chunk.rows == rows
    assert rules(chunk) == [("line 3", "wrong_column_count")]


@pytest.mark.parametrize(
    ("reader", "content", "other"),
    [
        ("csv", f"u\t{TIME}\tm\tA\tm\tT\n", "lastfm-1k"),
        ("csv", f"{KAGGLE}\n", "kaggle-tracks"),
        ("kaggle-tracks", f"{HEADER}\n", "csv"),
        ("lastfm-1k", f"{HEADER}\n", "csv"),
        ("spotify-extended", f"{HEADER}\n", "csv"),
        ("csv", '[{"endTime": "x", "msPlayed": 1}]', "spotify-account"),
    ],
)
def test_wrong_format_is_named(tmp_path: Path, reader: str, content: str, other: str) -> None:
    with pytest.raises(WrongFormatError, match=f"looks like {other}, not {reader}: run import {other}"):
        next(READERS[reader].chunks(written(tmp_path, content, "some.txt")))


@pytest.mark.parametrize("reader", ["csv", "kaggle-tracks", "lastfm-1k"])
def test_empty_files(tmp_path: Path, reader: str) -> None:
    for content in ("", "\n\n"):
        with pytest.raises(EmptyExportError):
            next(READERS[reader].chunks(written(tmp_path, content)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_corruption_never_loses_undamaged_lines(tmp_path: Path, data: st.DataObject) -> None:
    lines = [f'u{n},{TIME},"Artist, {n}",T{n}' if n % 2 else f"u{n},{TIME},Artist,T{n}" for n in range(8)]
    body = "\n".join(lines) + "\n"
    start = data.draw(st.integers(0, len(body) - 1))
    length = data.draw(st.sampled_from([1, 1, 1, 2, 10, 60]))
    patch = data.draw(st.one_of(st.just(b""), st.binary(max_size=3), st.sampled_from([b'"', b"\n", b",", b"\0"])))
    content = HEADER.encode() + b"\n" + body[:start].encode() + patch + body[start + length :].encode()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(decoding, "READ_BYTES", data.draw(st.sampled_from([9, 100, decoding.READ_BYTES])))
        try:
            chunk = read("csv", written(tmp_path, content))
        except ExportError:
            return
    at, safe = 0, set()
    for number, line in enumerate(lines):
        if at + len(line) + 1 <= start or at >= start + length:
            safe.add(f"T{number}")
        at += len(line) + 1
    if start and body[start - 1] != "\n" and "\n" in body[start : start + length]:
        # The line after a lost line feed is glued to the damaged one.
        glued = body[: start + length].count("\n")
        safe.discard(f"T{glued}")
    assert safe <= {row[3] for row in chunk.rows}
