"""How does a file of numbers get onto our own list, and what of it was refused? Command and page read it here.

A small file at once, all or nothing. A large one that a page hands in is kept and read in the background, chunk by
chunk, each with its entries: whose number was read is not called any more, and a process that dies goes on where it
stood.
"""

from __future__ import annotations

import csv
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext

from leads import numbers
from leads.models import OwnListLoad

from . import suppress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet

Status = OwnListLoad.Status
CHUNK = 5_000
# What is read while somebody waits for the page; more goes to the background, so many chunks a turn.
AT_ONCE = 2_000
TURN = 20
# A reader that has said nothing for so long is taken for dead; a chunk takes a second or two.
CLAIM = timedelta(minutes=2)
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


# A cell with the digits of a number and no letter.
_NUMBER = re.compile(r"(?:[^\w]*\d){7,}[^\w]*")


class FileRefused(Exception):
    """A file that cannot be read as a list of numbers; `field` names what of the request to mend."""

    def __init__(self, reason: str, *, field: str = "file") -> None:
        super().__init__(reason)
        self.reason, self.field = reason, field


class TakenOver(Exception):
    """Another process reads the file by now; nothing of this one's chunk is kept."""


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
    """The column that holds the numbers: the one asked for, else the one usually called so, else the only one.

    Raises FileRefused where it is not known, and where the first row is no header: its number would be lost.
    """
    names = _header(text)
    if looks := next((name for name in names if _NUMBER.fullmatch(name)), ""):
        wanted = gettext("the first row holds “%(number)s”; expected a header that names the columns")
        raise FileRefused(wanted % {"number": looks.strip()[:40]})
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


def hand_in(
    content: bytes,
    *,
    file_name: str,
    region: str,
    by: AbstractUser | None,
    now: datetime,
    column: str = "",
    reason: str = "",
) -> OwnListLoad:
    """Put the numbers of a file on our own list: a small one now, a large one by `run`, for which the caller rings.

    Raises FileRefused.
    """
    text = text_of(content)
    column = column_of(text, column)
    rows = sum(1 for line in text.splitlines() if line.strip()) - 1
    if rows <= AT_ONCE:
        return load(content, file_name=file_name, region=region, by=by, now=now, column=column, reason=reason)
    kept = OwnListLoad(
        file_name=file_name[:200],
        sha256=hashlib.sha256(content).hexdigest(),
        column=column[:120],
        region=region,
        reason=(reason.strip() or file_name)[:200],
        status=Status.WAITING,
        rows_expected=rows,
        at=now,
        by=by,
    )
    kept.file.save(f"{secrets.token_hex(16)}.csv", ContentFile(content), save=False)
    kept.save()
    return kept


def waiting(*, now: datetime) -> list[int]:
    """Files to read, the oldest first: new ones, and those whose reader said nothing for a while."""
    return list(_open(now=now).order_by("at", "pk").values_list("pk", flat=True))


def run(pk: int, *, clock: Callable[[], datetime], most_chunks: int = TURN) -> OwnListLoad:
    """Read a file that was handed in for one turn, from where it stood; `waiting` names it again until it is done."""
    if _open(now=clock()).filter(pk=pk).update(status=Status.LOADING, claimed_until=clock() + CLAIM):
        made = OwnListLoad.objects.select_related("by").get(pk=pk)
        try:
            _go_on(made, clock=clock, most_chunks=most_chunks)
        except TakenOver:
            pass
        except FileRefused as refused:
            _end(made, Status.REFUSED, now=clock(), why=refused.reason)
        except FileNotFoundError:
            _end(made, Status.REFUSED, now=clock(), why=gettext("the file is gone; upload it again"))
    return OwnListLoad.objects.get(pk=pk)


def _open(*, now: datetime) -> QuerySet[OwnListLoad]:
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return OwnListLoad.objects.filter(free, status__in=(Status.WAITING, Status.LOADING))


def _go_on(made: OwnListLoad, *, clock: Callable[[], datetime], most_chunks: int) -> None:
    with made.file.open("rb") as file:
        text = text_of(file.read())
    rows = islice(read(text, column=made.column, region=made.region), made.rows, None)
    for turn, chunk in enumerate(_chunks(rows)):
        if turn >= most_chunks:
            OwnListLoad.objects.filter(pk=made.pk).update(claimed_until=None)
            return
        _keep(made, chunk, now=clock())
    _end(made, Status.LOADED, now=clock())


def _keep(made: OwnListLoad, chunk: list[Row], *, now: datetime) -> None:
    """The entries of a chunk and how far the file was read, both or neither."""
    found = Read(made.rows + len(chunk), made.accepted, made.added, list(made.refusals))
    with transaction.atomic():
        # Whoever took the file over meanwhile has moved its rows on: then nothing of this chunk is kept here.
        mine = OwnListLoad.objects.select_for_update().get(pk=made.pk)
        if (mine.rows, mine.status) != (made.rows, Status.LOADING):
            raise TakenOver
        _take(chunk, found, made.reason, made.file_name, by=made.by, now=now)
        made.rows, made.accepted, made.added = found.rows, found.accepted, found.added
        made.refusals, made.refused = found.refusals, len(found.refusals)
        made.claimed_until = now + CLAIM
        made.save(
            update_fields=["rows", "accepted", "added", "refused", "refusals", "claimed_until"],
        )


def _end(made: OwnListLoad, status: str, *, now: datetime, why: str = "") -> None:
    made.file.delete(save=False)
    OwnListLoad.objects.filter(pk=made.pk).update(
        status=status, why=why[:300], finished_at=now, claimed_until=None, file=""
    )


def load(
    content: bytes,
    *,
    file_name: str,
    region: str,
    by: AbstractUser | None,
    now: datetime,
    column: str = "",
    reason: str = "",
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
            rows_expected=found.rows,
            at=now,
            finished_at=now,
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
