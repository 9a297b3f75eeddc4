"""What did eight reps do for twelve weeks? Plays their days, dial by dial, in memory."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any

from touchpoints.models import BlockedDial, CallBlock, FollowUp, Pursuit, Skip

from . import clock, stories
from .cast import REPS, Rep
from .clock import DAY, HOUR, instant
from .course import Course, World
from .people import Person
from .warming import Rules, Thermometer

WEEKS = 12
BLOCK = 25
# So many dials a day, by all, need so many leads for the whole time; fewer leads, fewer dials.
LEADS_FOR_FULL_DAYS = 6_000
_SKIPS = (
    "just spoke to their colleague",
    "no time before lunch",
    "need to read up first",
    "public holiday there?",
)


@dataclass
class Line:
    """The leads that wait for one keeper in one zone: by due time, and those due by rank."""

    zone: str
    later: list[tuple[int, int, int, Course]] = field(default_factory=list)
    ready: list[tuple[int, float, int, int, Course]] = field(default_factory=list)
    fresh: list[Course] = field(default_factory=list)


class History:
    """The twelve weeks before `world.now`. After `play` every course stands where its history left it."""

    def __init__(self, people: list[Person], world: World, *, start: int, scale: float) -> None:
        self.world, self.start, self.scale, self.dice = world, start, scale, world.dice
        rules = Rules(start=start)
        self.courses: list[Course] = []
        self.lines: dict[str, dict[str, Line]] = defaultdict(dict)
        # Kept back, so that whoever opens the demo finds calls to make in every part of the world.
        self.reserve: dict[str, list[Course]] = defaultdict(list)
        self._sequence = count()
        self._shares = Counter(person.rep.username if person.rep else person.team for person in people)
        for person in people:
            happenings = stories.story(
                person.origin.story,
                person.market,
                self.dice,
                arrived=person.arrived,
                start=start,
                end=world.now,
            )
            course = Course(person, Thermometer(person, happenings, rules), world)
            if person.rep and person.rep.gives_up_at and self.dice.random() < 0.93:
                course.patience = person.rep.gives_up_at - self.dice.choices((0, 1, 2), (72, 22, 6))[0]
            elif self.dice.random() < 0.12:
                course.patience = self.dice.randint(6, 12)
            self.courses.append(course)
            self._enlist(course)

    def _enlist(self, course: Course) -> None:
        keeper, zone = course.keeper, course.market.zone
        kept_back = self.reserve[keeper]
        per_band = max(2, round(6 * self.scale))
        same = sum(one.market.band == course.market.band for one in kept_back)
        room = len(kept_back) < 0.6 * self._shares[keeper]
        if course.person.consented and same < per_band and room:
            # Nobody will have called them: nobody of them may have asked for it.
            course.heat.pending = [one for one in course.heat.pending if one.kind not in stories.HAND_RAISES]
            kept_back.append(course)
            return
        line = self._line(keeper, zone)
        if not course.over:
            line.fresh.append(course)
        for one in course.heat.pending:
            if one.at >= self.start and one.kind not in (
                "email_sent",
                "text_sent",
                "visit",
                "social_message",
            ):
                heapq.heappush(line.later, (one.at, next(self._sequence), -1, course))

    def _line(self, keeper: str, zone: str) -> Line:
        lines = self.lines[keeper]
        if zone not in lines:
            lines[zone] = Line(zone)
        return lines[zone]

    # --- days ------------------------------------------------------------------------------------------------

    def play(self, progress: Callable[[str], None]) -> None:
        for line in (line for lines in self.lines.values() for line in lines.values()):
            self.dice.shuffle(line.fresh)
        shifts = sorted(self._shifts(), key=lambda shift: shift[0])
        for index, (begins, day, rep) in enumerate(shifts):
            self._work(rep, begins, day)
            if index % 40 == 39:
                progress(f"week {1 + (begins - self.start) // (7 * DAY)} of {WEEKS}")
        kept_back = {course for courses in self.reserve.values() for course in courses}
        for course in self.courses:
            if course not in kept_back:
                self._finish(course)

    def _shifts(self) -> list[tuple[int, int, Rep]]:
        shifts = []
        for rep in REPS:
            first = clock.local(rep.zone, self.start)[0]
            for day in range(first, first + WEEKS * 7 + 2):
                begins = clock.moment(rep.zone, day, rep.hours[0] * 60)
                away = rep.away_in_week and (begins - self.start) // (7 * DAY) == rep.away_in_week - 1
                if clock.weekday(day) < 5 and not away and self.start <= begins < self.world.now:
                    shifts.append((begins, day, rep))
        return shifts

    def _work(self, rep: Rep, begins: int, day: int) -> None:
        dials = max(1, round(self.dice.randint(*rep.dials) * min(1.0, self.scale) + self.dice.random() - 0.5))
        length = (rep.hours[1] - rep.hours[0] - 1) * HOUR
        lunch = begins + length // 2
        pace = length / dials
        t, busy_until, block, done = begins, 0, None, 0
        for index in range(dials):
            planned = begins + int(pace * (index + self.dice.random() * 0.8))
            planned += HOUR if planned > lunch else 0
            t = max(planned, busy_until + 12)
            if t >= self.world.now - 60:
                break
            course = self._next(rep, t)
            if course is None:
                continue
            if block is None or done % BLOCK == 0:
                self._close_block(block, busy_until)
                block = self._open_block(rep, t, done // BLOCK)
            busy_until = course.dial(rep, t, block)
            done += 1
            self._requeue(course)
        self._close_block(block, busy_until)

    def _open_block(self, rep: Rep, t: int, number: int) -> CallBlock:
        minute = clock.local(rep.zone, t)[1]
        name = "Early block" if minute < 600 else "Morning block" if minute < 720 else "Afternoon block"
        block = CallBlock(
            user=self.world.users[rep.username],
            name=f"{name} {number + 1}",
            size=BLOCK,
            started_at=instant(t),
        )
        return self.world.add(block)  # type: ignore[no-any-return]

    def _close_block(self, block: CallBlock | None, t: int) -> None:
        if block is not None:
            block.ended_at = max(instant(t), block.started_at + timedelta(minutes=1))

    # --- whom next -------------------------------------------------------------------------------------------

    def _next(self, rep: Rep, t: int) -> Course | None:
        for _try in range(12):
            course = self._best(rep, t) or self._fresh(rep, t)
            if course is None:
                return None
            if course.heat.advance(t):
                course.turned_warm()
            if self.dice.random() < 0.012 and course.follow_up is not None:
                self.world.add(
                    Skip(
                        follow_up=course.follow_up, user=self.world.users[rep.username], at=instant(t),
                        reason=self.dice.choice(_SKIPS),
                    )
                )  # fmt: skip
                self._put_off(course, t + 2 * HOUR)
                continue
            return course
        return None

    def _best(self, rep: Rep, t: int) -> Course | None:
        best: tuple[int, float, int, int, Course] | None = None
        where: Line | None = None
        lines = self.lines[rep.username].values()
        if self.dice.random() < 0.1:
            lines = [*lines, *self.lines[rep.team].values()]  # type: ignore[assignment]
        for line in lines:
            day, minute = clock.local(line.zone, t)
            if not 8 * 60 <= minute < 20 * 60 or clock.weekday(day) == 6:
                continue
            while line.later and line.later[0][0] <= t:
                _at, _n, token, course = heapq.heappop(line.later)
                self._arrive(course, token, t, line)
            while line.ready and self._unfit(line.ready[0], t, rep, line):
                heapq.heappop(line.ready)
            if line.ready and (best is None or line.ready[0] < best):
                best, where = line.ready[0], line
        if where is None:
            return None
        return heapq.heappop(where.ready)[4]

    def _unfit(self, entry: tuple[int, float, int, int, Course], t: int, rep: Rep, line: Line) -> bool:
        """Whether the head of a line must leave it: a stale entry, or one that cannot be dialled just now."""
        rank, _value, _n, token, course = entry
        if course.token != token or course.follow_up is None:
            return True
        asked = rank <= 2
        if asked and self.dice.random() < rep.late / 3:
            self._put_off(course, t + self.dice.randint(1, 5) * HOUR)
            return True
        if (course.dials and t - course.dials[-1] < 60) or not course.may_dial(t, asked=asked):
            self._put_off(course, t + 1800)
            return True
        return False

    def _put_off(self, course: Course, t: int) -> None:
        line = self._line(course.keeper, course.market.zone)
        heapq.heappush(line.later, (t, next(self._sequence), course.token, course))

    def _requeue(self, course: Course) -> None:
        if course.follow_up is not None:
            self._put_off(course, course.due)
        if course.reopens_at:
            self._put_off_event(course, course.reopens_at)

    def _put_off_event(self, course: Course, t: int) -> None:
        line = self._line(course.keeper, course.market.zone)
        heapq.heappush(line.later, (t, next(self._sequence), -1, course))

    def _arrive(self, course: Course, token: int, t: int, line: Line) -> None:
        """A lead comes due, or something happened to it (token -1)."""
        if token == -1:
            self._react(course, t)
        elif token == course.token and course.follow_up is not None:
            row = course.follow_up
            entry = (int(row.rank), -row.rank_value, next(self._sequence), course.token, course)
            heapq.heappush(line.ready, entry)

    def _react(self, course: Course, t: int) -> None:
        if course.reopens_at and course.reopens_at <= t:
            self._reopen(course)
            return
        warmed = course.heat.advance(t)
        raised = bool(course.heat.raised) and course.heat.raised[-1].raised_at.timestamp() > t - DAY
        if raised and not course.person.consented:
            # An enquiry is a consent to be called about it.
            course.person.consented = course.person.by_enquiry = True
            course.over = False
        if course.over or not course.person.links or not course.numbers():
            return
        at = int(course.heat.rows[-1].recorded_at.timestamp()) + 3 if course.heat.rows else t
        at = (
            max(at, int(course.call.ended_at.timestamp()) + 1) if course.call and course.call.ended_at else at
        )
        if raised:
            if course.running:
                course.ask_now(at)
            elif self._may_start(course):
                course.start(at, hurry=True)
        elif warmed and course.running:
            course.turned_warm()
            if (
                course.pursuit
                and not course.pursuit.reached_at
                and course.follow_up
                and not course.follow_up.agreed_at
            ):
                course.place_slot(at, 0)
        elif warmed and course.pursuit is None:
            course.start(at)
        else:
            return
        self._requeue(course)

    def _may_start(self, course: Course) -> bool:
        return course.pursuit is None or course.pursuit.end_reason != Pursuit.EndReason.MEETING

    def _reopen(self, course: Course) -> None:
        """A no-show: the pursuit goes on where it was."""
        t, course.reopens_at = course.reopens_at, 0
        assert course.pursuit is not None
        course.heat.advance(t)
        course.pursuit.ended_at, course.pursuit.end_reason, course.pursuit.ended_by = None, "", None
        course.move("no_show", t, None)
        course.place_slot(t, 1, "did not come to the meeting")
        self._requeue(course)

    def _fresh(self, rep: Rep, t: int) -> Course | None:
        """A lead nobody has called yet, somewhere where it is a good time to call."""
        lines = [line for line in self.lines[rep.username].values() if line.fresh]
        if self.dice.random() < 0.06:
            lines = [line for line in self.lines[rep.team].values() if line.fresh] or lines
        self.dice.shuffle(lines)
        lines.sort(key=lambda line: -len(line.fresh))
        for line in lines:
            for _look in range(min(4, len(line.fresh))):
                course = line.fresh.pop()
                if course.pursuit is not None or course.over:
                    continue
                if course.person.arrived < t and course.may_dial(t, asked=False):
                    course.heat.advance(t)
                    course.start(max(course.person.arrived + 1, t - self.dice.randrange(60, 2 * HOUR)))
                    assert course.follow_up is not None
                    # Started because it can be called now: due by now.
                    course.follow_up.due_at = min(course.follow_up.due_at, instant(t))
                    return course
                line.fresh.insert(0, course)
        return None

    # --- the end ---------------------------------------------------------------------------------------------

    def _finish(self, course: Course) -> None:
        """Bring a course up to now: what happened since its last call, and meetings that were missed."""
        if course.reopens_at and course.reopens_at <= self.world.now:
            self._reopen(course)
        course.reopens_at = 0
        if course.heat.pending or course.heat.raised:
            self._react(course, self.world.now)
        course.heat.advance(self.world.now)
        course.heat.settle_old_hand_raises(instant(self.world.now - DAY))
        if course.callback is not None and course.callback.due_at < instant(self.world.now - 8 * HOUR):
            course.callback.broken_at = course.callback.due_at + timedelta(hours=6)
            if course.follow_up is not None and course.follow_up.agreed_at:
                course.follow_up.rank = FollowUp.Rank.PROMISE
                course.follow_up.reason = f"callback missed; {course.follow_up.reason}"[:300]


def blocked_dials(courses: list[Course], world: World, *, start: int, wanted: int) -> None:
    """Dials that the guard refused: too early or too late there, or somebody on our own list."""
    dice: Random = world.dice
    callers = [course for course in courses if course.dials and course.person.rep]
    dice.shuffle(callers)
    # Whoever asked not to be called was dialled again by mistake here and there: the guard held.
    callers.sort(key=lambda course: not course.over or dice.random() < 0.7)
    made = 0
    for course in callers:
        rep = course.person.rep
        assert rep is not None
        for _try in range(6):
            day = clock.local(rep.zone, dice.randrange(start, world.now - DAY))[0]
            t = clock.moment(rep.zone, day, dice.randrange(rep.hours[0] * 60, rep.hours[1] * 60))
            reason = _reason(course, t, world) if clock.weekday(day) < 5 and t > start else None
            if reason is not None:
                world.add(_blocked(course, rep, t, reason, world))
                made += 1
                break
        if made == wanted:
            return


def _reason(course: Course, t: int, world: World) -> dict[str, str] | None:
    if course.over and course.call and course.call.ended_at and course.call.ended_at.timestamp() < t:
        return {"code": "internal_dnc", "detail": "Our own do-not-call list holds this person."}
    if world.law.open_at(course.market, t):
        return None
    minute = clock.local(course.market.zone, t)[1]
    detail = f"It is {minute // 60:02d}:{minute % 60:02d} in {course.market.zone}, outside the calling hours."
    return {"code": "hours_closed", "detail": detail}


def _blocked(course: Course, rep: Rep, t: int, reason: dict[str, str], world: World) -> BlockedDial:
    opens = None if reason["code"] == "internal_dnc" else world.law.next_open(course.market, t)[0]
    verdict: dict[str, Any] = {
        "decision": "block",
        "reasons": [reason],
        "next_allowed_at": instant(opens).isoformat() if opens else None,
        "local_times": [],
        "rule_version": world.law.version(course.market) or "*",
    }
    links = course.person.links
    return BlockedDial(
        lead=course.lead, number=links[0].number, user=world.users[rep.username], at=instant(t), guard=verdict
    )
