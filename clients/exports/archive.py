"""A file, folder or zip as a list of members to stream; nothing is ever extracted to disk.

The trap: a zip's own directory can lie, so sizes are checked as declared and again as really read.
"""

import io
import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from clients.exports.errors import DamagedArchiveError, EmptyExportError, ExportError, UnsafeArchiveError

RATIO_FREE_BYTES = 1 << 20  # small members compress as well as they like
# zipfile takes as many bytes ahead from disk as are asked for: small pieces keep the real ratio honest.
PIECE_BYTES = 1 << 14
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
SHOWN_NAME_CHARS = 120
READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    struct.error,
    NotImplementedError,  # a compression method that Python cannot read
    ValueError,
    OSError,
)
DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class ArchiveLimits:
    """How far a zip may unpack: members in all, bytes in all, and bytes out per byte in for each member."""

    max_members: int = 2000
    max_uncompressed_bytes: int = 50 << 30
    max_ratio: int = 200


DEFAULT_LIMITS = ArchiveLimits()


@dataclass(frozen=True)
class Member:
    """One file inside a source: `inner` is its path there, `name` its printable base name, `size` on disk.

    `number` counts the source's members from 1 in their natural order: names may name a person, numbers do not.
    """

    inner: str
    name: str
    size: int
    entry: zipfile.ZipInfo | None = field(default=None, repr=False, compare=False)
    number: int = 1


class MemberStream:
    """Bytes of one member; `consumed` counts what was taken from disk, at most the member's size there."""

    def __init__(
        self, member: Member, stream: IO[bytes], taken: Callable[[], int], spend: Callable[[int, int], None]
    ) -> None:
        self.member = member
        self._stream = stream
        self._taken = taken
        self._spend = spend
        self._produced = 0
        self._ended = False

    @property
    def consumed(self) -> int:
        return self.member.size if self._ended else min(self._taken(), self.member.size)

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, empty at the end; raises DamagedArchiveError or UnsafeArchiveError."""
        pieces = []
        while size > 0:
            try:
                piece = self._stream.read(min(size, PIECE_BYTES))
            except READ_ERRORS:
                raise DamagedArchiveError(
                    f"{self.member.name} is damaged and cannot be read to its end: download the export again"
                ) from None
            if not piece:
                break
            size -= len(piece)
            self._produced += len(piece)
            self._spend(len(piece), self._produced)
            pieces.append(piece)
        self._ended = not pieces
        return b"".join(pieces)


class _CountedFile(io.FileIO):
    """A file that knows how many bytes were read of it."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(-1 if size is None else size) or b""
        self.taken += len(data)
        return data


def shown_name(inner: str) -> str:
    """Base name fit for one line of a message."""
    base = re.split(r"[/\\]", inner.rstrip("/\\"))[-1]
    return "".join(char if char.isprintable() else "?" for char in base)[:SHOWN_NAME_CHARS]


def natural_key(inner: str) -> tuple[tuple[int, int, str], ...]:
    """Orders `_2` before `_10`."""
    parts = re.findall(r"[0-9]+|[^0-9]+", inner)
    return tuple((0, int(part[:18]), part) if part[0] in "0123456789" else (1, 0, part) for part in parts)


