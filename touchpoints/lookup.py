"""Who is that? Leads by name, company, e-mail or any part of a number, for whoever picks up the phone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch

from leads import numbers
from leads.filters import FEWEST_DIGITS, LeadFilter
from leads.models import Lead, LeadNumber

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

MOST_HITS = 12


@dataclass(frozen=True)
class Hit:
    """A lead that fits; `number` is the one looked for, else the one tried first. `number_id` says from which they
    ring: the one looked for, or the only one there is.
    """

    lead: Lead
    warm: bool
    number_id: int | None
    number: str


def typed(text: str) -> str:
    """What was meant: a number handed over as a tel: link, or with its + turned into a blank on the way."""
    text = re.sub(r"^\s*(tel|callto|sip):", "", text, flags=re.IGNORECASE)
    if text.startswith(" ") and re.fullmatch(r"[\d\s().-]+", text.strip()):
        return f"+{text.strip()}"
    return text.strip()


def is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[\d\s()+./-]+", text)) and len(digits_of(text)) >= FEWEST_DIGITS


def digits_of(text: str) -> str:
    return re.sub(r"\D", "", text)


def find(text: str, *, request: Any, now: datetime) -> list[Hit]:
    """The leads the user may see that fit the text, warm ones first; at most a dozen."""
    if len(text) < 2:
        return []
    seen = Lead.objects.live().visible_to(request.user)
    chosen = LeadFilter({"search": text}, queryset=seen, request=request, now=now)
    if not chosen.form.is_valid():
        return []
    leads = _read(chosen.qs)
    if not leads and is_number(text):
        # A whole number of this country may be a part of one elsewhere.
        part = LeadNumber.objects.current().filter(number__e164__contains=digits_of(text).lstrip("0"))
        leads = _read(seen.filter(pk__in=part.values("lead")))
    hits = [_hit(lead, digits_of(text) if is_number(text) else "", now=now) for lead in leads]
    return sorted(hits, key=lambda hit: (not _begins(hit.lead, text), not hit.warm, hit.lead.name.casefold()))


def _read(found: QuerySet[Lead]) -> list[Lead]:
    links = LeadNumber.objects.current().select_related("number")
    return list(
        found.select_related("company", "owner", "team").prefetch_related(
            Prefetch("lead_numbers", links, to_attr="current_numbers")
        )[:MOST_HITS]
    )


def _hit(lead: Lead, digits: str, *, now: datetime) -> Hit:
    links: list[LeadNumber] = lead.current_numbers  # type: ignore[attr-defined]
    wanted = digits.lstrip("0")
    fitting = [link for link in links if wanted and wanted in link.number.e164]
    link = next(iter(fitting or links), None)
    return Hit(
        lead=lead,
        warm=lead.is_warm(now=now),
        number_id=link.number_id if link and (fitting or len(links) == 1) else None,
        number=numbers.display(link.number.e164) if link else "",
    )


def _begins(lead: Lead, text: str) -> bool:
    start = text.casefold()
    names = (lead.last_name, lead.first_name, lead.person, lead.company.name if lead.company else "")
    return any(name.casefold().startswith(start) for name in names if name)
