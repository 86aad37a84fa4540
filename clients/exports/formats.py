"""The formats of exports, one reader each, by name in `READERS`.

The trap: whatever a reader yields is stored, so the redacted keys go here, at any depth, and nowhere later.
"""

import json
import json.encoder
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from clients.exports.archive import DEFAULT_LIMITS, ArchiveLimits, Member, MemberStream, Source, open_source
from clients.exports.decoding import check_encoding, fingerprint, is_storable, text_blocks
from clients.exports.delimited import MAX_LINE_CHARS, Rows, split_header
from clients.exports.detect import (
    ACCOUNT_NAME,
    CSV_NAME,
    CSV_REQUIRED,
    DATA_SUFFIXES,
    EXTENDED_NAME,
    KAGGLE_COLUMNS,
    LASTFM_WIDTH,
    STARTS,
    TSV_NAME,
    Head,
    base_name_wanted,
    choose_delimiter,
    head_format,
    is_blank,
    is_listens_member,
    line_format,
    read_head,
    record_formats,
    source_format,
)
from clients.exports.errors import EmptyExportError, ExportError, MissingColumnsError, WrongFormatError
from clients.exports.json_records import ArrayRecords, Broken, Found, line_records
from clients.exports.reading import (
    CHUNK_CHARS,
    CHUNK_ROWS,
    DEFAULT_OPTIONS,
    Chunk,
    ChunkBuilder,
    ExportReader,
    ReadOptions,
)

Record = dict[str, Any]

PAYLOAD = ("payload",)
LASTFM_COLUMNS = ("user", "played_at", "artist_mbid", "artist_name", "track_mbid", "track_name")
SPOTIFY_PRIVATE = frozenset(
    {"username", "userName", "ip_addr", "ip_addr_decrypted", "user_agent", "user_agent_decrypted", "conn_country"}
)
EXTENDED_TRACK = ("master_metadata_track_name", "spotify_track_uri", "master_metadata_album_artist_name")
PODCAST_NAME = re.compile(r"streaminghistory_podcast.*", re.IGNORECASE)
AUDIOBOOK_NAME = re.compile(r"streaminghistory_audiobook.*", re.IGNORECASE)
LINE_SUFFIXES = (".jsonl", ".ndjson")
# A header name as people write it: no date, address or long number, so that no row is quoted by mistake.
HEADER_NAME = re.compile(r"(?![^\n]*\d{3})[A-Za-z_][A-Za-z0-9_ /()#-]{0,39}")


def _encoder() -> Callable[[Any], str]:
    """Compact JSON; the encoder is built once, which json.dumps does at every call."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
    encode = make(None, None, json.encoder.encode_basestring, None, ":", ",", False, False, False)
    join = "".join
    return lambda value: join(encode(value, 0))


ENCODE = _encoder()


def without(value: Any, keys: frozenset[str]) -> Any:
    """The JSON value without the given keys at any depth."""
    if isinstance(value, dict):
        return {key: without(inner, keys) for key, inner in value.items() if key not in keys}
    if isinstance(value, list):
        return [without(inner, keys) for inner in value]
    return value


def check_selected(source: Source, reader: str, wanted: Callable[[str], bool], expects: str) -> list[Member]:
    """The reader's members, by name or else by content; raises EmptyExportError, WrongFormatError."""
    chosen = source.select(wanted)
    if not chosen:
        named = source.select(lambda inner: inner.lower().endswith(DATA_SUFFIXES))
        chosen = [member for member in named if head_format(read_head(source, member, None)) == reader]
    if not chosen:
        other = source_format(source)
        if other is not None and other != reader:
            raise wrong_format(source.name, reader, other)
        raise EmptyExportError(f"{source.name} holds nothing of {reader}: expected {expects}")
    return chosen


def wrong_format(name: str, reader: str, other: str | None, expects: str = "") -> WrongFormatError:
    """The error for content of another format."""
    if other is None:
        return WrongFormatError(f"{name} is not {reader}: expected {expects}")
    return WrongFormatError(f"{name} looks like {other}, not {reader}: run import {other}")


