"""What does one row say of a lead? Cells in, a NewLead out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.utils.translation import gettext as _

from crm.intake.mapping import Column
from leads import numbers
from leads.facts import FieldError, shown
from leads.places import STATES_DECIDE, country_code, region_code
from leads.prepare import LeadRefused, NewLead, PhoneInput

# What programs write where a cell is empty. Not for names: there is a Mr Null.
_BLANKS = frozenset(
    {"-", "--", ".", "n/a", "na", "#n/a", "null", "none", "nan", "nil", "(blank)", "unknown", "?"}
)
_FREE_TEXT = frozenset({"research", "needs", "cares_about", "buying_power", "links"})
_NEVER_BLANK = frozenset({"full_name", "first_name", "last_name", "company", "research", "needs"})
# Google Contacts puts several values into one cell with this between them.
_SEVERAL = " ::: "
_SALUTATIONS = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "dr",
        "prof",
        "professor",
        "sir",
        "madam",
        "hr",
        "herr",
        "fr",
        "frau",
        "fru",
        "frk",
        "pan",
        "pani",
        "dipl-ing",
        "ing",
        "mag",
        "г-н",
        "г-жа",
        "mgr",
        "inż",
        "rev",
        "hon",
        "dame",
        "lord",
        "lady",
        "m",
        "mme",
        "mlle",
        "sr",
        "sra",
    ]
)
_SUFFIXES = frozenset(["jr", "sr", "ii", "iii", "iv", "phd", "md", "mba", "esq", "cpa", "dds"])
_PARTICLES = frozenset(
    [
        "van",
        "von",
        "de",
        "der",
        "den",
        "del",
        "della",
        "di",
        "da",
        "dos",
        "du",
        "la",
        "le",
        "el",
        "al",
        "bin",
        "ibn",
        "af",
        "av",
        "ter",
        "ten",
        "te",
        "zu",
        "zur",
        "vom",
        "st",
        "st.",
        "o'",
    ]
)
_PATRONYMIC = re.compile(r".+(вич|ич|вна|ична)$", re.IGNORECASE)


def to_lead(cells: Sequence[str], columns: Sequence[Column], *, namespace: str, home: str) -> NewLead:
    """The lead a row describes, unchecked. `namespace` is where ids of no named system count, `home` the country
    of numbers and states where the row names none. Raises LeadRefused where the row does not fit its header."""
    if any(cell.strip() for cell in cells[len(columns) :]):
        raise LeadRefused([_too_wide(cells, columns)])
    found: dict[str, list[str]] = {}
    phones: list[PhoneInput] = []
    ids: dict[str, str] = {}
    for column, cell in zip(columns, cells, strict=False):
        text = _value(column.target, cell)
        if not column.target or not text:
            continue
        if column.target == "phone":
            phones += _phones(text, column, cells)
        elif column.target == "external_id":
            ids.setdefault(column.source or namespace, text)
        elif column.target == "full_name":
            found["full_name"] = [text] if not column.family_name_first else [_family_last(text)]
        else:
            found.setdefault(column.target, []).extend(text.split(_SEVERAL))
    fields = _fields(found)
    _place(fields, home)
    return NewLead(fields, phones, ids)


def _too_wide(cells: Sequence[str], columns: Sequence[Column]) -> FieldError:
    return FieldError(
        "row",
        "too_many_cells",
        _("%(n)d cells") % {"n": len(cells)},
        _("%(n)d, as in the header; a cell that holds the delimiter needs quotation marks")
        % {"n": len(columns)},
        shown(" | ".join(cells)),
    )


def _value(target: str, cell: str) -> str:
    """A cell's text. An apostrophe before a sign is how a spreadsheet marks text, and how our own export does."""
    text = cell.strip().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > 1 and text[0] == "'" and text[1] in "=+-@\t\r":
        text = text[1:].strip()
    return "" if target not in _NEVER_BLANK and text.casefold() in _BLANKS else text


def _fields(found: dict[str, list[str]]) -> dict[str, object]:
    full_name = found.pop("full_name", [""])[0]
    emails = [part for text in found.pop("email", []) for part in re.split(r"[;,\s]+", text) if part]
    fields: dict[str, object] = {
        target: _together(target, texts) for target, texts in found.items() if target != "value"
    }
    if full_name and not (fields.get("first_name") or fields.get("last_name")):
        fields |= split_name(full_name, salutation=str(fields.get("salutation", "")))
    if emails:
        fields["email"] = emails[0].removeprefix("mailto:")
    if others := [e for e in dict.fromkeys(emails[1:]) if e.casefold() != emails[0].casefold()]:
        # A lead has one address; what else the file knew is kept where a person sees it.
        note = _("Other e-mail addresses: %s") % ", ".join(others)
        fields["research"] = f"{fields['research']}\n{note}" if fields.get("research") else note
    if "value" in found:
        fields["value"] = _amount(found["value"][0])
    return fields


