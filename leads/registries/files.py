"""What is in a file that was handed in as a do-not-call list, read bit by bit and never more than is safe?"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

from django.utils.translation import gettext as _

# The whole list of the largest registry is under 4 GB of text; lines of digits shrink to a fifth, tags to a fiftieth.
MOST_BYTES = 16 * 1024**3
MOST_MEMBERS = 1_000
MOST_EXPANSION = 200
EXPANSION_COUNTS_FROM = 64 * 1024**2

CHUNK_BYTES = 1024**2
# A line of any list has at most some forty characters.
LONGEST_LINE = 1_000

_NAMED = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})_([^_]+)_")


class FileRefused(Exception):
    """The file cannot be loaded; the message says why and what was expected."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a file's name says: "2026-11-1_212_<guid>.txt.zip" is the list of 1 November for the area 212. A name
    that gives no area code ("Global") leaves `area` blank."""

    list_date: date | None
    area: str


def named(file_name: str) -> Named:
    match = _NAMED.match(file_name)
    if match is None:
        return Named(None, "")
    year, month, day, area = match.groups()
    try:
        on = date(int(year), int(month), int(day))
    except ValueError:
        on = None
    return Named(on, area if re.fullmatch(r"[2-9]\d\d", area) else "")


Read = Callable[[int], bytes]


def unpacked(file: BinaryIO) -> Iterator[bytes]:
    """The text of a file, of all the files in it where it is a zip. Raises FileRefused, also half-way."""
    file.seek(0)
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(b"PK"):
        yield from _members(file)
        return
    if magic.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileRefused(_("The file is UTF-16; expected plain text, as the registry gives it."))
    if magic.startswith(b"\x1f\x8b"):
        raise FileRefused(_("The file is packed with gzip; expected plain text or a zip."))
    while data := file.read(CHUNK_BYTES):
        yield data


def _members(file: BinaryIO) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(file) as packed:
            members = [info for info in packed.infolist() if not info.is_dir()]
            if not members:
                raise FileRefused(_("The zip is empty."))
            if len(members) > MOST_MEMBERS:
                raise FileRefused(_("The zip holds more than %d files.") % MOST_MEMBERS)
            room, before = _room(members), 0
            for info in members:
                last = b"\n"
                with packed.open(info) as member:
                    while data := member.read(CHUNK_BYTES):
                        before, last = before + len(data), data[-1:]
                        if before > room:
                            raise FileRefused(
                                _(
                                    "The zip unpacks to far more than a list of numbers would; it was not read on."
                                )
                            )
                        yield data
                if last != b"\n":
                    yield b"\n"
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise FileRefused(_("The zip is damaged (%s); download it again.") % error) from error
    except (NotImplementedError, RuntimeError) as error:
        raise FileRefused(_("The zip cannot be unpacked: %s.") % error) from error


def _room(members: list[zipfile.ZipInfo]) -> int:
    packed = sum(info.compress_size for info in members)
    return min(MOST_BYTES, max(EXPANSION_COUNTS_FROM, packed * MOST_EXPANSION))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines, the first of which is line `line`; or the beginning of one `too_long`."""

    line: int
    text: bytes
    too_long: bool = False


def lines(data: Iterator[bytes]) -> Iterator[Chunk]:
    """The text in chunks that end with a line. Of a line without end only the beginning is kept."""
    rest, line, skipping = b"", 1, False
    for block in data:
        if skipping:
            end = block.find(b"\n")
            if end < 0:
                continue
            block, skipping, line = block[end + 1 :], False, line + 1
        rest += block
        cut = rest.rfind(b"\n") + 1
        if cut:
            text, rest = rest[:cut], rest[cut:]
            yield Chunk(line, text)
            line += text.count(b"\n")
        if len(rest) > CHUNK_BYTES:
            yield Chunk(line, rest[:LONGEST_LINE], too_long=True)
            rest, skipping = b"", True
    if rest:
        yield Chunk(line, rest + b"\n")
