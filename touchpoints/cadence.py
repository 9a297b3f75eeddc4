"""When is the next attempt of a plan, and why then?

Waits count business days of the lead's place. On the day they lead to, the attempt takes the part of the
lead's local day that was tried least on this weekday, inside the hours in which a call is permitted
(domain.md §5).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Literal

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext

from .defaults import DEFAULT_DAY_PARTS, PRIORS, DefaultDayPart

Window = tuple[datetime, datetime]
Cell = tuple[int, str]
Permitted = Callable[[datetime, datetime], Sequence[Window]]

CALL = "call"
HORIZON = timedelta(days=120)
# So far ahead the hours of whoever calls are waited for; an attempt is not put off for longer than that.
DESK_HORIZON = timedelta(days=30)
# What is left of a day part must be worth sitting down for, unless nothing longer comes within the horizon.
SHORTEST_SLOT = timedelta(minutes=15)
MOST_PER_CELL = 2
# Beyond so many days a full weekday no longer moves an attempt: every weekday has been looked at.
FULL_DAYS_PASSED_OVER = timedelta(days=8)
# A part of the day below half of an average one is a filler: taken only where the others were tried more
# often.
FILLER_BELOW = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """A cadence as values: `waits[i]` business days before step i+1, its phase and its channel."""

    target: int
    waits: tuple[int, ...]
    phases: tuple[str, ...]
    channels: tuple[str, ...]
    name: str = ""

    def __post_init__(self) -> None:
        if not len(self.waits) == len(self.phases) == len(self.channels) > 0:
            raise ValueError("waits, phases and channels must have one entry a step, and at least one step")
        if self.target < 1 or min(self.waits) < 0:
            raise ValueError("target must be at least 1, and no wait may be negative")

    def wait(self, step: int) -> int:
        """Business days before `step` (from 1); beyond the last step its wait repeats."""
        return self.waits[min(step, len(self.waits)) - 1]

    def phase(self, step: int) -> str:
        return self.phases[min(step, len(self.phases)) - 1]

    def channel(self, step: int) -> str:
        """Beyond the last step there are calls alone: what is still missing of the target."""
        return self.channels[step - 1] if step <= len(self.channels) else CALL


@dataclass(frozen=True, slots=True)
class Attempted:
    """One dial of the past: when, in which part of the lead's day ("" outside all), on which ISO weekday."""

    at: datetime
    day_part: str
    local_weekday: int


@dataclass(frozen=True, slots=True)
class Caps:
    """House caps of one lead: dials a lead-local day, and in any 7 days."""

    per_day: int = 2
    per_week: int = 5


def _no_holiday(_day: date) -> bool:
    return False


