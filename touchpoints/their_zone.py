"""Who says in which time zone a lead is, where they live, whether they are a business, and does a manager agree?

What a rep hears on the phone counts at once, but only tightens: it is added to what is known otherwise. Once a
manager agrees it stands alone. Each word is audited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from leads import agreement
from leads.models import AuditEvent, Lead
from leads.zones_field import validate_zone

from . import blockers, refusals, todo
from .models import Task

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser


def confirm_zone(lead: Lead, zone: str, *, by: AbstractUser, now: datetime) -> Lead:
    """The lead, with the zone somebody says it is in. A manager's word is agreed to; a rep's repeats what a
    manager agreed to, or waits. Raises ValidationError for a name that is no zone."""
    validate_zone(zone)
    with transaction.atomic():
        lead = Lead.objects.select_for_update(of=("self",)).get(pk=lead.pk)
        same = lead.confirmed_zone == zone
        before = _said(lead)
        lead.confirmed_zone, lead.zone_confirmed_at, lead.zone_confirmed_by = zone, now, by
        if by.is_manager:
            lead.zone_agreed_at, lead.zone_agreed_by = now, by
        elif not same:
            lead.zone_agreed_at = lead.zone_agreed_by = None
        _keep(lead, "lead.zone_confirmed", before, by=by, now=now)
        if todo.finish_all([lead.pk], Task.Kind.FIND_ZONE, by=by, now=now):
            blockers.go_on([lead.pk], now=now)
    return lead


def agree_zone(lead: Lead, zone: str, *, by: AbstractUser, now: datetime) -> Lead:
    """The lead, whose zone a rep confirmed and a manager now agrees to. Raises NotYours for a rep, Invalid where
    the lead's confirmed zone is another one by now."""
    if not by.is_manager:
        raise refusals.NotYours(gettext("A manager agrees to a time zone that a rep confirmed."))
    with transaction.atomic():
        lead = Lead.objects.select_for_update(of=("self",)).get(pk=lead.pk)
        if not zone or lead.confirmed_zone != zone:
            raise refusals.Invalid(gettext("The confirmed time zone has changed: look again."), field="zone")
        if lead.zone_agreed_at is None:
            before = _said(lead)
            lead.zone_agreed_at, lead.zone_agreed_by = now, by
            _keep(lead, "lead.zone_agreed", before, by=by, now=now)
    return lead


def agree_facts(lead: Lead, *, by: AbstractUser, now: datetime) -> Lead:
    """The lead, whose audience and place as reps changed them a manager now agrees to. Raises NotYours for a rep."""
    if not by.is_manager:
        raise refusals.NotYours(gettext("A manager agrees to what a rep changed of place and audience."))
    with transaction.atomic():
        lead = Lead.objects.select_for_update(of=("self",)).get(pk=lead.pk)
        found = agreement.differences(lead)
        if found:
            agreement.settle(lead)
            lead.save(update_fields=["stood_before", "updated_at"])
            AuditEvent.objects.create(
                at=now,
                actor=by,
                action="lead.facts_agreed",
                subject_type="lead",
                subject_id=str(lead.pk),
                lead=lead,
                before={one.name: one.before for one in found},
                after={one.name: one.now for one in found},
            )
    return lead


def take_back(lead: Lead, said: dict[str, Any], *, by: AbstractUser, now: datetime) -> Lead:
    """The lead, with what `standing` told before somebody's word, which was a slip: seen at once, and audited."""
    with transaction.atomic():
        lead = Lead.objects.select_for_update(of=("self",)).get(pk=lead.pk)
        before = _said(lead)
        lead.confirmed_zone = said["zone"]
        lead.zone_confirmed_at = _time(said["confirmed_at"])
        lead.zone_confirmed_by_id = said["confirmed_by"]
        lead.zone_agreed_at, lead.zone_agreed_by_id = _time(said["agreed_at"]), said["agreed_by"]
        _keep(lead, "lead.zone_taken_back", before, by=by, now=now)
    return lead


def standing(lead: Lead) -> dict[str, Any]:
    """What is said of the lead's zone, by whom and since when; as JSON keeps it."""
    return {
        "zone": lead.confirmed_zone,
        "confirmed_at": _text(lead.zone_confirmed_at),
        "confirmed_by": lead.zone_confirmed_by_id,
        "agreed_at": _text(lead.zone_agreed_at),
        "agreed_by": lead.zone_agreed_by_id,
    }


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _time(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None


def _said(lead: Lead) -> dict[str, object]:
    return {"confirmed_zone": lead.confirmed_zone, "agreed": lead.zone_agreed_at is not None}


def _keep(lead: Lead, action: str, before: dict[str, object], *, by: AbstractUser, now: datetime) -> None:
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
    AuditEvent.objects.create(
        at=now,
        actor=by,
        action=action,
        subject_type="lead",
        subject_id=str(lead.pk),
        lead=lead,
        before=before,
        after=_said(lead),
    )