class Source:
    """An opened file, folder or zip. Use `open_source`; `members` are in natural order of their names."""

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        self.path = path
        self.name = shown_name(path.name or path.resolve().name)
        self.limits = limits
        self.kind = "file"
        self.members: list[Member] = []
        self._zip: zipfile.ZipFile | None = None
        self._raw: _CountedFile | None = None
        self._unpacked = 0
        try:
            if path.is_dir():
                self.kind = "folder"
                self._list_folder()
            elif path.is_file():
                self._open_file()
            elif path.exists():
                raise ExportError(f"{self.name} is neither a file nor a folder: name the export itself")
            else:
                raise ExportError(f"{self.name} does not exist: check the path")
        except OSError as error:
            raise ExportError(f"{self.name} cannot be opened: {os.strerror(error.errno or 0)}") from None
        in_order = sorted(self.members, key=lambda member: natural_key(member.inner))
        self.members = [replace(member, number=number) for number, member in enumerate(in_order, start=1)]

    def close(self) -> None:
        if self._zip is not None:
            self._zip.close()
        if self._raw is not None:
            self._raw.close()

    def select(self, wanted: Callable[[str], bool]) -> list[Member]:
        """Members whose inner path is wanted; a lone file is always. Raises UnsafeArchiveError for links."""
        if self.kind == "file":
            return self.members
        chosen = [member for member in self.members if wanted(member.inner)]
        if self.kind == "folder":
            if any((self.path / member.inner).is_symlink() for member in chosen):
                raise UnsafeArchiveError(f"{self.name} holds links to files: put the files themselves there")
            if len(chosen) > self.limits.max_members:
                raise UnsafeArchiveError(
                    f"{self.name} holds {len(chosen)} files, more than {self.limits.max_members}: import it in parts"
                )
        return chosen

    @contextmanager
    def open(self, member: Member) -> Iterator[MemberStream]:
        """Streams one member; raises ExportError where it cannot be opened."""
        if self._zip is None or self._raw is None or member.entry is None:
            file_path = self.path if self.kind == "file" else self.path / member.inner
            try:
                raw = _CountedFile(file_path)
            except OSError as error:
                raise ExportError(f"{member.name} cannot be opened: {os.strerror(error.errno or 0)}") from None
            with raw:
                yield MemberStream(member, raw, lambda: raw.taken, lambda _data, _member: None)
            return
        counted = self._raw
        before = counted.taken
        try:
            inside = self._zip.open(member.entry)  # by entry: two members may share a name
        except (RuntimeError, *READ_ERRORS):
            raise DamagedArchiveError(
                f"{member.name} in {self.name} cannot be opened: download the export again"
            ) from None

        def spend(fresh: int, produced: int) -> None:
            self._unpacked += fresh
            taken = max(counted.taken - before, 1)
            if self._unpacked > self.limits.max_uncompressed_bytes:
                self._refuse_size()
            if produced > RATIO_FREE_BYTES and produced > self.limits.max_ratio * taken:
                self._refuse(f"unpacks to more than {self.limits.max_ratio} times its size")

        with inside:
            yield MemberStream(member, inside, lambda: counted.taken - before, spend)

    def _list_folder(self) -> None:
        for folder, _folders, files in os.walk(self.path, onerror=_refuse_unread, followlinks=False):
            for file in files:
                full = Path(folder, file)
                inner = full.relative_to(self.path).as_posix()
                self.members.append(Member(inner, shown_name(file), full.lstat().st_size))

    def _open_file(self) -> None:
        size = self.path.stat().st_size
        if size == 0:
            raise EmptyExportError(f"{self.name} is empty: download the export again")
        with self.path.open("rb") as stream:
            magic = stream.read(4)
        if magic not in ZIP_MAGIC:
            if self.path.suffix.lower() == ".zip":
                raise DamagedArchiveError(f"{self.name} is not a zip: download it again")
            self.members = [Member(self.path.name, self.name, size)]
            return
        self.kind = "zip"
        self._raw = _CountedFile(self.path)
        try:
            self._zip = zipfile.ZipFile(self._raw)
            entries = self._zip.infolist()
            self._check(entries)
        except READ_ERRORS:
            self.close()
            raise DamagedArchiveError(f"{self.name} is a damaged or incomplete zip: download it again") from None
        except ExportError:
            self.close()
            raise
        self.members = [
            Member(entry.filename, shown_name(entry.filename), entry.compress_size, entry)
            for entry in entries
            if not entry.is_dir()
        ]

    def _check(self, entries: list[zipfile.ZipInfo]) -> None:
        if len(entries) > self.limits.max_members:
            self._refuse(f"holds {len(entries)} members, more than {self.limits.max_members}")
        for entry in entries:
            parts = re.split(r"[/\\]", entry.orig_filename)
            if parts[0] == "" or ".." in parts or DRIVE.match(entry.orig_filename):
                self._refuse("holds a member whose name leads outside of it")
            if stat.S_ISLNK(entry.external_attr >> 16):
                self._refuse("holds a link")
            if entry.flag_bits & 0x1:
                self._refuse("is encrypted", "unpack it yourself and import the folder")
            bomb = entry.file_size > self.limits.max_ratio * max(entry.compress_size, 1)
            if bomb and entry.file_size > RATIO_FREE_BYTES:
                self._refuse(f"unpacks to more than {self.limits.max_ratio} times its size")
        if sum(entry.file_size for entry in entries) > self.limits.max_uncompressed_bytes:
            self._refuse_size()

    def _refuse_size(self) -> None:
        reason = f"unpacks to more than {self.limits.max_uncompressed_bytes} bytes"
        self._refuse(reason, "raise IMPORTS__MAX_ARCHIVE_BYTES if it is from the service itself")

    def _refuse(self, reason: str, advice: str = "import it only from the service itself") -> None:
        raise UnsafeArchiveError(f"{self.name} {reason}: {advice}")


def _refuse_unread(error: OSError) -> None:
    """What cannot be listed would be left out without a word."""
    raise ExportError(f"{shown_name(str(error.filename))} cannot be opened: {os.strerror(error.errno or 0)}")


@contextmanager
def open_source(path: Path, limits: ArchiveLimits = DEFAULT_LIMITS) -> Iterator[Source]:
    """Opens a file, folder or zip and checks it, without reading any member.

    Raises ExportError where there is nothing to open, and its EmptyExportError, DamagedArchiveError and
    UnsafeArchiveError.
    """
    source = Source(path, limits)
    try:
        yield source
    finally:
        source.close()
