"""How does one lead's pursuit run through the history? Its follow-ups, calls and what they lead to, as rows."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.db import models

from leads.models import LeadNumber, Number
from touchpoints.follow_ups import rank_of
from touchpoints.models import (
    CallAttempt,
    Dial,
    FollowUp,
    Outcome,
    Promise,
    Pursuit,
    StageChange,
)
from touchpoints.plans import Plans
from touchpoints.stages import advance as next_stage

from . import clock, outcomes
from .aftermath import Aftermath
from .cast import Rep
from .clock import DAY, HOUR, WEEKDAYS, Law, instant
from .people import Person
from .warming import Thermometer

Rank, Closed, End = FollowUp.Rank, FollowUp.Closed, Pursuit.EndReason
TRIED = ("not tried yet", "tried once", "tried twice")


class World:
    """What all courses share: the moment the history ends, the law, the plans, the users, and the rows they write."""

    def __init__(self, *, now: int, law: Law, users: dict[str, Any], dice: Random) -> None:
        self.now, self.law, self.users, self.dice = now, law, users, dice
        self.plans = Plans()
        self.outcomes = {row["key"]: row for row in Outcome.objects.values()}
        self.rows: dict[type[models.Model], list[Any]] = {}
        self.last_ring: dict[str, list[int]] = {}

    def add(self, row: Any) -> Any:
        self.rows.setdefault(type(row), []).append(row)
        return row


class Course:
    """One lead's way. `token` changes with every placement, so that a queue knows a stale entry."""

    def __init__(self, person: Person, heat: Thermometer, world: World) -> None:
        self.person, self.heat, self.world, self.lead, self.market = (
            person,
            heat,
            world,
            person.lead,
            person.market,
        )
        self.keeper = person.rep.username if person.rep else person.team
        self.pursuit: Pursuit | None = None
        self.follow_up: FollowUp | None = None
        self.call: CallAttempt | None = None
        self.callback: Promise | None = None
        self.before: dict[str, Any] = {}
        self.cells: Counter[tuple[int, str]] = Counter()
        self.dials: list[int] = []
        self.phases: list[str] = []
        self.stage: str = "new"
        self.token = 0
        self.over = not person.consented
        self.reachable = min(2.2, world.dice.lognormvariate(-0.18, 0.6))
        self.patience = 18
        self.asked_at = 0
        self.reopens_at = 0

    # --- state ---------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self.pursuit is not None and self.pursuit.ended_at is None

    @property
    def due(self) -> int:
        assert self.follow_up is not None
        return int(self.follow_up.due_at.timestamp())

    def numbers(self) -> list[LeadNumber]:
        return [
            link
            for link in self.person.links
            if link.detached_at is None and link.number.status == Number.Status.OK
        ]

    def may_dial(self, t: int, *, asked: bool) -> bool:
        """Whether a sensible rep dials now: hours, house caps, gaps between dials of a number."""
        day, minute = clock.local(self.market.zone, t)
        span = self.world.law.span(self.market, day)
        if span is None or not span[0] <= minute < span[1]:
            return False
        links = self.numbers()
        if not links:
            return False
        ring = self.world.last_ring.get(links[0].number.e164, ())
        if ring and (ring[-1] > t - 2 * HOUR or (len(ring) > 2 and ring[-3] > t - DAY)):
            return False
        if asked:
            return True
        usual = 8 * 60 <= minute < (20 * 60 if self.person.consumer else 18 * 60)
        saturday = self.person.consumer and clock.weekday(day) == 5 and 10 * 60 <= minute < 13 * 60
        if not saturday and not (usual and clock.works(self.market.country, self.market.region, day)):
            return False
        recent = [at for at in self.dials[-5:] if at > t - 7 * DAY]
        today = [at for at in recent if clock.local(self.market.zone, at)[0] == day]
        return len(recent) < 5 and len(today) < 2

    # --- pursuits and follow-ups -----------------------------------------------------------------------------

    def start(self, t: int, *, hurry: bool = False, by: Any = None) -> None:
        """Begin a pursuit; the first attempt is due at once, within the calling hours."""
        self.heat.settle()
        cadence = self.world.plans.default_for(self.lead)
        at = instant(t)
        self.pursuit = self.world.add(
            Pursuit(
                lead=self.lead, cadence=cadence, started_at=at, started_by=by, target=cadence.target,
                temperature_at_start=self.heat.temperature,
            )
        )  # fmt: skip
        self.move("reopened", t, None)
        self.cells.clear()
        self.phases.clear()
        if hurry:
            self.ask_now(t)
        else:
            self.place_slot(t, 0)

    def ask_now(self, t: int, why: str = "asked to be contacted: call at once") -> None:
        """A hand-raise: due in the next permitted minute, whatever the day."""
        opens, closes = self.world.law.next_open(self.market, t)
        self.place(t, opens, closes, "", why, rank=Rank.HAND_RAISE, lifts=True)
        self.asked_at = t

    def place_slot(
        self, t: int, wait: int, why: str = "", parts: tuple[str, ...] = (), day: int | None = None
    ) -> None:
        """Place the next attempt `wait` business days on (or on `day`), in the part of the day tried least."""
        assert self.pursuit is not None
        today = clock.local(self.market.zone, t)[0] if day is None else day
        first = clock.add_business_days(self.market, today, wait)
        due, end, key, label, day, count, opens, closes = self._slot(t, first, parts)
        words = (
            f"{WEEKDAYS[clock.weekday(day)]} {label}, {TRIED[min(count, 2)]}; "
            f"their time {opens // 60:02d}:{opens % 60:02d}–{closes // 60:02d}:{closes % 60:02d}"
        )
        if not why and self.pursuit.reached_at is None:
            why = f"attempt {self.pursuit.attempt} of {self.pursuit.target}"
        elif not why:
            why = f"follow-up call {self.pursuit.tries_since_reach + 1} of 6"
        self.place(t, due, end, key, f"{why}: {words}")

    def _slot(
        self, t: int, day: int, wanted: tuple[str, ...]
    ) -> tuple[int, int, str, str, int, int, int, int]:
        """(due, end, part, label, day, times tried, opens, closes) of the best slot on `day` or after it."""
        market, law = self.market, self.world.law
        today, minute = clock.local(market.zone, t)
        favours = self.person.rep.favours if self.person.rep else ()
        if self.person.consumer and clock.weekday(day) == 4 and self.world.dice.random() < 0.3:
            day += 1
        while True:
            saturday = clock.weekday(day) == 5
            span = law.span(market, day)
            found = []
            usable = (saturday and self.person.consumer) or clock.works(market.country, market.region, day)
            for key, label, begins, ends in (
                clock.parts(self.person.consumer, saturday) if span and usable else ()
            ):
                opens = max(begins, span[0], minute + 1 if day == today else 0)  # type: ignore[index]
                closes = min(ends, span[1])  # type: ignore[index]
                if closes - opens >= 15 and (not wanted or key in wanted):
                    count = self.cells[clock.weekday(day), key]
                    order = (count, key == "midday", key not in favours, self.world.dice.random())
                    found.append((order, key, label, opens, closes, count))
            if found:
                _order, key, label, opens, closes, count = min(found)
                due, end = clock.moment(market.zone, day, opens), clock.moment(market.zone, day, closes)
                return max(due, t), max(end, t + 900), key, label, day, count, opens, closes
            day, wanted = day + 1, ()

    def place(
        self,
        t: int,
        due: int,
        end: int,
        part: str,
        reason: str,
        *,
        rank: int | None = None,
        agreed: int | None = None,
        lifts: bool = False,
    ) -> None:
        assert self.pursuit is not None
        self.close(t, Closed.REPLACED, "")
        self.heat.settle()
        placed, agreed_at = instant(t), instant(agreed) if agreed else None
        rank, value = rank_of(self.lead, rank=rank, agreed_at=agreed_at, now=placed)
        self.follow_up = self.world.add(
            FollowUp(
                lead=self.lead, pursuit=self.pursuit, attempt=self.pursuit.attempt, step=self.pursuit.step,
                due_at=instant(due), window_end=instant(max(end, due + 60)), day_part=part, reason=reason[:300],
                assignee=self.lead.owner, team=self.lead.team, rank=rank, rank_value=value, agreed_at=agreed_at,
                lifts_house_caps=lifts, placed_at=placed,
            )
        )  # fmt: skip
        self.token += 1

    def close(self, t: int, closed_as: str, why: str) -> None:
        if self.follow_up is not None:
            self.follow_up.closed_at = instant(t)
            self.follow_up.closed_as, self.follow_up.closed_why = closed_as, why
            self.follow_up = None

    def end(self, t: int, reason: str, *, by: Any, note: str = "") -> None:
        assert self.pursuit is not None
        self.pursuit.ended_at, self.pursuit.end_reason = instant(t), reason
        self.pursuit.ended_by, self.pursuit.end_note = by, note
        self.close(t, Closed.CANCELLED, reason)
        self.token += 1

    def move(self, event: Any, t: int, by: Any, call: CallAttempt | None = None) -> None:
        after = next_stage(self.stage, event)  # type: ignore[arg-type]
        if after is not None:
            self.world.add(
                StageChange(
                    lead=self.lead, at=instant(t), before=self.stage, after=after, by=by, why=event, call=call
                )
            )
            self.stage = self.lead.stage = after

    def turned_warm(self) -> None:
        """A promotion during the pursuit takes the warm plan from its first step, at most once in 30 days."""
        pursuit = self.pursuit
        if pursuit is None or pursuit.reached_at:
            return
        at = self.heat.changes[-1][0].at
        if pursuit.resprinted_at is None or at - pursuit.resprinted_at >= timedelta(days=30):
            self.heat.settle()
            warm = self.world.plans.default_for(self.lead)
            pursuit.cadence, pursuit.step, pursuit.resprinted_at = warm, 1, at
            pursuit.target = max(pursuit.target, warm.target)

    # --- calls -----------------------------------------------------------------------------------------------

    def dial(self, rep: Rep, t: int, block: Any, outcome: str = "", agreed: int | None = None) -> int:
        """One attempt by a rep with everything that follows from it; returns when it ended."""
        world, dice, pursuit, user = self.world, self.world.dice, self.pursuit, self.world.users[rep.username]
        assert pursuit is not None
        link = self.numbers()[0 if len(self.numbers()) == 1 or dice.random() < 0.75 else 1]
        day, minute = clock.local(self.market.zone, t)
        attempt = None if pursuit.reached_at else pursuit.attempt
        follow_up = self.follow_up
        asked = follow_up is not None and follow_up.rank in (Rank.CALLBACK, Rank.HAND_RAISE)
        phase = world.plans.plans[pursuit.cadence_id].phase(pursuit.step)
        if not outcome:
            outcome = outcomes.draw(
                dice, rep, warm=self.heat.warm, attempt=attempt, hour=minute // 60, weekday=clock.weekday(day),
                reachable=self.reachable, quality=self.person.origin.quality, consumer=self.person.consumer,
                voicemail_allowed=phase not in self.phases and len(self.phases) < 4, asked_for=asked,
            )  # fmt: skip
            if outcome == "disconnected" and link.label in ("switchboard", "home"):
                outcome = "no_answer"
        ended = min(t + outcomes.seconds(dice, outcome), world.now)
        began = instant(t)
        self._remember(pursuit, follow_up)
        call = self.call = world.add(
            CallAttempt(
                lead=self.lead, pursuit=pursuit, follow_up=follow_up, block=block, user=user, team=user.team,
                number=link.number, attempt=attempt, target=pursuit.target, outcome_id=outcome, started_at=began,
                ended_at=instant(ended), duration_seconds=ended - t, notes=outcomes.note(dice, outcome),
                guard=_verdict(world.law.version(self.market), self.market.zone, day, minute),
                temperature=self.heat.temperature, local_weekday=clock.weekday(day) + 1, local_hour=minute // 60,
            )
        )  # fmt: skip
        world.add(Dial(call=call, number=link.number, lead=self.lead, at=began))
        world.last_ring.setdefault(link.number.e164, []).append(t)
        self.dials.append(t)
        self.cells[clock.weekday(day), follow_up.day_part if follow_up else ""] += 1
        self._keep_word(t)
        if self.heat.advance(ended):
            self.turned_warm()
        if outcome == "voicemail_left":
            self.phases.append(phase)
        Aftermath(self, rep, user, call, outcome, ended, link, agreed).apply()
        return ended

    def _keep_word(self, t: int) -> None:
        """The dial answers the hand-raise that waits, and keeps the promise to call back, if it is in time."""
        for raised in self.heat.raised:
            raised.first_attempt_at = instant(t)
        self.heat.raised.clear()
        if self.callback is not None:
            late = t > self.callback.due_at.timestamp() + 30 * 60
            self.callback.kept_at = None if late else instant(t)
            self.callback.broken_at = self.callback.due_at + timedelta(hours=6) if late else None
            if self.callback.broken_at and self.callback.broken_at.timestamp() > self.world.now:
                self.callback.broken_at = instant(t)
            self.callback = None

    def _remember(self, pursuit: Pursuit, follow_up: FollowUp | None) -> None:
        """What taking the latest outcome back has to restore; ids are filled in when the rows have theirs."""
        self.before = {
            "follow_up": follow_up,
            "stage": self.stage,
            "cooled_at": self.lead.cooled_at.isoformat() if self.lead.cooled_at else None,
            "owner": self.lead.owner,
            "company": self.lead.company,
            "pursuit": {
                "attempt": pursuit.attempt,
                "step": pursuit.step,
                "tries_since_reach": pursuit.tries_since_reach,
                "reached_at": pursuit.reached_at.isoformat() if pursuit.reached_at else None,
                "reached_at_attempt": pursuit.reached_at_attempt,
            },
        }


def _verdict(version: str, zone: str, day: int, minute: int) -> dict[str, Any]:
    moment = datetime.fromisoformat(f"{instant(day * DAY):%Y-%m-%d}T{minute // 60:02d}:{minute % 60:02d}")
    return {
        "decision": "allow",
        "reasons": [],
        "next_allowed_at": None,
        "local_times": [{"zone": zone, "time": moment.isoformat()}],
        "rule_version": version or "*",
    }
