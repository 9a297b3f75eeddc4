"""What does logging an outcome do? It closes the attempt, places what comes next and updates the rest, at once.

Everything an outcome did is kept with the call (`effects`), so that it can be taken back or amended.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from leads import identity, register
from leads.models import Company, Lead, LeadNumber, Number, Workspace

from . import (
    assign,
    corrections,
    engine,
    follow_ups,
    guarding,
    plans,
    pursue,
    record,
    refusals,
    stage,
    suppress,
    todo,
)
from .bell import EVALUATE, ring_on_commit
from .cadence import Attempted, Declined, Plan, attempted
from .icebreaker import CALL_BACK
from .models import (
    CallAttempt,
    Direction,
    FollowUp,
    HandRaise,
    Meeting,
    Outcome,
    OutcomeChange,
    Promise,
    Pursuit,
    TemperatureChange,
    Touchpoint,
    UnmatchedTouchpoint,
)
from .next_step import Context, NeedsTask, NextStep, Placement, PursuitEnds, next_step

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

FOUND_NOBODY = ("no_answer", "voicemail_left", "busy")
# What the lead asked for is placed whether a pursuit runs or not.
ASKED_FOR = ("agreed_time", "later", "send_info")
# An attempt that was closed without its outcome let the plan go on; these outcomes, told later, leave it so.
PLAN_WENT_ON = ("next_slot", "voicemail", "busy", "gatekeeper")
CONVERSATION_SECONDS = 60


@dataclass(frozen=True)
class Logged:
    """What a rep says of a call. `meeting`: {starts_at, title, minutes, place, host, value}; `promise`: {text,
    due_at}; `referred`: a person's fields; `scope`: whom a do-not-call covers (person, number or company)."""

    outcome: str
    notes: str = ""
    callback_at: datetime | None = None
    days: int | None = None
    meeting: dict[str, Any] | None = None
    promise: dict[str, Any] | None = None
    reason: str = ""
    referred: dict[str, Any] | None = None
    scope: str = ""
    answers: dict[str, str] = field(default_factory=dict)


def log_outcome(call: CallAttempt, logged: Logged, *, user: AbstractUser, now: datetime) -> CallAttempt:
    """Log the outcome of an attempt in one transaction. Raises a `refusals.Refused` and writes nothing then."""
    with transaction.atomic():
        call, lead = _locked(call)
        if call.outcome_id is not None:
            raise refusals.AttemptClosed(
                gettext("This attempt was logged as “%(outcome)s” already.") % {"outcome": call.outcome}
            )
        if call.user_id != user.pk and not user.is_manager:  # type: ignore[attr-defined]
            raise refusals.NotYours(gettext("This call is a colleague's."))
        _Logging(call, lead, logged, user, now).apply()
    return call


def preview(
    lead: Lead,
    call: CallAttempt | None,
    situation: guarding.Situation,
    *,
    user: AbstractUser,
    now: datetime,
) -> dict[str, str]:
    """What would come next after each outcome, in words, by outcome key; for a call that is open or to be made."""
    if call is None:
        pursuit = Pursuit.objects.open().filter(lead=lead).first()
        call = CallAttempt(lead=lead, pursuit=pursuit, user=user, started_at=now)  # type: ignore[misc]
    logging = _Logging(call, lead, Logged(outcome=""), user, now, situation=situation)
    return {
        outcome.key: logging.decide(outcome).reason
        for outcome in Outcome.objects.filter(active=True)
        if outcome.policy != "agreed_time"
    }


def _locked(call: CallAttempt) -> tuple[CallAttempt, Lead]:
    """The call and its lead, locked: the lead first, as everywhere, so that nobody waits in a circle."""
    lead = Lead.objects.select_for_update(of=("self",)).select_related("company").get(pk=call.lead_id)
    return CallAttempt.objects.select_for_update(of=("self",)).get(pk=call.pk), lead


