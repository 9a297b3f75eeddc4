"""Which numbers does a registry's file name, and what is wrong with the other lines?

Pure: bytes in, numbers by part of the lists out, a batch at a time. Every line that is neither blank nor a header
is accounted for exactly once, as accepted or with the reason it was rejected for.
"""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal
from xml.parsers import expat

from django.utils.translation import gettext as _

from leads import numbers
from leads.registries.bitmaps import area_of, part_of
from leads.registries.files import LONGEST_LINE, Chunk, FileRefused, lines

Layout = Literal["flat", "change", "xml", "column"]

# How much of a rejected line is kept.
KEPT = 80


@dataclass(frozen=True, slots=True)
class Rejected:
    line: int
    value: str
    reason: str


Values = dict[str, "array[int]"]


@dataclass(slots=True)
class Batch:
    """What some lines say: values to put on each part's list and to take off it; no number is in both."""

    lines: int = 0
    accepted: int = 0
    added: Values = field(default_factory=dict)
    removed: Values = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    # Of the rejected, those of another area than the file was said to be of.
    astray: int = 0


@dataclass(frozen=True, slots=True)
class Expected:
    """What the file should hold: numbers read as dialled in `region` ("" for +… only), of these areas alone
    (None: of any)."""

    region: str = ""
    areas: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is laid out. `columns` of a change list: where the area, number and flag stand."""

    layout: Layout
    changes: bool = False
    columns: Columns | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """Positions in a line of a change list; without `area` the number has all ten digits."""

    number: int
    flag: int
    area: int | None = None


# --- Recognising --------------------------------------------------------------------------------------------

_FLAGS = {
    "a": True, "add": True, "added": True, "i": True, "insert": True, "inserted": True,
    "d": False, "delete": False, "deleted": False,
}  # fmt: skip
_HEADERS = {
    "area": {"area", "areacode", "ac", "npa"},
    "number": {"number", "phone", "phonenumber", "telephonenumber", "telephone", "tel", "ph", "localnumber"},
    "flag": {
        "flag",
        "change",
        "changetype",
        "changeflag",
        "type",
        "action",
        "add",
        "adddelete",
        "status",
        "op",
    },
}
_CHANGE_XML = re.compile(
    rb"<list\b[^>]*\btype\s*=\s*[\"']\s*change|<(?:\w+:)?ph\w*\b[^>]*\b(?:flag|add|action|change|chg|changetype)\s*=|"
    rb"<(?:\w+:)?(?:flag|change|changetype|action)\b",
    re.IGNORECASE,
)


def recognise(head: bytes, *, national: bool) -> Form:
    """How a file that begins so is laid out; `national`: a registry of one number a line, in no given shape.

    Raises FileRefused for a list of changes without a column of flags.
    """
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<"):
        return Form("xml", changes=bool(_CHANGE_XML.search(text)))
    if national:
        return Form("column")
    first, header = _first_line(text)
    if len(first) >= 3:
        return Form("change", changes=True, columns=_columns(first, header))
    return Form("flat")


def _first_line(text: bytes) -> tuple[list[str], list[str]]:
    """The cells of the first line that holds digits, and of the header before it where there is one."""
    header: list[str] = []
    for line in text.splitlines()[:50]:
        cells = _cells(line)
        if any(re.search(r"\d", cell) for cell in cells):
            return cells, header
        header = header or cells
    return [], header


def _cells(line: bytes) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.decode("utf-8", "replace").split(",")]


def _columns(first: list[str], header: list[str]) -> Columns:
    """Where what stands: by the header's names, else by what the cells look like."""
    found: dict[str, int] = {}
    for place, name in enumerate(header):
        plain = re.sub(r"[^a-z]", "", name.lower())
        for column, names in _HEADERS.items():
            if plain in names:
                found.setdefault(column, place)
    if not header:
        shapes = {"area": r"\d{3}", "number": r"\d{7}|\d{10}", "flag": r"[A-Za-z]+"}
        for column, shape in shapes.items():
            for place, cell in enumerate(first):
                if re.fullmatch(shape, cell) and place not in found.values():
                    found.setdefault(column, place)
    if "number" not in found or "flag" not in found:
        raise FileRefused(
            _("The columns are not known (%s); expected area code, number, flag (A or D) and date.")
            % ", ".join(header or first)[:200]
        )
    return Columns(found["number"], found["flag"], found.get("area"))


# --- Reading ------------------------------------------------------------------------------------------------


def read(data: Iterator[bytes], form: Form, expected: Expected) -> Iterator[Batch]:
    """The file in batches. Raises FileRefused for an unknown flag of a change list, and for XML that is none."""
    if form.layout == "xml":
        return _read_xml(data, form, expected)
    return (_read_chunk(chunk, form, expected) for chunk in lines(data))


