"""Which touchpoints wait for somebody to say whose they are, and how does each candidate compare with what was sent?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext

from leads import identity, numbers
from leads.models import Lead, LeadNumber, Workspace

from .models import TouchpointKind, UnmatchedTouchpoint
from .reports import NewTouchpoint, from_payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COMPARED = ("job_title", "company", "email", "country", "region", "city", "postcode")


@dataclass(frozen=True)
class Point:
    """One fact as it was sent and as the candidate has it; `agrees` is None where one side says nothing."""

    label: str
    sent: str
    held: str
    agrees: bool | None


@dataclass(frozen=True)
class Candidate:
    lead: Lead
    points: list[Point]


@dataclass(frozen=True)
class Entry:
    """One waiting touchpoint. `hidden`: somebody fits whom the asking user may not see."""

    row: UnmatchedTouchpoint
    new: NewTouchpoint
    kind: str
    sent: list[tuple[str, str]]
    candidates: list[Candidate]
    hidden: bool

    @property
    def may_be_new(self) -> bool:
        """Whether this user may make a new lead of it: nobody may be doubled whom they only cannot see."""
        return not self.hidden


def waiting_for(user: Any) -> QuerySet[UnmatchedTouchpoint]:
    """What this user may settle: admins all; managers what their team sent and what points at a lead they see;
    reps what they sent and what points only at leads they see."""
    waiting = UnmatchedTouchpoint.objects.open().order_by("received_at", "pk")
    if user.is_admin:
        return waiting
    through = UnmatchedTouchpoint.candidates.through.objects.filter(unmatchedtouchpoint=OuterRef("pk"))
    seen = Lead.objects.visible_to(user).values("pk")
    points_at_seen = Exists(through.filter(lead__in=seen))
    if user.is_manager:
        sent = Q(received_from=user) | (Q(received_from__team=user.team_id) if user.team_id else Q(pk__in=()))
        return waiting.filter(sent | points_at_seen)
    return waiting.filter(Q(received_from=user) | points_at_seen & ~Exists(through.exclude(lead__in=seen)))


def entries(rows: Sequence[UnmatchedTouchpoint], *, user: Any) -> list[Entry]:
    """The rows beside their candidates, as the leads are now; a constant number of queries."""
    news = {row.pk: from_payload(row.payload) for row in rows}
    matches = dict(zip(news, identity.match([new.lead for new in news.values()], user=user), strict=True))
    stored: dict[int, set[int]] = {row.pk: set() for row in rows}
    through = UnmatchedTouchpoint.candidates.through.objects
    for row_id, lead_id in through.filter(unmatchedtouchpoint__in=rows).values_list(
        "unmatchedtouchpoint_id", "lead_id"
    ):
        stored[row_id].add(lead_id)
    for row_id, match in matches.items():
        stored[row_id] |= set(match.candidates) | ({match.lead_id} if match.lead_id else set())
    leads = _leads({pk for ids in stored.values() for pk in ids}, user=user)
    kinds = TouchpointKind.objects.in_bulk([new.kind for new in news.values()])
    home = Workspace.current().region
    return [
        Entry(
            row=row,
            new=news[row.pk],
            kind=str(kinds.get(news[row.pk].kind, news[row.pk].kind)),
            sent=_sent_in_words(news[row.pk]),
            candidates=[
                Candidate(leads[pk], _compare(news[row.pk], leads[pk], home))
                for pk in sorted(stored[row.pk])
                if pk in leads
            ],
            hidden=matches[row.pk].hidden or any(pk not in leads for pk in stored[row.pk]),
        )
        for row in rows
    ]


def _leads(ids: Iterable[int], *, user: Any) -> dict[int, Lead]:
    links = LeadNumber.objects.current().select_related("number")
    seen = Lead.objects.live().visible_to(user).filter(pk__in=list(ids)).select_related("company", "owner")
    return {
        lead.pk: lead
        for lead in seen.prefetch_related(
            Prefetch("lead_numbers", links, to_attr="current_numbers"), "external_id_rows"
        )
    }


def _fields(new: NewTouchpoint) -> dict[str, str]:
    """What was sent of the person, as text."""
    given = dict(new.lead_fields.fields) if new.lead_fields else {}
    fields = {name: str(given.get(name) or "") for name in COMPARED}
    fields["name"] = f"{given.get('first_name') or ''} {given.get('last_name') or ''}".strip()
    fields["email"] = new.lead.email or fields["email"]
    return fields


def _phones(new: NewTouchpoint) -> list[str]:
    listed = [phone.raw for phone in new.lead_fields.phones] if new.lead_fields else []
    return list(dict.fromkeys([*([new.lead.phone] if new.lead.phone else []), *listed]))


def _sent_in_words(new: NewTouchpoint) -> list[tuple[str, str]]:
    """What the touchpoint itself says: (label, value), blank ones left out."""
    told = [
        (gettext("Source"), new.source),
        (gettext("Campaign"), new.campaign),
        (gettext("Network"), new.network),
        (gettext("Referred by"), new.referred_by),
        (gettext("By"), new.by),
        (gettext("Summary"), new.summary),
    ]
    return [(label, value) for label, value in told if value]


def _compare(new: NewTouchpoint, lead: Lead, home: str) -> list[Point]:
    fields = _fields(new)
    points = [_name_point(fields["name"], lead.person)]
    for name in COMPARED:
        held = getattr(lead, name)
        label = capfirst(Lead._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
        points.append(_point(label, fields[name], str(held or "")))
    points += [_phone_point(phone, lead, home) for phone in _phones(new)] or [_phone_point("", lead, home)]
    if new.lead.external_id:
        ids = {row.source: row.external_id for row in lead.external_id_rows.all()}
        label = gettext("Id in %(source)s") % {"source": new.source}
        points.append(_point(label, new.lead.external_id, ids.get(new.source, "")))
    return [point for point in points if point.sent or point.held]


def _point(label: str, sent: str, held: str) -> Point:
    agrees = sent.casefold() == held.casefold() if sent and held else None
    return Point(label, sent, held, agrees)


def _name_point(sent: str, held: str) -> Point:
    """A first name alone agrees with a full one that holds it."""
    words, known = set(sent.casefold().split()), set(held.casefold().split())
    agrees = words <= known or known <= words if words and known else None
    return Point(gettext("Name"), sent, held, agrees)


def _phone_point(phone: str, lead: Lead, home: str) -> Point:
    held = [link.number.e164 for link in lead.current_numbers]  # type: ignore[attr-defined]
    shown = ", ".join(numbers.display(e164) for e164 in held)
    if not phone:
        return Point(gettext("Phone"), "", shown, None)
    try:
        e164 = numbers.parse(phone, home).e164
    except numbers.NumberRefused:
        e164 = phone
    return Point(gettext("Phone"), phone, shown, e164 in held if held else None)
