"""What time and which day is it there, and may a phone ring? In whole seconds, fast enough for a whole history."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from zoneinfo import ZoneInfo

from leads.calendar import business_day
from leads.models import GuardRule
from touchpoints.defaults import DEFAULT_DAY_PARTS

from .markets import Market

DAY, HOUR = 86_400, 3_600
_EPOCH = date(1970, 1, 1).toordinal()
_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
Span = tuple[int, int]  # minutes of a local day


def instant(t: int) -> datetime:
    return datetime.fromtimestamp(t, UTC)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@cache
def _offset(zone: str, hour: int) -> int:
    offset = instant(hour * HOUR).astimezone(_zone(zone)).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def local(zone: str, t: int) -> tuple[int, int]:
    """(day since the epoch, minute of the day) on the clocks of a zone."""
    seconds = t + _offset(zone, t // HOUR)
    return seconds // DAY, seconds % DAY // 60


def moment(zone: str, day: int, minute: int) -> int:
    """The instant of a local wall-clock time."""
    wall = day * DAY + minute * 60
    return wall - _offset(zone, (wall - _offset(zone, wall // HOUR)) // HOUR)


def weekday(day: int) -> int:
    """0 is Monday; the epoch was a Thursday."""
    return (day + 3) % 7


@cache
def works(country: str, region: str, day: int) -> bool:
    return business_day(date.fromordinal(day + _EPOCH), country, region)


def add_business_days(market: Market, day: int, count: int) -> int:
    """The `count`-th business day after `day` there; with 0 the day itself or the next that is one."""
    if count == 0:
        while not works(market.country, market.region, day):
            day += 1
    while count > 0:
        day += 1
        count -= works(market.country, market.region, day)
    return day


class Law:
    """The calling hours of each market by the workspace's own rules, read once."""

    def __init__(self) -> None:
        self._rules = list(GuardRule.objects.filter(active=True).exclude(windows={}))
        self._weeks: dict[tuple[str, str], list[Span | None]] = {}

    def span(self, market: Market, day: int) -> Span | None:
        """The permitted minutes of a local day; None where it is closed."""
        key = (market.country, market.region)
        if key not in self._weeks:
            self._weeks[key] = self._week(*key)
        return self._weeks[key][weekday(day)]

    def open_at(self, market: Market, t: int) -> bool:
        day, minute = local(market.zone, t)
        span = self.span(market, day)
        return span is not None and span[0] <= minute < span[1]

    def next_open(self, market: Market, t: int) -> tuple[int, int]:
        """(opens, closes) of the first permitted window that ends after `t`."""
        day, _minute = local(market.zone, t)
        for ahead in range(day, day + 30):
            span = self.span(market, ahead)
            if span is not None:
                closes = moment(market.zone, ahead, span[1])
                if closes > t:
                    return max(t, moment(market.zone, ahead, span[0])), closes
        raise ValueError(f"no calling hours in {market.city} for a month")

    def version(self, market: Market) -> str:
        return " ".join(f"{rule.jurisdiction}:{rule.version}" for rule in self._applying(*_key(market)))

    def _applying(self, country: str, region: str) -> list[GuardRule]:
        places = {country, f"{country}-{region}"}
        found = [rule for rule in self._rules if rule.jurisdiction in places]
        return found or [rule for rule in self._rules if rule.jurisdiction == "*"]

    def _week(self, country: str, region: str) -> list[Span | None]:
        week: list[Span | None] = [(8 * 60, 21 * 60)] * 7
        for rule in self._applying(country, region):
            for index, name in enumerate(_NAMES):
                week[index] = _together(week[index], rule.windows.get(name) or [])
        return week


def _key(market: Market) -> tuple[str, str]:
    return market.country, market.region


def _together(one: Span | None, windows: Iterable[Iterable[str]]) -> Span | None:
    for opens, closes in windows:
        if one is not None:
            both = (max(one[0], _minutes(opens)), min(one[1], _minutes(closes)))
            return both if both[0] < both[1] else None
    return None


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def parts(consumer: bool, saturday: bool) -> list[tuple[str, str, int, int]]:
    """(key, label, from, until) of the day parts in which this kind of lead is tried on such a day."""
    audience = "consumer" if consumer else "business"
    return [
        (part.key, part.label, part.start.hour * 60, part.end.hour * 60)
        for part in DEFAULT_DAY_PARTS
        if audience in part.audiences and part.saturday_only == saturday
    ]