def _read_chunk(chunk: Chunk, form: Form, expected: Expected) -> Batch:
    if chunk.too_long:
        reason = _("longer than %d characters") % LONGEST_LINE
        return Batch(1, rejected=[Rejected(chunk.line, _shown(chunk.text), reason)])
    if form.layout == "flat":
        fast = _fast_flat(chunk.text, expected)
    elif form.layout == "column" and expected.region == "GB":
        fast = _fast_british(chunk.text)
    else:
        fast = None
    return fast or _by_line(chunk, form, expected)


def _shown(text: bytes) -> str:
    return "".join(c if c.isprintable() else "?" for c in text.decode("utf-8", "replace").strip())[:KEPT]


_FLAT_LINES = re.compile(rb"(?:[2-9][0-9]{2},?[0-9]{7}\r?\n)++")
_PER_AREA = 10**7


def _fast_flat(text: bytes, expected: Expected) -> Batch | None:
    """A chunk without a fault, as nearly all are."""
    if not _FLAT_LINES.fullmatch(text):
        return None
    found = list(map(int, text.replace(b",", b"").split()))
    grouped = _grouped(found, _PER_AREA)
    added = {f"1{area}": array("I", values) for area, values in grouped.items()}
    if expected.areas is not None and any(area_of(key) not in expected.areas for key in added):
        return None
    return Batch(len(found), len(found), added)


_BRITISH_LINES = re.compile(rb"(?:0[1235789][0-9]{9}\r?\n)++")
_PER_LEAD = 10**8


def _fast_british(text: bytes) -> Batch | None:
    """The same for British numbers: 0 and ten digits, blanks anywhere."""
    plain = text.replace(b" ", b"")
    if not _BRITISH_LINES.fullmatch(plain):
        return None
    found = list(map(int, plain.split()))
    grouped = _grouped(found, _PER_LEAD)
    # Behind a 1, as `part_of` writes what follows the leading digits.
    added = {f"44{lead}": array("I", [_PER_LEAD + value for value in some]) for lead, some in grouped.items()}
    return Batch(len(found), len(found), added)


