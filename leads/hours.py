"""When may this person be called, by the clock and the calendar of wherever they may be?

Windows are local and half-open: 08:00–21:00 holds 08:00:00 and 20:59:59, not 21:00:00. Open means open in
every candidate zone under every rule at once. Instants are aware; those returned are UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo

from leads.calendar import holiday_name

Window = tuple[int, int]  # minutes since local midnight, half-open; 1440 is the end of the day
Interval = tuple[datetime, datetime]
Moment = TypeVar("Moment", int, datetime)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_WHOLE_DAY: Window = (0, 24 * 60)
_DAY = timedelta(days=1)
_HORIZON_DAYS = 370  # a window that does not open within a year opens never


@dataclass(frozen=True, slots=True)
class Week:
    """The windows of each weekday, Monday first; a day without a window is closed."""

    days: tuple[tuple[Window, ...], ...]

    @classmethod
    def from_json(cls, windows: Mapping[str, Iterable[Iterable[str]]]) -> "Week":
        """Read {"mon": [["08:00", "21:00"]], …}; a missing day is closed. ValueError names the day."""
        unknown = set(windows) - set(WEEKDAYS)
        if unknown:
            raise ValueError(f"no such weekday: {sorted(unknown)}; expected {', '.join(WEEKDAYS)}")
        return cls(tuple(_windows_of(day, windows.get(day, ())) for day in WEEKDAYS))


ALWAYS = Week(((_WHOLE_DAY,),) * 7)


def _windows_of(day: str, pairs: Iterable[Iterable[str]]) -> tuple[Window, ...]:
    windows: list[Window] = []
    for pair in pairs:
        ends = [_minutes_of(day, text) for text in pair]
        if len(ends) != 2 or ends[1] <= ends[0]:
            raise ValueError(f"{day}: a window is two times, and closes after it opens")
        if windows and ends[0] < windows[-1][1]:
            raise ValueError(f"{day}: windows must be in order and apart")
        windows.append((ends[0], ends[1]))
    return tuple(windows)


def _minutes_of(day: str, text: str) -> int:
    if text == "24:00":
        return 24 * 60
    try:
        at = time.fromisoformat(text)
    except (TypeError, ValueError) as refusal:
        raise ValueError(f"{day}: {text!r} is no time; expected HH:MM") from refusal
    if at.second or at.microsecond or at.tzinfo:
        raise ValueError(f"{day}: {text!r} is too exact; expected HH:MM")
    return at.hour * 60 + at.minute


def _within(windows: Iterable[Window], local: datetime) -> bool:
    minutes = local.hour * 60 + local.minute
    return any(opens <= minutes < closes for opens, closes in windows)


def spoken(windows: Iterable[Window]) -> str:
    """The windows as a person writes them: "08:00–12:00, 13:30–21:00"."""
    return ", ".join(
        "–".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in window) for window in windows
    )


@dataclass(frozen=True, slots=True)
class LocalRule:
    """One jurisdiction's week, and whether it closes on that jurisdiction's public holidays."""

    jurisdiction: str  # "US", "US-AL"; "*" has no holidays
    week: Week
    closed_on_holidays: bool = False

    def windows_on(self, day: date) -> tuple[Window, ...]:
        return () if self.holiday_on(day) else self.week.days[day.weekday()]

    def holiday_on(self, day: date) -> str:
        """The name of the holiday that closes the day; "" where none does."""
        if not self.closed_on_holidays:
            return ""
        country, _, region = self.jurisdiction.partition("-")
        return holiday_name(day, country=country, region=region)


@dataclass(frozen=True, slots=True)
class Closure:
    """Why a moment is closed in one zone: its whole day is, or the hour is outside the day's windows."""

    kind: Literal["day", "hours"]
    zone: str
    local: datetime
    jurisdiction: str
    holiday: str
    windows: tuple[Window, ...]


