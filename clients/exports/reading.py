"""What every reader of exports takes and yields: options in, chunks of raw records out.

The trap: a chunk accounts for every record tried: rows, rejects and skips of all chunks add up to the source.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from clients.exports.archive import DEFAULT_LIMITS, ArchiveLimits, Member, MemberStream
from clients.exports.decoding import Fingerprint

Row = tuple[str | None, ...]

CHUNK_ROWS = 20_000
CHUNK_CHARS = 5 << 20  # records of any size: two chunks are alive while the next one is built


@dataclass(frozen=True)
class ReadOptions:
    """How to read: None means found out from the content.

    `encoding` names a text encoding (None: UTF-8, or UTF-16 where a byte order mark says so); `delimiter` is
    the csv's one character; `skip_incognito` leaves private sessions out; `user_given` lets a csv lack
    `user_id`.
    """

    encoding: str | None = None
    delimiter: str | None = None
    skip_incognito: bool = True
    user_given: bool = False
    limits: ArchiveLimits = DEFAULT_LIMITS


DEFAULT_OPTIONS = ReadOptions()


@dataclass(frozen=True)
class Reject:
    """A record that could not be read: where it stood and why, never what it said.

    What cannot be parsed cannot be redacted, so only its length in bytes and its SHA-256 are kept.
    """

    where: str
    rule: str
    length: int
    sha256: str


@dataclass
class Chunk:
    """Records in order; tried = rows + rejects + sum(skipped). `bytes_read` is new bytes taken from disk."""

    columns: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    bytes_read: int = 0


class ExportReader(Protocol):
    """A format of exports."""

    @property
    def name(self) -> str: ...

    def total_bytes(self, path: Path, *, limits: ArchiveLimits = DEFAULT_LIMITS) -> int:
        """Bytes on disk that `chunks` will take: the sum of all `bytes_read`. Raises ExportError."""
        ...

    def files(self, path: Path, *, limits: ArchiveLimits = DEFAULT_LIMITS) -> list[Path]:
        """The files on disk that `chunks` will read, in its order. Raises ExportError."""
        ...

    def chunks(self, path: Path, *, options: ReadOptions = DEFAULT_OPTIONS) -> Iterator[Chunk]:
        """Streams in bounded memory; raises ExportError, for a wrong format before the first chunk."""
        ...


class ChunkBuilder:
    """Gathers one member's records into chunks that account for them."""

    def __init__(self, columns: tuple[str, ...], member: Member, stream: MemberStream) -> None:
        self._member = member
        self._stream = stream
        self._reported = 0
        self._chars = 0
        self.chunk = Chunk(columns)

    def reject(self, place: str, rule: str, found: Fingerprint) -> None:
        """Counts a record that could not be read."""
        self.chunk.rejects.append(Reject(f"file {self._member.number}, {place}", rule, found.length, found.sha256))

    def full(self, chars: int) -> bool:
        """Counts the text added; whether the chunk is to be handed out."""
        self._chars += chars
        return self._chars >= CHUNK_CHARS or len(self.chunk.rows) + len(self.chunk.rejects) >= CHUNK_ROWS

    def take(self) -> Chunk:
        """The chunk so far; a new one starts."""
        done, consumed = self.chunk, self._stream.consumed
        done.bytes_read = consumed - self._reported
        self._reported, self._chars = consumed, 0
        self.chunk = Chunk(done.columns)
        return done

    def last(self) -> Iterator[Chunk]:
        """What is left once the member has ended, if anything."""
        chunk = self.chunk
        if chunk.rows or chunk.rejects or chunk.skipped or self._stream.consumed > self._reported:
            yield self.take()
