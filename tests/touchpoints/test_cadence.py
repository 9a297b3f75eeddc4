"""When is the next attempt, and why then?"""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchpoints.cadence import (
    Attempted,
    Declined,
    Place,
    Plan,
    Slot,
    attempted,
    day_part_of,
    earliest_permitted,
    next_slot,
    plan_all,
    weights,
)
from touchpoints.defaults import PRIORS

from .places import place, plan

CHICAGO = ZoneInfo("America/Chicago")
WARM, COLD, CONSUMER = plan("warm-18"), plan("cold-18"), plan("warm-6-consumer")
BRACKETS = {
    "warm-18": [0, 1, 2, 4, 5, 7, 9, 11, 14, 16, 26, 28, 31, 34, 49, 52, 56, 60],
    "cold-18": [0, 1, 3, 7, 11, 16, 22, 27, 33, 39, 49, 53, 57, 62, 77, 83, 90, 96],
}


def chicago(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=CHICAGO).astimezone(UTC)


def local(slot: Slot | Declined, where: Place) -> tuple[str, str, str]:
    assert isinstance(slot, Slot), slot
    opens, closes = (at.astimezone(where.zone) for at in (slot.not_before, slot.until))
    assert opens.date() == closes.date()
    return f"{opens:%a %d %b}", f"{opens:%H:%M}–{closes:%H:%M}", slot.day_part


def tried(where: Place, *instants: datetime) -> list[Attempted]:
    return [attempted(at, where) for at in instants]


def business_days_between(first: date, last: date, where: Place) -> int:
    days = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
    return sum(where.is_business_day(day) for day in days)


def follow(
    where: Place,
    *,
    wait: int = 1,
    now: datetime,
    history: list[Attempted] | None = None,
    earliest: datetime | None = None,
) -> Slot | Declined:
    """The slot of attempt 2 of a plan that waits so many business days before it."""
    two = Plan(18, (0, wait), ("sprint", "sprint"), ("call", "call"))
    return next_slot(two, 2, 2, history or [], where, after=now, now=now, earliest=earliest)


class TestPlan:
    @pytest.mark.parametrize("key", BRACKETS)
    @pytest.mark.parametrize("start_day", range(1, 7), ids=["Su", "Mo", "Tu", "We", "Th", "Fr"])
    def test_attempts_fall_on_the_offsets_of_the_domain(self, key: str, start_day: int) -> None:
        where = place()
        slots = plan_all(plan(key), where, start=chicago(3, start_day, 9))
        days = [where.local_date(slot.not_before) for slot in slots]
        assert [business_days_between(days[0], day, where) for day in days] == BRACKETS[key]
        assert [slot.attempt for slot in slots] == list(range(1, 19))

    def test_holidays_of_the_place_are_no_business_days(self) -> None:
        thanksgiving = date(2026, 11, 26)
        where = place(holidays=[thanksgiving])
        slots = plan_all(WARM, where, start=chicago(11, 23, 9))
        days = [where.local_date(slot.not_before) for slot in slots]
        assert days[:4] == [date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 30)]

    @settings(max_examples=60)
    @given(
        zone=st.sampled_from(
            ["America/Phoenix", "America/New_York", "Asia/Kathmandu", "Europe/Warsaw", "Australia/Lord_Howe"]
        ),
        opens=st.integers(5, 20),
        hours=st.integers(1, 12),
        weekdays=st.sets(st.integers(1, 7), min_size=1).filter(lambda days: days & set(range(1, 6))),
        start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
        which=st.sampled_from([WARM, COLD]),
    )
    def test_always_reaches_the_target_inside_permitted_windows(
        self, zone: str, opens: int, hours: int, weekdays: set[int], start: datetime, which: Plan
    ) -> None:
        where = place(zone, time(opens), time(min(opens + hours, 23)), weekdays=weekdays)
        slots = plan_all(which, where, start=start)
        assert len(slots) == which.target
        assert slots == plan_all(which, where, start=start)
        assert slots[0].not_before >= start
        for slot in slots:
            assert any(
                opened <= slot.not_before < slot.until <= closed
                for opened, closed in where.permitted(
                    slot.not_before - timedelta(days=1), slot.until + timedelta(days=1)
                )
            )
            day = where.local_date(slot.not_before)
            assert where.is_business_day(day)
            assert day.isoweekday() in weekdays
            assert slot.reason.startswith(f"attempt {slot.attempt} of 18: ")
        instants = [slot.not_before for slot in slots]
        assert instants == sorted(instants)
        for at in instants:
            assert sum(at - timedelta(days=7) < other <= at for other in instants) <= where.caps.per_week
        per_day = Counter(where.local_date(at) for at in instants)
        assert max(per_day.values()) <= where.caps.per_day

    @settings(max_examples=40)
    @given(
        start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
        which=st.sampled_from([WARM, COLD]),
        opens=st.integers(7, 10),
        closes=st.integers(17, 21),
    )
    def test_uses_no_weekday_and_part_of_day_more_than_twice(
        self, start: datetime, which: Plan, opens: int, closes: int
    ) -> None:
        where = place(opens=time(opens), closes=time(closes))
        slots = plan_all(which, where, start=start)
        cells = Counter((slot.not_before.astimezone(CHICAGO).isoweekday(), slot.day_part) for slot in slots)
        assert max(cells.values()) <= 2

    def test_a_place_that_is_open_for_one_hour_a_week_still_gets_every_attempt(self) -> None:
        where = place(opens=time(9), closes=time(10), weekdays=[3])
        assert len(plan_all(COLD, where, start=chicago(3, 2, 9))) == 18

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"waits": (0,)}, "one entry a step"),
            ({"target": 0}, "target"),
            ({"waits": (0, -1), "phases": ("a", "a"), "channels": ("call", "call")}, "negative"),
        ],
        ids=["steps that do not match", "no target", "a negative wait"],
    )
    def test_an_impossible_plan_is_refused(self, fields: dict[str, object], named: str) -> None:
        with pytest.raises(ValueError, match=named):
            replace(WARM, **fields)  # type: ignore[arg-type]


