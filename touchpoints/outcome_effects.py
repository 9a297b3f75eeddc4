"""What does an outcome do beyond placing the next call? To numbers, our own list, other people, promises, meetings."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext

from leads import identity, register
from leads.models import Lead, LeadNumber, Number

from . import meetings, record, refusals, suppress, talk, todo
from .icebreaker import CALL_BACK
from .models import Outcome, Promise, Pursuit
from .next_step import NextStep, Placement

if TYPE_CHECKING:
    from .outcomes import Logging

# What whoever answers the phone may tell of the person we ask for.
NAMES = ("salutation", "first_name", "last_name")
TOLD_BY_OTHERS = ("job_title", "email")


def apply(log: Logging, outcome: Outcome) -> None:
    """What an outcome does to the number, the company, our own list, another person."""
    effect = outcome.params.get("number")
    if effect == "detach" and log.call.number_id:
        _detach(
            log, LeadNumber.objects.current().filter(lead=log.lead, number=log.call.number_id), outcome.key
        )
    elif effect == "invalidate" and log.call.number_id:
        Number.objects.filter(pk=log.call.number_id).update(status=Number.Status.INVALID, status_at=log.now)
        log.note("invalidated", log.call.number_id)
    ends = outcome.ends_pursuit
    if ends == Pursuit.EndReason.DO_NOT_CALL:
        _suppress(log)
    elif ends == Pursuit.EndReason.LEFT_COMPANY:
        _detach(log, LeadNumber.objects.current().filter(lead=log.lead), outcome.key)
        Lead.objects.filter(pk=log.lead.pk).update(company=None)
    elif ends == Pursuit.EndReason.REFERRED_ON and log.logged.referred:
        _refer(log)
    if outcome.policy == "gatekeeper" and log.logged.referred:
        _learn(log)
    if outcome.key == "abusive":
        ask(log, "look_into", gettext("abusive call, reported by %(who)s") % {"who": log.user})


def ask(log: Logging, kind: str, why: str) -> None:
    task = todo.ask(log.lead, kind, why, now=log.now)
    if task is not None:
        log.note("tasks", task.pk)


def _detach(log: Logging, links: Any, reason: str) -> None:
    for pk in list(links.values_list("pk", flat=True)):
        log.note("detached", pk)
    links.update(detached_at=log.now, detached_reason=reason)


def _suppress(log: Logging) -> None:
    scopes = [log.logged.scope] if log.logged.scope else log.situation.scopes_of_refusal(log.call.number_id)
    evidence = f"call {log.call.pk}"
    for scope in scopes:
        entry = suppress.suppress(
            scope=scope,
            lead=log.lead,
            number=log.call.number,
            reason=log.logged.reason or gettext("asked on the phone"),
            channel="call",
            evidence=evidence,
            by=log.user,
            now=log.now,
        )
        # Whoever was on the list already stays there when this outcome is taken back.
        if (entry.evidence, entry.requested_at) == (evidence, log.now):
            log.note("suppressions", entry.pk)


def _refer(log: Logging) -> None:
    """The person we were sent to becomes a lead with a referral by this one."""
    fields = dict(log.logged.referred or {})
    phones = [register.PhoneInput(raw=fields.pop("phone"))] if fields.get("phone") else []
    fields.pop("phone", None)
    if log.lead.company and "company" not in fields:
        fields["company"] = log.lead.company.name
    for name in ("country", "region", "language"):
        fields.setdefault(name, getattr(log.lead, name))
    try:
        made = record.record(
            record.NewTouchpoint(
                kind="referral",
                occurred_at=log.now,
                lead=identity.Identity(
                    email=fields.get("email", ""),
                    phone=phones[0].raw if phones else "",
                    region=log.lead.country,
                ),
                lead_fields=register.NewLead(fields=fields, phones=phones),
                source="thaw",
                external_id=f"referral:{log.call.pk}",
                referred_by=log.lead.name,
            ),
            user=log.user,
            now=log.now,
        )
    except register.LeadRefused as refused:
        error = refused.errors[0]
        raise refusals.Invalid(error.detail, field=f"referred.{error.field}") from refused
    if made.touchpoint is not None:
        log.note("touchpoints", made.touchpoint.pk)
    if made.lead_created and made.touchpoint is not None:
        log.note("leads", made.touchpoint.lead_id)
    if made.unmatched is not None:
        log.note("unmatched", made.unmatched.pk)


def _learn(log: Logging) -> None:
    """Whoever answered told us whom to ask for: what we did not know of the lead yet is kept with it."""
    given = log.logged.referred or {}
    phone = given.get("phone", "")
    asked = TOLD_BY_OTHERS if log.lead.person else (*NAMES, *TOLD_BY_OTHERS)
    learned = {name: given[name] for name in asked if given.get(name) and not getattr(log.lead, name)}
    changes = {**learned, "phone": phone} if phone else learned
    if not changes:
        return
    known = set(log.lead.lead_numbers.current().values_list("pk", flat=True))
    try:
        lead = register.edit_lead(log.lead, changes, by=log.user, now=log.now, action="lead.learned")
    except register.LeadRefused as refused:
        error = refused.errors[0]
        raise refusals.Invalid(error.detail, field=f"referred.{error.field}") from refused
    for name in learned:
        setattr(log.lead, name, getattr(lead, name))
        log.note("learned", [name, getattr(lead, name)])
    for pk in lead.lead_numbers.current().exclude(pk__in=known).values_list("pk", flat=True):
        log.note("attached", pk)


def promise_and_meet(log: Logging, outcome: Outcome, step: NextStep) -> None:
    if outcome.reach and log.lead.promised:  # type: ignore[attr-defined]
        due = _open_promises(log.lead).filter(due_at__lte=log.now + timedelta(days=1))
        kept = list(due.values_list("pk", flat=True))
        for pk in kept:
            log.note("promises_kept", pk)
        if kept:
            Promise.objects.filter(pk__in=kept).update(kept_at=log.now)
    for text, due_at in _promises(log, outcome, step):
        promise = Promise.objects.create(
            lead=log.lead,
            call=log.call,
            text=text[:300],
            due_at=due_at,
            made_at=log.now,
            made_by=log.user,
        )
        log.note("promises", promise.pk)
    if outcome.ends_pursuit == Pursuit.EndReason.MEETING:
        _book(log)


def _promises(log: Logging, outcome: Outcome, step: NextStep) -> list[tuple[str, datetime]]:
    said = []
    if outcome.policy == "agreed_time" and log.logged.callback_at and isinstance(step, Placement):
        said.append((CALL_BACK, log.logged.callback_at))
    promise = log.logged.promise or {}
    text = promise.get("text") or (gettext("send the information") if outcome.policy == "send_info" else "")
    if text:
        by_then = step.due_at if isinstance(step, Placement) else log.now + timedelta(days=2)
        said.append((text, promise.get("due_at") or by_then))
    return said


def _book(log: Logging) -> None:
    meeting = log.logged.meeting
    if not meeting:
        ask(log, "look_into", gettext("a meeting was agreed: note when it is"))
        return
    booked = meetings.book(log.lead, meeting, pursuit=log.pursuit, call=log.call, by=log.user, now=log.now)
    log.note("meetings", booked.pk)


def voicemail(log: Logging) -> talk.NextVoicemail | None:
    """The text that was on the screen for this voicemail of the pursuit; None where no track had one."""
    track = log.call.talk_track
    if track is None:
        return None
    left = sum(one.outcome == "voicemail_left" for one in log.after.earlier)
    return talk.voicemail(talk.script_of(track), left)


def answer(log: Logging) -> None:
    """Keep what was learned under its own name, so that the next call knows it however it is asked then."""
    given = {
        log.logged.fields.get(question) or talk.field_of(question): (question[:300], answer)
        for question, answer in log.logged.answers.items()
        if answer.strip()
    }
    if not given:
        return
    known = {row.field: row for row in log.lead.answers.filter(field__in=given)}
    for field, (question, answer) in given.items():
        old = known.get(field)
        log.note("answers", [question, old and [old.answer, old.call_id, old.at.isoformat(), old.question]])
        log.lead.answers.update_or_create(
            field=field,
            defaults={"question": question, "answer": answer, "call": log.call, "at": log.now},
        )


def _open_promises(lead: Lead) -> Any:
    return Promise.objects.filter(lead=lead, kept_at=None, broken_at=None, cancelled_at=None)
