"""How does a file of numbers get onto our own list, and what of it was refused? Command and page read it here."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext

from leads import numbers
from leads.models import OwnListLoad

from . import suppress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

CHUNK = 5_000
SEPARATORS = (",", ";", "\t", "|")
# What such a column is called, in the languages of the product; the first of them that the header has is taken.
USUAL_NAMES = (
    "number",
    "phone",
    "phone number",
    "phone_number",
    "telephone",
    "tel",
    "mobile",
    "msisdn",
    "e164",
    "telefon",
    "telefonnummer",
    "nummer",
    "mobil",
    "numer",
    "numer telefonu",
    "телефон",
    "номер",
    "номер телефона",
)


class FileRefused(Exception):
    """A file that cannot be read as a list of numbers; `field` names what of the request to mend."""

    def __init__(self, reason: str, *, field: str = "file") -> None:
        super().__init__(reason)
        self.reason, self.field = reason, field


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the number it holds, or why it holds none."""

    line: int
    value: str
    e164: str = ""
    reason: str = ""


@dataclass
class Read:
    """What came of the rows of a file so far."""

    rows: int = 0
    accepted: int = 0
    added: int = 0
    refusals: list[dict[str, object]] = field(default_factory=list)


def text_of(content: bytes) -> str:
    """A file's bytes as text. Raises FileRefused."""
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefused(gettext("not UTF-8 text; save the file as CSV UTF-8")) from None
    if not text.strip():
        raise FileRefused(gettext("the file is empty; expected a header and a number a row"))
    return text


def column_of(text: str, asked: str = "") -> str:
    """The column that holds the numbers: the one asked for, else the one usually called so, else the only one."""
    names = _header(text)
    if asked:
        if asked in names:
            return asked
        known = gettext("there is no column “%(asked)s”; the header has %(names)s")
        raise FileRefused(known % {"asked": asked, "names": ", ".join(names)}, field="column")
    folded = {name.strip().casefold(): name for name in names}
    usual = next((folded[name] for name in USUAL_NAMES if name in folded), "")
    if usual or len(names) == 1:
        return usual or names[0]
    known = gettext("say which column holds the numbers; the header has %(names)s")
    raise FileRefused(known % {"names": ", ".join(names)}, field="column")


def read(text: str, *, column: str, region: str) -> Iterator[Row]:
    """Each row's number, read as dialled within `region` unless it begins with +; raises FileRefused."""
    try:
        reader = csv.DictReader(StringIO(text, newline=""), delimiter=separator(text))
        for row in reader:
            value = (row.get(column) or "").strip()
            try:
                yield Row(reader.line_num, value, e164=numbers.parse(value, region).e164)
            except numbers.NumberRefused as refused:
                yield Row(reader.line_num, value[:200], reason=refused.reason)
    except csv.Error as error:
        raise FileRefused(gettext("not a CSV file (%(error)s)") % {"error": error}) from None


def load(
    content: bytes,
    *,
    file_name: str,
    region: str,
    by: AbstractUser | None,
    now: datetime,
    column: str = "",
    reason: str = "",
    most_rows: int | None = None,
) -> OwnListLoad:
    """Put every number of the file on our own list, all of them or, where the file is refused, none.

    Returns the load with its refusals, row by row. A number that is on the list already is accepted and adds nothing.
    """
    text = text_of(content)
    column = column_of(text, column)
    why = (reason.strip() or file_name)[:200]
    found = Read()
    with transaction.atomic():
        for chunk in _chunks(read(text, column=column, region=region)):
            found.rows += len(chunk)
            if most_rows is not None and found.rows > most_rows:
                text = gettext("more than %(most)s rows; load it with manage.py load_suppressions")
                raise FileRefused(text % {"most": f"{most_rows:,}"})
            _take(chunk, found, why, file_name, by=by, now=now)
        return OwnListLoad.objects.create(
            file_name=file_name[:200],
            sha256=hashlib.sha256(content).hexdigest(),
            column=column[:120],
            region=region,
            reason=why,
            rows=found.rows,
            accepted=found.accepted,
            added=found.added,
            refused=len(found.refusals),
            refusals=found.refusals,
            at=now,
            by=by,
        )


def _take(
    chunk: list[Row], found: Read, why: str, file_name: str, *, by: AbstractUser | None, now: datetime
) -> None:
    numbers_found = [row.e164 for row in chunk if row.e164]
    found.accepted += len(numbers_found)
    found.refusals += [
        {"line": row.line, "value": row.value, "reason": row.reason} for row in chunk if row.reason
    ]
    found.added += suppress.suppress_numbers(
        numbers_found, reason=why, channel="file", evidence=f"file {file_name}", by=by, now=now
    )


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) >= CHUNK:
            yield chunk
            chunk = []
    yield chunk


def _header(text: str) -> list[str]:
    try:
        return next(csv.reader(StringIO(text, newline=""), delimiter=separator(text)))
    except (csv.Error, StopIteration) as error:
        raise FileRefused(gettext("not a CSV file (%(error)s)") % {"error": error}) from None


def separator(text: str) -> str:
    """What stands between the columns of the header most often; a comma where there is one column."""
    first = text.lstrip("\r\n").partition("\n")[0]
    return max(SEPARATORS, key=first.count)