class TestFirstAttempt:
    @pytest.mark.parametrize(
        ("start", "expected"),
        [
            (chicago(3, 3, 14, 20), ("Tue 03 Mar", "14:20–16:00", "afternoon")),
            (chicago(3, 3, 6), ("Tue 03 Mar", "08:00–10:00", "early")),
            (chicago(3, 3, 15, 50), ("Tue 03 Mar", "16:00–18:00", "late_afternoon")),
            (chicago(3, 3, 18, 30), ("Wed 04 Mar", "08:00–10:00", "early")),
            (chicago(3, 7, 11), ("Mon 09 Mar", "08:00–10:00", "early")),
        ],
        ids=[
            "now, for the rest of the part",
            "when the window opens",
            "ten minutes are not worth it",
            "after hours: the next business day",
            "on a weekend: the next business day",
        ],
    )
    def test_is_made_as_soon_as_a_part_of_the_day_is_open(
        self, start: datetime, expected: tuple[str, str, str]
    ) -> None:
        where = place()
        assert local(plan_all(WARM, where, start=start)[0], where) == expected

    def test_an_early_slot_starts_when_the_law_opens_the_day(self) -> None:
        illinois = place(opens=time(9))
        assert local(plan_all(WARM, illinois, start=chicago(3, 3, 1))[0], illinois)[1] == "09:00–10:00"


