"""What does logging an outcome do? It closes the attempt, places what comes next and updates the rest, at once.

Everything an outcome did is kept with the call (`effects`), so that it can be taken back or amended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from leads import identity, register
from leads.models import Company, Lead, LeadNumber, Number, Workspace

from . import engine, guarding, pursue, record, refusals, stage, suppress
from .cadence import Attempted, Declined, attempted
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
)
from .next_step import Context, NeedsTask, NextStep, Placement, PursuitEnds, next_step

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

FOUND_NOBODY = ("no_answer", "voicemail_left", "busy")
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
        call = CallAttempt.objects.select_for_update(of=("self",)).get(pk=call.pk)
        if call.outcome_id is not None:
            raise refusals.AttemptClosed(
                gettext("This attempt was logged as “%(outcome)s” already.") % {"outcome": call.outcome}
            )
        if call.user_id != user.pk and not user.is_manager:  # type: ignore[attr-defined]
            raise refusals.NotYours(gettext("This call is a colleague's."))
        _Logging(call, _locked(call), logged, user, now).apply()
    return call


def preview(lead: Lead, call: CallAttempt | None, *, user: AbstractUser, now: datetime) -> dict[str, str]:
    """What would come next after each outcome, in words, by outcome key; for a call that is open or to be made."""
    if call is None:
        pursuit = Pursuit.objects.open().filter(lead=lead).first()
        call = CallAttempt(lead=lead, pursuit=pursuit, user=user, started_at=now)  # type: ignore[misc]
    logging = _Logging(call, lead, Logged(outcome=""), user, now)
    return {
        outcome.key: logging.decide(outcome).reason
        for outcome in Outcome.objects.filter(active=True)
        if outcome.policy != "agreed_time"
    }


def _locked(call: CallAttempt) -> Lead:
    return Lead.objects.select_for_update(of=("self",)).select_related("company").get(pk=call.lead_id)


class _Logging:
    """One outcome being logged: everything it reads, decides and writes."""

    def __init__(self, call: CallAttempt, lead: Lead, logged: Logged, user: Any, now: datetime) -> None:
        self.call, self.lead, self.logged, self.user, self.now = call, lead, logged, user, now
        self.pursuit = Pursuit.objects.select_related("cadence").filter(pk=call.pursuit_id).first()
        self.situation = guarding.gather([self.lead], now=now)[self.lead.pk]
        self.made: dict[str, list[Any]] = {}
        self.raised = HandRaise.objects.filter(lead=lead, raised_at__gt=now - timedelta(hours=24)).first()
        self.earlier = list(
            CallAttempt.objects.filter(pursuit=self.pursuit)
            .exclude(pk=call.pk)
            .values("outcome_id", "started_at", "attempt")
            if self.pursuit
            else []
        )

    # --- deciding ----------------------------------------------------------------------------------------

    def decide(self, outcome: Outcome) -> NextStep:
        """What the outcome's policy places next; a task where the lead cannot be called any more."""
        if self.pursuit is None or (self.pursuit.ended_at is not None and outcome.policy != "end"):
            return PursuitEnds("", gettext("no pursuit is running: nothing is placed"))
        missing = self.situation.missing()
        if missing is not None and outcome.policy not in ("end", "next_number"):
            return NeedsTask(missing[0], missing[1], self.pursuit.attempt, self.pursuit.step)
        return next_step(outcome.policy, outcome.params, self._context(outcome), now=self.now)

    def _context(self, outcome: Outcome) -> Context:
        pursuit, place, now = self.pursuit, self.situation.place, self.now
        assert pursuit is not None
        reached = bool(pursuit.reached_at) or outcome.reach
        today = place.local_date(now)
        outcomes_today = [
            row["outcome_id"] for row in self.earlier if place.local_date(row["started_at"]) == today
        ]
        outcomes_ever = [row["outcome_id"] for row in self.earlier]
        raised = self.raised
        nobody = outcome.key in FOUND_NOBODY and bool(pursuit.reached_at)
        return Context(
            plan=pursue.plan_of(pursuit.cadence),
            step=pursuit.step,
            attempt=pursuit.attempt,
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
        counted_already = self.call.ended_at is not None
        self._close_call(outcome)
        self._count(outcome, counted_already)
        self._move_stage(outcome)
        self._touch(outcome)
        self._special(outcome)
        self._next(outcome, step)
        self._promise_and_meeting(outcome)
        self._answers()
        self.call.effects = {"before": before, "made": self.made}
        self.call.save()
        if outcome.sets_cooled:
            self.lead.cooled_at = self.now
            self.lead.save(update_fields=["cooled_at", "updated_at"])
            engine.evaluate_leads(
                [self.lead.pk], now=self.now, cause=TemperatureChange.Cause.REFUSAL, by=self.user
            )

    def _before(self) -> dict[str, Any]:
        """What taking the outcome back must restore."""
        follow_up = FollowUp.objects.open().filter(lead=self.lead).first()
        pursuit = self.pursuit
        return {
            "follow_up": follow_up.pk if follow_up else None,
            "stage": self.lead.stage,
            "cooled_at": self.lead.cooled_at.isoformat() if self.lead.cooled_at else None,
            "owner": self.lead.owner_id,
            "company": self.lead.company_id,
            "pursuit": pursuit
            and {
                "attempt": pursuit.attempt,
                "step": pursuit.step,
                "tries_since_reach": pursuit.tries_since_reach,
                "reached_at": pursuit.reached_at.isoformat() if pursuit.reached_at else None,
                "reached_at_attempt": pursuit.reached_at_attempt,
            },
            "promises_open": list(_open_promises(self.lead).values_list("pk", flat=True)),
        }

    def _close_call(self, outcome: Outcome) -> None:
        call = self.call
        call.outcome, call.notes = outcome, self.logged.notes or call.notes
        if call.ended_at is None:
            spoken = timedelta(seconds=call.duration_seconds) if call.duration_seconds is not None else None
            call.ended_at = call.started_at + spoken if spoken and call.source else self.now
        if call.duration_seconds is None:
            call.duration_seconds = max(0, int((call.ended_at - call.started_at).total_seconds()))

    def _count(self, outcome: Outcome, counted_already: bool) -> None:
        pursuit = self.pursuit
        if pursuit is None or pursuit.ended_at is not None:
            return
        if not pursuit.reached_at and outcome.reach:
            pursuit.reached_at = self.call.started_at
            pursuit.reached_at_attempt = self.call.attempt or pursuit.attempt
        elif pursuit.reached_at:
            pursuit.tries_since_reach = pursuit.tries_since_reach + 1 if outcome.key in FOUND_NOBODY else 0
        pursuit.save(update_fields=["reached_at", "reached_at_attempt", "tries_since_reach"])
        if not pursuit.reached_at and self.call.direction == Direction.OUTBOUND and not counted_already:
            pursuit.attempt += 1
            pursuit.step += 1
            pursuit.save(update_fields=["attempt", "step"])
        if outcome.reach and self.lead.owner_id is None and self.lead.team_id is not None:
            self._take()

    def _take(self) -> None:
        """A pool lead becomes the rep's who first reaches it."""
        self.lead.owner = self.user
        self.lead.team_id = self.user.team_id or self.lead.team_id
        self.lead.save(update_fields=["owner", "team", "updated_at"])

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
        record.ring_on_commit(record.EVALUATE)

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
            pursue.ask(
                self.lead,
                "look_into",
                gettext("abusive call, reported by %(who)s") % {"who": self.user},
                now=self.now,
            )
            self._note("tasks", "look_into")

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
        for scope in scopes:
            entry = suppress.suppress(
                scope=scope,
                lead=self.lead,
                number=self.call.number,
                reason=self.logged.reason or gettext("asked on the phone"),
                channel="call",
                evidence=f"call {self.call.pk}",
                by=self.user,
                now=self.now,
            )
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

    def _next(self, outcome: Outcome, step: NextStep) -> None:
        """Write what the policy decided: the next follow-up, the end of the pursuit, or a task."""
        pursue.close([self.lead.pk], FollowUp.Closed.DONE, now=self.now, why=outcome.key)
        pursuit = self.pursuit
        if pursuit is None:
            return
        if isinstance(step, PursuitEnds):
            if pursuit.ended_at is None and step.end_reason:
                pursue.end(pursuit, step.end_reason, by=self.user, now=self.now, note=self.logged.reason)
        elif isinstance(step, NeedsTask):
            pursue.ask(self.lead, step.task, step.reason, now=self.now)
            self._note("tasks", step.task)
        elif isinstance(step, Placement):
            self._place(pursuit, step)

    def _place(self, pursuit: Pursuit, step: Placement) -> None:
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
        (placed,) = pursue.place([(self.lead, pursuit, pursue.from_placement(step))], now=self.now)
        self._note("follow_up", placed.pk)

    def _promise_and_meeting(self, outcome: Outcome) -> None:
        if outcome.reach:
            kept = _open_promises(self.lead).filter(due_at__lte=self.now + timedelta(days=1))
            for pk in list(kept.values_list("pk", flat=True)):
                self._note("promises_kept", pk)
            kept.update(kept_at=self.now)
        for text, due_at in self._promises(outcome):
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

    def _promises(self, outcome: Outcome) -> list[tuple[str, datetime]]:
        said = []
        if outcome.policy == "agreed_time" and self.logged.callback_at:
            said.append((CALL_BACK, self.logged.callback_at))
        promise = self.logged.promise
        if promise and promise.get("text"):
            due = promise.get("due_at") or self.now + timedelta(days=2)
            said.append((promise["text"], due))
        return said

    def _book(self) -> None:
        meeting = self.logged.meeting
        if not meeting:
            pursue.ask(self.lead, "look_into", gettext("a meeting was agreed: note when it is"), now=self.now)
            self._note("tasks", "look_into")
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
        for question, answer in self.logged.answers.items():
            if answer.strip():
                self.lead.answers.update_or_create(
                    question=question[:300], defaults={"answer": answer, "call": self.call, "at": self.now}
                )

    def _note(self, what: str, value: Any) -> None:
        self.made.setdefault(what, []).append(value)


def undo(call: CallAttempt, *, user: AbstractUser, now: datetime) -> CallAttempt:
    """Take an outcome back within the undo window: the attempt is open again, the dial stays a dial."""
    with transaction.atomic():
        call = CallAttempt.objects.select_for_update(of=("self",)).get(pk=call.pk)
        if call.outcome_id is None or call.ended_at is None:
            raise refusals.AttemptClosed(gettext("There is nothing to take back: no outcome was logged."))
        if call.user_id != user.pk:
            raise refusals.NotYours(gettext("This call is a colleague's."))
        if now - _logged_at(call) > timedelta(seconds=Workspace.current().undo_seconds):
            raise refusals.TooLate(gettext("Too late to take it back; amend the outcome on the lead's page."))
        if (
            call.direction == Direction.OUTBOUND
            and CallAttempt.objects.open().outbound().filter(user=user).exists()
        ):
            raise refusals.AttemptOpen(gettext("Another call is open: log its outcome first."))
        _take_back(call, by=user, now=now)
        OutcomeChange.objects.create(call=call, before=call.outcome, after=None, at=now, by=user)
        call.outcome, call.effects = None, {}
        call.ended_at = call.duration_seconds = None
        call.save()
        _lease_again(call, user, now=now)
    return call


def amend(call: CallAttempt, logged: Logged, *, user: AbstractUser, now: datetime) -> CallAttempt:
    """Replace an outcome: by the rep on the day of the call, by a manager any time. The row stays, with the change.

    What the old outcome did is taken back and the new one applied; only the lead's latest call can be amended,
    as later ones rest on what it did.
    """
    with transaction.atomic():
        call = CallAttempt.objects.select_for_update(of=("self",)).get(pk=call.pk)
        if call.outcome_id is None:
            return log_outcome(call, logged, user=user, now=now)
        own = call.user_id == user.pk
        if not user.is_manager and not (own and now - call.started_at < timedelta(hours=24)):  # type: ignore[attr-defined]
            raise refusals.TooLate(gettext("Reps amend their own calls on the same day; ask a manager."))
        if CallAttempt.objects.filter(lead=call.lead_id, started_at__gt=call.started_at).exists():
            raise refusals.TooLate(gettext("A later call rests on this outcome; amend that one."))
        before = call.outcome
        _take_back(call, by=user, now=now)
        OutcomeChange.objects.create(call=call, before=before, after_id=logged.outcome, at=now, by=user)
        call.outcome, call.effects, call.ended_at = None, {}, None
        call.save()
        _Logging(call, _locked(call), logged, user, now).apply()
    return call


def _take_back(call: CallAttempt, *, by: AbstractUser, now: datetime) -> None:
    """Replace everything the call's outcome did by what was before it."""
    before, made = call.effects.get("before") or {}, call.effects.get("made") or {}
    lead = Lead.objects.select_for_update(of=("self",)).get(pk=call.lead_id)
    if (
        FollowUp.objects.filter(pk__in=made.get("follow_up", []), lease_until__gt=now)
        .exclude(lease_by=by)
        .exists()
    ):
        raise refusals.LeasedByAnother(gettext("A colleague has the lead on the screen just now."))
    pursue.close([lead.pk], FollowUp.Closed.CANCELLED, now=now, why="outcome taken back")
    FollowUp.objects.filter(pk=before.get("follow_up")).update(closed_at=None, closed_as="", closed_why="")
    _restore_pursuit(call, before)
    _restore_lead(lead, before, by=by, now=now, call=call)
    LeadNumber.objects.filter(pk__in=made.get("detached", [])).update(detached_at=None, detached_reason="")
    Number.objects.filter(pk__in=made.get("invalidated", [])).update(status=Number.Status.OK, status_at=now)
    suppress.lift_by_undo(made.get("suppressions", []), by=by, now=now)
    Promise.objects.filter(pk__in=made.get("promises", [])).update(cancelled_at=now)
    Promise.objects.filter(pk__in=made.get("promises_kept", [])).update(kept_at=None)
    Meeting.objects.filter(pk__in=made.get("meetings", [])).update(
        status=Meeting.Status.CANCELLED, status_at=now
    )
    lead.tasks.filter(kind__in=made.get("tasks", []), done_at=None).update(done_at=now, done_by=by)
    for touchpoint in Touchpoint.objects.filter(pk__in=made.get("touchpoints", [])):
        record.withdraw(touchpoint, user=by, now=now, reason="outcome taken back")
    if made.get("override"):
        lead.overrides.filter(ended_at=None).update(ended_at=now)
    engine.evaluate_leads([lead.pk], now=now, cause=TemperatureChange.Cause.UNDO, by=by)


def _restore_pursuit(call: CallAttempt, before: dict[str, Any]) -> None:
    values = before.get("pursuit")
    if not values or call.pursuit_id is None:
        return
    reached = parse_datetime(values["reached_at"]) if values["reached_at"] else None
    Pursuit.objects.filter(pk=call.pursuit_id).update(
        **{**values, "reached_at": reached}, ended_at=None, end_reason="", end_note="", ended_by=None
    )


def _restore_lead(
    lead: Lead, before: dict[str, Any], *, by: AbstractUser, now: datetime, call: CallAttempt
) -> None:
    if before.get("stage") and before["stage"] != lead.stage:
        stage.put(lead, before["stage"], by=by, now=now, why="outcome taken back", call=call)
    lead.cooled_at = parse_datetime(before["cooled_at"]) if before.get("cooled_at") else None
    lead.owner_id = before.get("owner")
    company = before.get("company")
    lead.company_id = company if company and Company.objects.filter(pk=company).exists() else None
    lead.save(update_fields=["cooled_at", "owner", "company", "updated_at"])


def _lease_again(call: CallAttempt, user: AbstractUser, *, now: datetime) -> None:
    FollowUp.objects.open().filter(pk=call.follow_up_id).update(
        lease_by=user, lease_until=now + timedelta(hours=2)
    )


def _logged_at(call: CallAttempt) -> datetime:
    """When the outcome was logged: a phone system's call ended before that, a rep's ended by it."""
    latest = FollowUp.objects.filter(pk__in=(call.effects.get("made") or {}).get("follow_up", [])).first()
    ended = call.ended_at
    assert ended is not None
    return max(ended, latest.placed_at) if latest else ended


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
