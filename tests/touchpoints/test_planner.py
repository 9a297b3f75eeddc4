"""Whatever the place, its holidays, the rep's hours and how late calls are made: does the planner keep its promises?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.accounts.models import Absence, User
from leads.models import Lead
from touchpoints import calls, outcomes, pursue
from touchpoints.cadence import Attempted, Caps, Place, Plan, Slot, attempted, next_slot
from touchpoints.desk_hours import DeskHours
from touchpoints.models import FollowUp

from .places import place, plan

WARM, COLD, CONSUMER = plan("warm-18"), plan("cold-18"), plan("cold-6-consumer")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NINE_TO_FIVE = {str(day): [["09:00", "17:00"]] for day in range(1, 6)}
STARTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 30), timezones=st.just(UTC))
ZONES = st.sampled_from(["America/Phoenix", "America/New_York", "Asia/Kathmandu", "Europe/Warsaw"])


@st.composite
def places(draw: st.DrawFn) -> Place:
    opens = draw(st.integers(7, 11))
    audience = draw(st.sampled_from(["business", "consumer"]))
    return place(
        draw(ZONES),
        time(opens),
        time(draw(st.integers(opens + 2, 21))),
        weekdays=draw(st.sets(st.integers(1, 7), min_size=3).filter(lambda days: days & set(range(1, 6)))),
        holidays=draw(st.sets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=12)),
        audience=audience,
        caps=Caps(draw(st.integers(1, 3)), draw(st.integers(2, 6))),
    )


@st.composite
def desks(draw: st.DrawFn) -> DeskHours | None:
    """Somebody's hours, somewhere; None: whoever is free."""
    if draw(st.booleans()):
        return None
    first = draw(st.dates(date(2026, 1, 1), date(2027, 6, 30)))
    span = [[f"{draw(st.integers(6, 11)):02}:00", f"{draw(st.integers(13, 20)):02}:30"]]
    days = draw(st.sets(st.integers(1, 7), min_size=1))
    away = ((first, first + draw(st.integers(0, 25)) * DAY),)
    return DeskHours(draw(ZONES), {str(day): span for day in days}, away)


def at(where: Place, desk: DeskHours | None) -> Place:
    return where if desk is None else replace(where, at_desk=desk.windows)


def business_days_since(before: datetime, day: date, where: Place) -> int:
    first = where.local_date(before)
    return sum(where.is_business_day(first + n * DAY) for n in range(1, (day - first).days + 1))


@settings(max_examples=50)
@given(
    where=places(),
    desk=desks(),
    start=STARTS,
    which=st.sampled_from([WARM, COLD, CONSUMER]),
    late=st.lists(st.integers(0, 60), min_size=18, max_size=18),
)
def test_each_call_is_placed_as_promised_however_late_the_one_before_was_made(
    where: Place, desk: DeskHours | None, start: datetime, which: Plan, late: list[int]
) -> None:
    """`late`: hours after its slot began that each call was made, where a call was permitted then."""
    here = at(where, desk)
    history: list[Attempted] = []
    now = start
    for attempt in range(1, which.target + 1):
        slot = next_slot(which, attempt, attempt, history, here, after=now, now=now)
        assert isinstance(slot, Slot), slot
        assert slot == next_slot(which, attempt, attempt, tuple(history), here, after=now, now=now)
        assert slot.reason.startswith(f"attempt {attempt} of {which.target}: ")
        assert "their time" in slot.reason
        assert now <= slot.not_before < slot.until
        inside = where.permitted(slot.not_before - DAY, slot.until + DAY)
        assert any(opens <= slot.not_before and slot.until <= closes for opens, closes in inside)
        day = where.local_date(slot.not_before)
        assert not where.is_holiday(day)
        assert where.is_business_day(day) or (day.isoweekday() == 6 and where.audience == "consumer")
        if attempt > 1 and where.is_business_day(day):
            assert business_days_since(now, day, where) >= which.wait(attempt)
        _within_caps(slot, history, where)
        _at_the_desk_if_possible(slot, desk, where)
        dialled = slot.not_before + late[attempt - 1] * HOUR
        if not any(opens <= dialled < closes for opens, closes in where.permitted(dialled, dialled + DAY)):
            dialled = slot.not_before
        history.append(attempted(dialled, where))
        now = dialled


