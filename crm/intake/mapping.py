"""Which column of a file is which fact about a lead? A guess from its header, for a person to correct."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.intake.words import GROUPS, LABELS, NOT_IMPORTED, WORDS

# What a column can be, in the order the page offers it. `many`: several columns may be the same.
TARGETS = {
    "full_name": _("full name"),
    "salutation": _("salutation"),
    "first_name": _("first name"),
    "last_name": _("last name"),
    "company": _("company"),
    "job_title": _("job title"),
    "email": _("e-mail"),
    "phone": _("phone"),
    "country": _("country"),
    "region": _("region"),
    "city": _("city"),
    "postcode": _("postcode"),
    "address": _("address"),
    "external_id": _("id in another system"),
    "industry": _("industry"),
    "company_size": _("company size"),
    "occupation": _("occupation"),
    "value": _("expected value"),
    "language": _("language"),
    "time_zone": _("time zone"),
    "audience": _("audience"),
    "decision_role": _("part in the decision"),
    "needs": _("needs"),
    "cares_about": _("what they value"),
    "buying_power": _("ability to buy"),
    "research": _("notes"),
    "website": _("website"),
    "links": _("links"),
}
# Several columns of these are kept together; of the others the first that holds anything counts.
MANY = frozenset(
    {"email", "phone", "address", "first_name", "last_name", "research", "needs", "links", "external_id"}
)
ADDRESS_PARTS = frozenset({"country", "region", "city", "postcode", "address"})
IDENTIFYING = frozenset({"full_name", "first_name", "last_name", "email", "phone"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the file and what it is to a lead, blank where it is not imported. `label` is a
    phone's, `label_from` the column that holds it; `source` an id's namespace, blank for the list's name."""

    header: str
    target: str = ""
    label: str = ""
    label_from: int | None = None
    source: str = ""
    family_name_first: bool = False


def as_json(columns: Sequence[Column]) -> dict[str, Any]:
    return {"columns": [asdict(column) for column in columns]}


def from_json(kept: dict[str, Any]) -> list[Column]:
    return [Column(**column) for column in kept["columns"]]


def identifies(columns: Sequence[Column]) -> bool:
    """Can a row of these columns say who somebody is?"""
    targets = {column.target for column in columns}
    return bool(targets & IDENTIFYING) or {"company", "job_title"} <= targets


def known_columns(cells: Sequence[str]) -> int:
    """How many different column names of ours are among these cells."""
    return len({target for cell in cells if (target := _meaning(cell)[0]) or _is_left_out(cell)})


def guess(header: Sequence[str], samples: Sequence[Sequence[str]]) -> list[Column]:
    """What each column of the file is, judged by its name and by a few rows."""
    meanings = [_meaning(name) for name in header]
    targets = [target for target, _label, _group in meanings]
    filled = [sum(bool(row[i].strip()) for row in samples if i < len(row)) for i in range(len(header))]
    targets = _one_address(targets, [group for _t, _l, group in meanings], filled)
    targets = [_title(target, targets) for target in targets]
    for i, name in enumerate(header):
        if not targets[i] and not _is_left_out(name) and _are_emails(samples, i):
            targets[i] = "email"
    labels = {_words(name): i for i, name in enumerate(header)}
    return [
        Column(
            header=name,
            target=targets[i],
            label=meanings[i][1] if targets[i] == "phone" else "",
            label_from=_label_column(name, labels) if targets[i] == "phone" else None,
            source=_id_source(name, header, samples, i) if targets[i] == "external_id" else "",
            family_name_first=_words(name).startswith(("фио", "ф и о")),
        )
        for i, name in enumerate(header)
    ]


def _words(name: str) -> str:
    """A header as its words: "Phone 1 - Value", "phone_1_value" and "Phone1Value" alike."""
    text = unicodedata.normalize("NFKC", name).replace("\ufeff", "")
    text = re.sub(r"(?<=[a-zа-я])(?=[A-ZА-Я])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", text)
    return " ".join(re.findall(r"[^\W_]+|[#№]", text.casefold()))


