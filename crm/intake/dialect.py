"""How is this file written (encoding, delimiter, header), and can it be read as a table of people at all?"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any, BinaryIO

from django.utils.translation import gettext as _

from crm.intake import encodings, mapping

MAX_BYTES = 256 * 1024 * 1024
MAX_COLUMNS = 500
DELIMITERS = ",;\t|"
SAMPLE_BYTES = 256 * 1024
# Address books put a note above their header (LinkedIn), reports a title.
HEADER_WITHIN_ROWS = 20

# Stands behind the last line: a file with NUL bytes is refused, so no cell can hold it.
_END = "\x00"

_SIGNATURES = {
    b"PK\x03\x04": "XLSX / ZIP",
    b"PK\x05\x06": "ZIP",
    b"\xd0\xcf\x11\xe0": "XLS",
    b"%PDF": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"\x1f\x8b": "GZIP",
    b"7z\xbc\xaf": "7-Zip",
    b"SQLite format 3": "SQLite",
    b"\x7fELF": "ELF",
}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class FileRefused(Exception):
    """The file as a whole cannot be taken; the message says why and what was expected."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to read a file. `header_line` is the physical line its header begins on, `rows` how many rows with
    any content follow it."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    header_line: int
    rows: int = 0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "header": list(self.header)}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Dialect:
        return cls(**{**kept, "header": tuple(kept["header"])})


def recognise(file: BinaryIO) -> Dialect:
    """The dialect of a seekable file, read once through without being held in memory. Raises FileRefused."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise FileRefused(_("The file is empty; expected a header line and one line per person."))
    if size > MAX_BYTES:
        raise FileRefused(
            _("The file has %(size)d MB; at most %(most)d MB can be taken at once. Split it into parts.")
            % {"size": size // 2**20, "most": MAX_BYTES // 2**20}
        )
    encoding = _encoding(file)
    sample = _sample(file, encoding)
    if not sample.strip("\ufeff \t\r\n\f\v"):
        raise FileRefused(_("The file is empty; expected a header line and one line per person."))
    delimiter = _delimiter(sample)
    line, header = _header(sample, delimiter)
    dialect = Dialect(encoding, delimiter, header, line)
    rows = sum(1 for _row in read(file, dialect))
    if not rows:
        raise FileRefused(_("The file has a header and no rows; expected one line per person."))
    return Dialect(encoding, delimiter, header, line, rows)


# --- Encoding -----------------------------------------------------------------------------------------------


def _encoding(file: BinaryIO) -> str:
    file.seek(0)
    start = file.read(4096)
    for signature, name in _SIGNATURES.items():
        if start.startswith(signature):
            raise FileRefused(
                _("This is a %(kind)s file, not a CSV; save the table as CSV first.") % {"kind": name}
            )
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return _checked(file, encoding)
    if len(start) >= 8 and start.count(0) > len(start) // 4:
        even, odd = start[::2].count(0), start[1::2].count(0)
        if min(even, odd) * 8 <= max(even, odd):
            return _checked(file, "utf-16-le" if odd > even else "utf-16-be")
    return _eight_bit(file)


def _checked(file: BinaryIO, encoding: str) -> str:
    """`encoding`, where the whole file really is in it."""
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        for block in iter(lambda: file.read(2**20), b""):
            if "\x00" in decoder.decode(block):
                raise FileRefused(_not_text())
        decoder.decode(b"", final=True)
    except UnicodeError:
        raise FileRefused(
            _("The file begins as %(encoding)s and does not go on as such; save it as CSV in UTF-8.")
            % {"encoding": encoding.removesuffix("-sig").upper()}
        ) from None
    return encoding


def _not_text() -> str:
    return _("The file holds NUL bytes: it is no text. Expected a CSV file; save the table as CSV in UTF-8.")


def _eight_bit(file: BinaryIO) -> str:
    """UTF-8 where all of it is; else the likeliest of the older encodings, judged by the lines that tell."""
    decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
    telling = bytearray()
    file.seek(0)
    for block in iter(lambda: file.read(2**20), b""):
        if b"\x00" in block:
            raise FileRefused(_not_text())
        if decoder is not None:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                decoder = None
        if not block.isascii() and len(telling) < SAMPLE_BYTES:
            telling += b"\n".join(line for line in block.splitlines() if not line.isascii()) + b"\n"
    if decoder is not None:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            decoder = None
    return "utf-8" if decoder is not None else _legacy(bytes(telling[:SAMPLE_BYTES]))


def _legacy(telling: bytes) -> str:
    controls = sum(byte < 32 and byte not in b"\t\r\n\f\v\x1b" for byte in telling)
    if controls * 50 > len(telling):
        raise FileRefused(_not_text())
    return encodings.older(telling)


def _sample(file: BinaryIO, encoding: str) -> str:
    """The file's beginning as text, up to the end of a line."""
    with _as_text(file, encoding) as text:
        sample = text.read(SAMPLE_BYTES)
        return sample + (text.readline(SAMPLE_BYTES) if sample else "")