def _grouped(found: list[int], size: int) -> dict[int, list[int]]:
    """Numbers by what precedes their last digits; lists are sorted, so that it is mostly one group."""
    first = min(found) // size
    if first == max(found) // size:
        base = first * size
        return {first: [number - base for number in found]}
    groups: dict[int, list[int]] = defaultdict(list)
    for number in found:
        groups[number // size].append(number % size)
    return groups


@dataclass(slots=True)
class _Collected:
    """A batch being put together number by number; of two lines about one number the later one holds."""

    expected: Expected
    batch: Batch = field(default_factory=Batch)
    wanted: dict[tuple[str, int], bool] = field(default_factory=dict)

    def take(self, line: int, shown: str, e164: str, *, add: bool) -> None:
        part = part_of(e164)
        if part is None:
            self.reject(line, shown, _("no number that can be on a list"))
            return
        areas = self.expected.areas
        if areas is not None and area_of(part.key) not in areas:
            self.batch.astray += 1
            self.reject(line, shown, _("of area %s, not of this list's") % area_of(part.key))
            return
        self.batch.lines += 1
        self.batch.accepted += 1
        self.wanted[part.key, part.value] = add

    def reject(self, line: int, shown: str, reason: str) -> None:
        self.batch.lines += 1
        self.batch.rejected.append(Rejected(line, shown, reason))

    def done(self) -> Batch:
        for (key, value), add in self.wanted.items():
            target = self.batch.added if add else self.batch.removed
            target.setdefault(key, array("I")).append(value)
        return self.batch


def _by_line(chunk: Chunk, form: Form, expected: Expected) -> Batch:
    collected = _Collected(expected)
    for line, text in enumerate(chunk.text.split(b"\n")[:-1], chunk.line):
        plain = text.strip(b" \t\r\x00\x1a")
        if not plain or (line == 1 and _is_header(plain)):
            continue
        if len(plain) > LONGEST_LINE:
            collected.reject(line, _shown(plain), _("longer than %d characters") % LONGEST_LINE)
            continue
        add = _flag(line, plain, form.columns) if form.columns else True
        try:
            e164 = _number(plain, form, expected)
        except numbers.NumberRefused as refused:
            collected.reject(line, _shown(plain), refused.reason)
        else:
            collected.take(line, _shown(plain), e164, add=add)
    return collected.done()


def _is_header(text: bytes) -> bool:
    return not any(48 <= byte <= 57 for byte in text) and text.lstrip(b"\xef\xbb\xbf\"'")[:1].isalpha()


def _flag(line: int, text: bytes, columns: Columns) -> bool:
    cells = _cells(text)
    flag = cells[columns.flag] if columns.flag < len(cells) else ""
    return _meaning(line, flag)


def _meaning(line: int, flag: str) -> bool:
    add = _FLAGS.get(flag.strip().lower())
    if add is None:
        raise FileRefused(
            _(
                "Line %(line)d: the flag %(flag)r is not known; expected A (add) or D (delete). Nothing was loaded."
            )
            % {"line": line, "flag": flag[:20]}
        )
    return add


_FLAT = re.compile(r"([2-9]\d\d),?(\d{7})", re.ASCII)


def _number(text: bytes, form: Form, expected: Expected) -> str:
    """The number of one line in E.164; raises NumberRefused."""
    if form.layout == "column":
        return _single(text, expected)
    if form.columns is None:
        return _american(text.decode("utf-8", "replace").lstrip("\ufeff").replace(" ", ""))
    cells, columns = _cells(text), form.columns
    wanted = [columns.number] if columns.area is None else [columns.area, columns.number]
    if max(wanted) >= len(cells):
        raise numbers.NumberRefused(_("too few columns"))
    return _american("".join(cells[place] for place in wanted))


def _american(text: str) -> str:
    match = _FLAT.fullmatch(text)
    if match is None:
        raise numbers.NumberRefused(_("expected an area code and seven digits, as in 212,5550123"))
    return f"+1{match[1]}{match[2]}"


def _single(text: bytes, expected: Expected) -> str:
    value = text.decode("utf-8", "replace").strip("\ufeff\"' \t,;")
    if expected.region == "GB" and not value.startswith("+"):
        value = value.replace(" ", "")
    return numbers.parse(value, expected.region or None).e164


# --- XML ----------------------------------------------------------------------------------------------------

_AREA_TAGS = {"ac", "area", "areacode", "npa"}
_NUMBER_TAGS = {"ph", "phone", "phonenumber", "number", "tel", "telephone"}
_FLAG_TAGS = {"flag", "change", "changetype", "action", "add", "chg"}
_VALUE_ATTRIBUTES = ("val", "value", "code", "number", "num", "phone")


class _XmlReader:
    """Areas and numbers as the tags of a list name them: <ac val="401"><ph val="2010001"/></ac>, also as text."""

    def __init__(self, form: Form, expected: Expected) -> None:
        self.form = form
        self.collected = _Collected(expected)
        self.expected = expected
        self.area = ""
        self.open: dict[str, str] | None = None
        self.text: list[str] = []
        self.tags: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _doctype(self, *_args: object) -> None:
        raise FileRefused(_("The XML declares a document type; a registry's list has none."))

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name, given = _plain(tag), {_plain(key): value for key, value in attributes.items()}
        if self.tags and self.tags[-1] in _AREA_TAGS and (text := self._said()):
            self.area = text
        self.tags.append(name)
        self.text = []
        value = next((given[key] for key in _VALUE_ATTRIBUTES if key in given), "")
        if name in _AREA_TAGS:
            self.area = value or self.area
        elif name in _NUMBER_TAGS:
            flag = next((given[key] for key in sorted(_FLAG_TAGS & given.keys())), "")
            area = next((given[key] for key in sorted(_AREA_TAGS & given.keys())), "")
            self.open = {"number": value, "flag": flag, "area": area}

    def _characters(self, text: str) -> None:
        if len(self.text) < LONGEST_LINE:
            self.text.append(text[:LONGEST_LINE])

    def _said(self) -> str:
        return "".join(self.text).strip()[:LONGEST_LINE]

    def _end(self, _tag: str) -> None:
        name, text = self.tags.pop(), self._said()
        if name in _NUMBER_TAGS and self.open is not None:
            self._take(self.open["number"] or text, self.open["area"] or self.area, self.open["flag"])
            self.open = None
        elif self.open is not None and name in _FLAG_TAGS:
            self.open["flag"] = self.open["flag"] or text
        elif self.open is not None and name in _AREA_TAGS:
            self.open["area"] = text
        elif self.open is None and name in _AREA_TAGS and text:
            self.area = text
        self.text = []

    def _take(self, number: str, area: str, flag: str) -> None:
        line = self.parser.CurrentLineNumber
        shown = ",".join(filter(None, (area, number)))[:KEPT]
        if flag and not self.form.changes:
            raise FileRefused(_("Line %d: a full list has no flags; is it a change list?") % line)
        add = _meaning(line, flag) if self.form.changes else True
        try:
            e164 = _american(number if len(number) == 10 else area + number)
        except numbers.NumberRefused as refused:
            self.collected.reject(line, shown, refused.reason)
        else:
            self.collected.take(line, shown, e164, add=add)

    def batch(self) -> Batch:
        done, self.collected = self.collected.done(), _Collected(self.expected)
        return done


def _plain(tag: str) -> str:
    return re.sub(r"[^a-z]", "", tag.rpartition(":")[2].lower())


def _read_xml(data: Iterable[bytes], form: Form, expected: Expected) -> Iterator[Batch]:
    reader = _XmlReader(form, expected)
    try:
        for block in data:
            reader.parser.Parse(block, False)
            yield reader.batch()
        reader.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise FileRefused(_("The XML cannot be read (%s); download it again.") % error) from error
    yield reader.batch()
