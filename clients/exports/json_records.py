"""Splits JSON arrays and JSON lines into records of any number, each one good or broken by itself.

The trap: after a lost quote all looks inside out, so the next record is also sought by how records start.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from clients.exports.decoding import Fingerprint, Overlong, fingerprint, record_bytes, whole_lines

MAX_RECORD_CHARS = 8 << 20
NEAR_CHARS = 1 << 16  # the next record mostly starts within so many characters
OVERLAP_CHARS = 64  # a record's start can lie across two blocks of a record passed over
GAP = re.compile(r"[ \t\r\n,\]]*")
AFTER_RECORD = re.compile(r"[ \t\r\n]*(?:,?[ \t\r\n]*[\[{]|,[ \t\r\n]*[\"\-0-9tfn]|,?[ \t\r\n]*(?:\]|\Z))")
AFTER_ELEMENT = re.compile(r"[ \t\r\n]*[,\]]")
OPENS_RECORDS = re.compile(r"\[[ \t\r\n]*(.?)", re.DOTALL)
OUTSIDE = re.compile(r'["{}\[\]]')
INSIDE = re.compile(r'["\\]')
CLOSED_ENDS = ("}", "]")


@dataclass(frozen=True)
class Broken:
    """A record that could not be read, already passed over."""

    rule: str
    fingerprint: Fingerprint


Found = tuple[dict[str, Any], str] | Broken  # a record with its own text


def _not_json(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity are Python's, not JSON's


DECODER = json.JSONDecoder(parse_constant=_not_json)


def record_starts(keys: frozenset[str]) -> re.Pattern[str]:
    """A pattern for the start of a record whose first key is one of `keys`."""
    return re.compile(r"\{[ \t\r\n]*\"(?:" + "|".join(sorted(map(re.escape, keys))) + r")\"[ \t\r\n]*:")


class Brackets:
    """Follows brackets and strings across blocks until what was open at `depth` is closed."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._in_string = False
        self._escaped = False

    def end(self, text: str, start: int, stop: int) -> int:
        """Position after the closing bracket, -1 when there is none before `stop`; then to be called on."""
        position = start
        if self._escaped and position < stop:
            position += 1
            self._escaped = False
        while True:
            token = (INSIDE if self._in_string else OUTSIDE).search(text, position, stop)
            if token is None:
                return -1
            position = token.end()
            mark = token[0]
            if mark == "\\":
                if position >= stop:
                    self._escaped = True
                    return -1
                position += 1
            elif mark == '"':
                self._in_string = not self._in_string
            elif mark in "{[":
                self._depth += 1
            else:
                self._depth -= 1
                if self._depth <= 0:
                    return position


