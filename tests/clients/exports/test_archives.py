"""Zips and folders that are unsafe, damaged or hold nothing; nothing of them is ever extracted."""

import errno
import json
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from clients.exports import (
    READERS,
    ArchiveLimits,
    BadEncodingError,
    DamagedArchiveError,
    EmptyExportError,
    ExportError,
    ReadOptions,
    UnsafeArchiveError,
    WrongFormatError,
)
from clients.exports.archive import open_source
from clients.exports.detect import source_format

NAME = "endsong_0.json"
RECORD = {"ts": "2024-03-01T10:00:00Z", "ms_played": 1, "master_metadata_track_name": "T"}
READER = READERS["spotify-extended"]


def archive_of(path: Path, content: str | bytes = json.dumps([RECORD]), name: str = NAME) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path


def read(path: Path, **limits: int) -> int:
    options = ReadOptions(limits=ArchiveLimits(**limits))
    return sum(len(chunk.rows) for chunk in READER.chunks(path, options=options))


@pytest.mark.parametrize(
    "name",
    [
        "../endsong_0.json",
        "/endsong_0.json",
        "a/../../endsong_0.json",
        "..\\endsong_0.json",
        "C:\\endsong_0.json",
    ],
)
def test_names_that_lead_outside(tmp_path: Path, name: str) -> None:
    path = archive_of(tmp_path / "a.zip", name=name)
    with pytest.raises(UnsafeArchiveError, match=r"a\.zip holds a member whose name leads outside"):
        read(path)


def test_link_in_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo(NAME)
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UnsafeArchiveError, match="holds a link"):
        read(path)


def test_link_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text(json.dumps([RECORD]))
    (tmp_path / "folder").mkdir()
    os.symlink(tmp_path / "real.json", tmp_path / "folder" / NAME)
    with pytest.raises(UnsafeArchiveError, match="folder holds links"):
        read(tmp_path / "folder")


def test_encrypted_member(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    path.write_bytes(data)
    with pytest.raises(UnsafeArchiveError, match="is encrypted"):
        read(path)


def test_too_many_members(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(11):
            archive.writestr(f"{number}.txt", "")
    with pytest.raises(UnsafeArchiveError, match="holds 11 members, more than 10"):
        read(path, max_members=10)


def test_declared_ratio_and_size(tmp_path: Path) -> None:
    bomb = archive_of(tmp_path / "bomb.zip", b" " * 4_000_000)
    with pytest.raises(UnsafeArchiveError, match="more than 200 times"):
        read(bomb)
    small = ArchiveLimits(max_ratio=10_000, max_uncompressed_bytes=1_000_000)
    with pytest.raises(UnsafeArchiveError, match="more than 1000000 bytes: raise IMPORTS__MAX_ARCHIVE_BYTES"):
        list(READER.chunks(bomb, options=ReadOptions(limits=small)))
    with pytest.raises(UnsafeArchiveError, match="more than 1000000 bytes"):
        READER.total_bytes(bomb, limits=small)


def test_bomb_inside_a_zip_inside(tmp_path: Path) -> None:
    inner = archive_of(tmp_path / "inner.zip", b" " * 4_000_000).read_bytes()
    with pytest.raises(EmptyExportError):  # an inner zip is no member of the format, and never opened
        read(archive_of(tmp_path / "outer.zip", inner, "inner.zip"))


def test_really_read_ratio(tmp_path: Path) -> None:
    """A directory that claims more compressed bytes than the data takes hides the ratio until it is read."""
    path = archive_of(tmp_path / "a.zip", json.dumps([RECORD]) + " " * 20_000_000)
    data = path.read_bytes()
    directory = data.index(b"PK\x01\x02")
    padding = b"\0" * 100_000
    central = bytearray(data[directory:])
    packed = struct.unpack_from("<I", central, 20)[0]
    struct.pack_into("<I", central, 20, packed + len(padding))
    end = central.index(b"PK\x05\x06")
    struct.pack_into("<I", central, end + 16, directory + len(padding))
    path.write_bytes(data[:directory] + padding + bytes(central))
    with pytest.raises(UnsafeArchiveError, match="more than 200 times"):
        read(path)


@pytest.mark.parametrize("keep", [30, 200, -30])
def test_truncated_zip(tmp_path: Path, keep: int) -> None:
    path = archive_of(tmp_path / "a.zip", json.dumps([RECORD | {"ms_played": n} for n in range(100)]))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DamagedArchiveError, match=r"a\.zip .*download it again"):
        read(path)


def test_bad_crc(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 16] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DamagedArchiveError, match=r"endsong_0\.json is damaged"):
        read(path)


def test_not_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_text("<html>please log in</html>")
    with pytest.raises(DamagedArchiveError, match=r"a\.zip is not a zip"):
        read(path)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"gone\.zip does not exist"):
        read(tmp_path / "gone.zip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyExportError, match="expected Streaming_History_Audio"):
        read(tmp_path / "empty")
    with pytest.raises(EmptyExportError):
        read(archive_of(tmp_path / "other.zip", "%PDF", "ReadMe.pdf"))


def test_total_bytes_raises_the_same(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.zip", json.dumps([{"endTime": "x", "msPlayed": 1}]), "StreamingHistory0.json")
    with pytest.raises(WrongFormatError, match="run import spotify-account"):
        READER.total_bytes(path)


def test_the_files_that_are_read(tmp_path: Path) -> None:
    zipped = archive_of(tmp_path / "a.zip")
    assert READER.files(zipped) == [zipped]
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("endsong_10.json", "endsong_2.json", "other.bin"):
        (folder / name).write_text(json.dumps([RECORD]))
    assert READER.files(folder) == [folder / "endsong_2.json", folder / "endsong_10.json"]


def test_a_folder_that_cannot_be_listed_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / NAME).write_text(json.dumps([RECORD]))
    listed = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(ExportError, match="closed cannot be opened: Permission denied"):
        READER.total_bytes(tmp_path)


@pytest.mark.parametrize("encoding", ["klingon", "zlib", "rot13"])
def test_unknown_encoding(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(BadEncodingError, match=encoding):
        next(READER.chunks(archive_of(tmp_path / "a.zip"), options=ReadOptions(encoding=encoding)))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.json", json.dumps([RECORD]), "spotify-extended"),
        ("x.json", '[{"endTime": "2023", "trackName": "T"}]', "spotify-account"),
        ("x.dat", '{"listened_at": 1, "track_metadata": {}}\n', "listenbrainz"),
        ("x.txt", "u\t2009-05-04T23:08:57Z\t\tA\t\tT\n", "lastfm-1k"),
        ("x.txt", "Played_At;Artist_Name;Track_Name\n", "csv"),
        ("x.txt", ",track_id,artists,danceability\n", "kaggle-tracks"),
        ("x.json", '{"playlists": [{"name": "p"}]}', None),
        ("x.txt", "dear diary", None),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_detect_by_content(tmp_path: Path, name: str, content: str, expected: str | None, zipped: bool) -> None:
    path = tmp_path / name
    path.write_text(content)
    if zipped:
        path = archive_of(tmp_path / "some.zip", content, name.replace(".dat", ".jsonl"))
    with open_source(path) as source:
        assert source_format(source) == expected