def _within_caps(slot: Slot, history: list[Attempted], where: Place) -> None:
    made = [past.at for past in history]
    day = where.local_date(slot.not_before)
    assert sum(where.local_date(one) == day for one in made) < where.caps.per_day
    assert sum(one > slot.not_before - 7 * DAY for one in made) < where.caps.per_week


def _at_the_desk_if_possible(slot: Slot, desk: DeskHours | None, where: Place) -> None:
    if desk is None:
        return
    there = desk.windows(slot.not_before - DAY, slot.until + DAY)
    if any(opens <= slot.not_before and slot.until <= closes for opens, closes in there):
        return
    # Nobody was there for weeks in which one could have called in a part of the day.
    shared = [
        max(opens, came)
        for opens, closes in where.permitted(slot.not_before, slot.not_before + 20 * DAY)
        for came, went in desk.windows(slot.not_before, slot.not_before + 20 * DAY)
        if min(closes, went) - max(opens, came) >= HOUR / 4
    ]
    parts = {attempted(one, where).day_part for one in shared if where.is_business_day(where.local_date(one))}
    assert len(shared) < 3 or parts <= {""}


@settings(max_examples=60)
@given(
    where=places(),
    desk=desks(),
    start=STARTS,
    later=st.integers(0, 24 * 40),
    step=st.integers(1, 18),
    dials=st.lists(st.integers(1, 24 * 30), max_size=8),
)
def test_who_plans_later_never_plans_earlier(
    where: Place, desk: DeskHours | None, start: datetime, later: int, step: int, dials: list[int]
) -> None:
    here = at(where, desk)
    history = [attempted(start - back * HOUR, where) for back in sorted(dials, reverse=True)]
    found = [
        next_slot(COLD, step, step, history, here, after=now, now=now)
        for now in (start, start + later * HOUR)
    ]
    early, late = found
    assert isinstance(early, Slot)
    assert isinstance(late, Slot)
    assert early.not_before <= late.not_before


@settings(max_examples=60)
@given(where=places(), start=STARTS, held=st.integers(0, 24 * 10), step=st.integers(1, 18))
def test_the_laws_caps_hold_every_attempt_back(where: Place, start: datetime, held: int, step: int) -> None:
    earliest = start + held * HOUR
    slot = next_slot(WARM, step, step, [], where, after=start, now=start, earliest=earliest)
    free = next_slot(WARM, step, step, [], where, after=start, now=start)
    assert isinstance(slot, Slot)
    assert isinstance(free, Slot)
    assert slot.not_before >= earliest
    assert slot.not_before >= free.not_before


# --- the hours of whoever calls --------------------------------------------------------------------------------------


class TestDesk:
    def test_hours_are_on_their_own_clock_and_days_away_are_none(self) -> None:
        desk = DeskHours("Europe/Warsaw", NINE_TO_FIVE, ((date(2026, 3, 3), date(2026, 3, 4)),))
        windows = desk.windows(datetime(2026, 3, 2, 12, tzinfo=UTC), datetime(2026, 3, 7, tzinfo=UTC))
        assert [f"{opens:%a %H:%M}–{closes:%H:%M}" for opens, closes in windows] == [
            "Mon 12:00–16:00",
            "Thu 08:00–16:00",
            "Fri 08:00–16:00",
        ]

    def test_until_midnight_is_until_the_next_day(self) -> None:
        desk = DeskHours("UTC", {"1": [["22:00", "24:00"]]})
        (window,) = desk.windows(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC))
        assert window == (datetime(2026, 3, 2, 22, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))

    def test_an_attempt_waits_for_the_rep_but_not_for_months(self) -> None:
        where = place("America/Chicago")
        monday = datetime(2026, 3, 2, 9, tzinfo=ZoneInfo("America/Chicago"))
        placed = []
        for last in (date(2026, 3, 13), date(2026, 6, 30)):
            here = at(where, DeskHours("America/Chicago", None, ((date(2026, 3, 2), last),)))
            slot = next_slot(WARM, 2, 2, [], here, after=monday, now=monday)
            assert isinstance(slot, Slot)
            placed.append(where.local_date(slot.not_before))
        assert placed == [date(2026, 3, 16), date(2026, 3, 3)]

    def test_who_is_at_work_only_when_nobody_may_be_called_holds_nothing_up(self) -> None:
        where = place("America/Los_Angeles")
        here = at(where, DeskHours("Europe/Warsaw", {"1": [["09:00", "12:00"]]}))
        now = datetime(2026, 3, 2, 17, tzinfo=UTC)
        assert next_slot(COLD, 2, 2, [], here, after=now, now=now) == next_slot(
            COLD, 2, 2, [], where, after=now, now=now
        )


