"""What follows from one outcome: the next follow-up, promises, meetings, tasks, entries of the own list."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from leads.models import Lead, LeadNumber, Number, Suppression
from touchpoints.models import CallAttempt, FollowUp, Meeting, Promise, Pursuit, Task

from . import clock, outcomes
from .cast import Rep
from .clock import DAY, HOUR, WEEKDAYS, instant
from .stories import Happening

if TYPE_CHECKING:
    from .course import Course

Rank, Closed, End = FollowUp.Rank, FollowUp.Closed, Pursuit.EndReason


class Aftermath:
    """What follows from one outcome, written into the course."""

    def __init__(
        self, course: Course, rep: Rep, user: Any, call: CallAttempt, outcome: str, t: int, link: LeadNumber,
        agreed: int | None,
    ) -> None:  # fmt: skip
        self.course, self.rep, self.user, self.call, self.outcome, self.t = (
            course,
            rep,
            user,
            call,
            outcome,
            t,
        )
        self.link, self.agreed = link, agreed
        self.world, self.dice, self.at = course.world, course.world.dice, instant(t)
        assert course.pursuit is not None
        self.pursuit = course.pursuit

    def apply(self) -> None:
        course, row = self.course, self.world.outcomes[self.outcome]
        course.close(self.t, Closed.DONE, self.outcome)
        self._count(row["reach"])
        course.move("attempted", self.t, self.user, self.call)
        for event in ("reach", "conversation"):
            if row[event]:
                course.move("reached" if event == "reach" else event, self.t, self.user, self.call)
        if row["touchpoint_kind_id"]:
            summary = "Offered the savings checklist" if self.outcome == "voicemail_left" else self.call.notes
            course.heat.touch(
                row["touchpoint_kind_id"],
                self.at,
                source="thaw",
                # As the outcome's own door names it: a call and its touchpoint are one line of the timeline.
                external_id=f"call:demo-{len(self.world.rows.get(CallAttempt, []))}",
                summary=summary,
                by=self.rep.name,
                by_user=self.user,
            )
        if row["sets_cooled"]:
            course.heat.refuse(self.at)
        getattr(self, f"_{self.outcome}", self._go_on)()
        if row["ends_pursuit"] and course.running:
            course.end(self.t, row["ends_pursuit"], by=self.user)
        course.token += 1

    def _count(self, reached: bool) -> None:
        pursuit, lead = self.pursuit, self.course.lead
        if reached and not pursuit.reached_at:
            pursuit.reached_at, pursuit.reached_at_attempt = self.call.started_at, pursuit.attempt
        elif pursuit.reached_at:
            missed = self.outcome in outcomes.MISSED
            pursuit.tries_since_reach = pursuit.tries_since_reach + 1 if missed else 0
        if not pursuit.reached_at:
            pursuit.attempt += 1
            pursuit.step += 1
        if reached and lead.owner is None:
            lead.owner, lead.team = self.user, self.user.team
            self.course.person.rep, self.course.keeper = self.rep, self.rep.username

    def _go_on(self) -> None:
        """The plan's next slot, unless the plan is at its end or the rep's patience is."""
        pursuit, course = self.pursuit, self.course
        if pursuit.reached_at:
            if pursuit.tries_since_reach >= 6:
                course.end(self.t, End.EXHAUSTED, by=None, note="six follow-up calls in a row found nobody")
                return
            course.place_slot(self.t, (1, 1, 2, 2, 3, 4, 5)[pursuit.tries_since_reach])
            return
        if pursuit.attempt > pursuit.target:
            course.end(self.t, End.EXHAUSTED, by=None, note=f"{pursuit.target} attempts made, never reached")
            return
        if pursuit.attempt > course.patience:
            why = self.dice.choice(
                ("never answers", "no use", "better ones are waiting", "voicemail every time")
            )
            course.end(self.t, End.GIVEN_UP, by=self.user, note=why)
            return
        wait = self.world.plans.plans[pursuit.cadence_id].wait(pursuit.step)
        if self.world.now - self.t < 20 * DAY:
            course.place_slot(self.t, max(1, wait))
        else:
            course.place_slot(self.t, max(1, round(wait * self.rep.hurry)))

    def _busy(self) -> None:
        today = clock.local(self.course.market.zone, self.t)[0]
        tried = sum(clock.local(self.course.market.zone, at)[0] == today for at in self.course.dials)
        if tried > 1 or self.pursuit.attempt > min(self.pursuit.target, self.course.patience):
            self._go_on()
            return
        due = self.t + 2 * HOUR + 60
        if self.world.law.open_at(self.course.market, due):
            self.course.place(self.t, due, due + HOUR, "", "was busy: again later today")
        else:
            self._go_on()

    def _gatekeeper(self) -> None:
        if self.pursuit.attempt > min(self.pursuit.target, self.course.patience):
            self._go_on()
        else:
            days = self.dice.randint(1, 2)
            self.course.place_slot(self.t, days, "gatekeeper answered", ("early", "late_afternoon"))

    def _hung_up(self) -> None:
        if (
            self.pursuit.attempt > min(self.pursuit.target, self.course.patience)
            and not self.pursuit.reached_at
        ):
            self._go_on()
        else:
            self.course.place_slot(self.t, 5, "hung up: 5 business days of peace")

    def _callback_requested(self) -> None:
        course = self.course
        agreed = self.agreed or self._agree()
        day, minute = clock.local(course.market.zone, agreed)
        words = f"{WEEKDAYS[clock.weekday(day)]} {instant(day * DAY):%-d %B}, {minute // 60:02d}:{minute % 60:02d}"
        course.place(
            self.t, max(agreed - 900, self.t + 60), max(agreed + 900, self.t + 120), "",
            f"callback agreed for {words} their time", rank=Rank.CALLBACK, agreed=agreed, lifts=True,
        )  # fmt: skip
        course.callback = self._promise("call back", agreed)

    def _agree(self) -> int:
        """A half hour on one of the next business days at which both are at work."""
        course, rep = self.course, self.rep
        day = clock.local(course.market.zone, self.t)[0]
        for ahead in range(1, 9):
            ahead_day = clock.add_business_days(
                course.market, day, ahead if ahead > 1 else self.dice.randint(1, 3)
            )
            shared = []
            for half in range(17, 36):
                t = clock.moment(course.market.zone, ahead_day, half * 30)
                mine = clock.local(rep.zone, t)
                at_work = rep.hours[0] * 60 <= mine[1] < rep.hours[1] * 60 - 30 and clock.weekday(mine[0]) < 5
                if at_work and self.world.law.open_at(course.market, t):
                    shared.append(t)
            if shared:
                return self.dice.choice(shared)
        return clock.moment(course.market.zone, clock.add_business_days(course.market, day, 2), 10 * 60)

    def _not_now(self) -> None:
        course = self.course
        days = self.dice.choice((30, 30, 60, 90))
        day = clock.local(course.market.zone, self.t + days * DAY)[0]
        course.place_slot(self.t, 0, f'said "later": {days} days on', day=day)
        assert course.follow_up is not None
        until = course.follow_up.due_at + timedelta(days=14)
        course.heat.set_warm(until, self.at, "asked to be called later", self.user)

    def _info_requested(self) -> None:
        self.course.place_slot(self.t, 2, "asked for information: 2 business days on")
        what = self.dice.choice(
            ("send the savings checklist", "send a sample report", "send prices for two sites")
        )
        due = self.t + self.dice.choice((6, 24, 30)) * HOUR
        promise = self._promise(what, due)
        if self.dice.random() < 0.85 - self.rep.late:
            sent = self.t + self.dice.randrange(HOUR // 2, max(HOUR, due - self.t))
            if sent < self.world.now:
                promise.kept_at = instant(sent)
                self.course.heat.soon(
                    Happening(
                        sent, "email_sent", "mail", campaign="what you asked for", summary=f"Kept: {what}"
                    )
                )
        elif due < self.world.now:
            promise.broken_at = instant(due)

    def _meeting_booked(self) -> None:
        course, world, dice = self.course, self.world, self.dice
        course.move("meeting", self.t, self.user, self.call)
        course.end(self.t, End.MEETING, by=self.user)
        day = clock.add_business_days(
            course.market, clock.local(course.market.zone, self.t)[0], dice.randint(2, 9)
        )
        starts = clock.moment(course.market.zone, day, dice.choice((9, 10, 11, 13, 14, 15, 16)) * 60)
        meeting = world.add(
            Meeting(
                lead=course.lead, pursuit=self.pursuit, call=self.call, title=f"Meeting with {course.lead.name}"[:150],
                starts_at=instant(starts), minutes=dice.choice((20, 30, 30, 45)), place="https://meet.lumenvale.example/",
                host=self.user, booked_by=self.user, booked_at=self.at, value=course.lead.value,
            )
        )  # fmt: skip
        done = starts + 40 * 60
        if done >= world.now:
            return
        meeting.status_at = instant(done)
        meeting.status = dice.choices(("held", "no_show", "cancelled"), (78, 16, 6))[0]
        if meeting.status == "no_show":
            course.reopens_at = done
        elif meeting.status == "held":
            course.heat.soon(
                Happening(done, "meeting_held", "thaw", summary="Online meeting", by=self.rep.name)
            )
            course.move("held", done, self.user)
            decided = done + dice.randrange(4 * DAY, 30 * DAY)
            if decided < world.now and dice.random() < 0.65:
                course.move("won" if dice.random() < 0.42 else "lost", decided, self.user)

    def _referred_on(self) -> None:
        self.call.notes = self.call.notes or "Sent us to a colleague."

    def _disqualified(self) -> None:
        self.course.move("lost", self.t, self.user, self.call)

    def _wrong_number(self) -> None:
        self.link.detached_at, self.link.detached_reason = self.at, "wrong_number"
        self._next_number()

    def _disconnected(self) -> None:
        self.link.number.status, self.link.number.status_at = Number.Status.INVALID, self.at
        self._next_number()

    def _next_number(self) -> None:
        course = self.course
        if course.numbers() and self.pursuit.attempt <= self.pursuit.target:
            course.place_slot(self.t, 1, "this number is of no use: try the next one")
        elif self.world.now - self.t > 21 * DAY or self.pursuit.attempt > self.pursuit.target:
            course.end(self.t + 60, End.NO_NUMBER, by=self.user, note="no other number found")
        else:
            self._ask("find_number", "no number left: find another one")

    def _left_company(self) -> None:
        for link in self.course.numbers():
            link.detached_at, link.detached_reason = self.at, "left_company"
        self.course.lead.company = None

    def _abusive(self) -> None:
        self._ask("look_into", f"abusive call, reported by {self.rep.name}")

    def _do_not_call(self) -> None:
        course = self.course
        self.world.add(
            Suppression(
                scope="person", lead=course.lead, reason="asked on the phone", channel="call", requested_at=self.at,
                by=self.user,
            )
        )  # fmt: skip
        if self.link.label not in ("switchboard", "home"):
            self.world.add(
                Suppression(
                    scope="number", e164=self.link.number.e164, reason="asked on the phone", channel="call",
                    requested_at=self.at, by=self.user,
                )
            )  # fmt: skip
        course.over = True
        course.heat.pending.clear()

    def _ask(self, kind: str, reason: str) -> None:
        done = (
            self.at + timedelta(days=3) if self.world.now - self.t > 4 * DAY and kind == "look_into" else None
        )
        lead: Lead = self.course.lead
        self.world.add(
            Task(
                kind=kind, lead=lead, reason=reason, assignee=lead.owner, team=lead.team, created_at=self.at,
                done_at=done, done_by=self.user if done else None,
            )
        )  # fmt: skip

    def _promise(self, text: str, due: int) -> Promise:
        made = Promise(
            lead=self.course.lead,
            call=self.call,
            text=text,
            due_at=instant(due),
            made_at=self.at,
            made_by=self.user,
        )
        return self.world.add(made)  # type: ignore[no-any-return]
