"""How do two leads who are one person become one? Everything goes over to the one that stays; nothing stricter is lost.

The other stays as an empty shell that points at the survivor, so that whoever knows its id is led there. A wish not
to be called holds for the survivor from now on; of two open pursuits the one that has come further goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, Max, Q
from django.utils.translation import gettext

from leads import agreement, consents, erasure
from leads.facts import FIELDS
from leads.models import AuditEvent, Consent, ExternalId, Lead, LeadNumber, ListMembership, Suppression

from . import engine, follow_ups, pursue, refusals, stage, suppress
from .models import (
    Answer,
    BlockedDial,
    CallAttempt,
    Complaint,
    Dial,
    EvaluationFailure,
    FollowUp,
    HandRaise,
    IdleNotice,
    Meeting,
    Promise,
    Pursuit,
    ReassignedLead,
    StageChange,
    Task,
    TemperatureChange,
    TemperatureOverride,
    Touchpoint,
    UnmatchedTouchpoint,
    Wish,
)

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet

ACTION = "lead.merged"
WHY = "merged"
MOST_SIMILAR = 20
# Rows that simply change hands. The others have rules of their own below; a test fails for a kind without either.
MOVED: tuple[Any, ...] = (
    AuditEvent,
    BlockedDial,
    CallAttempt,
    Complaint,
    Consent,
    Dial,
    ExternalId,
    HandRaise,
    Meeting,
    Promise,
    StageChange,
    TemperatureChange,
    Touchpoint,
    Wish,
)
WITH_RULES: tuple[Any, ...] = (
    Answer,
    EvaluationFailure,
    FollowUp,
    IdleNotice,
    LeadNumber,
    ListMembership,
    Pursuit,
    ReassignedLead,
    Suppression,
    Task,
    TemperatureOverride,
)
# How far a lead has come; a lost one least, since the other's way goes on.
_FAR = {key: place for place, key in enumerate(["lost", *(s for s in Lead.Stage.values if s != "lost")])}


@dataclass(frozen=True)
class Merged:
    """What went over: counts by kind of row."""

    survivor: int
    other: int
    counts: dict[str, int] = field(default_factory=dict)


def similar_to(lead: Lead, *, user: Any) -> list[Lead]:
    """Leads the user may see that may be the same person: a number, the e-mail, or the name in common."""
    numbers = lead.lead_numbers.filter(detached_at=None).values("number")
    same = Q(lead_numbers__number__in=numbers, lead_numbers__detached_at=None)
    if lead.email:
        same |= Q(email__iexact=lead.email)
    if lead.first_name and lead.last_name:
        same |= Q(first_name__iexact=lead.first_name, last_name__iexact=lead.last_name)
    seen = Lead.objects.live().visible_to(user).exclude(pk=lead.pk).filter(same).distinct()
    return list(seen.select_related("company", "owner")[:MOST_SIMILAR])


def merge(survivor: Lead, other: Lead, *, by: AbstractUser | None, now: datetime) -> Merged:
    """Let `other` become part of `survivor`, which is returned refreshed in place by its row.

    Raises a `refusals.Refused`: a lead with itself, one that is gone, an open call, an erased person's number.
    """
    with transaction.atomic():
        rows = Lead.objects.select_for_update(of=("self",)).order_by("pk").in_bulk([survivor.pk, other.pk])
        stays, goes = rows[survivor.pk], rows[other.pk]
        _check(stays, goes)
        before = {"stage": goes.stage, "owner": goes.owner_id, "team": goes.team_id}
        _keep_one_pursuit(stays, goes, by=by, now=now)
        _keep_wishes(stays, goes, by=by, now=now)
        counts = _move_rows(stays, goes, now=now)
        _fill(stays, goes, by=by, now=now)
        _empty(goes, stays, by=by, now=now)
        if _must_not_be_called(stays):
            _stop(stays, by=by, now=now)
        AuditEvent.objects.create(
            at=now,
            actor=by,
            action=ACTION,
            subject_type="lead",
            subject_id=str(stays.pk),
            lead=stays,
            before={"lead": goes.pk, **before},
            after={"lead": stays.pk, "rows": counts},
        )
        engine.evaluate_leads([stays.pk], now=now, cause=TemperatureChange.Cause.MERGE, by=by)
    return Merged(stays.pk, goes.pk, counts)


def _check(stays: Lead, goes: Lead) -> None:
    if stays.pk == goes.pk:
        raise refusals.Invalid(gettext("A lead cannot be merged with itself."), field="with")
    if any(lead.merged_into_id or lead.erased_at for lead in (stays, goes)):
        raise refusals.Invalid(gettext("One of the two was merged or erased already."), field="with")
    if CallAttempt.objects.open().filter(lead__in=[stays, goes]).exists():
        raise refusals.AttemptOpen(gettext("A call with one of them is open: log its outcome first."))
    name = stays.person or goes.person
    numbers = LeadNumber.objects.current().filter(lead__in=[stays, goes])
    known_by = {*numbers.values_list("number__e164", flat=True), stays.email, goes.email} - {""}
    if erasure.erased_callees((text, name) for text in known_by):
        raise refusals.Invalid(
            gettext("One of their numbers belongs to a person who was erased: remove it first."), field="with"
        )


# --- pursuits and wishes --------------------------------------------------------------------------------------


def _keep_one_pursuit(stays: Lead, goes: Lead, *, by: AbstractUser | None, now: datetime) -> None:
    """The open pursuit that has come further goes on, with the more pressing of the two follow-ups."""
    open_ones = list(Pursuit.objects.open().filter(lead__in=[stays, goes]))
    open_ones.sort(key=lambda one: (one.reached_at is None, -one.attempt, one.lead_id != stays.pk))
    planned = list(FollowUp.objects.open().filter(lead__in=[stays, goes]).order_by("rank", "due_at", "pk"))
    for left in planned[1:]:
        follow_ups.close([left.lead_id], FollowUp.Closed.REPLACED, now=now, why=WHY)
    for ended in open_ones[1:]:
        ended.ended_at, ended.end_reason, ended.ended_by = now, Pursuit.EndReason.MERGED, by
        ended.save(update_fields=["ended_at", "end_reason", "ended_by"])
    Pursuit.objects.filter(lead=goes).update(lead=stays)
    FollowUp.objects.filter(lead=goes).update(lead=stays)
    if planned:
        # Once more by its id: it belongs to the pursuit that goes on, and to whoever keeps the lead.
        keeper = stays if stays.owner_id or stays.team_id else goes
        kept = {"pursuit": open_ones[0]} if open_ones and planned[0].pursuit_id else {}
        FollowUp.objects.filter(pk=planned[0].pk).update(
            assignee=keeper.owner, team=keeper.team, lease_by=None, lease_until=None, **kept
        )


def _keep_wishes(stays: Lead, goes: Lead, *, by: AbstractUser | None, now: datetime) -> None:
    """The survivor has every wish of both. Of two in force one is enough; the other stays as what it was."""
    mine = Suppression.objects.active().filter(scope=Suppression.Scope.PERSON, lead=stays)
    second = Suppression.objects.active().filter(scope=Suppression.Scope.PERSON, lead=goes)
    if mine.exists():
        if second.filter(state=Suppression.State.CONFIRMED).exists():
            # What is certain of one of them is not open to a decision any more.
            suppress.confirm(list(mine), reason=WHY, by=by, now=now)
        second.update(
            lifted_at=now, lifted_by=by, lifted_reason=gettext("merged: the other lead's entry stands")
        )
    Suppression.objects.filter(lead=goes).update(lead=stays)
    theirs = Suppression.objects.active().filter(scope=Suppression.Scope.COMPANY, company=goes.company_id)
    lost = goes.company_id and stays.company_id and goes.company_id != stays.company_id and theirs.exists()
    if lost:
        entry = theirs[0]
        suppress.suppress(
            scope=Suppression.Scope.PERSON,
            lead=stays,
            reason=entry.reason,
            channel=entry.channel,
            evidence=gettext("merged with a lead of %(company)s, which asked not to be called on %(day)s")
            % {"company": goes.company, "day": entry.requested_at.date()},
            by=by,
            now=now,
        )


def _must_not_be_called(lead: Lead) -> bool:
    wishes = Suppression.objects.active().filter(scope=Suppression.Scope.PERSON, lead=lead)
    return wishes.filter(state=Suppression.State.CONFIRMED).exists()


def _stop(lead: Lead, *, by: AbstractUser | None, now: datetime) -> None:
    """A wish that came over with the other ends what was planned for the survivor."""
    consents.revoke_all(Consent.objects.filter(lead=lead), reason=WHY, by=by, now=now)
    open_ones = list(Pursuit.objects.open().filter(lead=lead))
    pursue.end_many(open_ones, Pursuit.EndReason.DO_NOT_CALL, by=by, now=now)
    follow_ups.close([lead.pk], FollowUp.Closed.CANCELLED, now=now, why=WHY)


# --- rows -----------------------------------------------------------------------------------------------------


def _move_rows(stays: Lead, goes: Lead, *, now: datetime) -> dict[str, int]:
    _move_numbers(stays, goes)
    of_both = ListMembership.objects.filter(lead=stays).values("list")
    ListMembership.objects.filter(lead=goes, list__in=of_both).delete()
    ListMembership.objects.filter(lead=goes).update(lead=stays)
    _move_answers(stays, goes)
    asked = Task.objects.filter(lead=stays, done_at=None).values_list("kind", flat=True)
    Task.objects.filter(lead=goes, done_at=None, kind__in=list(asked)).update(done_at=now)
    Task.objects.filter(lead=goes).update(lead=stays)
    if TemperatureOverride.objects.filter(lead=stays, ended_at=None).exists():
        TemperatureOverride.objects.filter(lead=goes, ended_at=None).update(ended_at=now)
    TemperatureOverride.objects.filter(lead=goes).update(lead=stays)
    EvaluationFailure.objects.filter(lead=goes).delete()
    IdleNotice.objects.filter(lead=goes).delete()
    both = ReassignedLead.objects.filter(lead=stays).values("reassignment")
    ReassignedLead.objects.filter(lead=goes, reassignment__in=both).delete()
    ReassignedLead.objects.filter(lead=goes).update(lead=stays)
    _move_candidates(stays, goes)
    counts = {
        str(model._meta.verbose_name_plural): model._default_manager.filter(lead=goes).update(lead=stays)
        for model in MOVED
    }
    return {name: count for name, count in counts.items() if count}


def _move_numbers(stays: Lead, goes: Lead) -> None:
    """Numbers come behind those the survivor has; one that both have is the survivor's."""
    mine = LeadNumber.objects.current().filter(lead=stays)
    LeadNumber.objects.current().filter(lead=goes, number__in=mine.values("number")).delete()
    last = mine.aggregate(last=Max("position"))["last"]
    behind = 0 if last is None else last + 1
    LeadNumber.objects.filter(lead=goes).update(lead=stays, position=F("position") + behind)


