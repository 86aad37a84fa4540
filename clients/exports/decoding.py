"""Bytes in, text blocks out; bytes that the encoding cannot read become lone surrogates.

The trap: such text must be checked before it leaves a reader, because a lone surrogate cannot be stored.
"""

import codecs
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from clients.exports.errors import BadEncodingError

READ_BYTES = 1 << 18
MARK_ERRORS = "moodlake.mark"
SURROGATE = re.compile("[\ud800-\udfff]")
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class ByteStream(Protocol):
    """Anything that reads like a binary file."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Fingerprint:
    """Size and digest of a record that cannot be kept."""

    length: int
    sha256: str


@dataclass(frozen=True)
class Overlong:
    """A line longer than the limit, already passed over."""

    fingerprint: Fingerprint


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    if bad and min(bad) >= 0x80:
        # As surrogateescape does, so that it can be turned back.
        return "".join(chr(0xDC00 + byte) for byte in bad), error.end
    return "\udc80", max(error.end, error.start + 1)


codecs.register_error(MARK_ERRORS, _mark)


def record_bytes(text: str) -> bytes:
    """The record's bytes as they stood in a UTF-8 file; of another encoding, its text in UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def fingerprint(text: str) -> Fingerprint:
    """Length and SHA-256 of a record's bytes."""
    data = record_bytes(text)
    return Fingerprint(len(data), hashlib.sha256(data).hexdigest())


def is_storable(text: str) -> bool:
    """Whether the text is free of lone surrogates."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_encoding(encoding: str | None) -> None:
    """Raises BadEncodingError for a name that is no text encoding."""
    if encoding is None:
        return
    try:
        io.TextIOWrapper(io.BytesIO(), encoding)  # refuses the codecs that are not of text
        codecs.getincrementaldecoder(encoding)
    except (LookupError, UnicodeError, ValueError):
        shown = "".join(char for char in encoding if char.isalnum() or char in "-_")[:40]
        raise BadEncodingError(f"encoding {shown!r} is not known: use utf-8, utf-16 or cp1252, say") from None


def text_blocks(stream: ByteStream, encoding: str | None) -> Iterator[str]:
    """Decodes a stream block by block, without its byte order mark; raises BadEncodingError."""
    data = stream.read(READ_BYTES)
    while 0 < len(data) < 4:  # a mark has up to four bytes
        rest = stream.read(READ_BYTES)
        data += rest
        if not rest:
            break
    name = encoding or next((known for bom, known in BOMS if data.startswith(bom)), "utf-8")
    check_encoding(name)
    decoder = codecs.getincrementaldecoder(name)(MARK_ERRORS)
    first = True
    while True:
        try:
            text = decoder.decode(data, not data)
        except UnicodeError:
            raise BadEncodingError(f"the file cannot be read as {name}: name its real encoding") from None
        if text:
            if first:
                text = text.removeprefix("\ufeff")
                first = False
            yield text
        if not data:
            return
        data = stream.read(READ_BYTES)


def whole_lines(blocks: Iterator[str], max_chars: int) -> Iterator[str | Overlong]:
    """Regroups text into blocks of whole lines, each closed by a line feed but for the file's last line.

    A line longer than `max_chars` is passed over in bounded memory and reported in its place.
    """
    rest = ""
    for block in blocks:
        if "\n" not in block:
            rest += block
        else:
            text = rest + block
            cut = text.rfind("\n") + 1
            rest = text[cut:]
            yield text[:cut]
        if len(rest) > max_chars:
            digest, length = hashlib.sha256(), 0
            after = ""
            for piece in _chain(rest, blocks):
                line, feed, after = piece.partition("\n")
                data = record_bytes(line)
                digest.update(data)
                length += len(data)
                if feed:
                    break
            yield Overlong(Fingerprint(length, digest.hexdigest()))
            cut = after.rfind("\n") + 1
            rest = after[cut:]
            if cut:
                yield after[:cut]
    if rest:
        yield rest


def _chain(first: str, blocks: Iterator[str]) -> Iterator[str]:
    yield first
    yield from blocks