class TestNextSlot:
    where = place()
    monday = chicago(3, 2, 8, 30)

    def test_says_why_in_words(self) -> None:
        history = tried(self.where, chicago(2, 26, 11), chicago(2, 19, 14), chicago(3, 2, 17))
        slot = next_slot(WARM, 5, 5, history, self.where, after=chicago(3, 4, 9), now=chicago(3, 4, 9))
        assert isinstance(slot, Slot)
        assert slot.reason == "attempt 5 of 18: Thursday early, not tried yet; their time 08:00–10:00"

    def test_takes_another_part_of_the_day_than_last_time(self) -> None:
        for hour, last in ((9, "early"), (11, "late_morning"), (17, "late_afternoon")):
            now = chicago(3, 2, hour)
            slot = follow(self.where, now=now, history=tried(self.where, now))
            assert isinstance(slot, Slot)
            assert slot.day_part not in (last, "midday")

    def test_not_even_where_that_part_was_tried_least_of_all(self) -> None:
        others = [chicago(1, 5 + 7 * week, hour) for week in (0, 1) for hour in (8, 10, 14)]
        history = tried(self.where, *others, chicago(3, 2, 17))
        assert (
            local(follow(self.where, now=chicago(3, 2, 17), history=history), self.where)[2]
            != "late_afternoon"
        )

    def test_midday_waits_for_the_other_parts_of_the_weekday(self) -> None:
        history = tried(self.where, *(chicago(1, 7, hour) for hour in (8, 10, 14, 16)))
        assert local(follow(self.where, now=self.monday, history=history), self.where)[2] != "midday"

    def test_what_was_tried_least_on_this_weekday_comes_first(self) -> None:
        tuesdays = [chicago(2, 24, hour) for hour in (8, 10, 16)] + [chicago(2, 17, 12)]
        slot = follow(self.where, now=self.monday, history=tried(self.where, *tuesdays))
        assert local(slot, self.where)[2] == "afternoon"

    def test_midday_fills_a_weekday_whose_other_parts_were_all_tried(self) -> None:
        tuesdays = [chicago(1, day, hour) for day, hour in ((6, 8), (13, 10), (20, 14), (27, 16))]
        slot = follow(self.where, now=self.monday, history=tried(self.where, *tuesdays))
        assert local(slot, self.where)[2] == "midday"

    def full(self, *weekdays: int) -> list[Attempted]:
        parts = ("early", "late_morning", "midday", "afternoon", "late_afternoon")
        return [
            Attempted(chicago(1, 1), part, weekday)
            for weekday in weekdays
            for part in parts
            for _twice in (1, 2)
        ]

    def test_a_full_weekday_moves_the_attempt_to_the_next_business_day(self) -> None:
        patient = replace(self.where, caps=replace(self.where.caps, per_day=99, per_week=99))
        slot = follow(patient, now=self.monday, history=self.full(2))
        assert local(slot, patient)[0] == "Wed 04 Mar"
        friday = follow(patient, now=chicago(3, 5, 9), history=self.full(5))
        assert local(friday, patient)[0] == "Mon 09 Mar"

    def test_full_weekdays_never_prevent_a_placement(self) -> None:
        patient = replace(self.where, caps=replace(self.where.caps, per_day=99, per_week=99))
        slot = follow(patient, now=self.monday, history=self.full(1, 2, 3, 4, 5))
        assert local(slot, patient)[0] == "Tue 03 Mar"
        assert isinstance(slot, Slot)
        assert "tried twice" in slot.reason

    def test_without_any_window_it_declines_and_says_so(self) -> None:
        shut = replace(self.where, permitted=lambda _start, _end: [])
        declined = follow(shut, now=self.monday)
        assert isinstance(declined, Declined)
        assert declined.code == "no_window"
        assert declined.reason
        assert plan_all(WARM, shut, start=self.monday) == []

    def test_a_few_minutes_are_better_than_never(self) -> None:
        narrow = place(opens=time(9), closes=time(9, 10))
        assert local(follow(narrow, now=self.monday), narrow)[1] == "09:00–09:10"

    def test_beyond_the_last_step_its_wait_repeats(self) -> None:
        slot = next_slot(CONSUMER, 9, 4, [], self.where, after=self.monday, now=self.monday)
        assert local(slot, self.where)[0] == "Wed 04 Mar"

    def test_what_is_late_is_placed_today_not_in_the_past(self) -> None:
        now = chicago(3, 12, 13)
        slot = next_slot(WARM, 2, 2, [], self.where, after=self.monday, now=now)
        assert isinstance(slot, Slot)
        assert self.where.local_date(slot.not_before) == date(2026, 3, 12)
        assert slot.not_before >= now


class TestCaps:
    where = place()

    def test_two_dials_a_day_move_the_next_to_tomorrow(self) -> None:
        now = chicago(3, 2, 12)
        again = Plan(18, (0, 0), ("sprint", "sprint"), ("call", "call"))
        one = tried(self.where, chicago(3, 2, 9))
        two = [*one, *tried(self.where, chicago(3, 2, 11))]
        for history, expected in ((one, "Mon 02 Mar"), (two, "Tue 03 Mar")):
            slot = next_slot(again, 2, 3, history, self.where, after=now, now=now)
            assert local(slot, self.where)[0] == expected

    def test_five_dials_in_seven_days_wait_until_the_first_is_a_week_old(self) -> None:
        dials = [chicago(3, day, 15) for day in (2, 3, 4, 5, 6)]
        slot = follow(self.where, now=dials[-1], history=tried(self.where, *dials))
        assert isinstance(slot, Slot)
        assert slot.not_before >= dials[0] + timedelta(days=7)
        assert self.where.local_date(slot.not_before) == date(2026, 3, 9)

    def test_the_laws_caps_hold_an_attempt_back_as_long_as_they_say(self) -> None:
        earliest = chicago(3, 5, 15)
        slot = follow(self.where, now=chicago(3, 2, 9), earliest=earliest)
        assert isinstance(slot, Slot)
        assert slot.not_before >= earliest
        assert self.where.local_date(slot.not_before) == date(2026, 3, 5)


