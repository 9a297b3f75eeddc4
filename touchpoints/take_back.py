"""How is an outcome taken back or replaced? By what was before it, which every outcome keeps with its call."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from leads.models import Company, Lead, LeadNumber, Number, Workspace

from . import assign, corrections, engine, follow_ups, outcomes, refusals, stage, suppress
from .after_call import locked
from .models import (
    CallAttempt,
    Direction,
    FollowUp,
    Meeting,
    OutcomeChange,
    Promise,
    Pursuit,
    TemperatureChange,
    Touchpoint,
    UnmatchedTouchpoint,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

    from .outcomes import Logged


def undo(call: CallAttempt, *, user: AbstractUser, now: datetime) -> CallAttempt:
    """Take an outcome back within the undo window: the attempt is as it was before, the dial stays a dial."""
    with transaction.atomic():
        call, lead = locked(call)
        if call.outcome_id is None or call.ended_at is None:
            raise refusals.AttemptClosed(gettext("There is nothing to take back: no outcome was logged."))
        if call.user_id != user.pk:
            raise refusals.NotYours(gettext("This call is a colleague's."))
        if now - _logged_at(call) > timedelta(seconds=Workspace.current().undo_seconds):
            raise refusals.TooLate(gettext("Too late to take it back; amend the outcome on the lead's page."))
        before = call.effects.get("before") or {}
        opens = not before.get("ended_at")
        if (
            opens
            and call.direction == Direction.OUTBOUND
            and CallAttempt.objects.open().outbound().filter(user=user).exists()
        ):
            raise refusals.AttemptOpen(gettext("Another call is open: log its outcome first."))
        _take_back(call, lead, by=user, now=now)
        OutcomeChange.objects.create(call=call, before=call.outcome, after=None, at=now, by=user)
        call.outcome, call.effects = None, {}
        call.ended_at = _time(before.get("ended_at"))
        call.duration_seconds = before.get("duration_seconds")
        call.save()
        if opens:
            _lease_again(call, user, now=now)
    return call


def amend(call: CallAttempt, logged: Logged, *, user: AbstractUser, now: datetime) -> CallAttempt:
    """Replace an outcome: by the rep on the day of the call, by a manager any time. The row stays, with the change.

    What the old outcome did is taken back and the new one applied; only the lead's latest call can be amended,
    as later ones rest on what it did.
    """
    with transaction.atomic():
        call, lead = locked(call)
        if call.outcome_id is None:
            return outcomes.log_outcome(call, logged, user=user, now=now)
        own = call.user_id == user.pk
        if not user.is_manager and not (own and now - call.started_at < timedelta(hours=24)):  # type: ignore[attr-defined]
            raise refusals.TooLate(gettext("Reps amend their own calls on the same day; ask a manager."))
        since = {"lead": call.lead_id, "started_at__gt": call.started_at}
        if (
            CallAttempt.objects.filter(**since).exists()
            or Pursuit.objects.filter(**since).exclude(pk=call.pursuit_id).exists()
        ):
            raise refusals.TooLate(gettext("A later call rests on this outcome; amend that one."))
        before = call.outcome
        _take_back(call, lead, by=user, now=now)
        OutcomeChange.objects.create(call=call, before=before, after_id=logged.outcome, at=now, by=user)
        # The call stays ended when it ended: nobody is on the phone.
        call.outcome, call.effects = None, {}
        call.save()
        call, lead = locked(call)
        outcomes.Logging(call, lead, logged, user, now=now).apply()
    return call


def _take_back(call: CallAttempt, lead: Lead, *, by: AbstractUser, now: datetime) -> None:
    """Replace everything the call's outcome did by what was before it."""
    before, made = call.effects.get("before") or {}, call.effects.get("made") or {}
    if (
        FollowUp.objects.filter(pk__in=made.get("follow_up", []), lease_until__gt=now)
        .exclude(lease_by=by)
        .exists()
    ):
        raise refusals.LeasedByAnother(gettext("A colleague has the lead on the screen just now."))
    follow_ups.close([lead.pk], FollowUp.Closed.CANCELLED, now=now, why="outcome taken back")
    FollowUp.objects.filter(pk=before.get("follow_up")).update(closed_at=None, closed_as="", closed_why="")
    _restore_pursuit(call, before)
    _restore_lead(lead, before, by=by, now=now, call=call)
    LeadNumber.objects.filter(pk__in=made.get("detached", [])).update(detached_at=None, detached_reason="")
    Number.objects.filter(pk__in=made.get("invalidated", [])).update(status=Number.Status.OK, status_at=now)
    suppress.take_back(made.get("suppressions", []), by=by, now=now)
    Promise.objects.filter(pk__in=made.get("promises", [])).update(cancelled_at=now)
    Promise.objects.filter(pk__in=made.get("promises_kept", [])).update(kept_at=None)
    Meeting.objects.filter(pk__in=made.get("meetings", [])).update(
        # Whoever was invited meanwhile hears that it is off; the sweep knows who was.
        status=Meeting.Status.CANCELLED,
        status_at=now,
        invite_due_at=now,
    )
    lead.tasks.filter(pk__in=made.get("tasks", []), done_at=None).update(done_at=now, done_by=by)
    _restore_answers(lead, made.get("answers", []))
    for touchpoint in Touchpoint.objects.filter(pk__in=made.get("touchpoints", [])):
        corrections.withdraw(touchpoint, user=by, now=now, reason="outcome taken back")
    UnmatchedTouchpoint.objects.open().filter(pk__in=made.get("unmatched", [])).delete()
    # The person we were sent to is nobody again, unless something happened to them meanwhile.
    Lead.objects.filter(pk__in=made.get("leads", []), touchpoints=None, calls=None).delete()
    if made.get("override"):
        lead.overrides.filter(ended_at=None).update(ended_at=now)
    if made.get("override") or made.get("override_ended"):
        lead.overrides.filter(pk=before.get("override"), until__gt=now).update(ended_at=None)
    engine.evaluate_leads([lead.pk], now=now, cause=TemperatureChange.Cause.UNDO, by=by)


