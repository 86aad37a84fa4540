"""Splits delimited text into rows of one width; whatever is wrong with a line costs that line only.

The trap: a stray quote opens a field that swallows the lines after it, so few are joined, and warily.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field

from clients.exports.decoding import SURROGATE, Fingerprint, Overlong, fingerprint, is_storable, whole_lines

MAX_LINE_CHARS = 1 << 20
MAX_JOINED_LINES = 20  # a quoted field holds no longer text in any listening history
DELIMITERS = (",", ";", "\t", "|")
OPEN_QUOTE = "unexpected end of data"  # csv's words under strict=True
FIELD_LIMIT = "field larger than field limit"

Row = tuple[str | None, ...]


@dataclass
class Batch:
    """Rows and rejects (line number, rule, fingerprint) of one block of lines, and its characters."""

    rows: list[Row] = field(default_factory=list)
    rejects: list[tuple[int, str, Fingerprint]] = field(default_factory=list)
    chars: int = 0


def split_header(line: str, delimiter: str, *, quoted: bool = True) -> list[str]:
    """Names of a header line, without surrounding blanks."""
    if quoted:
        try:
            return [name.strip() for name in next(csv.reader([line], delimiter=delimiter, strict=True), [])]
        except csv.Error:
            pass  # a stray quote in the header: its names are matched as they are
    return [name.strip().strip('"') for name in line.split(delimiter)]


class Rows:
    """Iterates over batches of rows. `line` is the number of the lines already taken, as of a header."""

    def __init__(
        self, blocks: Iterator[str], *, delimiter: str, width: int, quoted: bool = True, line: int = 0
    ) -> None:
        self._blocks = blocks
        self._delimiter = delimiter
        self._width = width
        self._quoted = quoted
        self._line = line
        self._carried: list[str] = []

    def __iter__(self) -> Iterator[Batch]:
        for block in whole_lines(self._blocks, MAX_LINE_CHARS):
            if isinstance(block, Overlong):
                batch = self._careful([], final=True, cut=False)
                self._line += 1
                batch.rejects.append((self._line, "too_long", block.fingerprint))
                yield batch
                continue
            closed = block.endswith("\n")
            batch = (None if self._carried or not closed else self._fast(block)) or self._careful(
                (block[:-1] if closed else block).split("\n"), final=not closed, cut=not closed
            )
            batch.chars = len(block)
            yield batch
        if self._carried:
            yield self._careful([], final=True, cut=False)

    def _fast(self, block: str) -> Batch | None:
        """The whole block at once; None where any line of it asks for care."""
        if "\0" in block or not is_storable(block):
            return None
        has_quotes = self._quoted and '"' in block
        if "\r" in block and not has_quotes:
            block = block.replace("\r\n", "\n")
        delimiter, width = self._delimiter, self._width
        lines = block[:-1].split("\n")
        if has_quotes:
            try:
                split = list(csv.reader(lines, delimiter=delimiter, strict=True))
            except csv.Error:
                return None
            if len(split) != len(lines) or set(map(len, split)) != {width}:
                return None
            self._line += len(lines)
            return Batch([tuple([value or None for value in values]) for values in split])
        if {line.count(delimiter) for line in lines} != {width - 1}:
            return None
        if width == 1 and "" in lines:
            return None
        self._line += len(lines)
        values: list[str | None] = list(block[:-1].replace("\n", delimiter).split(delimiter))
        if "" in values:
            values = [value or None for value in values]
        each = iter(values)
        return Batch(list(zip(*[each] * width, strict=True)))

    def _careful(self, fresh: list[str], *, final: bool, cut: bool) -> Batch:
        """Line by line. Lines that an open quote may still join wait for more, unless `final`."""
        lines = self._carried + fresh
        self._carried = []
        batch = Batch()
        at = 0
        while at < len(lines):
            taken, row, rule = self._record(lines, at)
            if taken == 0 and not final:
                self._carried = lines[at:]
                break
            taken = taken or 1
            if row is not None:
                batch.rows.append(row)
            elif rule:
                if cut and at + taken == len(lines) and rule in ("wrong_column_count", "stray_quote"):
                    rule = "truncated"
                batch.rejects.append((self._line + 1, rule, fingerprint("\n".join(lines[at : at + taken]))))
            self._line += taken
            at += taken
        return batch

    def _record(self, lines: list[str], at: int) -> tuple[int, Row | None, str]:
        """Lines taken, and the row or the rule against it; 0 lines when an open quote needs lines to come."""
        line = lines[at].removesuffix("\r")
        if not line:
            return 1, None, ""
        rule = _unreadable(line)
        if rule:
            return 1, None, rule
        if not self._quoted or '"' not in line:
            return 1, *self._checked(line.split(self._delimiter))
        values, problem = self._parse([line])
        if values is not None:
            return 1, *self._checked(values)
        if problem != OPEN_QUOTE:
            return 1, None, problem
        joined = [line]
        for ahead in range(at + 1, at + MAX_JOINED_LINES):
            if ahead >= len(lines):
                return 0, None, "stray_quote"
            line = lines[ahead].removesuffix("\r")
            if _unreadable(line) or self._stands_alone(line):
                break
            joined.append(line)
            if '"' not in line:
                continue
            values, problem = self._parse(joined)
            if values is not None and len(values) == self._width:
                return len(joined), *self._checked(values)
            if problem != OPEN_QUOTE:
                break
        return 1, None, "stray_quote"

    def _stands_alone(self, line: str) -> bool:
        """Whether a line is a record by itself, so that the quote before it was a stray one."""
        if line.count('"') % 2 or line.count(self._delimiter) < self._width - 1 or self._width < 2:
            return False
        values, _problem = self._parse([line])
        return values is not None and len(values) == self._width

    def _parse(self, lines: list[str]) -> tuple[list[str] | None, str]:
        """One record of the lines, or None and why."""
        ends = [line + "\n" for line in lines[:-1]] + lines[-1:]
        try:
            rows = list(csv.reader(ends, delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            reason = str(error)
            if reason == OPEN_QUOTE:
                return None, OPEN_QUOTE
            return None, "too_long" if reason.startswith(FIELD_LIMIT) else "stray_quote"
        return (rows[0], "") if len(rows) == 1 else (None, "stray_quote")

    def _checked(self, values: list[str]) -> tuple[Row | None, str]:
        if len(values) != self._width:
            return None, "wrong_column_count"
        return tuple([value or None for value in values]), ""


def _unreadable(line: str) -> str:
    if "\0" in line:
        return "nul_byte"
    if not line.isascii() and SURROGATE.search(line):
        return "not_utf8"
    return ""
