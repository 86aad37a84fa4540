"""Which format an export is of, told by member names and by the content's first lines or records.

The trap: names are only a hint (people rename), so content decides wherever it can be read.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from clients.exports.archive import Member, Source
from clients.exports.decoding import text_blocks
from clients.exports.delimited import DELIMITERS, split_header
from clients.exports.json_records import ArrayRecords, Broken, record_starts

HEAD_CHARS = 1 << 16
HEAD_RECORDS = 50

EXTENDED_KEYS = frozenset(
    {
        "ts", "ms_played", "master_metadata_track_name", "master_metadata_album_artist_name",
        "master_metadata_album_album_name", "spotify_track_uri", "spotify_episode_uri", "reason_start",
        "incognito_mode",
    }
)  # fmt: skip
ACCOUNT_KEYS = frozenset(
    {"endTime", "msPlayed", "artistName", "trackName", "podcastName", "episodeName", "audiobookName"}
)
LISTEN_KEYS = frozenset({"listened_at", "track_metadata"})
STARTS = record_starts(
    frozenset({"username", "platform", "userName", "user_name", "inserted_at"})
    | EXTENDED_KEYS
    | ACCOUNT_KEYS
    | LISTEN_KEYS
)

CSV_REQUIRED = ("user_id", "played_at", "artist_name", "track_name")
CSV_OPTIONAL = ("album_name", "duration_ms", "ms_played", "spotify_id", "isrc", "recording_mbid")
KAGGLE_COLUMNS = (
    "row_number", "track_id", "artists", "album_name", "track_name", "popularity", "duration_ms", "explicit",
    "danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness", "instrumentalness",
    "liveness", "valence", "tempo", "time_signature", "track_genre",
)  # fmt: skip
KAGGLE_SIGNS = frozenset({"track_id", "artists", "danceability"})
LASTFM_WIDTH = 6
LASTFM_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

EXTENDED_NAME = re.compile(r"(?:streaming_history_(?:audio|video)_.*|endsong_.*)\.json", re.IGNORECASE)
ACCOUNT_NAME = re.compile(r"streaminghistory.*\.json", re.IGNORECASE)
LISTENS_NAME = re.compile(r"(?:\d{1,2}\.jsonl|.*listens.*\.jsonl?)", re.IGNORECASE)
NOT_LISTENS = re.compile(r"(?:user\.json|feedback\.jsonl?|pinned_?recordings?\.jsonl?)", re.IGNORECASE)
TSV_NAME = re.compile(r"(?!userid-profile).*\.tsv", re.IGNORECASE)  # the profiles lie beside the listens
CSV_NAME = re.compile(r".*\.csv", re.IGNORECASE)


def _parts(inner: str) -> list[str]:
    return re.split(r"[/\\]", inner)


def _visible(inner: str) -> bool:
    parts = _parts(inner)
    return not parts[-1].startswith("._") and "__MACOSX" not in parts


def base_name_wanted(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    """A test of members by base name, at any depth; what macOS adds to zips is left out."""
    return lambda inner: _visible(inner) and pattern.fullmatch(_parts(inner)[-1]) is not None


def is_listens_member(inner: str) -> bool:
    """Whether a member holds ListenBrainz listens: `listens/YYYY/M.jsonl` or an older `*_listens.json`."""
    *folders, base = _parts(inner)
    if not _visible(inner) or NOT_LISTENS.fullmatch(base):
        return False
    in_listens = "listens" in (folder.lower() for folder in folders) and base.lower().endswith(".jsonl")
    return in_listens or LISTENS_NAME.fullmatch(base) is not None


NAME_TESTS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("spotify-extended", base_name_wanted(EXTENDED_NAME)),
    ("spotify-account", base_name_wanted(ACCOUNT_NAME)),
    ("listenbrainz", is_listens_member),
)
DATA_SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt")


@dataclass(frozen=True)
class Head:
    """The first characters of a member; `whole` when there are no more."""

    text: str
    whole: bool

    @property
    def lines(self) -> list[str]:
        """Whole lines of the head that are not blank."""
        lines = self.text.split("\n")
        if not self.whole and len(lines) > 1:
            lines.pop()
        return [line.removesuffix("\r") for line in lines if line.strip()]


def read_head(source: Source, member: Member, encoding: str | None) -> Head:
    """Reads the start of a member; raises ExportError where that is not possible."""
    pieces, size = [], 0
    with source.open(member) as stream:
        for block in text_blocks(stream, encoding):
            pieces.append(block)
            size += len(block)
            if size > HEAD_CHARS:
                break
    return Head("".join(pieces)[:HEAD_CHARS], size <= HEAD_CHARS)


def record_format(record: dict[str, Any]) -> str | None:
    """The format that a record's keys speak of."""
    if "track_metadata" in record:
        return "listenbrainz"
    if len(ACCOUNT_KEYS & record.keys()) >= 2:
        return "spotify-account"
    if len(EXTENDED_KEYS & record.keys()) >= 2:
        return "spotify-extended"
    return None


def record_formats(head: Head) -> list[str | None]:
    """The formats of the first readable JSON records, None for records of no known format."""
    formats: list[str | None] = []
    for found in ArrayRecords(iter([head.text]), STARTS):
        if not isinstance(found, Broken):
            formats.append(record_format(found[0]))
        if len(formats) >= HEAD_RECORDS:
            break
    return formats


def choose_delimiter(header: str) -> str:
    """The delimiter under which the header line has the most known names, then the most names."""
    known = {*CSV_REQUIRED, *CSV_OPTIONAL, *KAGGLE_COLUMNS}

    def score(delimiter: str) -> tuple[int, int]:
        names = [name.casefold() for name in split_header(header, delimiter)]
        return len(known.intersection(names)), len(names)

    return max(DELIMITERS, key=score)


def line_format(head: Head) -> str | None:
    """The delimited format that the first lines speak of."""
    lines = head.lines
    if not lines:
        return None
    names = {name.casefold() for name in split_header(lines[0], choose_delimiter(lines[0]))}
    if names >= KAGGLE_SIGNS:
        return "kaggle-tracks"
    if len(names.intersection(CSV_REQUIRED)) >= 2:
        return "csv"
    for line in lines:
        values = line.split("\t")
        if len(values) == LASTFM_WIDTH and LASTFM_TIME.fullmatch(values[1]):
            return "lastfm-1k"
    return None


def is_blank(head: Head) -> bool:
    """Whether there is nothing to read, an empty array included."""
    return head.whole and not head.text.strip("[] \t\r\n")


def head_format(head: Head) -> str | None:
    """The format of a member by its first records or lines."""
    text = head.text.lstrip()
    if text.startswith(("{", "[")):
        return next((name for name in record_formats(head) if name), None)
    return line_format(head)


def source_format(source: Source, encoding: str | None = None) -> str | None:
    """The format of an opened source, names of members first where there are several."""
    heads: Iterable[Member] = source.members
    if source.kind != "file":
        for name, wanted in NAME_TESTS:
            if any(wanted(member.inner) for member in source.members):
                return name
        heads = [
            member
            for member in source.members
            if _visible(member.inner) and member.inner.lower().endswith(DATA_SUFFIXES)
        ]
    formats: Iterator[str | None] = (head_format(read_head(source, member, encoding)) for member in heads)
    return next((name for name in formats if name), None)
