"""By what could a person still be recognised in a row that is not their own: which texts name them?"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import phonenumbers

from leads import erasure
from leads.known import folded
from leads.models import ExternalId, Lead, LeadNumber, Number

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTEST_NAME = 5  # in letters: "Jo Li" stands in too many words to be told from them
FORGOTTEN = "…"


@dataclass(frozen=True)
class Traces:
    """What identifies the leads that are being erased. `alone`: numbers nobody else uses; `shared`: switchboards,
    households. Whoever has the same name on the same number is the same person. `ids`: other systems' names for
    them, as `erasure.other_id` writes them."""

    leads: tuple[int, ...]
    names: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    shared_emails: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    alone: tuple[Number, ...] = ()
    shared: tuple[Number, ...] = ()
    _nationals: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def e164s(self) -> frozenset[str]:
        """The numbers that name this person and nobody else."""
        return frozenset(number.e164 for number in self.alone)

    @property
    def words(self) -> list[str]:
        """Texts that a database can look for: e-mails and numbers in E.164."""
        return sorted({*(self.emails - self.shared_emails), *self.e164s})

    def found_in(self, value: Any) -> bool:
        """Does a text, or any text within JSON, hold an e-mail or, however spelled, a number of the person?"""
        text = folded(_as_text(value))
        if any(email in text for email in self.emails - self.shared_emails):
            return True
        digits = re.sub(r"\D", "", text)
        return any(national in digits for national in self._nationals)

    def named_in(self, cells: list[Any]) -> bool:
        """Does a row of cells bear the full name, in one cell or in several?"""
        told = {folded(str(cell)) for cell in cells}
        return any(name in told or set(name.split()) <= told for name in self.names if " " in name)

    def without(self, text: str) -> str:
        """The text with what names the person struck out."""
        for word in sorted((*self.emails, *self._names()), key=len, reverse=True):
            text = re.sub(re.escape(word).replace(r"\ ", r"\s+"), FORGOTTEN, text, flags=re.IGNORECASE)
        for national in self._nationals:
            spelled = r"[\s().\-/]*".join(national)
            text = re.sub(rf"\+?(?:\d{{1,3}}[\s().\-/]*)?{spelled}", FORGOTTEN, text)
        return text

    def _names(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if len(name) >= SHORTEST_NAME)


def of(leads: Iterable[Lead]) -> Traces:
    """The traces of these leads, who are one person."""
    leads = list(leads)
    ids = tuple(lead.pk for lead in leads)
    names = frozenset(folded(lead.person) for lead in leads if lead.person)
    links = LeadNumber.objects.filter(lead__in=ids).select_related("number")
    # A number that went to somebody else is not theirs; one that was dropped as wrong never was.
    numbers = {link.number_id: link.number for link in links}
    mine = {link.number_id for link in links if link.detached_at is None or link.detached_reason == "edited"}
    others = (
        LeadNumber.objects.current()
        .filter(number__in=numbers)
        .exclude(lead__in=ids)
        .exclude(lead__erased_at__isnull=False)
        .select_related("lead")
    )
    taken = {link.number_id for link in others if _is_other(link.lead, names)}
    emails = frozenset(lead.email.lower() for lead in leads if lead.email)
    namesakes = Lead.objects.live().filter(email__in=emails).exclude(pk__in=ids).exclude(email="")
    shared_emails = frozenset(one.email.lower() for one in namesakes if _is_other(one, names))
    alone = tuple(number for pk, number in numbers.items() if pk in mine - taken)
    return Traces(
        leads=ids,
        names=names,
        emails=emails,
        shared_emails=shared_emails,
        ids=frozenset(
            erasure.other_id(row.source, row.external_id) for row in ExternalId.objects.filter(lead__in=ids)
        ),
        alone=alone,
        shared=tuple(number for pk, number in numbers.items() if pk in mine & taken),
        _nationals=frozenset(_national(number.e164) for number in alone),
    )


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _is_other(lead: Lead, names: frozenset[str]) -> bool:
    """Whoever bears another name, or none, is somebody else."""
    return folded(lead.person) not in names


def _national(e164: str) -> str:
    try:
        return phonenumbers.national_significant_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return e164.removeprefix("+")
