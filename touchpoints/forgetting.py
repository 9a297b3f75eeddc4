"""What of an erased person's rows goes, what stays without its words, and what stays as it is?

`KEPT_WHOLE`, `WITHOUT_WORDS` and `GONE` name every kind of row that belongs to a lead; a test fails for one without a
decision. Apps that stand above add what they keep with `elsewhere`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext

from leads import consents, erasure
from leads.models import (
    AuditEvent,
    Consent,
    Customer,
    ExternalId,
    Lead,
    LeadNumber,
    ListMembership,
    Suppression,
)

from . import follow_ups, pursue
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
    Skip,
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
    from django.db import models

    from .traces import Traces

WHY = "erased"

# Rows of a lead that say who or what they are and nothing that must be proved.
GONE: tuple[type[models.Model], ...] = (
    Answer,
    EvaluationFailure,
    ExternalId,
    IdleNotice,
    LeadNumber,
    ListMembership,
)
# Rows that stay for the count or the proof; these columns say something about the person.
WITHOUT_WORDS: dict[type[models.Model], dict[str, Any]] = {
    Touchpoint: {
        "summary": "",
        "referred_by": "",
        "url": "",
        "data": {},
        "external_id": "",
        "evaluation_error": "",
    },
    CallAttempt: {"notes": "", "recording_url": "", "effects": {}},
    FollowUp: {"reason": "", "closed_why": WHY},
    Meeting: {"title": "", "place": ""},
    Promise: {"text": ""},
    Pursuit: {"end_note": "", "paused_why": ""},
    Task: {"reason": "", "note": "", "effects": {}},
    TemperatureOverride: {"reason": ""},
    Wish: {"message": "", "reason": ""},
}
# Rows that hold times, counts, verdicts and our own people only, or are thinned below.
KEPT_WHOLE: tuple[type[models.Model], ...] = (
    AuditEvent,
    BlockedDial,
    Complaint,
    Consent,
    Dial,
    HandRaise,
    ReassignedLead,
    StageChange,
    Suppression,
    TemperatureChange,
)
# Of the lead itself these columns stay: where the rules of a call came from, whose calls they were, what came of it.
LEAD_KEEPS = frozenset(
    {
        "id",
        "audience",
        "country",
        "cooled_at",
        "created_at",
        "created_by",
        "erased_at",
        "fit",
        "is_demo",
        "merged_into",
        "stage",
        "team",
        "updated_at",
    }
)

# Values in the audit trail that may stay.
SAYS_NOTHING = frozenset(
    {
        "audience",
        "channel",
        "country",
        "kind",
        "line_type",
        "owner",
        "scope",
        "stage",
        "state",
        "status",
        "team",
    }
)

Forget = Callable[["Traces"], int]
_ELSEWHERE: dict[str, Forget] = {}


def elsewhere(name: str, forget: Forget) -> None:
    """Have `forget` called within each erasure, for rows this app does not know of; it returns how many changed."""
    _ELSEWHERE[name] = forget


def forget(people: list[Lead], found: Traces, *, by: AbstractUser | None, now: datetime) -> dict[str, int]:
    """Remove and blank what the person left behind; returns how many rows of each kind were touched."""
    counts = {
        "calls": CallAttempt.objects.filter(lead__in=found.leads).count(),
        "touchpoints": Touchpoint.objects.filter(lead__in=found.leads).count(),
        "unmatched": _unmatched(found),
        "audit": _audit_trail(found),
    }
    counts |= {name: act(found) for name, act in _ELSEWHERE.items()}
    _end(people, by=by, now=now)
    _own_list(found)
    _proof(found)
    for model, blank in WITHOUT_WORDS.items():
        model._default_manager.filter(lead__in=found.leads).update(**blank)
    Skip.objects.filter(follow_up__lead__in=found.leads).update(reason="")
    counts["numbers"] = _numbers(found, by=by, now=now)
    for model in GONE:
        model._default_manager.filter(lead__in=found.leads).delete()
    _blank(people, now=now)
    return {name: count for name, count in counts.items() if count}


def _end(people: list[Lead], *, by: AbstractUser | None, now: datetime) -> None:
    """Nothing goes on: calls, pursuits, follow-ups, tasks, promises, meetings, the temperature."""
    ids = [one.pk for one in people]
    CallAttempt.objects.open().filter(lead__in=ids).update(ended_at=now)
    pursue.end_many(
        list(Pursuit.objects.open().filter(lead__in=ids)), Pursuit.EndReason.ERASED, by=by, now=now
    )
    follow_ups.close(ids, FollowUp.Closed.CANCELLED, now=now, why=WHY)
    Task.objects.filter(lead__in=ids, done_at=None).update(done_at=now, done_by=by)
    Promise.objects.filter(lead__in=ids, kept_at=None, broken_at=None, cancelled_at=None).update(
        cancelled_at=now
    )
    Meeting.objects.filter(lead__in=ids, status=Meeting.Status.BOOKED).update(
        status=Meeting.Status.CANCELLED, status_at=now
    )
    Consent.objects.filter(lead__in=ids, revoked_at=None).update(revoked_at=now)
    TemperatureOverride.objects.filter(lead__in=ids, ended_at=None).update(ended_at=now)
    Wish.objects.open().filter(lead__in=ids).update(state=Wish.State.CONFIRMED, decided_at=now, decided_by=by)
    TemperatureChange.objects.bulk_create(
        TemperatureChange(
            lead=one,
            at=now,
            before=Lead.Temperature.WARM,
            after=Lead.Temperature.COLD,
            cause=TemperatureChange.Cause.CORRECTION,
            by=by,
        )
        for one in people
        if one.temperature == Lead.Temperature.WARM
    )
    # What waits for the engine would wait for ever: an erased lead is evaluated no more.
    Touchpoint.objects.filter(lead__in=ids, evaluated_at=None).update(evaluated_at=now)


def _own_list(found: Traces) -> None:
    """Entries in plain give way to the digests; those of the person stay, without what was said."""
    e164s = found.e164s
    Suppression.objects.filter(scope=Suppression.Scope.NUMBER, e164__in=e164s).delete()
    for entry in Suppression.objects.filter(scope=Suppression.Scope.PERSON, lead__in=found.leads):
        entry.reason, entry.evidence = found.without(entry.reason), ""
        entry.lifted_reason, entry.lifted_evidence = found.without(entry.lifted_reason), ""
        entry.save(update_fields=["reason", "evidence", "lifted_reason", "lifted_evidence"])
    customers = Customer.objects.filter(e164__in=e164s)
    customers.filter(domain="").delete()
    customers.update(e164="", name="")


def _proof(found: Traces) -> None:
    """What proves our calls, without what names the person; of a consent's evidence its seal, by which the paper
    or file it was copied from can still be recognised."""
    for consent in Consent.objects.filter(lead__in=found.leads).exclude(evidence=""):
        consent.evidence = f"sealed {erasure.seal(consent.evidence)}"
        consent.save(update_fields=["evidence"])
    for complaint in Complaint.objects.filter(lead__in=found.leads):
        # A claim that is not settled must be answered: its words stay until then, without the name.
        is_open = complaint.status == Complaint.Status.OPEN
        complaint.said = found.without(complaint.said) if is_open else ""
        complaint.handling = found.without(complaint.handling) if is_open else ""
        complaint.save(update_fields=["said", "handling"])
    for call in CallAttempt.objects.filter(lead__in=found.leads).filter(
        ~Q(warn_reason="") | ~Q(external_id="")
    ):
        call.warn_reason = found.without(call.warn_reason)
        if found.found_in(call.external_id):
            call.external_id = erasure.seal(call.external_id)
        call.save(update_fields=["warn_reason", "external_id"])


def _numbers(found: Traces, *, by: AbstractUser | None, now: datetime) -> int:
    """Calls keep the digest of a number that was the person's alone; a switchboard's number names nobody. Returns
    how many numbers nobody else had."""
    # Others who had such a number by mistake had the person's; a namesake's lead keeps it until it is erased too.
    LeadNumber.objects.filter(number__in=found.alone).exclude(detached_at=None).delete()
    LeadNumber.objects.filter(lead__in=found.leads).delete()
    kept = set(LeadNumber.objects.filter(number__in=found.alone).values_list("number_id", flat=True))
    for number in found.alone:
        whose = {"lead__in": found.leads} if number.pk in kept else {}
        CallAttempt.objects.filter(number=number, **whose).update(
            number=None, number_digest=erasure.digests(number.e164)[0]
        )
        # A consent to be called on this number alone must not become one for all numbers.
        for_it = Consent.objects.filter(number=number, **whose)
        consents.end_all(for_it, reason=gettext("the number was erased"), by=by, now=now)
        for model in (Dial, BlockedDial, Consent):
            model._default_manager.filter(number=number, **whose).update(number=None)
        if number.pk not in kept:
            number.delete()
    return len(found.alone)


def _unmatched(found: Traces) -> int:
    """Touchpoints that wait in the inbox, or waited: those that name the person go."""
    settled = UnmatchedTouchpoint.objects.filter(touchpoint__lead__in=found.leads)
    gone = set(settled.values_list("pk", flat=True))
    gone |= {
        row.pk
        for row in UnmatchedTouchpoint.objects.only("payload").iterator(chunk_size=500)
        if found.found_in(row.payload)
    }
    UnmatchedTouchpoint.candidates.through.objects.filter(lead__in=found.leads).delete()
    UnmatchedTouchpoint.objects.filter(pk__in=gone).delete()
    return len(gone)


def _audit_trail(found: Traces) -> int:
    """Events stay, with who, when and which fields; what stood in the fields goes."""
    texts = AuditEvent.objects.annotate(
        _before=Cast("before", TextField()), _after=Cast("after", TextField())
    )
    naming = Q(lead__in=found.leads) | Q(subject_id__in=found.e164s)
    for word in found.words:
        naming |= Q(_before__icontains=word) | Q(_after__icontains=word) | Q(reason__icontains=word)
    events = list(texts.filter(naming))
    for event in events:
        event.before = _without_values(event.before)
        event.after = _without_values(event.after)
        event.reason = found.without(event.reason)
        if event.subject_id in found.e164s:
            event.subject_id = erasure.digests(event.subject_id)[0][:40]
    AuditEvent.objects.bulk_update(events, ["before", "after", "reason", "subject_id"], batch_size=500)
    return len(events)


def _without_values(values: Any) -> dict[str, Any]:
    """Which fields changed, without what stood in them unless it says nothing about a person."""
    if not isinstance(values, dict):
        return {}
    return {name: value if name in SAYS_NOTHING else None for name, value in values.items()}


def _blank(people: list[Lead], *, now: datetime) -> None:
    empty = Lead(created_at=now)
    for lead in people:
        for column in Lead._meta.concrete_fields:
            if column.name not in LEAD_KEEPS:
                setattr(lead, column.attname, getattr(empty, column.attname))
        lead.erased_at = now
        lead.save()