@pytest.mark.django_db
class TestTheOwnersHours:
    def after_no_answer(self, lead: Lead, user: User, now: datetime) -> str:
        pursue.start([lead], by=user, now=now)
        call = calls.dial(lead, user=user, now=now)
        outcomes.log_outcome(call, outcomes.Logged("no_answer"), user=user, now=now)
        row = FollowUp.objects.open().get(lead=lead)
        zone = ZoneInfo("America/New_York")
        return f"{row.due_at.astimezone(zone):%a %H:%M}–{row.window_end.astimezone(zone):%H:%M}"

    def test_the_next_attempt_falls_into_them(
        self, a_lead: Callable[..., Lead], ada: User, now: datetime
    ) -> None:
        ada.time_zone, ada.working_hours = (
            "America/New_York",
            {"4": [["14:30", "16:00"]], "5": [["09:00", "17:00"]]},
        )
        ada.save()
        assert self.after_no_answer(a_lead(owner=ada, company="Acme"), ada, now) == "Thu 14:30–16:00"

    def test_not_into_an_absence(self, a_lead: Callable[..., Lead], ada: User, now: datetime) -> None:
        Absence.objects.create(user=ada, starts_on=date(2026, 3, 5), ends_on=date(2026, 3, 10))
        assert self.after_no_answer(a_lead(owner=ada, company="Acme"), ada, now).startswith("Wed ")

    def test_hours_nobody_set_say_nothing(
        self, a_lead: Callable[..., Lead], ada: User, now: datetime
    ) -> None:
        assert (ada.time_zone, ada.working_hours) == ("UTC", NINE_TO_FIVE)
        assert self.after_no_answer(a_lead(owner=ada, company="Acme"), ada, now) == "Thu 16:00–18:00"


# --- the command ------------------------------------------------------------------------------------------------------


CHRISTIAN = ((12, 25), (1, 1))
CLOSED = {"RU": ((1, 1), (1, 7)), "NP": ()}


@pytest.mark.django_db
@pytest.mark.parametrize("temperature", ["cold", "warm"])
@pytest.mark.parametrize(
    ("zone", "country", "region"),
    [
        ("America/New_York", "US", "NY"),
        ("America/New_York", "US", "FL"),
        ("America/Chicago", "US", "IL"),
        ("America/Chicago", "US", "LA"),
        ("America/Phoenix", "US", "AZ"),
        ("America/St_Johns", "CA", "NL"),
        ("Europe/London", "GB", ""),
        ("Europe/Copenhagen", "DK", ""),
        ("Europe/Moscow", "RU", ""),
        ("Asia/Kathmandu", "NP", ""),
    ],
)
@pytest.mark.parametrize("start", ["2026-11-20T15:00:00+00:00", "2026-12-23T23:30:00+00:00"])
def test_plan_cadence_shows_all_eighteen(
    temperature: str, zone: str, country: str, region: str, start: str
) -> None:
    out = StringIO()
    named = {"start": start, "zone": zone, "country": country, "region": region, "temperature": temperature}
    call_command("plan_cadence", **named, json=True, stdout=out)
    rows = json.loads(out.getvalue())
    assert [row["attempt"] for row in rows] == list(range(1, 19))
    assert {row["channel"] for row in rows} == {"call"}
    instants = [datetime.fromisoformat(row["not_before"]) for row in rows]
    assert instants == sorted(set(instants))
    for row, begins in zip(rows, instants, strict=True):
        ends = datetime.fromisoformat(row["until"])
        assert datetime.fromisoformat(start) <= begins < ends
        assert begins.utcoffset() == begins.astimezone(ZoneInfo(zone)).utcoffset()
        assert (begins.date(), 8 <= begins.hour < ends.hour + 1 <= 19) == (ends.date(), True)
        assert begins.isoweekday() < 6
        assert (begins.month, begins.day) not in CLOSED.get(country, CHRISTIAN)
    for one in instants:
        assert sum(one - 7 * DAY < other <= one for other in instants) <= 5