@dataclass(frozen=True)
class Place:
    """Where the lead is: reference zone, business days, and the permitted windows (UTC) between two instants.

    `is_holiday` matters for Saturdays only, which are no business days yet open to consumers. `at_desk` says when
    whoever calls is at work; None: whenever they may be called.
    """

    zone: tzinfo
    is_business_day: Callable[[date], bool]
    permitted: Permitted
    audience: str = "business"
    is_holiday: Callable[[date], bool] = _no_holiday
    caps: Caps = Caps()
    day_parts: tuple[DefaultDayPart, ...] = DEFAULT_DAY_PARTS
    weights: Mapping[Cell, float] = field(default_factory=lambda: weights())
    at_desk: Permitted | None = None

    def local_date(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        return _instant(day, time(), self.zone)


@lru_cache(maxsize=16384)
def _instant(day: date, clock: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where an attempt is placed: [not_before, until) in UTC, and the reason in words."""

    attempt: int
    not_before: datetime
    until: datetime
    day_part: str
    channel: str
    reason: str


@dataclass(frozen=True, slots=True)
class Declined:
    """Why nothing could be placed; `nearest` is the closest instant that would do, where there is one."""

    code: Literal["no_window", "time_missing", "time_past", "not_permitted", "days_not_offered"]
    reason: str
    nearest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open stretch of a day that an attempt could take, and the cell it belongs to."""

    window: Window
    cell: Cell


def weights(
    observed: Mapping[Cell, tuple[int, int]] | None = None,
    *,
    parts: Sequence[DefaultDayPart] = DEFAULT_DAY_PARTS,
    priors: Mapping[Cell, float] = PRIORS,
    strength: int = 30,
) -> dict[Cell, float]:
    """How well each ISO weekday × day part connects, 1 being average.

    `observed` holds (connects, dials) of the team; each cell is shrunk towards its prior as if the prior
    rested on `strength` dials, so the team's own rate takes over as the cell grows.
    """
    observed = observed or {}
    connects = sum(made for made, _dials in observed.values())
    dials = sum(of for _made, of in observed.values())
    overall = connects / dials if dials and connects else None
    result = {}
    for weekday in range(1, 8):
        for part in parts:
            cell = (weekday, part.key)
            prior = part.prior * priors.get(cell, 1.0)
            made, of = observed.get(cell, (0, 0))
            result[cell] = prior if overall is None else (strength * prior + made / overall) / (strength + of)
    return result


def day_part_of(local: datetime, audience: str, parts: Sequence[DefaultDayPart] = DEFAULT_DAY_PARTS) -> str:
    """The part of the day a local time falls in, "" outside all of them."""
    saturday, clock = audience == "consumer" and local.isoweekday() == 6, local.time()
    for part in parts:
        if part.saturday_only == saturday and part.start <= clock < part.end and audience in part.audiences:
            return part.key
    return ""


def attempted(at: datetime, place: Place) -> Attempted:
    """A dial at an instant as the rotation sees it."""
    local = at.astimezone(place.zone)
    return Attempted(at, day_part_of(local, place.audience, place.day_parts), local.isoweekday())


def add_business_days(day: date, count: int, place: Place) -> date:
    """The `count`-th business day after `day`; with 0 the day itself, or the next business day where it is
    none.
    """
    if count == 0 and place.is_business_day(day):
        return day
    left = max(count, 1)
    for _ in range(HORIZON.days + 7 * count):
        day += timedelta(days=1)
        left -= place.is_business_day(day)
        if not left:
            return day
    raise ValueError(f"the place has no {count} business days before {day}")


def earliest_permitted(place: Place, *, at: datetime, horizon: timedelta = HORIZON) -> Window | None:
    """The first permitted window still open at or after `at`, business day or not, without its past."""
    start = at
    while start < at + horizon:
        day_after = place.midnight(place.local_date(start) + timedelta(days=1))
        for opens, closes in sorted(place.permitted(start, day_after)):
            if closes > at:
                return (max(opens, at), closes)
        start = day_after
    return None


def next_slot(
    plan: Plan,
    step: int,
    attempt: int,
    history: Sequence[Attempted],
    place: Place,
    *,
    after: datetime,
    now: datetime,
    earliest: datetime | None = None,
    at_least: int = 0,
) -> Slot | Declined:
    """Place `attempt` at `step` of the plan: its wait counts from `after`, and nothing lies before `now`.

    `earliest` holds it back further (the law's caps); `at_least` business days are waited at any rate. The
    house caps follow from `history`. A step without a wait takes the first open part of a day, the running
    one included.
    """
    wait = max(plan.wait(step), at_least)
    slot = slot_from(
        add_business_days(place.local_date(after), wait, place) if wait else place.local_date(after),
        history,
        place,
        now=max(now, after, earliest or now),
        first_open=wait == 0,
    )
    if isinstance(slot, Declined):
        return slot
    window, cell = slot.window, slot.cell
    channel = plan.channel(step)
    said = (
        gettext("attempt %(attempt)d of %(target)d: %(slot)s")
        if channel == CALL
        else gettext("before attempt %(attempt)d of %(target)d: %(slot)s")
    )
    words = slot_in_words(window, cell, history, place)
    reason = said % {"attempt": attempt, "target": plan.target, "slot": words}
    return Slot(attempt, *window, cell[1], channel, reason)


def slot_from(
    first_day: date,
    history: Sequence[Attempted],
    place: Place,
    *,
    now: datetime,
    first_open: bool = False,
    only_parts: Sequence[str] = (),
    last_day: date | None = None,
) -> Candidate | Declined:
    """The best cell on `first_day`, or on the first day after it that has one; nothing before `now`.

    A weekday of which every open cell was used twice is passed over, unless all are. `only_parts` and
    `last_day` narrow the choice. Where calls are permitted outside all parts of the day only, those hours do. The
    hours of whoever calls come first; where none of them fits for weeks, the lead's own decide.
    """
    if place.at_desk is not None:
        start = max(first_day, place.local_date(now))
        found = _slot_from(
            first_day,
            history,
            replace(place, permitted=_at_desk(place.permitted, place.at_desk), at_desk=None),
            now=now,
            first_open=first_open,
            only_parts=only_parts,
            last_day=min(last_day or start + DESK_HORIZON, start + DESK_HORIZON),
        )
        if isinstance(found, Candidate):
            return found
    return _slot_from(
        first_day, history, place, now=now, first_open=first_open, only_parts=only_parts, last_day=last_day
    )


def _at_desk(permitted: Permitted, at_desk: Permitted) -> Permitted:
    """Where both are: the call is permitted, and somebody is there to make it."""

    def both(start: datetime, end: datetime) -> Sequence[Window]:
        windows = permitted(start, end)
        desk = at_desk(start, end) if windows else ()
        shared = [(max(opens, there), min(closes, gone)) for opens, closes in windows for there, gone in desk]
        return [(opens, closes) for opens, closes in shared if closes > opens]

    return both


def _slot_from(
    first_day: date,
    history: Sequence[Attempted],
    place: Place,
    *,
    now: datetime,
    first_open: bool,
    only_parts: Sequence[str],
    last_day: date | None,
) -> Candidate | Declined:
    used = Counter((past.local_weekday, past.day_part) for past in history)
    start = max(first_day, place.local_date(now))
    last = last_day or start + HORIZON
    passes = [(SHORTEST_SLOT, True), (timedelta(0), True)]
    if not only_parts:
        passes.append((timedelta(0), False))
    for shortest, by_parts in passes:
        full: list[Candidate] | None = None
        for day in _days(start, last, place):
            if full is not None and day > start + FULL_DAYS_PASSED_OVER:
                break
            cells = _cells(day, history, place, now, shortest, only_parts if by_parts else None)
            fresh = [cell for cell in cells if used[cell.cell] < MOST_PER_CELL]
            if fresh:
                return _choose(fresh, used, history, place, first_open)
            full = full or cells or None
        if full:
            return _choose(full, used, history, place, first_open)
    return Declined(
        "no_window", gettext("no permitted window in the next %(days)d days") % {"days": HORIZON.days}
    )


def plan_all(plan: Plan, place: Place, *, start: datetime) -> list[Slot]:
    """What the plan would place from `start` on if nobody ever answered: one slot for each step, up to the last call.

    A step that is no call bears the number of the call it comes before. Shorter than the target only where the place
    permits no window at all.
    """
    slots: list[Slot] = []
    history: list[Attempted] = []
    at, step, attempt = start, 1, 1
    while attempt <= plan.target:
        slot = next_slot(plan, step, attempt, history, place, after=at, now=at)
        if isinstance(slot, Declined):
            break
        slots.append(slot)
        at, step = slot.not_before, step + 1
        if slot.channel == CALL:
            history.append(Attempted(at, slot.day_part, at.astimezone(place.zone).isoweekday()))
            attempt += 1
    return slots


def _parts_for(audience: str, parts: Sequence[DefaultDayPart]) -> list[DefaultDayPart]:
    return [part for part in parts if audience in part.audiences]


def _days(start: date, last: date, place: Place) -> Iterator[date]:
    """Days on which the cadence may place: business days, and Saturdays where the audience has a part for
    them.
    """
    has_saturday = any(part.saturday_only for part in _parts_for(place.audience, place.day_parts))
    day = start
    while day <= last:
        saturday = has_saturday and day.isoweekday() == 6 and not place.is_holiday(day)
        if saturday or place.is_business_day(day):
            yield day
        day += timedelta(days=1)


def _cells(
    day: date,
    history: Sequence[Attempted],
    place: Place,
    now: datetime,
    shortest: timedelta,
    only_parts: Sequence[str] | None,
) -> list[Candidate]:
    """The open cells of a day in order; a consumer's Saturday also stands beside the day before it.

    With `only_parts` None, the whole day is one cell without a part.
    """
    days = [day]
    saturday = day + timedelta(days=1)
    if saturday.isoweekday() == 6 and saturday in _days(saturday, saturday, place):
        days.append(saturday)
    candidates = []
    for one in days:
        stretches = _stretches(one, place) if only_parts is not None else [("", time.min, time.max)]
        candidates += _open(one, stretches, history, place, now, shortest)
    return [one for one in candidates if not only_parts or one.cell[1] in only_parts]


def _stretches(day: date, place: Place) -> list[tuple[str, time, time]]:
    saturday_only = not place.is_business_day(day)
    parts = _parts_for(place.audience, place.day_parts)
    return [(part.key, part.start, part.end) for part in parts if part.saturday_only == saturday_only]


def _open(
    day: date,
    stretches: Sequence[tuple[str, time, time]],
    history: Sequence[Attempted],
    place: Place,
    now: datetime,
    shortest: timedelta,
) -> list[Candidate]:
    """What of these stretches of a day is permitted, lies ahead and is left by the house caps."""
    earliest = max(now, _caps_pass_at(day, history, place))
    midnight, next_midnight = place.midnight(day), place.midnight(day + timedelta(days=1))
    if earliest >= next_midnight:
        return []
    windows = sorted(place.permitted(midnight, next_midnight))
    candidates = []
    for key, start, end in stretches:
        opens = max(_instant(day, start, place.zone), earliest)
        closes = _instant(day, end, place.zone)
        for window_opens, window_closes in windows:
            not_before, until = max(opens, window_opens), min(closes, window_closes)
            if until > not_before and until - not_before >= shortest:
                window = (not_before.astimezone(UTC), until.astimezone(UTC))
                candidates.append(Candidate(window, (day.isoweekday(), key)))
                break
    return candidates


def _caps_pass_at(day: date, history: Sequence[Attempted], place: Place) -> datetime:
    """From when the house caps let one more dial through on this day."""
    dials = sorted(past.at for past in history)
    passes = place.midnight(day)
    around = passes - timedelta(days=1)
    if sum(at >= around and place.local_date(at) == day for at in dials) >= place.caps.per_day:
        return place.midnight(day + timedelta(days=1))
    if len(dials) >= place.caps.per_week:
        passes = max(passes, dials[-place.caps.per_week] + timedelta(days=7))
    return passes


def _choose(
    candidates: Sequence[Candidate],
    used: Counter[Cell],
    history: Sequence[Attempted],
    place: Place,
    first_open: bool,
) -> Candidate:
    """Least used first; then another part than last time, no filler, the rarest part, the best weight."""
    if first_open:
        return min(candidates, key=lambda one: one.window)
    last_part = max(history, key=lambda past: past.at).day_part if history else ""
    parts = Counter(past.day_part for past in history)

    def order(one: Candidate) -> tuple[float, bool, bool, int, float, datetime]:
        weight = place.weights.get(one.cell, 1.0)
        part = one.cell[1]
        return (used[one.cell], part == last_part, weight < FILLER_BELOW, parts[part], -weight, one.window[0])

    return min(candidates, key=order)


def slot_in_words(window: Window, cell: Cell, history: Sequence[Attempted], place: Place) -> str:
    """The slot as the rep reads it: "Thursday late afternoon, not tried yet; their time 16:00–18:00"."""
    weekday, key = cell
    part = next((part for part in place.day_parts if part.key == key), None)
    day = str(WEEKDAYS[weekday - 1])
    times = sum((past.local_weekday, past.day_part) == cell for past in history)
    return gettext("%(when)s, %(tried)s; their time %(from)s–%(until)s") % {
        "when": day if part is None or part.saturday_only else f"{day} {gettext(part.label)}",
        "tried": _tried_in_words(times),
        "from": f"{window[0].astimezone(place.zone):%H:%M}",
        "until": f"{window[1].astimezone(place.zone):%H:%M}",
    }


def _tried_in_words(times: int) -> str:
    if times == 0:
        return gettext("not tried yet")
    if times == 1:
        return gettext("tried once")
    if times == 2:
        return gettext("tried twice")
    return gettext("tried %(times)d times") % {"times": times}