def _move_answers(stays: Lead, goes: Lead) -> None:
    """Of two answers to one question the later one."""
    mine = {answer.field: answer for answer in Answer.objects.filter(lead=stays)}
    for theirs in Answer.objects.filter(lead=goes):
        own = mine.get(theirs.field)
        if own is not None and own.at >= theirs.at:
            theirs.delete()
            continue
        if own is not None:
            own.delete()
        theirs.lead = stays
        theirs.save(update_fields=["lead"])


def _move_candidates(stays: Lead, goes: Lead) -> None:
    """What waits in the inbox because it fitted both is still for a person to settle, with one candidate less."""
    through: QuerySet[Any] = UnmatchedTouchpoint.candidates.through.objects.all()
    both = through.filter(lead=stays).values("unmatchedtouchpoint")
    through.filter(lead=goes, unmatchedtouchpoint__in=both).delete()
    through.filter(lead=goes).update(lead=stays)


# --- the two leads ---------------------------------------------------------------------------------------------


def _fill(stays: Lead, goes: Lead, *, by: AbstractUser | None, now: datetime) -> None:
    """What the survivor does not know it learns from the other; what both know stays as the survivor has it. Where
    and what the other was binds too until a manager agrees, unless one merged them."""
    binding = [agreement.standing_of(stays), agreement.standing_of(goes)]
    for name in sorted(FIELDS - {"audience", "fit", "country", "region"}):
        if getattr(stays, name) in ("", None):
            setattr(stays, name, getattr(goes, name))
    if not stays.country:  # a region means something in its country only
        stays.country, stays.region = goes.country, goes.region
    elif stays.country == goes.country and not stays.region:
        stays.region = goes.region
    if not stays.confirmed_zone:
        stays.confirmed_zone = goes.confirmed_zone
        stays.zone_confirmed_at, stays.zone_confirmed_by = goes.zone_confirmed_at, goes.zone_confirmed_by
    by_rep = by is not None and not by.is_manager  # type: ignore[attr-defined]
    if by_rep and (goes.confirmed_zone != stays.confirmed_zone or goes.zone_agreed_at is None):
        # That the survivor is there was agreed to before it had the other's numbers.
        stays.zone_agreed_at = stays.zone_agreed_by = None
    agreement.bind_too(stays, [*goes.stood_before, *(binding if by_rep else ())])
    if stays.owner_id is None and stays.team_id is None:
        stays.owner, stays.team = goes.owner, goes.team
    stays.created_at = min(stays.created_at, goes.created_at)
    stays.cooled_at = max((at for at in (stays.cooled_at, goes.cooled_at) if at), default=None)
    stays.is_demo = stays.is_demo and goes.is_demo
    stays.save()
    if _FAR[goes.stage] > _FAR[stays.stage]:
        stage.put(stays, goes.stage, by=by, now=now, why=WHY)


def _empty(goes: Lead, stays: Lead, *, by: AbstractUser | None, now: datetime) -> None:
    if goes.temperature == Lead.Temperature.WARM:
        TemperatureChange.objects.create(
            lead=goes,
            at=now,
            before=Lead.Temperature.WARM,
            after=Lead.Temperature.COLD,
            cause=TemperatureChange.Cause.MERGE,
            by=by,
        )
    Lead.objects.filter(pk=goes.pk).update(
        merged_into=stays,
        temperature=Lead.Temperature.COLD,
        warm_until=None,
        evidence_until=None,
        evaluation_due_at=None,
        updated_at=now,
    )