class _Logging:
    """One outcome being logged: everything it reads, decides and writes."""

    def __init__(
        self,
        call: CallAttempt,
        lead: Lead,
        logged: Logged,
        user: Any,
        now: datetime,
        *,
        situation: guarding.Situation | None = None,
    ) -> None:
        self.call, self.lead, self.logged, self.user, self.now = call, lead, logged, user, now
        self.pursuit = Pursuit.objects.select_related("cadence").filter(pk=call.pursuit_id).first()
        self.situation = situation or guarding.gather([self.lead], now=now)[self.lead.pk]
        self.made: dict[str, list[Any]] = {}
        self.raised = HandRaise.objects.filter(lead=lead, raised_at__gt=now - timedelta(hours=24)).first()
        self.earlier = list(
            CallAttempt.objects.filter(pursuit=self.pursuit)
            .exclude(pk=call.pk)
            .values("outcome_id", "started_at", "attempt")
            if self.pursuit
            else []
        )
        # Closed without an outcome before: the attempt is counted, and the plan has gone on meanwhile.
        self.counted = bool(self.pursuit and call.attempt and self.pursuit.attempt > call.attempt)

    # --- deciding ----------------------------------------------------------------------------------------

    def decide(self, outcome: Outcome) -> NextStep:
        """What the outcome's policy places next; a task where the lead cannot be called any more."""
        running = self.pursuit is not None and self.pursuit.ended_at is None
        if not running and (outcome.policy not in (*ASKED_FOR, "end") or self.situation.suppressed):
            return PursuitEnds("", gettext("no pursuit is running: nothing is placed"))
        context = self._context(outcome)
        missing = self.situation.missing()
        if missing is not None and outcome.policy not in ("end", "next_number"):
            return NeedsTask(missing[0], missing[1], context.attempt, context.step)
        return next_step(outcome.policy, outcome.params, context, now=self.now)

    @cached_property
    def _subject(self) -> Pursuit:
        """The pursuit, or where none ever ran one that stands for it and is never stored."""
        if self.pursuit is not None:
            return self.pursuit
        cadence = plans.Plans().default_for(self.lead)
        return Pursuit(lead=self.lead, cadence=cadence, target=cadence.target, started_at=self.now)

    @cached_property
    def _plan(self) -> Plan:
        return replace(plans.plan_of(self._subject.cadence), target=self._subject.target)

    def _numbers(self, *, reached: bool) -> tuple[int, int]:
        """Attempt and step of this call; a call from them stands before the attempt that is to be made."""
        pursuit, call = self._subject, self.call
        if self.counted:
            return call.attempt or 0, max(pursuit.step - 1, 0)
        if call.direction == Direction.INBOUND and not reached:
            return max(pursuit.attempt - 1, 0), max(pursuit.step - 1, 0)
        return pursuit.attempt, pursuit.step

    def _context(self, outcome: Outcome) -> Context:
        pursuit, place, now = self._subject, self.situation.place, self.now
        reached = bool(pursuit.reached_at) or outcome.reach
        attempt, step = self._numbers(reached=reached)
        today = place.local_date(now)
        outcomes_today = [
            row["outcome_id"] for row in self.earlier if place.local_date(row["started_at"]) == today
        ]
        outcomes_ever = [row["outcome_id"] for row in self.earlier]
        raised = self.raised
        nobody = outcome.key in FOUND_NOBODY and bool(pursuit.reached_at)
        return Context(
            plan=self._plan,
            step=step,
            attempt=attempt,
            history=self._history(),
            place=place,
            reached=reached,
            found_nobody=pursuit.tries_since_reach + 1 if nobody else 0,
            busy_today=outcomes_today.count("busy") + (outcome.key == "busy"),
            hang_ups=outcomes_ever.count("hung_up") + (outcome.key == "hung_up"),
            voicemails=tuple(
                row["attempt"] or pursuit.step
                for row in self.earlier
                if row["outcome_id"] == "voicemail_left"
            ),
            other_numbers=len(self.situation.callable_numbers(without=self.call.number_id)),
            agreed_at=self.logged.callback_at,
            promised_on=self._promised_on(),
            days=self.logged.days,
            hand_raised_at=raised.raised_at if raised else None,
            hand_raise_tries=sum(
                1 for row in self.earlier if raised and row["started_at"] >= raised.raised_at
            )
            + 1,
            earliest=self.situation.law_earliest,
            ends_pursuit=outcome.ends_pursuit,
        )

    def _history(self) -> tuple[Attempted, ...]:
        past = self.situation.history
        if self.call.direction == Direction.INBOUND:
            return past
        if any(one.at == self.call.started_at for one in past):
            return past
        return (*past, attempted(self.call.started_at, self.situation.place))

    def _promised_on(self) -> Any:
        due = (self.logged.promise or {}).get("due_at")
        return self.situation.place.local_date(due) if due else None

    # --- writing -----------------------------------------------------------------------------------------

    def apply(self) -> None:
        outcome = Outcome.objects.filter(pk=self.logged.outcome, active=True).first()
        if outcome is None:
            raise refusals.Invalid(gettext("There is no such outcome."), field="outcome")
        step = self.decide(outcome)
        if isinstance(step, Declined):
            raise _declined(step)
        before = self._before()
        self._close_call(outcome)
        self._count(outcome)
        self._take(outcome)
        self._move_stage(outcome)
        self._touch(outcome)
        self._special(outcome)
        self._next(outcome, step)
        self._promise_and_meeting(outcome, step)
        self._answers()
        if outcome.sets_cooled:
            # A refusal ends what a warm setting by hand had assumed of them.
            if self.lead.overrides.filter(ended_at=None, temperature=Lead.Temperature.WARM).update(
                ended_at=self.now
            ):
                self._note("override_ended", True)
            self.lead.cooled_at = self.now
            self.lead.save(update_fields=["cooled_at", "updated_at"])
            engine.evaluate_leads(
                [self.lead.pk], now=self.now, cause=TemperatureChange.Cause.REFUSAL, by=self.user
            )
        self.call.effects = {"at": self.now.isoformat(), "before": before, "made": self.made}
        self.call.save()

    def _before(self) -> dict[str, Any]:
        """What taking the outcome back must restore."""
        follow_up = FollowUp.objects.open().filter(lead=self.lead).first()
        pursuit, call = self.pursuit, self.call
        override = self.lead.overrides.filter(ended_at=None).first()
        return {
            "ended_at": _text(call.ended_at),
            "duration_seconds": call.duration_seconds,
            "follow_up": follow_up.pk if follow_up else None,
            "override": override.pk if override else None,
            "stage": self.lead.stage,
            "cooled_at": _text(self.lead.cooled_at),
            "owner": self.lead.owner_id,
            "team": self.lead.team_id,
            "company": self.lead.company_id,
            "pursuit": pursuit
            and {
                "attempt": pursuit.attempt,
                "step": pursuit.step,
                "tries_since_reach": pursuit.tries_since_reach,
                "reached_at": _text(pursuit.reached_at),
                "reached_at_attempt": pursuit.reached_at_attempt,
                "ended_at": _text(pursuit.ended_at),
                "end_reason": pursuit.end_reason,
                "end_note": pursuit.end_note,
                "ended_by_id": pursuit.ended_by_id,
            },
        }

    def _close_call(self, outcome: Outcome) -> None:
        call = self.call
        call.outcome, call.notes = outcome, self.logged.notes or call.notes
        if call.ended_at is None:
            spoken = timedelta(seconds=call.duration_seconds) if call.duration_seconds is not None else None
            call.ended_at = call.started_at + spoken if spoken and call.source else self.now
        if call.duration_seconds is None:
            call.duration_seconds = max(0, int((call.ended_at - call.started_at).total_seconds()))

    def _count(self, outcome: Outcome) -> None:
        pursuit, call = self.pursuit, self.call
        if pursuit is None or pursuit.ended_at is not None:
            return
        if not pursuit.reached_at and outcome.reach:
            pursuit.reached_at = call.started_at
            pursuit.reached_at_attempt = call.attempt or pursuit.attempt
        elif pursuit.reached_at:
            pursuit.tries_since_reach = pursuit.tries_since_reach + 1 if outcome.key in FOUND_NOBODY else 0
        elif call.direction == Direction.OUTBOUND and not self.counted:
            pursuit.attempt = max(pursuit.attempt, (call.attempt or pursuit.attempt) + 1)
            pursuit.step += 1
        pursuit.save(
            update_fields=["reached_at", "reached_at_attempt", "tries_since_reach", "attempt", "step"]
        )

    def _take(self, outcome: Outcome) -> None:
        """A lead that is nobody's own becomes the rep's who first reaches it."""
        if outcome.reach and self.lead.owner_id is None:
            assign.assign([self.lead], owner=self.call.user or self.user, by=self.user, now=self.now)

    def _move_stage(self, outcome: Outcome) -> None:
        talked = outcome.conversation or (
            outcome.reach
            and bool(self.call.source)
            and (self.call.duration_seconds or 0) >= CONVERSATION_SECONDS
        )
        events = ["attempted"] if self.call.direction == Direction.OUTBOUND else []
        events += ["reached"] if outcome.reach else []
        events += ["conversation"] if talked else []
        events += ["meeting"] if outcome.ends_pursuit == Pursuit.EndReason.MEETING else []
        events += ["lost"] if outcome.ends_pursuit == Pursuit.EndReason.DISQUALIFIED else []
        for event in events:
            stage.move(self.lead, event, by=self.user, now=self.now, call=self.call)  # type: ignore[arg-type]

    def _touch(self, outcome: Outcome) -> None:
        """Record the touchpoint an outcome is: a conversation, or the voicemail with the offer made."""
        if not outcome.touchpoint_kind_id:
            return
        touchpoint = Touchpoint.objects.create(
            lead=self.lead,
            kind_id=outcome.touchpoint_kind_id,
            direction=self.call.direction,
            occurred_at=self.call.started_at,
            source="thaw",
            external_id=f"call:{self.call.pk}:{OutcomeChange.objects.filter(call=self.call).count()}",
            summary=self.logged.notes[:500],
            by=self.user.get_full_name() or self.user.get_username(),
            by_user=self.user,
            recorded_at=self.now,
            recorded_by=self.user,
        )
        self._note("touchpoints", touchpoint.pk)
        ring_on_commit(EVALUATE)

    def _special(self, outcome: Outcome) -> None:
        """What single outcomes do beyond their policy: to the number, the company list, another person."""
        effect = outcome.params.get("number")
        if effect == "detach" and self.call.number_id:
            self._detach(
                LeadNumber.objects.current().filter(lead=self.lead, number=self.call.number_id), outcome.key
            )
        elif effect == "invalidate" and self.call.number_id:
            Number.objects.filter(pk=self.call.number_id).update(
                status=Number.Status.INVALID, status_at=self.now
            )
            self._note("invalidated", self.call.number_id)
        ends = outcome.ends_pursuit
        if ends == Pursuit.EndReason.DO_NOT_CALL:
            self._suppress()
        elif ends == Pursuit.EndReason.LEFT_COMPANY:
            self._detach(LeadNumber.objects.current().filter(lead=self.lead), outcome.key)
            Lead.objects.filter(pk=self.lead.pk).update(company=None)
        elif ends == Pursuit.EndReason.REFERRED_ON and self.logged.referred:
            self._refer()
        if outcome.key == "abusive":
            self._ask("look_into", gettext("abusive call, reported by %(who)s") % {"who": self.user})

    def _ask(self, kind: str, why: str) -> None:
        task = todo.ask(self.lead, kind, why, now=self.now)
        if task is not None:
            self._note("tasks", task.pk)

    def _detach(self, links: Any, reason: str) -> None:
        for pk in list(links.values_list("pk", flat=True)):
            self._note("detached", pk)
        links.update(detached_at=self.now, detached_reason=reason)

    def _suppress(self) -> None:
        scopes = (
            [self.logged.scope]
            if self.logged.scope
            else self.situation.scopes_of_refusal(self.call.number_id)
        )
        evidence = f"call {self.call.pk}"
        for scope in scopes:
            entry = suppress.suppress(
                scope=scope,
                lead=self.lead,
                number=self.call.number,
                reason=self.logged.reason or gettext("asked on the phone"),
                channel="call",
                evidence=evidence,
                by=self.user,
                now=self.now,
            )
            # Whoever was on the list already stays there when this outcome is taken back.
            if (entry.evidence, entry.requested_at) == (evidence, self.now):
                self._note("suppressions", entry.pk)

    def _refer(self) -> None:
        """The person we were sent to becomes a lead with a referral by this one."""
        fields = dict(self.logged.referred or {})
        phones = [register.PhoneInput(raw=fields.pop("phone"))] if fields.get("phone") else []
        fields.pop("phone", None)
        if self.lead.company and "company" not in fields:
            fields["company"] = self.lead.company.name
        for name in ("country", "region", "language"):
            fields.setdefault(name, getattr(self.lead, name))
        try:
            made = record.record(
                record.NewTouchpoint(
                    kind="referral",
                    occurred_at=self.now,
                    lead=identity.Identity(
                        email=fields.get("email", ""),
                        phone=phones[0].raw if phones else "",
                        region=self.lead.country,
                    ),
                    lead_fields=register.NewLead(fields=fields, phones=phones),
                    source="thaw",
                    external_id=f"referral:{self.call.pk}",
                    referred_by=self.lead.name,
                ),
                user=self.user,
                now=self.now,
            )
        except register.LeadRefused as refused:
            error = refused.errors[0]
            raise refusals.Invalid(error.detail, field=f"referred.{error.field}") from refused
        if made.touchpoint is not None:
            self._note("touchpoints", made.touchpoint.pk)
        if made.lead_created and made.touchpoint is not None:
            self._note("leads", made.touchpoint.lead_id)
        if made.unmatched is not None:
            self._note("unmatched", made.unmatched.pk)

    def _next(self, outcome: Outcome, step: NextStep) -> None:
        """Write what the policy decided: the next follow-up, the end of the pursuit, or a task."""
        pursuit = self.pursuit if self.pursuit and self.pursuit.ended_at is None else None
        planned = FollowUp.objects.open().filter(lead=self.lead)
        if self.counted and pursuit and outcome.policy in PLAN_WENT_ON and planned.exists():
            return
        follow_ups.close([self.lead.pk], FollowUp.Closed.DONE, now=self.now, why=outcome.key)
        if isinstance(step, PursuitEnds):
            if pursuit is not None and step.end_reason:
                pursue.end(pursuit, step.end_reason, by=self.user, now=self.now, note=self.logged.reason)
        elif isinstance(step, NeedsTask):
            self._ask(step.task, step.reason)
        elif isinstance(step, Placement):
            self._place(pursuit, step, promised=outcome.policy == "send_info")

    def _place(self, pursuit: Pursuit | None, step: Placement, *, promised: bool) -> None:
        if step.warm_override_until is not None:
            engine.set_override(
                self.lead,
                temperature=Lead.Temperature.WARM,
                until=step.warm_override_until,
                reason=gettext("asked to be called later"),
                by=self.user,
                now=self.now,
            )
            self._note("override", True)
        what = follow_ups.from_placement(step)
        if promised:
            what = replace(what, rank=FollowUp.Rank.PROMISE)
        (placed,) = follow_ups.place([(self.lead, pursuit, what)], now=self.now)
        self._note("follow_up", placed.pk)

    def _promise_and_meeting(self, outcome: Outcome, step: NextStep) -> None:
        if outcome.reach:
            kept = _open_promises(self.lead).filter(due_at__lte=self.now + timedelta(days=1))
            for pk in list(kept.values_list("pk", flat=True)):
                self._note("promises_kept", pk)
            kept.update(kept_at=self.now)
        for text, due_at in self._promises(outcome, step):
            promise = Promise.objects.create(
                lead=self.lead,
                call=self.call,
                text=text[:300],
                due_at=due_at,
                made_at=self.now,
                made_by=self.user,
            )
            self._note("promises", promise.pk)
        if outcome.ends_pursuit == Pursuit.EndReason.MEETING:
            self._book()

    def _promises(self, outcome: Outcome, step: NextStep) -> list[tuple[str, datetime]]:
        said = []
        if outcome.policy == "agreed_time" and self.logged.callback_at:
            said.append((CALL_BACK, self.logged.callback_at))
        promise = self.logged.promise or {}
        text = promise.get("text") or (
            gettext("send the information") if outcome.policy == "send_info" else ""
        )
        if text:
            by_then = step.due_at if isinstance(step, Placement) else self.now + timedelta(days=2)
            said.append((text, promise.get("due_at") or by_then))
        return said

    def _book(self) -> None:
        meeting = self.logged.meeting
        if not meeting:
            self._ask("look_into", gettext("a meeting was agreed: note when it is"))
            return
        booked = Meeting.objects.create(
            lead=self.lead,
            pursuit=self.pursuit,
            call=self.call,
            title=meeting.get("title") or gettext("Meeting with %(name)s") % {"name": self.lead.name},
            starts_at=meeting["starts_at"],
            minutes=meeting.get("minutes") or 30,
            place=meeting.get("place", ""),
            host=_host(meeting.get("host"), self.user),
            booked_by=self.user,
            booked_at=self.now,
            value=meeting.get("value"),
        )
        self._note("meetings", booked.pk)

    def _answers(self) -> None:
        given = {question[:300]: answer for question, answer in self.logged.answers.items() if answer.strip()}
        known = {row.question: row for row in self.lead.answers.filter(question__in=given)}
        for question, answer in given.items():
            old = known.get(question)
            self._note("answers", [question, old and [old.answer, old.call_id, old.at.isoformat()]])
            self.lead.answers.update_or_create(
                question=question, defaults={"answer": answer, "call": self.call, "at": self.now}
            )

    def _note(self, what: str, value: Any) -> None:
        self.made.setdefault(what, []).append(value)


