"""How does somebody get onto our own do-not-call list, and off it? In one transaction, everywhere at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext

from leads.models import AuditEvent, Consent, Lead, LeadNumber, Number, Suppression

from . import follow_ups, refusals
from .models import FollowUp, Pursuit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

Scope = Suppression.Scope
# Why a follow-up was cancelled: a stable text, by which it is found again where the wish is taken back.
WHY = "do not call"


def suppress(
    *,
    scope: str,
    by: AbstractUser | None,
    now: datetime,
    lead: Lead | None = None,
    number: Number | None = None,
    e164: str = "",
    reason: str = "",
    channel: str = "",
    evidence: str = "",
) -> Suppression:
    """Put a person, a number or a company on our own list; a second wish for the same changes nothing.

    Follow-ups and pursuits of whoever it covers end in the same transaction, and consents of a person are revoked.
    Raises `refusals.Invalid` where the scope names nothing.
    """
    with transaction.atomic():
        what = _named(scope, lead, number, e164)
        entry, created = Suppression.objects.get_or_create(
            scope=scope,
            lifted_at=None,
            **what,
            defaults={
                "reason": reason[:200],
                "channel": channel[:40],
                "evidence": evidence,
                "requested_at": now,
                "by": by,
            },
        )
        if created:
            AuditEvent.objects.create(
                at=now,
                actor=by,
                action="suppression.added",
                subject_type="suppression",
                subject_id=str(entry.pk),
                lead=lead,
                after={"scope": scope, "e164": entry.e164},
                reason=reason[:300],
            )
        _stop_calling([entry], by=by, now=now)
    return entry


def suppress_numbers(
    e164s: Sequence[str], *, reason: str, channel: str, evidence: str, by: AbstractUser | None, now: datetime
) -> int:
    """Put many numbers on the list, set-wise; returns how many were not on it yet."""
    with transaction.atomic():
        known = set(
            Suppression.objects.active()
            .filter(scope=Scope.NUMBER, e164__in=e164s)
            .values_list("e164", flat=True)
        )
        fresh = [one for one in dict.fromkeys(e164s) if one not in known]
        rows = Suppression.objects.bulk_create(
            Suppression(
                scope=Scope.NUMBER,
                e164=one,
                reason=reason[:200],
                channel=channel[:40],
                evidence=evidence,
                requested_at=now,
                by=by,
            )
            for one in fresh
        )
        _stop_calling(rows, by=by, now=now)
    return len(rows)


def lift(entry: Suppression, *, reason: str, by: AbstractUser, now: datetime) -> None:
    """Take an entry off the list: an admin's act, with a reason, audited."""
    if not by.is_admin:  # type: ignore[attr-defined]
        raise refusals.NotYours(gettext("Only an admin takes an entry off the do-not-call list."))
    if not reason.strip():
        raise refusals.Invalid(gettext("Say why, and what shows that they agree."), field="reason")
    _lift([entry.pk], reason=reason, by=by, now=now)


def take_back(ids: Iterable[int], *, by: AbstractUser, now: datetime) -> None:
    """Take back what an outcome that is itself taken back had put on the list: nobody wished it after all.

    The entries go, as one that was only lifted would void older consents for ever; the audit trail keeps them. What
    they stopped goes on: consents, pursuits and follow-ups of everyone they covered.
    """
    with transaction.atomic():
        entries = list(Suppression.objects.select_for_update().active().filter(pk__in=ids))
        AuditEvent.objects.bulk_create(
            _lifted(entry, by=by, now=now, reason="outcome taken back") for entry in entries
        )
        for entry in entries:
            at = entry.requested_at
            covered = _covered([entry])
            Suppression.objects.filter(pk=entry.pk).delete()
            Consent.objects.filter(lead__in=covered, revoked_at=at).update(revoked_at=None)
            Pursuit.objects.filter(
                ~Exists(Pursuit.objects.open().filter(lead=OuterRef("lead"))),
                lead__in=covered,
                ended_at=at,
                end_reason=Pursuit.EndReason.DO_NOT_CALL,
            ).update(ended_at=None, end_reason="", end_note="", ended_by=None)
            FollowUp.objects.filter(
                ~Exists(FollowUp.objects.open().filter(lead=OuterRef("lead"))),
                lead__in=covered,
                closed_at=at,
                closed_why=WHY,
            ).update(closed_at=None, closed_as="", closed_why="")


def _lift(ids: list[int], *, reason: str, by: AbstractUser, now: datetime) -> None:
    with transaction.atomic():
        entries = list(Suppression.objects.select_for_update().active().filter(pk__in=ids))
        Suppression.objects.filter(pk__in=[entry.pk for entry in entries]).update(
            lifted_at=now, lifted_by=by, lifted_reason=reason[:300]
        )
        AuditEvent.objects.bulk_create(_lifted(entry, by=by, now=now, reason=reason) for entry in entries)


def _lifted(entry: Suppression, *, by: AbstractUser, now: datetime, reason: str) -> AuditEvent:
    return AuditEvent(
        at=now,
        actor=by,
        action="suppression.lifted",
        subject_type="suppression",
        subject_id=str(entry.pk),
        lead_id=entry.lead_id,
        before={"scope": entry.scope, "e164": entry.e164},
        reason=reason[:300],
    )


def _named(scope: str, lead: Lead | None, number: Number | None, e164: str) -> dict[str, object]:
    if scope == Scope.NUMBER and (number is not None or e164):
        return {"e164": e164 or number.e164}  # type: ignore[union-attr]
    if scope == Scope.PERSON and lead is not None:
        return {"lead": lead}
    if scope == Scope.COMPANY and lead is not None and lead.company_id is not None:
        return {"company_id": lead.company_id}
    raise refusals.Invalid(
        gettext("Nothing is known to suppress under “%(scope)s”; expected person, number or company.")
        % {"scope": scope},
        field="scope",
    )


def _stop_calling(entries: list[Suppression], *, by: AbstractUser | None, now: datetime) -> None:
    """End what is planned for everyone the entries cover."""
    covered = _covered(entries)
    people = [entry.lead_id for entry in entries if entry.scope == Scope.PERSON]
    companies = [entry.company_id for entry in entries if entry.scope == Scope.COMPANY]
    named = Lead.objects.filter(Q(pk__in=people) | Q(company__in=companies))
    Consent.objects.filter(lead__in=named, revoked_at=None).update(revoked_at=now)
    follow_ups.close(covered, FollowUp.Closed.CANCELLED, now=now, why=WHY)
    Pursuit.objects.open().filter(lead__in=covered).update(
        ended_at=now, end_reason=Pursuit.EndReason.DO_NOT_CALL, ended_by=by
    )


def _covered(entries: list[Suppression]) -> set[int]:
    """The leads that nobody may call any more. A suppressed number leaves their other numbers callable."""
    people = [entry.lead_id for entry in entries if entry.scope == Scope.PERSON]
    companies = [entry.company_id for entry in entries if entry.scope == Scope.COMPANY]
    covered = set(
        Lead.objects.filter(Q(pk__in=people) | Q(company__in=companies)).values_list("pk", flat=True)
    )
    e164s = [entry.e164 for entry in entries if entry.scope == Scope.NUMBER]
    users = LeadNumber.objects.current().filter(number__e164__in=e164s).values_list("lead_id", flat=True)
    left = (
        LeadNumber.objects.current()
        .filter(lead__in=list(users), number__status=Number.Status.OK)
        .exclude(number__e164__in=Suppression.objects.active().filter(scope=Scope.NUMBER).values("e164"))
        .values_list("lead_id", flat=True)
    )
    return covered | (set(users) - set(left))
