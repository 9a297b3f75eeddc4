"""What does logging an outcome do? It closes the attempt, places what comes next and updates the rest, at once.

Everything an outcome did is kept with the call (`effects`), so that it can be taken back or amended (`take_back`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext

from leads.models import Lead
from leads.plain_sql import Joined, rows

from . import (
    assign,
    engine,
    follow_ups,
    guarding,
    outcome_effects,
    pursue,
    refusals,
    repeats,
    stage,
    told_late,
)
from .after_call import ASKED_FOR, AfterCall, earlier_calls, locked
from .bell import EVALUATE, ring_on_commit
from .cadence import Declined
from .models import (
    CallAttempt,
    Direction,
    FollowUp,
    Outcome,
    Pursuit,
    Task,
    TemperatureChange,
    Touchpoint,
)
from .next_step import NeedsTask, NextStep, Placement, PursuitEnds
from .standing import FOUND_NOBODY, Said, events_of, later_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

    from .situation import Situation
    from .standing import Facts

# An attempt that was closed without its outcome let the plan go on; these outcomes, told later, leave it so.
PLAN_WENT_ON = ("next_slot", "voicemail", "busy", "gatekeeper")


@dataclass(frozen=True)
class TakenBack:
    """An outcome that was taken back for another one: what its call found of the lead, where that was kept, and
    whether what is planned since then stands."""

    found: Facts | None
    stands: bool


@dataclass(frozen=True)
class Logged:
    """What a rep says of a call. `meeting`: {starts_at, title, minutes, place, host, value}; `promise`: {text,
    due_at}; `referred`: a person's fields; `scope`: whom a do-not-call covers (person, number or company); `answers`:
    what they said to the questions as they were asked; `fields`: under which names that is kept, by question."""

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
    fields: dict[str, str] = field(default_factory=dict)


def log_outcome(
    call: CallAttempt,
    logged: Logged,
    *,
    user: AbstractUser,
    now: datetime,
    situation: Situation | None = None,
) -> CallAttempt:
    """Log the outcome of an attempt in one transaction. Raises a `refusals.Refused` and writes nothing then.

    `situation`: the lead's, where the caller has just gathered it.
    """
    with transaction.atomic():
        call, lead = locked(call)
        if call.outcome_id is not None:
            raise refusals.AttemptClosed(
                gettext("This attempt was logged as “%(outcome)s” already.") % {"outcome": call.outcome}
            )
        if call.user_id != user.pk and not user.is_manager:  # type: ignore[attr-defined]
            raise refusals.NotYours(gettext("This call is a colleague's."))
        Logging(call, lead, logged, user, situation, now=now).apply()
    return call


class Logging:
    """One outcome being logged: everything it reads, decides and writes, and what it made."""

    def __init__(
        self,
        call: CallAttempt,
        lead: Lead,
        logged: Logged,
        user: Any,
        situation: Situation | None = None,
        *,
        now: datetime,
        instead_of: TakenBack | None = None,
    ) -> None:
        """`call` and `lead` as `after_call.locked` reads them; `instead_of` an outcome that was taken back."""
        self.call, self.lead, self.logged, self.user, self.now = call, lead, logged, user, now
        self.pursuit = call.pursuit
        self.instead_of = instead_of
        # Of a call that is just over nothing can have come since.
        self.since = told_late.Since() if call.ended_at is None else told_late.since(call)
        self.situation = situation or guarding.gather([lead], now=now)[lead.pk]
        self.after = AfterCall(
            call, lead, logged, self.situation, earlier_calls(call), lead.raised_at, now=now
        )
        self.made: dict[str, list[Any]] = {}

    def apply(self) -> None:
        outcome = _outcome(self.logged.outcome)
        if outcome is None:
            raise refusals.Invalid(gettext("There is no such outcome."), field="outcome")
        why_not = self.after.why_not(outcome)
        # What a phone system reports has happened, whatever was agreed among ourselves.
        if why_not and not self.call.source:
            raise refusals.Invalid(why_not, field="outcome")
        step = self.after.decide(outcome)
        if isinstance(step, Declined):
            if not (self.since and step.code == "time_past"):
                raise _declined(step)
            # What was agreed then has passed, and they were called since.
            step = PursuitEnds("", step.reason)
        self._refuse_to_overrule(outcome, step)
        before = self._before()
        then = told_late.said_by(self.call, None)
        stopped = self.pursuit is not None and self.pursuit.ended_at is not None
        recounts = bool(self.since) or self.instead_of is not None or stopped
        self._close_call(outcome)
        self._count(outcome)
        self._take(outcome)
        self._move_stage(outcome)
        self._touch(outcome)
        outcome_effects.apply(self, outcome)
        self._next(outcome, step)
        outcome_effects.promise_and_meet(self, outcome, step)
        outcome_effects.answer(self)
        if outcome.sets_cooled:
            # A refusal ends what a warm setting by hand had assumed of them.
            warm = self.lead.overrides.filter(ended_at=None, temperature=Lead.Temperature.WARM)
            if self.lead.overridden and warm.update(ended_at=self.now):
                self.note("override_ended", True)
            self.lead.cooled_at = later_of(self.lead.cooled_at, self.call.ended_at)
            self.lead.save(update_fields=["cooled_at", "updated_at"])
            engine.evaluate_leads(
                [self.lead.pk], now=self.now, cause=TemperatureChange.Cause.REFUSAL, by=self.user
            )
        self.call.effects = {
            "at": self.now.isoformat(),
            "before": before,
            "made": self.made,
            "said": repeats.mark_of(self.logged),
        }
        self.call.save()
        if recounts:
            self._carry_on(outcome, then)

    def _refuse_to_overrule(self, outcome: Outcome, step: NextStep) -> None:
        """A time that was agreed before they were last reached is nothing to place any more: the later word stands."""
        agrees = outcome.policy in ASKED_FOR and self.logged.callback_at and isinstance(step, Placement)
        if agrees and not self._decides(outcome):
            text = gettext("They were called again since, and what was agreed then stands.")
            raise refusals.Invalid(text, field="callback_at")

    def _decides(self, outcome: Outcome) -> bool:
        """Whether this outcome says what comes next. Told after the lead was called again it does where they asked for
        something or refused, unless we spoke with them since; a meeting and a wish not to be called always do."""
        if outcome.ends_pursuit in (Pursuit.EndReason.DO_NOT_CALL, Pursuit.EndReason.MEETING):
            return True
        if self.since.reached or self.since.pursued_again:
            return False
        if outcome.policy in (*ASKED_FOR, "end"):
            return True
        stands = bool(self.since.calls) or (self.instead_of is not None and self.instead_of.stands)
        return not (stands and self.lead.planned)

    def _carry_on(self, outcome: Outcome, then: Said) -> None:
        """Let what the later calls found, and the count they were made at, follow this outcome."""
        found = told_late.facts_kept(self.call.effects)
        assert found is not None  # kept just now
        say = told_late.said_by(self.call, outcome)
        told_late.facts_after(found, then, say, self.since.calls, self.lead)
        pursuit = self.pursuit
        if pursuit is not None:
            told_late.count_anew(pursuit, now=self.now)
            self.call.refresh_from_db(fields=["attempt", "effects"])
            told_late.settle_plan(self.lead, pursuit, by=self.user, now=self.now)

    def _before(self) -> dict[str, Any]:
        """What taking the outcome back must restore."""
        pursuit, call = self.pursuit, self.call
        found = self.instead_of.found if self.instead_of is not None else None
        found = found or told_late.facts_of(self.lead)
        return {
            "ended_at": _text(call.ended_at),
            "duration_seconds": call.duration_seconds,
            "follow_up": self.lead.planned,
            "override": self.lead.overridden,
            "stage": found.stage,
            "cooled_at": _text(found.cooled_at),
            "owner": found.owner,
            "team": found.team,
            "company": found.company,
            "pursuit": pursuit
            and {
                "attempt": pursuit.attempt,
                "step": pursuit.step,
                "tries_since_reach": pursuit.tries_since_reach,
                "reached_at": _text(pursuit.reached_at),
                "reached_at_attempt": pursuit.reached_at_attempt,
                "paused_until": _text(pursuit.paused_until),
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
        elif call.direction == Direction.OUTBOUND and not self.after.counted:
            pursuit.attempt = max(pursuit.attempt, (call.attempt or pursuit.attempt) + 1)
            pursuit.step += 1
        if pursuit.paused_until is not None:
            # What they wrote is answered by this call.
            pursuit.paused_until = None
            asked = self.lead.tasks.filter(kind=Task.Kind.ANSWER, done_at=None)
            for pk in list(asked.values_list("pk", flat=True)):
                self.note("answered", pk)
            asked.update(done_at=self.now, done_by=self.user)
        pursuit.save(
            update_fields=[
                "reached_at",
                "reached_at_attempt",
                "tries_since_reach",
                "attempt",
                "step",
                "paused_until",
            ]
        )

    def _take(self, outcome: Outcome) -> None:
        """A lead that is nobody's own becomes the rep's who first reaches it."""
        if outcome.reach and self.lead.owner_id is None:
            assign.assign([self.lead], owner=self.call.user or self.user, by=self.user, now=self.now)

    def _move_stage(self, outcome: Outcome) -> None:
        events = events_of(told_late.said_by(self.call, outcome))
        stage.move_through(self.lead, events, by=self.user, now=self.now, call=self.call)

    def _touch(self, outcome: Outcome) -> None:
        """Record the touchpoint an outcome is: a conversation, or the voicemail with the offer made."""
        left = outcome_effects.voicemail(self) if outcome.policy == "voicemail" else None
        self.call.voicemail = left.number if left else None
        if not outcome.touchpoint_kind_id:
            return
        touchpoint = Touchpoint.objects.create(
            lead=self.lead,
            kind_id=outcome.touchpoint_kind_id,
            direction=self.call.direction,
            occurred_at=self.call.started_at,
            source="thaw",
            external_id=f"call:{self.call.pk}:{self.call.changes or 0}",
            summary=" · ".join(filter(None, (left.offer if left else "", self.logged.notes)))[:500],
            data={"talk_track": self.call.talk_track_id, "voicemail": left.number} if left else {},
            by=self.user.get_full_name() or self.user.get_username(),
            by_user=self.user,
            recorded_at=self.now,
            recorded_by=self.user,
        )
        self.note("touchpoints", touchpoint.pk)
        ring_on_commit(EVALUATE)

    def _next(self, outcome: Outcome, step: NextStep) -> None:
        """Write what the policy decided: the next follow-up, the end of the pursuit, or a task."""
        pursuit = self.pursuit if self.pursuit and self.pursuit.ended_at is None else None
        if self.since.pursued_again and self._decides(outcome):
            pursuit = pursuit or Pursuit.objects.open().filter(lead=self.lead).first()
        if self.after.counted and pursuit and outcome.policy in PLAN_WENT_ON and self.lead.planned:
            return
        if not self._decides(outcome):
            ends = isinstance(step, PursuitEnds) and step.end_reason
            if pursuit is not None and ends and not self.since.within(pursuit):
                pursue.end(pursuit, ends, by=self.user, now=self.now, planned_stays=True)
            return
        if not isinstance(step, Placement) or step.warm_override_until is not None:
            follow_ups.close([self.lead.pk], FollowUp.Closed.DONE, now=self.now, why=outcome.key)
        if isinstance(step, PursuitEnds):
            if pursuit is not None and step.end_reason:
                pursue.end(pursuit, step.end_reason, by=self.user, now=self.now, note=self.logged.reason)
        elif isinstance(step, NeedsTask):
            outcome_effects.ask(self, step.task, step.reason)
        elif isinstance(step, Placement):
            self._place(pursuit, step, outcome)

    def _place(self, pursuit: Pursuit | None, step: Placement, outcome: Outcome) -> None:
        if step.warm_override_until is not None:
            override = engine.set_override(
                self.lead,
                temperature=Lead.Temperature.WARM,
                until=step.warm_override_until,
                reason=gettext("asked to be called later"),
                by=self.user,
                now=self.now,
            )
            self.note("override", override.pk)
        what = follow_ups.from_placement(step)
        if outcome.policy == "send_info":
            what = replace(what, rank=FollowUp.Rank.PROMISE)
        (placed,) = follow_ups.place(
            [(self.lead, pursuit, what)], now=self.now, why=outcome.key, closed_as=FollowUp.Closed.DONE
        )
        self.note("follow_up", placed.pk)

    def note(self, what: str, value: Any) -> None:
        """Keep what was made or changed, by which the outcome can be taken back."""
        self.made.setdefault(what, []).append(value)


_OUTCOME = Joined("o", Outcome)
_ACTIVE = f"SELECT {_OUTCOME.columns} FROM touchpoints_outcome o WHERE o.active AND o.key = %s"  # noqa: S608 - our own


def _outcome(key: str) -> Outcome | None:
    return next((_OUTCOME.read(row)[0] for row in rows(_ACTIVE, [key])), None)


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _declined(step: Declined) -> refusals.Refused:
    fields = {"days_not_offered": "days"}
    where = fields.get(step.code, "callback_at" if step.code != "no_window" else "outcome")
    detail = step.reason
    if step.nearest is not None:
        detail = gettext("%(why)s; the nearest permitted time is %(when)s") % {
            "why": step.reason,
            "when": step.nearest.isoformat(timespec="minutes"),
        }
    return refusals.Invalid(detail, field=where, nearest=step.nearest)