def _together(target: str, texts: list[str]) -> str:
    if target in ("first_name", "last_name", "address"):
        return " ".join(texts)
    return "\n".join(texts) if target in _FREE_TEXT else texts[0]


def split_name(name: str, *, salutation: str = "") -> dict[str, str]:
    """First and last name (and salutation) of a name in one piece: "Dr. Ann Lee", "Lee, Ann", "Jan van Dyk"."""
    words = name.split()
    before: list[str] = []
    while len(words) > 1 and words[0].rstrip(".").casefold() in _SALUTATIONS:
        before.append(words.pop(0))
    titles = {"salutation": " ".join(before)} if before and not salutation else {}
    last, comma, first = " ".join(words).partition(",")
    if comma and first.strip().rstrip(".").casefold() not in _SUFFIXES:
        return titles | {"first_name": first.strip(), "last_name": last.strip()}
    if len(words) == 1:
        return titles | {"first_name" if not titles else "last_name": words[0]}
    start = len(words) - 1
    while start > 1 and words[start].strip(".,").casefold() in _SUFFIXES:
        start -= 1
    while start > 1 and words[start - 1].casefold() in _PARTICLES:
        start -= 1
    return titles | {"first_name": " ".join(words[:start]), "last_name": " ".join(words[start:])}


def _family_last(name: str) -> str:
    """ "Иванов Иван Иванович" as "Иванов, Иван Иванович"; told by the column, or here by the patronymic."""
    family, _space, rest = name.strip().partition(" ")
    if not rest or _PATRONYMIC.fullmatch(rest.split()[0]):
        return name
    return f"{family}, {rest}"


def _phones(text: str, column: Column, cells: Sequence[str]) -> list[PhoneInput]:
    labels = cells[column.label_from].split(_SEVERAL) if _has(cells, column.label_from) else []
    found = []
    for position, part in enumerate(text.split(_SEVERAL)):
        label = labels[min(position, len(labels) - 1)].strip("* ").strip()[:40] if labels else ""
        for raw in numbers.split(part):
            # Spreadsheets and data frames turn numbers into 4532123456.0; more digits lost are lost.
            found.append(PhoneInput(re.sub(r"^(\d{7,15})\.0+$", r"\1", raw), label=label or column.label))
    for phone in found:
        if re.fullmatch(r"[+-]?\d([.,]\d+)?[eE]\+?\d+", phone.raw):
            raise LeadRefused(
                [
                    FieldError(
                        "phone",
                        "rounded",
                        _("a spreadsheet has rounded this number"),
                        _("all its digits; format the column as text before saving"),
                        shown(phone.raw),
                    )
                ]
            )
    return found


def _has(cells: Sequence[str], column: int | None) -> bool:
    return column is not None and column < len(cells)


def _amount(text: str) -> str:
    """ "$1,200.50", "1.200,50 €" and "1 200,50 zł" as 1200.50; what is no amount stays as it is."""
    bare = re.sub(r"[^\d.,+-]", "", text)
    if not re.fullmatch(r"[+-]?\d[\d.,]*", bare) or len(re.findall(r"[^\W\d_]", text)) > 3:
        return text
    point = max(bare.rfind("."), bare.rfind(","))
    decimals = len(bare) - point - 1
    is_decimal = point >= 0 and (
        decimals != 3 or (bare.count(bare[point]) == 1 and len(set(bare) & {".", ","}) == 2)
    )
    whole, rest = (bare[:point], bare[point + 1 :]) if is_decimal else (bare, "")
    return f"{re.sub('[.,]', '', whole)}.{rest}" if rest else re.sub("[.,]", "", whole)


def _place(fields: dict[str, object], home: str) -> None:
    """A region that has no code anywhere ("Greater London") is a line of the address; where states decide which
    law applies it stays, to be refused."""
    region = str(fields.get("region", ""))
    country = country_code(str(fields.get("country", ""))) or ""
    if region and country not in STATES_DECIDE and not region_code(region, country or home):
        short = region.upper().removeprefix(f"{country}-")
        if len(short) > 10:
            fields["address"] = f"{fields.get('address', '')}, {region}".removeprefix(", ")
            del fields["region"]
