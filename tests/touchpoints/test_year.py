"""A year of calls to everywhere: does the cadence, worked by a rep who pushes, ever leave what the law permits?

Judged apart from the guard, by the tables of the default rules and each zone's own clock. Area codes that share
their zones and their rules share the year, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import holidays
import pytest

from leads.area_codes import STATE_OF_AREA_CODE
from leads.guard import GuardFacts, Permission, RegistryFact, RuleBook, Rules, jurisdictions
from leads.guard_defaults import DEFAULT_GUARD_RULES
from leads.hours import WEEKDAYS
from leads.models import Lead, LeadNumber, Number
from leads.zones import _zones_of_area_codes, country_of_number, find_zones
from tests.touchpoints.places import plan
from touchpoints.cadence import Caps, Slot, next_slot
from touchpoints.situation import Situation

BOOK = RuleBook([SimpleNamespace(**row) for row in DEFAULT_GUARD_RULES])
ROWS = {(row["jurisdiction"], row["audience"]): row for row in DEFAULT_GUARD_RULES}
START, END = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
CURRENT = tuple(RegistryFact(name, False, END.date()) for name in ("uk-ctps", "uk-tps", "us-ftc"))
CONSENT = (Permission("consent", START - 365 * DAY),)


@dataclass(frozen=True)
class Callee:
    """Somebody to call: a number, an address, and what follows from both."""

    number: str
    country: str = ""
    region: str = ""
    audience: str = "consumer"

    @property
    def zones(self) -> tuple[str, ...]:
        return find_zones(country=self.country, region=self.region, number=self.number).zones

    @property
    def places(self) -> tuple[str, ...]:
        return jurisdictions(self.country, self.region, self.number)


def of_area_codes() -> dict[str, Callee]:
    """One number for each set of area codes whose zones and rules are the same, named after the first of them."""
    found: dict[object, tuple[str, Callee]] = {}
    for code in sorted(_zones_of_area_codes()):
        callee = Callee(f"+1{code}5550101")
        if callee.zones:
            rules = BOOK.rules_for(callee.places, "consumer", START.date())
            found.setdefault((callee.zones, rules), (code, callee))
    return dict(found.values())


ELSEWHERE = {
    "United Kingdom": Callee("+442079460123"),
    "British mobile": Callee("+447400123456", "GB"),
    "Denmark": Callee("+4532123456", "DK"),
    "Poland": Callee("+48223901234", "PL"),
    "Moscow": Callee("+74951234567", "RU"),
    "Russian mobile": Callee("+79161234567", "RU"),
    "Germany": Callee("+493023125123", "DE"),
    "Arizona": Callee("+18005550123", "US", "AZ"),
    "Phoenix": Callee("+16025550123", "US", "AZ"),
    "Florida, from a New York number": Callee("+12125550123", "US", "FL"),
    "Alabama, from a Rhode Island number": Callee("+14015550123", "US", "AL"),
    "Nepal": Callee("+9779841234567", "NP"),
    "India": Callee("+919812345678", "IN"),
    "Newfoundland": Callee("+17095550123", "CA", "NL"),
    "Adelaide": Callee("+61882123456", "AU", "SA"),
}
EVERYBODY = {**of_area_codes(), **ELSEWHERE}


# --- the rep --------------------------------------------------------------------------------------------------


def situation(callee: Callee, dials: list[datetime], *, now: datetime) -> Situation:
    lead = Lead(pk=1, country=callee.country, region=callee.region, audience=callee.audience)
    number = Number(pk=1, e164=callee.number, region=country_of_number(callee.number))
    recent = tuple(at for at in dials if at >= now - 8 * DAY)
    facts = GuardFacts(
        number=callee.number,
        country=callee.country,
        region=callee.region,
        audience=callee.audience,
        zones=callee.zones,
        permissions=CONSENT,
        registries=CURRENT,
        dials_to_number=recent,
        dials_to_lead=recent,
    )
    link = LeadNumber(pk=1, lead=lead, number=number)
    rules = rules_of(callee, now.date())
    return Situation(lead, [link], {1: facts}, {1: rules}, now, False, tuple(dials), Caps())


@cache
def rules_of(callee: Callee, on: date) -> Rules:
    return BOOK.rules_for(callee.places, callee.audience, on)


def a_year_of_dials(callee: Callee) -> list[datetime]:
    """Every attempt of the cold plan, again from the start when it is through; and after each as many calls more
    as the guard lets through within the day. Dialled at the beginning, amid and at the last second of the slot."""
    dials: list[datetime] = []
    cold, now = plan("cold-18"), START
    for number in count():
        step = number % cold.target + 1
        seen = situation(callee, dials, now=now)
        slot = next_slot(
            cold, step, step, seen.history, seen.place, after=now, now=now, earliest=seen.earliest
        )
        assert isinstance(slot, Slot), (callee, now)
        moments = (slot.not_before, slot.not_before + (slot.until - slot.not_before) / 2, slot.until - SECOND)
        now = moments[number % 3].replace(microsecond=0)
        if now >= END:
            return dials
        for at in (now, *pushed(callee, [*dials, now], now)):
            verdict = situation(callee, dials, now=at).verdict(Number(pk=1), now=at)
            assert verdict.decision == "allow", (callee, at, verdict.codes)
            dials.append(at)
        now = dials[-1]
    raise AssertionError


def pushed(callee: Callee, dials: list[datetime], at: datetime) -> Iterator[datetime]:
    """The next two instants at which the guard would let one more dial through, if they come within a day."""
    for _call in range(2):
        after = dials[-1] + SECOND
        again = situation(callee, dials, now=after).verdict(Number(pk=1), now=after).next_allowed_at
        if again is None or again > at + DAY:
            return
        dials.append(again)
        yield again


# --- the judge ------------------------------------------------------------------------------------------------


def tables(callee: Callee) -> list[dict]:
    """The default rows that say something about hours there: every jurisdiction's, else the world's."""
    stated = [
        ROWS[place, who]
        for place in callee.places
        for who in ("any", callee.audience)
        if (place, who) in ROWS
    ]
    if not any(row["windows"] for row in stated):
        stated.append(ROWS["*", "any"])
    return [row for row in stated if row["windows"]]


@cache
def is_holiday(jurisdiction: str, day: date) -> bool:
    country, _, state = jurisdiction.partition("-")
    return day in holidays.country_holidays(country, subdiv=state or None, years=day.year)


def permitted(callee: Callee, at: datetime) -> bool:
    for zone in callee.zones:
        local = at.astimezone(ZoneInfo(zone))
        for row in tables(callee):
            today = row["windows"].get(WEEKDAYS[local.weekday()], [])
            if not any(opens <= f"{local:%H:%M}" < closes for opens, closes in today):
                return False
            if row["closed_on_holidays"] and is_holiday(row["jurisdiction"], local.date()):
                return False
    return True


def most_within(dials: list[datetime], span: timedelta) -> int:
    return max(sum(at - span < other <= at for other in dials) for at in dials)


def shared_out(audience: str) -> dict[str, Callee]:
    """Both kinds of people outside North America; within it, in turn."""
    kept = ("business", "consumer").index(audience)
    here = [name for place, name in enumerate(of_area_codes()) if place % 2 == kept]
    return {name: replace(EVERYBODY[name], audience=audience) for name in (*here, *ELSEWHERE)}


@pytest.mark.parametrize("audience", ["business", "consumer"])
def test_a_year_of_calls_everywhere(audience: str) -> None:
    for name, callee in shared_out(audience).items():
        dials = a_year_of_dials(callee)
        assert len(dials) > 80, name
        assert dials == sorted(dials), name
        outside = [at.isoformat() for at in dials if not permitted(callee, at)]
        assert not outside, (name, callee, outside[:3])
        assert most_within(dials, DAY) <= 3, name
        assert most_within(dials, 7 * DAY) <= 5, name
        for zone in callee.zones:
            days = [at.astimezone(ZoneInfo(zone)).date() for at in dials]
            assert max(map(days.count, days)) <= 2, (name, zone)


def test_every_area_code_is_one_of_those_called() -> None:
    called = {(one.zones, rules_of(one, START.date())) for one in EVERYBODY.values()}
    for code in STATE_OF_AREA_CODE:
        callee = Callee(f"+1{code}5550101")
        assert (callee.zones, rules_of(callee, START.date())) in called, code