class ArrayRecords:
    """Iterates over the records of a JSON array given as text blocks; concatenated arrays are read as one.

    Memory is bounded by the longest record, at most MAX_RECORD_CHARS and a little.
    """

    def __init__(self, blocks: Iterator[str], starts: re.Pattern[str]) -> None:
        self._blocks = blocks
        self._starts = starts
        self._text = ""
        self._at = 0
        self._ended = False

    def __iter__(self) -> Iterator[Found]:
        decode, gap = DECODER.raw_decode, GAP.match
        opened = False
        while True:
            text = self._text
            at = gap(text, self._at).end()  # type: ignore[union-attr]  # it matches the empty string too
            self._at = at
            if at == len(text):
                if not self._grow():
                    return
            elif text[at] == "{":
                opened = True
                try:
                    record, end = decode(text, at)
                except (ValueError, RecursionError) as error:
                    found = self._resync("too_deep" if isinstance(error, RecursionError) else "not_json", 0)
                    if found is not None:
                        yield found
                else:
                    self._at = end
                    if end - at > MAX_RECORD_CHARS:
                        yield Broken("too_long", fingerprint(text[at:end]))
                    else:
                        yield record, text[at:end]
            elif text[at] == "[" and (lead := self._opening(opened)) is not False:
                opened = opened or lead is True
            else:
                opened = True
                element = self._element()
                if element is not None:
                    yield element

    def _opening(self, opened: bool) -> bool | None:
        """Steps into an array of records; None when more text was needed, False when it is an element."""
        ahead = OPENS_RECORDS.match(self._text, self._at)
        if opened and ahead is not None and not ahead[1] and self._grow():
            return None
        if opened and ahead is not None and ahead[1] not in ("{", "]", ""):
            return False
        self._at += 1
        return True

    def _element(self) -> Broken | None:
        """Passes over what is no object: an element of another type, or the rest of a damaged record."""
        text, at = self._text, self._at
        rule, depth = "not_json", 1  # a record that lost its opening bracket
        try:
            _value, end = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            if text[at] == "[":
                depth = 0
        else:
            if AFTER_ELEMENT.match(text, end) or (self._ended and not text[end:].strip()):
                self._at = end
                return Broken("not_an_object", fingerprint(text[at:end]))
            if end == len(text) and self._grow():
                return None
        return self._resync(rule, depth)

    def _grow(self) -> bool:
        """Drops what was read and reads on, at least doubling what is left; False at the end."""
        rest = self._text[self._at :]
        pieces, fresh = [rest], 0
        while not self._ended and fresh <= len(rest):
            block = next(self._blocks, None)
            if block is None:
                self._ended = True
            else:
                pieces.append(block)
                fresh += len(block)
        self._text, self._at = "".join(pieces), 0
        return fresh > 0

    def _resync(self, rule: str, depth: int) -> Broken | None:
        """Passes over the broken record; None when more text was read and it is to be tried again."""
        text, at = self._text, self._at
        brackets = Brackets(depth)
        following = self._starts.search(text, at + 1, at + NEAR_CHARS)
        stop = following.start() if following else len(text)
        end = brackets.end(text, at, stop)
        if end >= 0 and AFTER_RECORD.match(text, end):
            return self._broken(rule, end)
        if following is None:
            following = self._starts.search(text, at + 1)
        if following is not None:
            return self._broken(rule, following.start())
        if not self._ended:
            if len(text) - at > MAX_RECORD_CHARS:
                return self._pass_over(depth)
            if self._grow():
                return None
            return self._resync(rule, depth)
        if not text.rstrip().endswith(CLOSED_ENDS):
            rule = "truncated"
        return self._broken(rule, len(text))

    def _broken(self, rule: str, end: int) -> Broken:
        at = self._at
        self._at = end
        return Broken(rule, fingerprint(self._text[at:end].rstrip(", \t\r\n")))

    def _pass_over(self, depth: int) -> Broken:
        """Drops a record that is too long block by block, up to its end or the next record's start."""
        digest, length = hashlib.sha256(), 0
        brackets = Brackets(depth)
        while True:
            text, at = self._text, self._at
            following = self._starts.search(text, at + (not length))
            stop = following.start() if following else len(text) if self._ended else len(text) - OVERLAP_CHARS
            end = brackets.end(text, at, stop)
            cut = end if end >= 0 else stop
            data = record_bytes(text[at:cut])
            digest.update(data)
            length += len(data)
            self._at = cut
            if end >= 0 or following or (self._ended and cut == len(text)):
                return Broken("too_long", Fingerprint(length, digest.hexdigest()))
            self._grow()


def line_records(blocks: Iterator[str]) -> Iterator[tuple[int, Found]]:
    """Records of JSON lines with their line number; blank lines are none."""
    number = 0
    for block in whole_lines(blocks, MAX_RECORD_CHARS):
        if isinstance(block, Overlong):
            number += 1
            yield number, Broken("too_long", block.fingerprint)
            continue
        cut = not block.endswith("\n")
        lines = block.split("\n")
        last = len(lines) - 1
        for index, line in enumerate(lines):
            if index == last and not cut:
                break
            number += 1
            line = line.strip(" \t\r")
            if line:
                yield number, _line_record(line, whole=not (cut and index == last))


def _line_record(line: str, whole: bool) -> Found:
    try:
        value, end = DECODER.raw_decode(line)
    except RecursionError:
        return Broken("too_deep", fingerprint(line))
    except ValueError:
        cut = not whole and not line.endswith("}")
        return Broken("truncated" if cut else "not_json", fingerprint(line))
    if end != len(line):
        return Broken("not_json", fingerprint(line))
    if not isinstance(value, dict):
        return Broken("not_an_object", fingerprint(line))
    return value, line
