"""A lead works somewhere else now: what of them goes along, what stays behind, and how does the pursuit go on?

The person keeps warmth, history, owner and attempt count. Numbers that were the old desk's are detached, not deleted:
calls were made to them. Whoever sits at the old desk now may become a lead of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext

from leads import identity, register
from leads.models import AuditEvent, Lead, LeadNumber
from leads.register import NewLead, PhoneInput

from . import blockers, customers, follow_ups, guarding, pursue, refusals, room, starts
from .models import CallAttempt, FollowUp, Pursuit
from .next_attempt import place_next
from .plans import Plans

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

ACTION = "lead.changed_jobs"
MOST_TOLD = 5
# A pursuit that ended because they were not there any more was about the old desk: the person may be called again.
ENDED_AT_THE_DESK = (Pursuit.EndReason.LEFT_COMPANY, Pursuit.EndReason.NO_NUMBER)
# Of the old desk's lead these go over to whoever sits there now.
OF_THE_DESK = (
    "job_title", "audience", "country", "region", "city", "postcode", "address", "industry", "company_size",
    "language", "website",
)  # fmt: skip


@dataclass(frozen=True)
class NewJob:
    """Where they work now. `facts`: fields of the lead by their names (company first of all); `keeps`: ids of the
    numbers that are still theirs, such as a mobile; `phones`: their new numbers; `successor`: a person's fields where
    whoever follows them becomes a lead, None where not."""

    facts: dict[str, Any]
    keeps: frozenset[int] = frozenset()
    phones: tuple[PhoneInput, ...] = ()
    successor: dict[str, Any] | None = None


@dataclass(frozen=True)
class Moved:
    """The lead as it is now; `pursuit`: the one that goes on or began anew, None where none is open. `full`: one would
    have begun, had the coming days room. `known`: leads who may be the successor, so that none was made."""

    lead: Lead
    pursuit: Pursuit | None
    full: bool = False
    successor: Lead | None = None
    known: list[int] = field(default_factory=list)


def move(lead: Lead, job: NewJob, *, by: AbstractUser, now: datetime) -> Moved:
    """Raises `register.LeadRefused`, its errors under the lead's fields or `successor.<field>`, and `AttemptOpen`
    while somebody is on the phone with them; nothing is changed then."""
    if CallAttempt.objects.open().filter(lead=lead).exists():
        raise refusals.AttemptOpen(gettext("A call with them is open: log its outcome first."))
    with transaction.atomic():
        lead = (
            Lead.objects.select_for_update(of=("self",))
            .select_related("company", "owner", "team")
            .get(pk=lead.pk)
        )
        desk = _desk(lead)
        links = list(lead.lead_numbers.current().select_related("number"))
        kept = [link for link in links if link.number_id in job.keeps]
        phones = [*job.phones, *(_as_input(link) for link in kept)]
        moved = register.edit_lead(lead, {**job.facts, "phones": phones}, by=by, now=now, action=ACTION)
        _doubt_zone(moved, by=by)
        left = [link for link in links if link.number_id not in job.keeps]
        successor, known = _succeed(moved, job.successor, desk, left, by=by, now=now)
        blockers.look_again([moved.pk], by=by, now=now)
        pursuit, full = _go_on(moved, by=by, now=now)
    return Moved(moved, pursuit, full, successor, known)


def earlier_jobs(lead: Lead) -> list[dict[str, Any]]:
    """Where they worked before, newest first: [{company, job_title, until}]; what was erased is left out."""
    events = AuditEvent.objects.filter(lead=lead, action=ACTION).order_by("-at", "-pk")[:MOST_TOLD]
    jobs = []
    for event in events:
        company, title = event.before.get("company") or "", event.before.get("job_title") or ""
        if company or title:
            jobs.append({"company": company, "job_title": title, "until": event.at})
    return jobs


def _desk(lead: Lead) -> dict[str, Any]:
    """What the old desk is, whoever sits there."""
    facts = {name: getattr(lead, name) for name in OF_THE_DESK}
    return {**facts, "company": lead.company.name if lead.company else ""}


def _as_input(link: LeadNumber) -> PhoneInput:
    return PhoneInput(link.number.e164, label=link.label, extension=link.extension)


def _doubt_zone(lead: Lead, *, by: Any) -> None:
    """The zone somebody confirmed was that of the old place. A manager's word takes it away; after a rep's it can
    only tighten, until a manager has looked."""
    if not lead.confirmed_zone:
        return
    lead.zone_agreed_at = lead.zone_agreed_by = None
    if by.is_manager:
        lead.confirmed_zone, lead.zone_confirmed_at, lead.zone_confirmed_by = "", None, None
    lead.save(
        update_fields=[
            "confirmed_zone",
            "zone_confirmed_at",
            "zone_confirmed_by",
            "zone_agreed_at",
            "zone_agreed_by",
            "updated_at",
        ]
    )


def _succeed(
    lead: Lead,
    person: dict[str, Any] | None,
    desk: dict[str, Any],
    left: Sequence[LeadNumber],
    *,
    by: Any,
    now: datetime,
) -> tuple[Lead | None, list[int]]:
    """Whoever sits at the old desk, with its numbers; nobody where somebody like that is known already."""
    if person is None:
        return None, []
    new = NewLead(
        {**{name: value for name, value in desk.items() if value}, **person}, [_as_input(o) for o in left]
    )
    try:
        if known := [pk for pk in identity.duplicates_of(new) if pk != lead.pk]:
            return None, known
        made = register.create_lead(new, owner=lead.owner, team=lead.team, by=by, now=now)
    except register.LeadRefused as refused:
        raise register.LeadRefused(
            [type(e)(f"successor.{e.field}", e.code, e.reason, e.expected, e.value) for e in refused.errors]
        ) from refused
    starts.start_if_room([made], by=by, now=now)
    return made, []


def _go_on(lead: Lead, *, by: AbstractUser, now: datetime) -> tuple[Pursuit | None, bool]:
    """(the pursuit that is open now, whether only the full days kept one from beginning)."""
    latest = Pursuit.objects.filter(lead=lead).order_by("-started_at", "-pk").first()
    if latest is None:
        return None, False
    if latest.ended_at is None:
        _place_anew(lead, latest, now=now)
        return (latest if Pursuit.objects.open().filter(pk=latest.pk).exists() else None), False
    if latest.end_reason not in ENDED_AT_THE_DESK or not lead.lead_numbers.current().exists():
        return None, False
    if room.room_for(lead, now=now) <= 0:
        return None, True
    begin = pursue.start_warmed if lead.is_warm(now=now) else pursue.start
    return next(iter(begin([lead], by=by, now=now)), None), False


def _place_anew(lead: Lead, pursuit: Pursuit, *, now: datetime) -> None:
    """The attempt the pursuit stands at, on the new numbers and in the new place. What was agreed with the person, and
    what they asked for, stays where it is."""
    situation = guarding.gather([lead], now=now)[lead.pk]
    if situation.is_customer:
        customers.hand_over([lead], now=now)
        return
    agreed = FollowUp.objects.open().filter(lead=lead, rank__lte=FollowUp.Rank.PROMISE).exists()
    if agreed and situation.missing() is None:
        return
    why = gettext("changed jobs")
    follow_ups.close([lead.pk], FollowUp.Closed.REPLACED, now=now, why=why)
    place_next([(lead, pursuit)], {lead.pk: situation}, Plans(), now=now)