class MemberReader:
    """What every reader can say of an export before it reads it, by the members that it would read."""

    def total_bytes(self, path: Path, *, limits: ArchiveLimits = DEFAULT_LIMITS) -> int:
        """Bytes on disk that `chunks` will take. Raises ExportError."""
        with open_source(path, limits) as source:
            return sum(member.size for member in self._members(source))

    def files(self, path: Path, *, limits: ArchiveLimits = DEFAULT_LIMITS) -> list[Path]:
        """The files on disk that `chunks` will read: the file or zip, or of a folder those of the format."""
        with open_source(path, limits) as source:
            members = self._members(source)
            return [path / member.inner for member in members] if source.kind == "folder" else [path]

    def _members(self, source: Source) -> list[Member]:
        raise NotImplementedError


@dataclass(frozen=True)
class JsonReader(MemberReader):
    """Reads records of JSON arrays or lines as one column `payload`: compact JSON without redacted keys."""

    name: str
    expects: str
    redacted: frozenset[str]
    wanted: Callable[[str], bool]
    skip_reason: Callable[[Record, str, ReadOptions], str | None]
    reject_rule: Callable[[Record], str | None] = lambda _record: None

    def chunks(self, path: Path, *, options: ReadOptions = DEFAULT_OPTIONS) -> Iterator[Chunk]:
        """Streams the export; raises ExportError, for a wrong format before the first chunk."""
        check_encoding(options.encoding)
        with open_source(path, options.limits) as source:
            members = self._members(source)
            self._check_format(source, members, options)
            for member in members:
                with source.open(member) as stream:
                    yield from self._member_chunks(member, stream, options)

    def _members(self, source: Source) -> list[Member]:
        return check_selected(source, self.name, self.wanted, self.expects)

    def _check_format(self, source: Source, members: list[Member], options: ReadOptions) -> None:
        """Judges by the first member that holds anything."""
        for member in members:
            head = read_head(source, member, options.encoding)
            if is_blank(head):
                continue
            formats = record_formats(head)
            if self.name in formats or not head.text.strip("[ \t\r\n"):
                return
            other = next((name for name in formats if name), None) or line_format(head)
            if other or formats or "{" not in head.text:
                raise wrong_format(member.name, self.name, other, self.expects)
            return  # all that can be seen is damaged: each record will say so
        raise EmptyExportError(f"{source.name} holds no records: download the export again")

    def _numbered(self, member: Member, stream: MemberStream, options: ReadOptions) -> Iterator[tuple[int, Found]]:
        blocks = text_blocks(stream, options.encoding)
        first = ""
        for block in blocks:
            first = block
            if block.strip():  # blank blocks are dropped: there may be any number of them
                break
        every = chain([first], blocks) if first else blocks
        if member.inner.lower().endswith(LINE_SUFFIXES) and not first.lstrip().startswith("["):
            return line_records(every)
        return enumerate(ArrayRecords(every, STARTS), 1)

    def _member_chunks(self, member: Member, stream: MemberStream, options: ReadOptions) -> Iterator[Chunk]:
        builder = ChunkBuilder(PAYLOAD, member, stream)
        unit = "line" if member.inner.lower().endswith(LINE_SUFFIXES) else "record"
        skip_reason, reject_rule, redacted, encode = self.skip_reason, self.reject_rule, self.redacted, ENCODE
        base = member.name
        tried = chars = 0
        rows, skipped = builder.chunk.rows, builder.chunk.skipped
        for number, found in self._numbered(member, stream, options):
            if isinstance(found, Broken):
                builder.reject(f"{unit} {number}", found.rule, found.fingerprint)
            else:
                record, text = found
                rule: str | None
                reason = skip_reason(record, base, options)
                if reason is not None:
                    skipped[reason] += 1
                elif (rule := reject_rule(record)) is not None:
                    builder.reject(f"{unit} {number}", rule, fingerprint(text))
                else:
                    try:
                        if text.find("{", 1) >= 0 or text.find("[") >= 0:
                            record = without(record, redacted)
                        else:
                            for key in redacted:
                                record.pop(key, None)
                        payload = encode(record)
                        rule = None if is_storable(payload) else "not_utf8"
                    except RecursionError:
                        rule = "too_deep"
                    except ValueError:
                        rule = "not_json"  # a number beyond floating point
                    if rule is None:
                        rows.append((payload,))
                        chars += len(payload)
                    else:
                        builder.reject(f"{unit} {number}", rule, fingerprint(text))
            tried += 1
            if tried >= CHUNK_ROWS or chars >= CHUNK_CHARS:
                yield builder.take()
                tried = chars = 0
                rows, skipped = builder.chunk.rows, builder.chunk.skipped
        yield from builder.last()


