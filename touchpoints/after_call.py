"""What comes next after a call? Reads what the outcome's policy must know, and asks it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext

from . import guarding, plans
from .cadence import Attempted, Plan, attempted
from .models import CallAttempt, Direction, HandRaise, Outcome, Pursuit
from .next_step import Context, NeedsTask, NextStep, PursuitEnds, next_step

if TYPE_CHECKING:
    from leads.models import Lead

    from .outcomes import Logged
    from .situation import Situation

FOUND_NOBODY = ("no_answer", "voicemail_left", "busy")
# What the lead asked for is placed whether a pursuit runs or not.
ASKED_FOR = ("agreed_time", "later", "send_info")


class AfterCall:
    """A call whose outcome is being logged, or weighed, with everything its next step depends on."""

    def __init__(
        self,
        call: CallAttempt,
        lead: Lead,
        logged: Logged,
        *,
        now: datetime,
        situation: Situation | None = None,
    ) -> None:
        self.call, self.lead, self.logged, self.now = call, lead, logged, now
        self.pursuit = Pursuit.objects.select_related("cadence").filter(pk=call.pursuit_id).first()
        self.situation = situation or guarding.gather([lead], now=now)[lead.pk]
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