def undo(call: CallAttempt, *, user: AbstractUser, now: datetime) -> CallAttempt:
    """Take an outcome back within the undo window: the attempt is as it was before, the dial stays a dial."""
    with transaction.atomic():
        call, lead = _locked(call)
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
        call, lead = _locked(call)
        if call.outcome_id is None:
            return log_outcome(call, logged, user=user, now=now)
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
        _Logging(call, _locked(call)[1], logged, user, now).apply()
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
        status=Meeting.Status.CANCELLED, status_at=now
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
    times = {name: _time(values.get(name)) for name in ("reached_at", "ended_at")}
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


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _time(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None


def _open_promises(lead: Lead) -> Any:
    return Promise.objects.filter(lead=lead, kept_at=None, broken_at=None, cancelled_at=None)


def _host(name: Any, user: AbstractUser) -> Any:
    if not name:
        return user
    host = get_user_model().objects.visible_to(user).filter(username=name, is_active=True).first()
    if host is None:
        raise refusals.Invalid(
            gettext("There is no colleague “%(name)s” in your team.") % {"name": name}, field="meeting.host"
        )
    return host


def _declined(step: Declined) -> refusals.Refused:
    fields = {"days_not_offered": "days"}
    where = fields.get(step.code, "callback_at" if step.code != "no_window" else "outcome")
    detail = step.reason
    if step.nearest is not None:
        detail = gettext("%(why)s; the nearest permitted time is %(when)s") % {
            "why": step.reason,
            "when": step.nearest.isoformat(timespec="minutes"),
        }
    return refusals.Invalid(detail, field=where)
