"""What do we hold on everybody that these e-mails, numbers, ids and names could mean?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models.functions import Upper

from leads.models import ExternalId, Lead, LeadNumber
from leads.models.people import LeadQuerySet


@dataclass(frozen=True, slots=True)
class Person:
    """What tells two people apart who use one number: the name, else company and role. Compared folded."""

    first: str = ""
    last: str = ""
    company: str = ""
    title: str = ""
    address: str = ""

    @property
    def name(self) -> str:
        # First and last together: the same name split at another place is the same person.
        return folded(f"{self.first} {self.last}")

    @property
    def role(self) -> tuple[str, str]:
        return folded(self.company), folded(self.title)

    def is_bare(self) -> bool:
        return not self.name and not any(self.role)

    def is_same(self, other: Person) -> bool:
        if self.name or other.name:
            return self.name == other.name
        return any(self.role) and self.role == other.role

    def contradicts(self, other: Person) -> bool:
        if self.name and other.name:
            return self.name != other.name
        if self.is_bare() or other.is_bare():
            return False
        if self.name or other.name:
            # Somebody's name against a role whose name nobody learned yet: another company is another person.
            return bool(self.company and other.company) and folded(self.company) != folded(other.company)
        return self.role != other.role

    def shares_place_with(self, other: Person) -> bool:
        company = bool(self.company) and folded(self.company) == folded(other.company)
        return company or (bool(self.address) and folded(self.address) == folded(other.address))


@dataclass(frozen=True, slots=True)
class Keys:
    """An identity made comparable: e-mail in lower case, numbers in E.164. `person` only for new leads."""

    lead_id: int | None = None
    externals: tuple[tuple[str, str], ...] = ()
    email: str = ""
    e164s: tuple[str, ...] = ()
    person: Person | None = None


@dataclass(slots=True)
class Known:
    """What the database says about everything the keys mention; a merged lead stands for its survivor."""

    ids: dict[int, int] = field(default_factory=dict)
    externals: dict[tuple[str, str], int] = field(default_factory=dict)
    emails: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    phones: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    people: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    person_of: dict[int, Person] = field(default_factory=dict)
    email_of: dict[int, str] = field(default_factory=dict)
    externals_of: dict[int, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))

    def add(self, lead: int, key: Keys) -> None:
        """Know one more: somebody about to be stored, under a number that is nobody's id."""
        self.externals.update((pair, lead) for pair in key.externals)
        self.externals_of[lead] = set(key.externals)
        if key.email:
            self.emails[key.email].add(lead)
        for e164 in key.e164s:
            self.phones[e164].add(lead)
        self.person_of[lead], self.email_of[lead] = key.person or Person(), key.email
        self.people[self.person_of[lead].name].add(lead)


_COLUMNS = (
    "id",
    "merged_into",
    "erased_at",
    "email",
    "first_name",
    "last_name",
    "job_title",
    "company__name",
    "address",
    "postcode",
)


def folded(text: str) -> str:
    """How names are compared: case and spacing do not count."""
    return " ".join(text.split()).casefold()


def look_up(keys: Sequence[Keys]) -> Known:
    known = Known()
    externals = {pair for key in keys for pair in key.externals}
    e164s = {e164 for key in keys for e164 in key.e164s}
    external_rows = _external_rows(externals)
    phone_rows = list(
        LeadNumber.objects.current().filter(number__e164__in=e164s).values_list("number__e164", "lead_id")
        if e164s
        else ()
    )
    ids = {key.lead_id for key in keys if key.lead_id is not None}
    ids |= {row[2] for row in external_rows} | {lead for _e164, lead in phone_rows}
    rows = _lead_rows(ids, keys)
    survivor = _survivors(rows)
    known.ids = {lead: survivor[lead] for lead in ids if lead in survivor}
    known.externals = {(s, e): survivor[lead] for s, e, lead in external_rows if lead in survivor}
    for e164, lead in phone_rows:
        if lead in survivor:
            known.phones[e164].add(survivor[lead])
    for lead, row in rows.items():
        if lead in survivor:
            if row["email"]:
                known.emails[row["email"].lower()].add(survivor[lead])
            who = _person_of(row)
            known.people[who.name].add(survivor[lead])
            if survivor[lead] == lead:
                known.person_of[lead], known.email_of[lead] = who, row["email"].lower()
    if externals and known.phones:
        for source, eid, lead in ExternalId.objects.filter(
            lead__in=set().union(*known.phones.values()), source__in={s for s, _e in externals}
        ).values_list("source", "external_id", "lead_id"):
            known.externals_of[lead].add((source, eid))
    return known


def _external_rows(externals: Iterable[tuple[str, str]]) -> list[tuple[str, str, int]]:
    wanted = set(externals)
    if not wanted:
        return []
    rows = ExternalId.objects.filter(
        source__in={s for s, _e in wanted}, external_id__in={e for _s, e in wanted}
    ).values_list("source", "external_id", "lead_id")
    return [row for row in rows if row[:2] in wanted]


def _lead_rows(ids: set[int], keys: Sequence[Keys]) -> dict[int, dict[str, Any]]:
    """Every lead the keys may mean, with the survivors of merged ones."""
    rows: dict[int, dict[str, Any]] = {}
    emails = {key.email for key in keys if key.email}
    namesakes = [key.person for key in keys if key.person and not key.email and not key.e164s]
    for query in (
        Lead.objects.filter(pk__in=ids) if ids else None,
        Lead.objects.filter(email__in=emails).exclude(email="") if emails else None,
        _named(namesakes) if namesakes else None,
    ):
        if query is not None:
            rows.update((row["id"], row) for row in query.values(*_COLUMNS).order_by())
    # A chain of merges is as long as the merges it went through; each round follows all of them one step.
    while missing := {row["merged_into"] for row in rows.values()} - rows.keys() - {None}:
        step = {row["id"]: row for row in Lead.objects.filter(pk__in=missing).values(*_COLUMNS).order_by()}
        rows.update(step)
        if not step:
            break
    return rows


def _named(people: Sequence[Person]) -> LeadQuerySet:
    """Leads of these names: over-selects by halves of names, since databases fold only some letters."""
    lasts = {form for person in people for form in spellings(person.last)}
    firsts = {form for person in people for form in spellings(person.first)}
    return Lead.objects.annotate(_last=Upper("last_name"), _first=Upper("first_name")).filter(
        _last__in=lasts, _first__in=firsts
    )


def spellings(text: str) -> set[str]:
    """What a database's UPPER makes of `text` as typed, in capitals, in small letters and as a title. SQLite
    raises only the letters of ASCII, PostgreSQL all of them."""
    forms = {text, text.upper(), text.lower(), text.title()}
    return {"".join(c.upper() if c.isascii() else c for c in form) for form in forms}


def _person_of(row: dict[str, Any]) -> Person:
    return Person(
        row["first_name"], row["last_name"], row["company__name"] or "", row["job_title"], street(row)
    )


def street(fields: dict[str, Any]) -> str:
    """Address and postcode together, blank unless both are known."""
    address, postcode = fields.get("address", ""), fields.get("postcode", "")
    return f"{address} {postcode}" if address and postcode else ""


def _survivors(rows: dict[int, dict[str, Any]]) -> dict[int, int]:
    """For each lead the one it was merged into, itself where it was not; erased ones are left out."""
    survivor = {}
    for lead in rows:
        seen, last = {lead}, lead
        while (into := rows[last]["merged_into"]) in rows and into not in seen:
            seen.add(into)
            last = into
        if rows[last]["erased_at"] is None and rows[last]["merged_into"] is None:
            survivor[lead] = last
    return survivor