@dataclass(frozen=True)
class HeaderedReader(MemberReader):
    """Reads delimited text with a header: every column as text, an empty one as None. A `user_id` is a name still."""

    name: str
    expects: str
    columns: tuple[str, ...]
    first_unnamed: str = ""
    any_delimiter: bool = True

    def chunks(self, path: Path, *, options: ReadOptions = DEFAULT_OPTIONS) -> Iterator[Chunk]:
        """Streams the file; raises MissingColumnsError and other ExportErrors before the first chunk."""
        check_encoding(options.encoding)
        given = options.delimiter
        if given is not None and (len(given) != 1 or given in '"\r\n\0'):
            raise ExportError("the delimiter must be one character, for example ';'")
        with open_source(path, options.limits) as source:
            members = [member for member in self._members(source) if self._check_header(source, member, options)]
            if not members:
                raise EmptyExportError(f"{source.name} holds no rows: export it again")
            for member in members:
                with source.open(member) as stream:
                    yield from self._member_chunks(member, stream, options)

    def _members(self, source: Source) -> list[Member]:
        return check_selected(source, self.name, base_name_wanted(CSV_NAME), self.expects)

    def _needed(self, options: ReadOptions) -> list[str]:
        optional = {self.first_unnamed, "user_id" if options.user_given else ""}
        return [name for name in self.columns if name not in optional]

    def _delimiter(self, header: str, options: ReadOptions) -> str:
        if not self.any_delimiter:
            return ","
        return options.delimiter or choose_delimiter(header)

    def _check_header(self, source: Source, member: Member, options: ReadOptions) -> bool:
        """False for a blank member; raises where the header does not fit."""
        head = read_head(source, member, options.encoding)
        if is_blank(head) or not head.lines:
            return False
        header = head.lines[0]
        found = split_header(header, self._delimiter(header, options))
        known = {name.casefold() for name in found}
        missing = [name for name in self._needed(options) if name not in known]
        if not missing:
            return True
        other = head_format(head)
        if other is not None and other != self.name:
            raise wrong_format(member.name, self.name, other)
        need = ", ".join(self._needed(options))
        shown = [name for name in found if name]
        if shown and len(shown) <= 100 and all(HEADER_NAME.fullmatch(name) for name in shown):
            raise MissingColumnsError(
                f"{member.name} lacks {', '.join(missing)}: found {', '.join(shown)}; needed {need}: "
                "add or rename the columns"
            )
        raise MissingColumnsError(f"{member.name} has no header in its first line: needed {need}")

    def _names(self, header: list[str]) -> tuple[str, ...]:
        """Lower-case names, each once: a repeated or empty name is numbered by its position."""
        names: list[str] = []
        for position, name in enumerate((name.casefold() for name in header), 1):
            if not name:
                name = self.first_unnamed if position == 1 and self.first_unnamed else f"column_{position}"
            names.append(f"{name}_{position}" if name in names else name)
        return tuple(names)

    def _member_chunks(self, member: Member, stream: MemberStream, options: ReadOptions) -> Iterator[Chunk]:
        blocks = text_blocks(stream, options.encoding)
        line, header, rest = _take_header(blocks)
        delimiter = self._delimiter(header, options)
        names = self._names(split_header(header, delimiter))
        rows = Rows(chain([rest], blocks), delimiter=delimiter, width=len(names), line=line)
        yield from delimited_chunks(ChunkBuilder(names, member, stream), rows)


def _take_header(blocks: Iterator[str]) -> tuple[int, str, str]:
    """Number and text of the first line that is not blank, and the text after it in the blocks taken."""
    text, number = "", 0
    for block in blocks:
        text += block
        while "\n" in text:
            header, _feed, text = text.partition("\n")
            number += 1
            if header.strip():
                return number, header.removesuffix("\r"), text
        if len(text) > MAX_LINE_CHARS:
            break
    return number + 1, text, ""


def delimited_chunks(builder: ChunkBuilder, rows: Rows) -> Iterator[Chunk]:
    """Chunks of one delimited member."""
    for batch in rows:
        builder.chunk.rows += batch.rows
        for number, rule, found in batch.rejects:
            builder.reject(f"line {number}", rule, found)
        if builder.full(batch.chars):
            yield builder.take()
    yield from builder.last()