def _restore_pursuit(call: CallAttempt, before: dict[str, Any]) -> None:
    values = before.get("pursuit")
    if not values or call.pursuit_id is None:
        return
    unended = {"ended_at": None, "end_reason": "", "end_note": "", "ended_by_id": None}
    times = {name: _time(values.get(name)) for name in ("reached_at", "ended_at", "paused_until")}
    Pursuit.objects.filter(pk=call.pursuit_id).update(**{**unended, **values, **times})


def _restore_lead(
    lead: Lead, before: dict[str, Any], *, by: AbstractUser, now: datetime, call: CallAttempt
) -> None:
    if before.get("stage") and before["stage"] != lead.stage:
        stage.put(lead, before["stage"], by=by, now=now, why="outcome taken back", call=call)
    if before.get("owner") != lead.owner_id:
        teams = Lead._meta.get_field("team").related_model.objects
        assign.assign(
            [lead],
            owner=get_user_model().objects.filter(pk=before.get("owner")).first(),
            team=teams.filter(pk=before.get("team", lead.team_id)).first(),
            by=by,
            now=now,
        )
    lead.cooled_at = _time(before.get("cooled_at"))
    company = before.get("company")
    lead.company_id = company if company and Company.objects.filter(pk=company).exists() else None
    lead.save(update_fields=["cooled_at", "company", "updated_at"])


def _restore_answers(lead: Lead, changed: list[list[Any]]) -> None:
    for question, old in changed:
        rows = lead.answers.filter(question=question)
        if old is None:
            rows.delete()
        else:
            rows.update(answer=old[0], call=old[1], at=_time(old[2]))


def _lease_again(call: CallAttempt, user: AbstractUser, *, now: datetime) -> None:
    FollowUp.objects.open().filter(pk=call.follow_up_id).update(
        lease_by=user, lease_until=now + timedelta(hours=2)
    )


def _logged_at(call: CallAttempt) -> datetime:
    """When the outcome was logged; a phone system's call, or one closed without an outcome, ended before that."""
    logged_at = _time(call.effects.get("at")) or call.ended_at
    assert logged_at is not None  # only calls with an outcome come here
    return logged_at


def _time(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