@contextmanager
def _as_text(file: BinaryIO, encoding: str) -> Iterator[io.TextIOWrapper]:
    file.seek(0)
    # A byte that the encoding does not have is shown as such rather than losing the whole file.
    text = io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")
    try:
        yield text
    finally:
        text.detach()


# --- Delimiter and header -----------------------------------------------------------------------------------


def _delimiter(sample: str) -> str:
    """The delimiter that cuts most rows into the same number of cells, the more cells the better."""
    if declared := re.match(r"\ufeff?sep=([,;\t|])\r?\n", sample):
        return declared[1]

    def score(delimiter: str) -> float:
        rows = [row for _line, row in _of_sample(sample, delimiter)]
        widths = Counter(len(row) for row in rows)
        width, same = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        known = max((mapping.known_columns(row) for row in rows[:HEADER_WITHIN_ROWS]), default=0)
        return known * 2 + (same / len(rows) + min(width, 10) / 10 if width > 1 else 0)

    return max(DELIMITERS, key=score)


def _of_sample(sample: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The rows of a beginning; the cut may run through a quoted cell, or the delimiter be the wrong one."""
    found = []
    try:
        for row in _numbered(io.StringIO(sample, newline=""), delimiter):
            found.append(row)
    except FileRefused:
        pass
    return found


def _header(sample: str, delimiter: str) -> tuple[int, tuple[str, ...]]:
    """Line and cells of the header: the row of the first ones that names most columns we know, else the first."""
    rows = [row for row in _of_sample(sample, delimiter) if not _declares_delimiter(row[1], delimiter)]
    rows = rows[:HEADER_WITHIN_ROWS]
    if not rows:
        raise FileRefused(_("The file is empty; expected a header line and one line per person."))
    line, header = max(rows, key=lambda row: (mapping.known_columns(row[1]), -row[0]))
    if not mapping.known_columns(header):
        line, header = rows[0]
    cells = tuple(cell.strip() for cell in header)
    while cells and not cells[-1]:
        cells = cells[:-1]
    if len(cells) > MAX_COLUMNS:
        raise FileRefused(
            _("The header names %(n)d columns; at most %(most)d can be taken.")
            % {"n": len(cells), "most": MAX_COLUMNS}
        )
    if not mapping.known_columns(cells) and any(_is_content(cell) for cell in cells):
        raise FileRefused(
            _(
                "Line %(line)d is no header but already a person (%(cells)s); expected column names such as "
                "First name, Last name, E-mail, Phone."
            )
            % {"line": line, "cells": delimiter.join(cells)[:80]}
        )
    return line, cells


def _declares_delimiter(cells: list[str], delimiter: str) -> bool:
    return len(cells) <= 2 and delimiter.join(cells).strip() == f"sep={delimiter}".strip()


def _is_content(cell: str) -> bool:
    """No column has a name like this: an address, a number, a date."""
    return bool(re.search(r"\S@\S+\.\S", cell) or re.fullmatch(r"[\d\s+()./:,-]*\d[\d\s+()./:,-]*", cell))


# --- Rows ---------------------------------------------------------------------------------------------------


def read(file: BinaryIO, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of every row below the header that has any content, one at a time; `line` is the physical
    line of the file the row begins on. Raises FileRefused where a quotation mark is never closed."""
    with _as_text(file, dialect.encoding) as text:
        for line, cells in _numbered(text, dialect.delimiter, whole=True):
            if line > dialect.header_line:
                yield line, cells


def _numbered(
    lines: Iterable[str], delimiter: str, *, whole: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Rows with content and the lines they begin on; of a `whole` file also what the last quote swallows."""
    rows = csv.reader(chain(lines, [_END] if whole else []), delimiter=delimiter)
    line = 1
    while True:
        try:
            row = next(rows, None)
        except csv.Error:  # a cell beyond the reader's limit
            raise _unclosed(line) from None
        if row is None or row == [_END]:
            return
        if row and row[-1].endswith(_END):
            raise _unclosed(line)
        if any(cell.strip() for cell in row):
            yield line, row
        line = rows.line_num + 1


def _unclosed(line: int) -> FileRefused:
    return FileRefused(
        _(
            "Line %(line)d: a quotation mark is opened and never closed, or a cell has more than %(most)d "
            "characters."
        )
        % {"line": line, "most": csv.field_size_limit()}
    )