def _meaning(name: str) -> tuple[str, str, str]:
    """(target, phone label, address group) of a header; blanks where we know none."""
    words = _words(name)
    # "E-mail 2 Address" is "e mail address", "Phone 1 - Value" is "phone": the count says nothing.
    plain = " ".join(word for word in words.split() if not word.isdigit())
    for form in (words, plain, re.sub(r" (value|number)$", "", plain)):
        if form in NOT_IMPORTED:
            return "", "", ""
        if form in WORDS:
            target = WORDS[form]
            return target, _label_in(plain) if target == "phone" else "", ""
    group, _space, rest = plain.partition(" ")
    if group in GROUPS and rest:
        target = WORDS.get(rest, "")
        if target in ADDRESS_PARTS:
            return target, "", group
        if target == "phone":
            return target, LABELS.get(group, ""), ""
        if target in ("company", "email", "website", "job_title"):
            return target, "", ""
    return "", "", ""


def _label_in(plain: str) -> str:
    return next((LABELS[word] for word in plain.split() if word in LABELS), "")


def _is_left_out(name: str) -> bool:
    words = _words(name)
    return words in NOT_IMPORTED or " ".join(w for w in words.split() if not w.isdigit()) in NOT_IMPORTED


def _one_address(targets: list[str], groups: list[str], filled: list[int]) -> list[str]:
    """Of several addresses (business, home, other) the one that is filled in most; mixing them makes a third."""
    weight: dict[str, int] = defaultdict(int)
    for target, group, count in zip(targets, groups, filled, strict=True):
        if target in ADDRESS_PARTS:
            weight[group] += count
    if len(weight) < 2:
        return targets
    best = max(weight, key=lambda group: weight[group])
    return [
        "" if target in ADDRESS_PARTS and group != best else target
        for target, group in zip(targets, groups, strict=True)
    ]


def _title(target: str, targets: Sequence[str]) -> str:
    """ "Title" is Mr or Mrs beside a column for the job, else it is the job."""
    if target != "title":
        return target
    return "salutation" if "job_title" in targets else "job_title"


def _are_emails(samples: Sequence[Sequence[str]], column: int) -> bool:
    cells = [row[column].strip() for row in samples if column < len(row) and row[column].strip()]
    return len(cells) >= 2 and all(re.fullmatch(r"[^\s@]+@[^\s@]+\.[^\s@.]+", cell) for cell in cells)


def _label_column(name: str, columns: dict[str, int]) -> int | None:
    """Google says "Phone 1 - Value" and, in a column beside it, "Phone 1 - Type" or "- Label"."""
    stem = re.sub(r" value$", "", _words(name))
    return next(
        (columns[f"{stem} {kind}"] for kind in ("label", "type") if f"{stem} {kind}" in columns), None
    )


def _id_source(name: str, header: Sequence[str], samples: Sequence[Sequence[str]], column: int) -> str:
    """Whose ids these are, where the file tells: HubSpot's export names its column, Salesforce's ids begin
    with the kind of record. Elsewhere an id means something in this list only."""
    cells = [row[column].strip() for row in samples if column < len(row) and row[column].strip()]
    if cells and all(re.fullmatch(r"(00Q|003)[0-9A-Za-z]{12}([0-9A-Z]{3})?", cell) for cell in cells):
        return "salesforce"
    others = {_words(other) for other in header}
    is_hubspot = _words(name) == "record id" and any("hub spot" in o or o == "contact owner" for o in others)
    return "hubspot" if is_hubspot or "hubspot" in _words(name).replace(" ", "") else ""


def chosen(column: Column, target: str) -> Column:
    """`column` as a person says it is; what the guess knew beside goes with the guess."""
    return column if target == column.target else Column(column.header, target)