@dataclass(frozen=True)
class LastfmReader(MemberReader):
    """Reads the Last.fm-1K layout: tab separated, no header, quotes are plain text. Its `user` is a name still."""

    name: str
    expects: str

    def chunks(self, path: Path, *, options: ReadOptions = DEFAULT_OPTIONS) -> Iterator[Chunk]:
        """Streams the file; raises ExportError, for a wrong format before the first chunk."""
        check_encoding(options.encoding)
        with open_source(path, options.limits) as source:
            members = self._members(source)
            heads = [read_head(source, member, options.encoding) for member in members]
            if all(is_blank(head) for head in heads):
                raise EmptyExportError(f"{source.name} holds no rows: download the export again")
            for member, head in zip(members, heads, strict=True):
                self._check_shape(member, head)
            for member in members:
                with source.open(member) as stream:
                    blocks = text_blocks(stream, options.encoding)
                    rows = Rows(blocks, delimiter="\t", width=LASTFM_WIDTH, quoted=False)
                    yield from delimited_chunks(ChunkBuilder(LASTFM_COLUMNS, member, stream), rows)

    def _members(self, source: Source) -> list[Member]:
        return check_selected(source, self.name, base_name_wanted(TSV_NAME), self.expects)

    def _check_shape(self, member: Member, head: Head) -> None:
        other = head_format(head)
        if other is not None and other != self.name:
            raise wrong_format(member.name, self.name, other)
        shaped = any(line.count("\t") == LASTFM_WIDTH - 1 for line in head.lines)
        if not shaped and head.lines:
            raise wrong_format(member.name, self.name, None, self.expects)


def _extended_skip(record: Record, _base: str, options: ReadOptions) -> str | None:
    get = record.get
    if get("spotify_episode_uri") or get("episode_name"):
        return "podcast"
    if get("audiobook_uri") or get("audiobook_title") or get("audiobook_chapter_uri"):
        return "audiobook"
    if get("incognito_mode") is True and options.skip_incognito:
        return "incognito"
    return "no_track" if get("ts") and not any(get(name) for name in EXTENDED_TRACK) else None


def _extended_rule(record: Record) -> str | None:
    """Spotify lists plays without a track, always with their time: without either it is a damaged record, no policy."""
    return None if any(record.get(name) for name in ("ts", *EXTENDED_TRACK)) else "not_a_play"


def _account_skip(record: Record, base: str, _options: ReadOptions) -> str | None:
    if AUDIOBOOK_NAME.fullmatch(base):
        return "audiobook"
    if "podcastName" in record or PODCAST_NAME.fullmatch(base):
        return "podcast"
    return None


def _listen_skip(record: Record, _base: str, _options: ReadOptions) -> str | None:
    if record.get("playing_now") is True and record.get("listened_at") is None:
        return "playing_now"
    return None


def _listen_rule(record: Record) -> str | None:
    """A submission wraps many listens: taken as one record it would be lost, so it is said."""
    return "not_a_listen" if "listen_type" in record and "payload" in record else None


READERS: dict[str, ExportReader] = {
    "spotify-extended": JsonReader(
        name="spotify-extended",
        expects="Streaming_History_Audio_*.json, Streaming_History_Video_*.json or endsong_*.json",
        redacted=SPOTIFY_PRIVATE,
        wanted=base_name_wanted(EXTENDED_NAME),
        skip_reason=_extended_skip,
        reject_rule=_extended_rule,
    ),
    "spotify-account": JsonReader(
        name="spotify-account",
        expects="StreamingHistory_music_*.json or StreamingHistory*.json",
        redacted=SPOTIFY_PRIVATE,
        wanted=base_name_wanted(ACCOUNT_NAME),
        skip_reason=_account_skip,
    ),
    "listenbrainz": JsonReader(
        name="listenbrainz",
        expects="listens/YYYY/M.jsonl or *_listens.json, one listen a record",
        redacted=frozenset({"user_name", "user_id"}),
        wanted=is_listens_member,
        skip_reason=_listen_skip,
        reject_rule=_listen_rule,
    ),
    "lastfm-1k": LastfmReader(
        name="lastfm-1k",
        expects=f"a .tsv without header, {LASTFM_WIDTH} tab separated columns: {', '.join(LASTFM_COLUMNS)}",
    ),
    "csv": HeaderedReader(
        name="csv",
        expects=f"a .csv with a header of {', '.join(CSV_REQUIRED)}",
        columns=CSV_REQUIRED,
    ),
    "kaggle-tracks": HeaderedReader(
        name="kaggle-tracks",
        expects="a .csv with a header of track_id, artists, album_name, track_name and audio features",
        columns=KAGGLE_COLUMNS,
        first_unnamed="row_number",
        any_delimiter=False,
    ),
}
