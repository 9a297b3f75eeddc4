"""What comes next after a call? Reads what the outcome's policy must know, and asks it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import OuterRef, Subquery
from django.utils.formats import date_format
from django.utils.translation import gettext

from leads.models import Lead
from leads.plain_sql import Joined, rows

from . import plans, refusals
from .cadence import Attempted, Plan, attempted
from .models import (
    CallAttempt,
    Direction,
    HandRaise,
    Outcome,
    Pursuit,
)
from .next_step import Context, NeedsTask, NextStep, Placement, PursuitEnds, next_step, voicemail_allowed
from .standing import FOUND_NOBODY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .outcomes import Logged
    from .situation import Situation

# A hand raised on Friday night may first be called on Monday morning.
HAND_RAISE_WAITS_AT_MOST = timedelta(hours=72)
# What the lead asked for is placed whether a pursuit runs or not.
ASKED_FOR = ("agreed_time", "later", "send_info")


class Earlier(NamedTuple):
    """A call of the same pursuit, before this one."""

    outcome: str | None
    started_at: datetime
    attempt: int | None


_LEAD = Joined("l", Lead, company="c")
_LOCKED_LEAD = f"""
    SELECT {_LEAD.columns},
        (SELECT h.raised_at FROM touchpoints_handraise h WHERE h.lead_id = l.id ORDER BY h.raised_at DESC LIMIT 1),
        (SELECT f.id FROM touchpoints_followup f WHERE f.lead_id = l.id AND f.closed_at IS NULL),
        EXISTS (SELECT 1 FROM touchpoints_promise p WHERE p.lead_id = l.id
            AND p.kept_at IS NULL AND p.broken_at IS NULL AND p.cancelled_at IS NULL),
        (SELECT o.id FROM touchpoints_temperatureoverride o WHERE o.lead_id = l.id AND o.ended_at IS NULL LIMIT 1)
    FROM leads_lead l LEFT JOIN leads_company c ON c.id = l.company_id
    WHERE l.id = %s {{lock:l}}
"""  # noqa: S608 - the columns are our models' own
_CALL = Joined(
    "c",
    CallAttempt,
    pursuit="p",
    pursuit__cadence="k",
    user="u",
    talk_track="t",
)
_LOCKED_CALL = f"""
    SELECT {_CALL.columns}, (SELECT COUNT(*) FROM touchpoints_outcomechange x WHERE x.call_id = c.id)
    FROM touchpoints_callattempt c LEFT JOIN touchpoints_pursuit p ON p.id = c.pursuit_id
    LEFT JOIN touchpoints_cadence k ON k.id = p.cadence_id LEFT JOIN accounts_user u ON u.id = c.user_id
    LEFT JOIN touchpoints_talktrack t ON t.id = c.talk_track_id
    WHERE c.id = %s {{lock:c}}
"""  # noqa: S608 - the columns are our models' own


def locked(call: CallAttempt) -> tuple[CallAttempt, Lead]:
    """The call with its pursuit and its lead, locked, with what stands beside them.

    The lead first, as everywhere, so that nobody waits in a circle. Beside it: `raised_at` of its latest
    hand-raise, `planned` and `overridden`, the ids of its open follow-up and of a temperature set by hand,
    `promised`, whether a promise is open; beside the call: `changes`, how often its outcome was changed.

    Raises `refusals.AttemptClosed` where the person was erased: nothing more is kept of what they said.
    """
    (row,) = rows(_LOCKED_LEAD, [call.lead_id])
    lead, (lead.raised_at, lead.planned, promised, lead.overridden) = _LEAD.read(row)
    lead.promised = bool(promised)
    if lead.erased_at is not None:
        raise refusals.AttemptClosed(gettext("This person was erased; nothing more is kept of the call."))
    (row,) = rows(_LOCKED_CALL, [call.pk])
    found, (found.changes,) = _CALL.read(row)
    found.lead = lead
    return found, lead


def latest_raise(lead: OuterRef | int) -> Subquery:
    """When a lead last raised a hand."""
    raised = HandRaise.objects.filter(lead=lead).order_by("-raised_at")
    return Subquery(raised.values("raised_at")[:1])


_EARLIER = (
    "SELECT outcome_id, started_at, attempt FROM touchpoints_callattempt WHERE pursuit_id = %s AND id <> %s"
)


def earlier_calls(call: CallAttempt) -> list[Earlier]:
    """The other calls of the call's pursuit."""
    if call.pursuit_id is None:
        return []
    return [Earlier(*row) for row in rows(_EARLIER, [call.pursuit_id, call.pk])]


class AfterCall:
    """A call whose outcome is being logged, or weighed, with everything its next step depends on."""

    def __init__(
        self,
        call: CallAttempt,
        lead: Lead,
        logged: Logged,
        situation: Situation,
        earlier: Sequence[Earlier],
        raised_at: datetime | None,
        *,
        now: datetime,
    ) -> None:
        self.call, self.lead, self.logged, self.now = call, lead, logged, now
        self.pursuit, self.situation, self.earlier = call.pursuit, situation, earlier
        lately = raised_at is not None and raised_at > now - HAND_RAISE_WAITS_AT_MOST
        self.raised_at = raised_at if lately else None
        # Closed without an outcome before: the attempt is counted, and the plan has gone on meanwhile.
        self.counted = bool(self.pursuit and call.attempt and self.pursuit.attempt > call.attempt)

    def told(self, outcomes: Sequence[Outcome]) -> dict[str, str]:
        """What would come next after each outcome, in words with its date, by outcome key; an agreed time is not known
        yet. Where the lead chooses the day, under "<outcome>:<days>" for each that is offered.
        """
        told, logged = {}, self.logged
        for outcome in outcomes:
            if outcome.policy == "agreed_time":
                continue
            told[outcome.key] = self.why_not(outcome) or self._in_words(self.decide(outcome))
            for days in outcome.params.get("days", ()):
                self.logged = replace(logged, days=int(days))
                told[f"{outcome.key}:{days}"] = self._in_words(self.decide(outcome))
            self.logged = logged
        return told

    def _in_words(self, step: NextStep) -> str:
        """The step with the day it falls on where the lead is; a step of today or without a day says why alone."""
        if not isinstance(step, Placement):
            return step.reason
        place = self.situation.place
        due = step.due_at.astimezone(place.zone)
        if due.date() == place.local_date(self.now):
            return step.reason
        return gettext("%(day)s: %(why)s") % {"day": date_format(due, "D j M"), "why": step.reason}

    def why_not(self, outcome: Outcome) -> str:
        """Why this outcome may not be logged of this call; "" where it may."""
        if outcome.policy != "voicemail" or voicemail_allowed(outcome.params, self._context(outcome)):
            return ""
        return gettext("Voicemails enough: one a phase, four a pursuit. Leave none and log “no answer”.")

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
        outcomes_today = [past.outcome for past in self.earlier if place.local_date(past.started_at) == today]
        outcomes_ever = [past.outcome for past in self.earlier]
        raised_at = self.raised_at
        tries = [past.started_at for past in self.earlier if raised_at and past.started_at >= raised_at]
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
                past.attempt or pursuit.step for past in self.earlier if past.outcome == "voicemail_left"
            ),
            other_numbers=len(self.situation.callable_numbers(without=self.call.number_id)),
            agreed_at=self.logged.callback_at,
            promised_on=self._promised_on(),
            days=self.logged.days,
            hand_raised_at=raised_at,
            hand_raise_tries=1 + len(tries),
            hand_raise_tried_at=min([*tries, self.call.started_at]),
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
