"""How is an outcome taken back or replaced? By what was before it, which every outcome keeps with its call.

Only what the outcome did is undone: what a person, the lead or a later call did since stands (`told_late`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from leads import register
from leads.models import Lead, LeadNumber, Number, Suppression, Workspace

from . import corrections, engine, outcomes, refusals, suppress, told_late
from .after_call import locked
from .models import (
    CallAttempt,
    Direction,
    FollowUp,
    Meeting,
    OutcomeChange,
    Promise,
    Pursuit,
    Task,
    TemperatureChange,
    Touchpoint,
    UnmatchedTouchpoint,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

    from .outcomes import Logged
    from .told_late import Since

WHY = "outcome taken back"
COUNTS = ("attempt", "step", "tries_since_reach", "reached_at_attempt")


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
        since = told_late.since(call)
        if opens and since:
            raise refusals.TooLate(gettext("They were called again since; amend the outcome on their page."))
        _TakingBack(call, lead, since, by=user, now=now).apply()
        OutcomeChange.objects.create(call=call, before=call.outcome, after=None, at=now, by=user)
        call.outcome, call.effects = None, {}
        call.ended_at = _time(before.get("ended_at"))
        call.duration_seconds = before.get("duration_seconds")
        if opens:
            _lease_again(call, user, now=now)
        call.save()
        _count_without(call, lead, since, by=user, now=now)
    return call


def amend(call: CallAttempt, logged: Logged, *, user: AbstractUser, now: datetime) -> CallAttempt:
    """Replace an outcome: by the rep on the day of the call, by a manager any time. The row stays, with the change.

    What the old outcome did is taken back and the new one applied. Where the lead was called again since, the calls
    are counted anew; what was agreed when they were last reached stands. Raises a `refusals.Refused`.
    """
    with transaction.atomic():
        call, lead = locked(call)
        if call.outcome_id is None:
            return outcomes.log_outcome(call, logged, user=user, now=now)
        own = call.user_id == user.pk
        if not user.is_manager and not (own and now - call.started_at < timedelta(hours=24)):  # type: ignore[attr-defined]
            raise refusals.TooLate(gettext("Reps amend their own calls on the same day; ask a manager."))
        if Meeting.objects.filter(call=call, status=Meeting.Status.HELD).exists():
            raise refusals.TooLate(gettext("The meeting this call led to was held: its outcome stands."))
        before, found = call.outcome, told_late.facts_kept(call.effects)
        since = told_late.since(call)
        stands = _TakingBack(call, lead, since, by=user, now=now).apply()
        OutcomeChange.objects.create(call=call, before=before, after_id=logged.outcome, at=now, by=user)
        # The call stays ended when it ended: nobody is on the phone.
        call.outcome, call.effects = None, {}
        call.save()
        _count_without(call, lead, since, by=user, now=now, settle=False)
        call, lead = locked(call)
        instead_of = outcomes.TakenBack(found, stands)
        outcomes.Logging(call, lead, logged, user, now=now, instead_of=instead_of).apply()
        _name_the_end(call, since)
    return call


def _count_without(
    call: CallAttempt, lead: Lead, since: Since, *, by: AbstractUser, now: datetime, settle: bool = True
) -> None:
    """Count the pursuit as if nothing had been said of this call, where later calls rest on it."""
    pursuit = call.pursuit
    if not since or pursuit is None:
        return
    pursuit.refresh_from_db()
    told_late.count_anew(pursuit, now=now)
    call.refresh_from_db(fields=["attempt"])
    if settle:
        told_late.settle_plan(lead, pursuit, by=by, now=now)


def _name_the_end(call: CallAttempt, since: Since) -> None:
    """What was given up after its last call ended by what is said of that call now."""
    pursuit = call.pursuit
    if pursuit is None or call.outcome is None or not call.outcome.ends_pursuit or since.within(pursuit):
        return
    Pursuit.objects.filter(pk=pursuit.pk, end_reason=Pursuit.EndReason.GIVEN_UP).update(
        end_reason=call.outcome.ends_pursuit, end_note=""
    )


class _TakingBack:
    """One outcome being taken back: replaces what it did by what was before it."""

    def __init__(
        self, call: CallAttempt, lead: Lead, since: Since, *, by: AbstractUser, now: datetime
    ) -> None:
        self.call, self.lead, self.since, self.by, self.now = call, lead, since, by, now
        self.before: dict[str, Any] = call.effects.get("before") or {}
        self.made: dict[str, list[Any]] = call.effects.get("made") or {}
        self.logged_at = _logged_at(call)

    def apply(self) -> bool:
        """Returns whether something that was planned since stands."""
        mine = FollowUp.objects.filter(pk__in=self.made.get("follow_up", []))
        if mine.filter(lease_until__gt=self.now).exclude(lease_by=self.by).exists():
            raise refusals.LeasedByAnother(gettext("A colleague has the lead on the screen just now."))
        self._wishes()
        self._pursuit()
        stands = self._plan()
        self._facts()
        self._numbers()
        self._promises_and_meetings()
        self._tasks()
        self._answers()
        self._touchpoints()
        self._overrides()
        engine.evaluate_leads([self.lead.pk], now=self.now, cause=TemperatureChange.Cause.UNDO, by=self.by)
        return stands

    def _facts(self) -> None:
        """Stage, keeper, company and refusal go back, as far as nobody and nothing moved them since."""
        found = told_late.facts_kept(self.call.effects)
        if found is None:
            return
        then = told_late.said_by(self.call, self.call.outcome)
        say = told_late.said_by(self.call, None)
        facts = told_late.facts_after(found, then, say, self.since.calls, self.lead)
        told_late.put_facts(self.lead, facts, by=self.by, now=self.now, call=self.call, why=WHY)

    def _pursuit(self) -> None:
        """What the call was counted as, and the end it brought. Where later calls rest on it, the count is theirs."""
        pursuit, kept = self.call.pursuit, self.before.get("pursuit")
        if pursuit is None or not kept:
            return
        ended_by_it = pursuit.ended_at == self.logged_at and not kept.get("ended_at")
        stopped = Suppression.objects.active().filter(pk__in=self.made.get("suppressions", []))
        if ended_by_it and stopped.exists():
            return  # the list stands, whatever is said of the call now
        if ended_by_it and (self.since.pursued_again or not told_late.reopen(pursuit)):
            pursuit.end_reason, pursuit.end_note = Pursuit.EndReason.GIVEN_UP, WHY
            pursuit.save(update_fields=["end_reason", "end_note"])
        if not self.since.calls:
            for name in COUNTS:
                setattr(pursuit, name, kept[name])
            pursuit.reached_at = _time(kept.get("reached_at"))
            pursuit.paused_until = pursuit.paused_until or _time(kept.get("paused_until"))
            pursuit.save(update_fields=[*COUNTS, "reached_at", "paused_until"])

    def _numbers(self) -> None:
        again = LeadNumber.objects.current().filter(lead=OuterRef("lead"), number=OuterRef("number"))
        LeadNumber.objects.filter(~Exists(again), pk__in=self.made.get("detached", [])).update(
            detached_at=None, detached_reason=""
        )
        LeadNumber.objects.current().filter(pk__in=self.made.get("attached", [])).update(
            detached_at=self.now, detached_reason=WHY
        )
        # What somebody corrected since is theirs.
        learned = {
            name: "" for name, value in self.made.get("learned", []) if getattr(self.lead, name) == value
        }
        if learned:
            register.edit_lead(self.lead, learned, by=self.by, now=self.now, action="lead.unlearned")
        Number.objects.filter(
            pk__in=self.made.get("invalidated", []), status=Number.Status.INVALID, status_at=self.logged_at
        ).update(status=Number.Status.OK, status_at=self.now)

    def _plan(self) -> bool:
        """What the outcome had planned is cancelled, and what it took the place of stands again. Anything that came
        since stays: a hand-raise, what was agreed in a later call, a plan that turned warm."""
        mine = (*self.made.get("follow_up", []), self.before.get("follow_up"))
        planned = FollowUp.objects.open().filter(lead=self.lead)
        planned.filter(pk__in=self.made.get("follow_up", [])).update(
            closed_at=self.now,
            closed_as=FollowUp.Closed.CANCELLED,
            closed_why=WHY,
            lease_by=None,
            lease_until=None,
        )
        if planned.exclude(pk__in=[pk for pk in mine if pk]).exists():
            return True
        running = Q(pursuit=None) | Q(pursuit__ended_at=None)
        free = ~Exists(FollowUp.objects.open().filter(lead=OuterRef("lead")))
        if not self.since:
            FollowUp.objects.filter(running, free, pk=self.before.get("follow_up")).update(
                closed_at=None, closed_as="", closed_why=""
            )
        return False

    def _wishes(self) -> None:
        """Nobody wished it after all, unless they said so in another call too: then the entries rest on that one."""
        entries = self.made.get("suppressions", [])
        stopped = self.lead.calls.filter(outcome__ends_pursuit=Pursuit.EndReason.DO_NOT_CALL)
        other = stopped.exclude(pk=self.call.pk).first() if entries else None
        if other is None:
            suppress.take_back(entries, by=self.by, now=self.now)
            return
        made = other.effects.setdefault("made", {})
        made["suppressions"] = [*made.get("suppressions", []), *entries]
        other.save(update_fields=["effects"])

    def _promises_and_meetings(self) -> None:
        # Kept or not, it never was one.
        Promise.objects.filter(pk__in=self.made.get("promises", [])).update(cancelled_at=self.now)
        if not self.since.reached:
            Promise.objects.filter(pk__in=self.made.get("promises_kept", []), kept_at=self.logged_at).update(
                kept_at=None
            )
        # Where it was moved, the one that stands now has the call of the first.
        booked = Q(pk__in=self.made.get("meetings", [])) | Q(call=self.call)
        Meeting.objects.filter(booked, status=Meeting.Status.BOOKED).update(
            # Whoever was invited meanwhile hears that it is off; the sweep knows who was.
            status=Meeting.Status.CANCELLED,
            status_at=self.now,
            invite_due_at=self.now,
        )

    def _tasks(self) -> None:
        self.lead.tasks.filter(pk__in=self.made.get("tasks", []), done_at=None).update(
            done_at=self.now, done_by=self.by
        )
        asked = Task.objects.filter(lead=OuterRef("lead"), kind=OuterRef("kind"), done_at=None)
        self.lead.tasks.filter(~Exists(asked), pk__in=self.made.get("answered", [])).update(
            done_at=None, done_by=None
        )

    def _answers(self) -> None:
        for question, old in self.made.get("answers", []):
            # What they answered in a later call stands.
            rows = self.lead.answers.filter(question=question, call=self.call)
            if old is None:
                rows.delete()
            else:
                answer, call, at, *asked = old
                as_asked = {"question": asked[0]} if asked else {}
                rows.update(answer=answer, call=call, at=_time(at), **as_asked)

    def _touchpoints(self) -> None:
        for touchpoint in Touchpoint.objects.filter(pk__in=self.made.get("touchpoints", [])):
            corrections.withdraw(touchpoint, user=self.by, now=self.now, reason=WHY)
        UnmatchedTouchpoint.objects.open().filter(pk__in=self.made.get("unmatched", [])).delete()
        # The person we were sent to is nobody again, unless something happened to them meanwhile.
        Lead.objects.filter(
            pk__in=self.made.get("leads", []), touchpoints=None, calls=None, suppressions=None
        ).delete()

    def _overrides(self) -> None:
        standing = self.lead.overrides.filter(ended_at=None)
        if made := self.made.get("override"):
            # One by a person since then ended it already.
            standing.filter(pk__in=made).update(ended_at=self.now)
        if (made or self.made.get("override_ended")) and not standing.exists():
            self.lead.overrides.filter(pk=self.before.get("override"), until__gt=self.now).update(
                ended_at=None
            )


def _lease_again(call: CallAttempt, user: AbstractUser, *, now: datetime) -> None:
    """The lead is before the rep again, with whatever is planned for it now."""
    planned = FollowUp.objects.open().filter(lead=call.lead_id)
    call.follow_up = planned.first() or call.follow_up
    planned.update(lease_by=user, lease_until=now + timedelta(hours=2))


def _logged_at(call: CallAttempt) -> datetime:
    """When the outcome was logged; a phone system's call, or one closed without an outcome, ended before that."""
    logged_at = _time(call.effects.get("at")) or call.ended_at
    assert logged_at is not None  # only calls with an outcome come here
    return logged_at


def _time(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
