"""Places to call: a zone, its business days and the hours in which a call is permitted there."""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from touchpoints.cadence import Caps, Place, Plan, Window
from touchpoints.defaults import DEFAULT_CADENCES

EVERY_DAY = range(1, 8)
HOUSE_CAPS = Caps()


def open_daily(
    zone: ZoneInfo, opens: time, closes: time, weekdays: Collection[int] = EVERY_DAY
) -> Callable[[datetime, datetime], Sequence[Window]]:
    """The permitted windows of a place that is open at these local hours on these ISO weekdays."""

    def permitted(start: datetime, end: datetime) -> Sequence[Window]:
        windows, day = [], start.astimezone(zone).date()
        while datetime.combine(day, time(), tzinfo=zone) < end:
            first = datetime.combine(day, opens, tzinfo=zone).astimezone(UTC)
            last = datetime.combine(day, closes, tzinfo=zone).astimezone(UTC)
            if day.isoweekday() in weekdays and last > start and first < end:
                windows.append((max(first, start), min(last, end)))
            day += timedelta(days=1)
        return windows

    return permitted


def place(
    zone: str = "America/Chicago",
    opens: time = time(8),
    closes: time = time(21),
    *,
    weekdays: Collection[int] = EVERY_DAY,
    holidays: Collection[date] = (),
    audience: str = "business",
    caps: Caps = HOUSE_CAPS,
) -> Place:
    where = ZoneInfo(zone)
    return Place(
        zone=where,
        is_business_day=lambda day: day.isoweekday() < 6 and day not in holidays,
        permitted=open_daily(where, opens, closes, weekdays),
        audience=audience,
        is_holiday=lambda day: day in holidays,
        caps=caps,
    )


def plan(key: str) -> Plan:
    """One of the default cadences as values."""
    row = next(row for row in DEFAULT_CADENCES if row.key == key)
    return Plan(
        target=row.target,
        waits=tuple(step.wait for step in row.steps),
        phases=tuple(step.phase for step in row.steps),
        channels=tuple(step.channel for step in row.steps),
    )