class TestConsumers:
    where = place(audience="consumer")

    def test_are_also_called_in_the_evening_and_on_saturday(self) -> None:
        history = tried(self.where, *(chicago(2, 27, hour) for hour in (8, 10, 14, 16, 18)))
        slot = follow(self.where, now=chicago(3, 5, 9), history=[])
        assert isinstance(slot, Slot)
        saturday = follow(self.where, now=chicago(3, 5, 9), history=history)
        assert local(saturday, self.where) == ("Sat 07 Mar", "10:00–13:00", "saturday")
        assert isinstance(saturday, Slot)
        assert "Saturday, not tried yet" in saturday.reason
        evening = follow(
            self.where, now=chicago(3, 5, 9), history=[*history[:4], *tried(self.where, chicago(2, 21, 11))]
        )
        assert local(evening, self.where)[2] == "evening"

    def test_not_on_a_saturday_that_is_a_holiday(self) -> None:
        where = place(audience="consumer", holidays=[date(2026, 3, 7)])
        history = tried(where, *(chicago(2, 27, hour) for hour in (8, 10, 14, 16, 18)))
        assert local(follow(where, now=chicago(3, 5, 9), history=history), where)[0] == "Fri 06 Mar"

    def test_business_is_never_called_at_the_weekend_or_in_the_evening(self) -> None:
        slots = plan_all(COLD, place(), start=chicago(3, 2, 9))
        assert {slot.day_part for slot in slots} <= {
            "early",
            "late_morning",
            "midday",
            "afternoon",
            "late_afternoon",
        }


@pytest.mark.parametrize(
    ("when", "audience", "part"),
    [
        (datetime(2026, 3, 3, 7, 59, 59), "business", ""),
        (datetime(2026, 3, 3, 8), "business", "early"),
        (datetime(2026, 3, 3, 10), "business", "late_morning"),
        (datetime(2026, 3, 3, 13, 59, 59), "business", "midday"),
        (datetime(2026, 3, 3, 18), "business", ""),
        (datetime(2026, 3, 3, 18), "consumer", "evening"),
        (datetime(2026, 3, 7, 12), "consumer", "saturday"),
        (datetime(2026, 3, 7, 9), "consumer", ""),
    ],
    ids=[
        "a second before the first part",
        "the first part",
        "a boundary belongs to the later part",
        "the last second of midday",
        "business has no evening",
        "consumers do",
        "consumers' Saturday",
        "before it",
    ],
)
def test_part_of_the_day(when: datetime, audience: str, part: str) -> None:
    assert day_part_of(when, audience) == part


@pytest.mark.parametrize("day", [date(2026, 3, 9), date(2026, 11, 2)], ids=["into summer", "into winter"])
def test_slots_keep_their_local_hours_across_clock_changes(day: date) -> None:
    where = place()
    friday = datetime.combine(day - timedelta(days=3), time(9), tzinfo=CHICAGO).astimezone(UTC)
    slot = follow(where, now=friday, history=tried(where, friday))
    assert isinstance(slot, Slot)
    assert where.local_date(slot.not_before) == day
    assert slot.not_before.astimezone(CHICAGO).hour in (8, 10, 12, 14, 16)
    assert slot.until - slot.not_before == timedelta(hours=2)


def test_the_first_permitted_window_ignores_business_days() -> None:
    where = place()
    sunday = chicago(3, 1, 7)
    assert earliest_permitted(where, at=sunday) == (chicago(3, 1, 8), chicago(3, 1, 21))
    assert earliest_permitted(where, at=chicago(3, 1, 12)) == (chicago(3, 1, 12), chicago(3, 1, 21))
    assert earliest_permitted(where, at=chicago(3, 1, 21)) == (chicago(3, 2, 8), chicago(3, 2, 21))


class TestWeights:
    def test_are_the_priors_until_the_team_has_called(self) -> None:
        assert weights()[4, "late_afternoon"] == PRIORS[4, "late_afternoon"]
        assert weights()[1, "midday"] < 0.5

    def test_the_teams_own_rates_take_over_as_they_grow(self) -> None:
        rest = {(1, "early"): (100, 1000)}
        few = weights({**rest, (2, "midday"): (2, 5)})[2, "midday"]
        many = weights({**rest, (2, "midday"): (400, 1000)})[2, "midday"]
        assert weights()[2, "midday"] < few < many
        assert many > 1.5

    def test_the_better_cell_wins_where_rotation_does_not_care(self) -> None:
        best = weights({(2, "afternoon"): (300, 1000), (1, "early"): (20, 1000)})
        where = replace(place(), weights=best)
        assert local(follow(where, now=chicago(3, 2, 9)), where)[2] == "afternoon"
