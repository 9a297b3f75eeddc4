"""What does a phone system tell of calls that were made? Each is kept once, with what the guard would have said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from leads.identity import Identity
from leads.models import Lead, Number

from . import guarding, outcomes, pursue, record, stage, unlogged
from .call_proof import proof_of, verdict_as_kept
from .calls import attempt_number, pursuit_of
from .models import CallAttempt, Dial, Direction, FollowUp, HandRaise, Pursuit

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

SAME_CALL_WITHIN = timedelta(minutes=3)


@dataclass(frozen=True)
class PastCall:
    """A call that a phone system reports after the fact."""

    source: str
    external_id: str
    started_at: datetime
    duration_seconds: int | None = None
    direction: str = Direction.OUTBOUND
    outcome: str = ""
    notes: str = ""
    recording_url: str = ""


def keep(
    past: PastCall, *, lead: Lead, number: Number | None, user: AbstractUser, now: datetime
) -> tuple[CallAttempt, bool]:
    """Keep a call that already happened; returns it and whether it is new.

    The same (source, external_id) again changes nothing. A call of the same user to the same number within three
    minutes of an attempt completes that attempt. What the guard would have blocked is kept and marked a breach.
    """
    with transaction.atomic():
        locked = Lead.objects.select_for_update(of=("self",)).get(pk=lead.pk)
        if past.external_id:
            known = CallAttempt.objects.filter(source=past.source, external_id=past.external_id).first()
            if known is not None:
                return known, False
        number = number or _only_number(locked)
        call = _attempt_of(past, number, user)
        if call is not None:
            call.source, call.external_id = past.source, past.external_id
        else:
            call = _past_attempt(past, locked, number, user, now=now)
        call.duration_seconds, call.recording_url = past.duration_seconds, past.recording_url
        call.save()
        if past.direction == Direction.INBOUND:
            _touch_by_call(call, user, now=now)
        if past.outcome and call.outcome_id is None:
            logged = outcomes.Logged(outcome=past.outcome, notes=past.notes)
            return outcomes.log_outcome(call, logged, user=user, now=now), True
    return call, True


def _only_number(lead: Lead) -> Number | None:
    """The number a report meant that names only the lead: its one number, for whose caps the call counts then."""
    numbers = list(Number.objects.filter(links__lead=lead, links__detached_at=None).distinct()[:2])
    return numbers[0] if len(numbers) == 1 else None


def _attempt_of(past: PastCall, number: Number | None, user: AbstractUser) -> CallAttempt | None:
    """The attempt a phone system's record belongs to: same user, same number, begun within three minutes."""
    if number is None or past.direction != Direction.OUTBOUND:
        return None
    return (
        CallAttempt.objects.outbound()
        .filter(user=user, number=number, external_id="")
        .filter(
            started_at__gte=past.started_at - SAME_CALL_WITHIN,
            started_at__lte=past.started_at + SAME_CALL_WITHIN,
        )
        .order_by("-started_at")
        .first()
    )


def _past_attempt(
    past: PastCall, lead: Lead, number: Number | None, user: AbstractUser, *, now: datetime
) -> CallAttempt:
    situation = guarding.gather([lead], now=past.started_at, past=True)[lead.pk]
    outbound = past.direction == Direction.OUTBOUND
    verdict = None
    if outbound and situation.links:
        verdict = situation.verdict(situation.choose(number), now=past.started_at)
    pursuit = (
        pursuit_of(lead, user, now=past.started_at)
        if outbound
        else Pursuit.objects.open().filter(lead=lead).first()
    )
    local = situation.local_time(past.started_at)
    call = CallAttempt(
        lead=lead,
        pursuit=pursuit,
        follow_up=FollowUp.objects.open().filter(lead=lead).first(),
        user=user,
        team_id=user.team_id,  # type: ignore[attr-defined]
        number=number,
        direction=past.direction,
        attempt=attempt_number(pursuit) if outbound else None,
        target=pursuit.target if pursuit else 18,
        started_at=past.started_at,
        # Never open, however short a while: the rep may be on the phone with somebody else by now.
        ended_at=past.started_at + timedelta(seconds=past.duration_seconds or 0),
        notes=past.notes,
        guard=verdict_as_kept(verdict, situation.facts.get(number.pk if number else 0), at=past.started_at)
        if verdict
        else {},
        **(proof_of(user, situation.facts.get(number.pk if number else 0)) if outbound else {}),
        breach=bool(verdict and verdict.decision == "block"),
        source=past.source,
        external_id=past.external_id,
        temperature=lead.temperature,
        local_weekday=local.isoweekday() if local else None,
        local_hour=local.hour if local else None,
    )
    call.save()
    if outbound:
        Dial.objects.create(call=call, number=number, lead=lead, at=past.started_at)
        stage.move(lead, "attempted", by=user, now=past.started_at, call=call)
        raised = HandRaise.objects.filter(lead=lead, first_attempt_at=None, raised_at__lte=past.started_at)
        raised.update(first_attempt_at=past.started_at)
        if not past.outcome:
            unlogged.advance([call])
            pursue.go_on([lead], now=now)
    return call


def _touch_by_call(call: CallAttempt, user: AbstractUser, *, now: datetime) -> None:
    """A call from them that a phone system reports: somebody spoke with them, or they ask to be called back."""
    taken = bool(call.duration_seconds)
    # Whoever took it need not be whose lead it is.
    record.store_for(
        record.NewTouchpoint(
            kind="inbound_call",
            occurred_at=call.started_at,
            lead=Identity(id=call.lead_id),
            source="thaw",
            external_id=f"call:{call.pk}:inbound",
            by=(user.get_full_name() or user.get_username()) if taken else "",
            by_user_id=user.pk if taken else None,
        ),
        call.lead,
        user=user,
        now=now,
    )
    if taken:
        HandRaise.objects.filter(
            lead=call.lead_id, first_attempt_at=None, raised_at__lte=call.started_at
        ).update(first_attempt_at=call.started_at)