@dataclass(frozen=True)
class Hours:
    """The hours open in every one of `zones` under every one of `rules`.

    Make it with `hours_of`: all who ask for the same share one instance, and so its memory of days.
    """

    zones: tuple[str, ...]
    rules: tuple[LocalRule, ...]

    @cached_property
    def _days(self) -> dict[int, tuple[Interval, ...]]:
        return {}

    def permitted(self, start: datetime, end: datetime) -> list[Interval]:
        """The open intervals within [start, end): UTC, sorted, disjoint, none touching the next."""
        first, last = start.astimezone(UTC), end.astimezone(UTC)
        found: list[Interval] = []
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            for opens, closes in self._open_on(ordinal):
                opens, closes = max(opens, first), min(closes, last)
                if opens >= closes:
                    continue
                if found and found[-1][1] == opens:
                    found[-1] = (found[-1][0], closes)
                else:
                    found.append((opens, closes))
        return found

    def is_open(self, at: datetime) -> bool:
        moment = at.astimezone(UTC)
        return any(opens <= moment < closes for opens, closes in self._open_on(moment.toordinal()))

    def next_open(self, at: datetime) -> datetime | None:
        """The first open instant from `at` on (itself if open); None where none comes within a year."""
        moment = at.astimezone(UTC)
        today = moment.toordinal()
        for ordinal in range(today, min(today + _HORIZON_DAYS, date.max.toordinal() - 1)):
            for opens, closes in self._open_on(ordinal):
                if closes > moment:
                    return max(opens, moment)
        return None

    def closes_at(self, at: datetime) -> datetime | None:
        """When the interval that holds `at` ends; None where it is closed then, or never closes."""
        moment = at.astimezone(UTC)
        around = self.permitted(moment, moment + timedelta(days=9))
        if not around or around[0][0] != moment or around[0][1] - moment >= timedelta(days=9):
            return None
        return around[0][1]

    def closures(self, at: datetime) -> list[Closure]:
        """What is closed at that moment, zone by zone; [] exactly where `is_open`."""
        if self.is_open(at):
            return []
        found = [closure for zone in self.zones if (closure := self._closure(zone, at)) is not None]
        if found:
            return found
        # Closed only by the caution of `_instants` around a clock change.
        local = at.astimezone(ZoneInfo(self.zones[0]))
        return [self._told(self.zones[0], local, windows_on(self.rules, local.date()))]

    def local_times(self, at: datetime) -> list[dict[str, str]]:
        return local_times(self.zones, at)

    def _open_on(self, ordinal: int) -> tuple[Interval, ...]:
        """The open intervals of one UTC day, kept: a planner asks for the same weeks again and again."""
        known = self._days.get(ordinal)
        if known is None:
            if len(self._days) >= 800:
                self._days.clear()
            known = self._days[ordinal] = self._work_out(ordinal)
        return known

    def _work_out(self, ordinal: int) -> tuple[Interval, ...]:
        start = datetime.combine(date.fromordinal(ordinal), time(), UTC)
        open_everywhere: list[Interval] = [(start, start + _DAY)]
        for zone in self.zones:
            local: list[Interval] = []
            for day in (ordinal - 1, ordinal, ordinal + 1):
                local += _instants(zone, day, self.rules)
            open_everywhere = _intersection(open_everywhere, local)
        return tuple(open_everywhere)

    def _closure(self, zone: str, at: datetime) -> Closure | None:
        local = at.astimezone(ZoneInfo(zone))
        windows = windows_on(self.rules, local.date())
        if _within(windows, local):
            return None
        return self._told(zone, local, windows)

    def _told(self, zone: str, local: datetime, windows: tuple[Window, ...]) -> Closure:
        """Names the rule that closes: the most local of those closed that day, else of those closed now."""
        day = local.date()
        closed_that_day = [rule for rule in self.rules if not rule.windows_on(day)]
        closed_now = [rule for rule in self.rules if not _within(rule.windows_on(day), local)]
        rule = (closed_that_day or closed_now or self.rules)[-1]
        return Closure(
            kind="hours" if windows else "day",
            zone=zone,
            local=local,
            jurisdiction=rule.jurisdiction,
            holiday="" if windows else rule.holiday_on(day),
            windows=windows,
        )


@lru_cache(maxsize=4096)
def hours_of(zones: tuple[str, ...], rules: tuple[LocalRule, ...]) -> Hours:
    """The shared `Hours`. Raises ValueError without a zone or a rule: nothing known is not always open."""
    if not zones or not rules:
        raise ValueError("hours need at least one zone and one rule")
    return Hours(zones, rules)


def local_times(zones: Iterable[str], at: datetime) -> list[dict[str, str]]:
    """What the clocks show at that moment, once for each time of day: [{"zone": …, "time": ISO 8601}]."""
    shown: dict[str, str] = {}
    for zone in zones:
        shown.setdefault(at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds"), zone)
    return [{"zone": zone, "time": clock} for clock, zone in shown.items()]


@lru_cache(maxsize=65536)
def windows_on(rules: tuple[LocalRule, ...], day: date) -> tuple[Window, ...]:
    """The local windows of a day left by all the rules together; () for a closed day."""
    together: tuple[Window, ...] = (_WHOLE_DAY,)
    for rule in rules:
        together = tuple(_intersection(together, rule.windows_on(day)))
    return together


@lru_cache(maxsize=65536)
def _instants(zone: str, ordinal: int, rules: tuple[LocalRule, ...]) -> tuple[Interval, ...]:
    """The windows of one local day as UTC intervals.

    A wall-clock time that a clock change skips or repeats is two instants: a window opens at the later and
    closes at the earlier, so that in doubt it is closed.
    """
    day = date.fromordinal(ordinal)
    clock = ZoneInfo(zone)
    intervals = [
        (max(_both_instants(day, opens, clock)), min(_both_instants(day, closes, clock)))
        for opens, closes in windows_on(rules, day)
    ]
    return tuple((opens, closes) for opens, closes in intervals if opens < closes)


def _both_instants(day: date, minutes: int, clock: ZoneInfo) -> tuple[datetime, datetime]:
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    return (
        wall.replace(tzinfo=clock, fold=0).astimezone(UTC),
        wall.replace(tzinfo=clock, fold=1).astimezone(UTC),
    )


def _intersection(
    one: Iterable[tuple[Moment, Moment]], other: Sequence[tuple[Moment, Moment]]
) -> list[tuple[Moment, Moment]]:
    """Both sorted and disjoint; so is the answer."""
    return [
        (max(a_opens, b_opens), min(a_closes, b_closes))
        for a_opens, a_closes in one
        for b_opens, b_closes in other
        if max(a_opens, b_opens) < min(a_closes, b_closes)
    ]
