"""When a person may be called: half-open windows, every candidate zone, clock changes and holidays."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leads.area_codes import STATE_OF_AREA_CODE
from leads.calendar import business_day, holiday_name, subdivision
from leads.guard_defaults import DEFAULT_GUARD_RULES
from leads.hours import ALWAYS, WEEKDAYS, LocalRule, Week, hours_of, local_times, spoken
from leads.law import RuleBook, jurisdictions
from leads.zones import zones_of_number

BOOK = RuleBook(SimpleNamespace(**row) for row in DEFAULT_GUARD_RULES)
TODAY = date(2026, 11, 20)
EIGHT_TO_NINE = LocalRule("US", Week.from_json({day: [["08:00", "21:00"]] for day in WEEKDAYS}))


def local(zone: str, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone))


def hours(*zones: str, rules: tuple[LocalRule, ...] = (EIGHT_TO_NINE,)):
    return hours_of(zones, rules)


def law(place: str, audience: str = "consumer") -> tuple[LocalRule, ...]:
    country, _, region = place.partition("-")
    return BOOK.rules_for(jurisdictions(country, region), audience, TODAY).hours


ZONES = [
    "America/New_York",
    "America/Phoenix",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Europe/Copenhagen",
    "Pacific/Kiritimati",
    "Pacific/Honolulu",
]
SECONDS = [((7, 59, 59), False), ((8, 0, 0), True), ((20, 59, 59), True), ((21, 0, 0), False)]
DAYS = [
    ("an ordinary day", (2026, 11, 20)),
    ("American summer time begins", (2026, 3, 8)),
    ("American summer time ends", (2026, 11, 1)),
    ("European summer time begins", (2026, 3, 29)),
    ("European summer time ends", (2026, 10, 25)),
]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", [c[1] for c in DAYS], ids=[c[0] for c in DAYS])
@pytest.mark.parametrize(("clock", "is_open"), SECONDS, ids=["07:59:59", "08:00:00", "20:59:59", "21:00:00"])
def test_boundary_seconds(zone, day, clock, is_open):
    at = local(zone, *day, *clock)
    assert hours(zone).is_open(at) is is_open
    assert (hours(zone).closures(at) == []) is is_open


CLOCK_CHANGES = [
    ("New York before spring", (2026, 3, 7), 13),
    ("New York after spring", (2026, 3, 8), 12),
    ("New York before autumn", (2026, 10, 31), 12),
    ("New York after autumn", (2026, 11, 1), 13),
]


@pytest.mark.parametrize(
    ("day", "utc_hour"), [c[1:] for c in CLOCK_CHANGES], ids=[c[0] for c in CLOCK_CHANGES]
)
def test_eight_in_the_morning_follows_the_clock_change(day, utc_hour):
    before = datetime(*day, 6, tzinfo=UTC)
    assert hours("America/New_York").next_open(before) == datetime(*day, utc_hour, tzinfo=UTC)


def test_arizona_keeps_its_clock_and_the_navajo_nation_does_not():
    code_928 = hours_of(zones_of_number("+19285550101"), (EIGHT_TO_NINE,))
    summer = code_928.permitted(datetime(2026, 7, 1, 7, tzinfo=UTC), datetime(2026, 7, 2, 7, tzinfo=UTC))
    winter = code_928.permitted(datetime(2026, 1, 14, 7, tzinfo=UTC), datetime(2026, 1, 15, 7, tzinfo=UTC))
    assert summer == [(datetime(2026, 7, 1, 15, tzinfo=UTC), datetime(2026, 7, 2, 3, tzinfo=UTC))]
    assert winter == [(datetime(2026, 1, 14, 15, tzinfo=UTC), datetime(2026, 1, 15, 4, tzinfo=UTC))]


def test_nepal_opens_at_a_quarter_past_two_utc():
    nepal = hours("Asia/Kathmandu")
    assert nepal.next_open(datetime(2026, 11, 20, 20, tzinfo=UTC)) == datetime(
        2026, 11, 21, 2, 15, tzinfo=UTC
    )
    assert nepal.closes_at(datetime(2026, 11, 21, 3, tzinfo=UTC)) == datetime(
        2026, 11, 21, 15, 15, tzinfo=UTC
    )


def test_a_window_within_the_skipped_or_repeated_hour_is_closed_when_in_doubt():
    early = (LocalRule("*", Week.from_json({"sun": [["01:30", "02:30"]]})),)
    new_york = hours("America/New_York", rules=early)
    spring = new_york.permitted(datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC))
    autumn = new_york.permitted(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    assert all(time(1, 30) <= at.astimezone(ZoneInfo("America/New_York")).time() for at, _ in spring + autumn)
    assert autumn == [(datetime(2026, 11, 1, 6, 30, tzinfo=UTC), datetime(2026, 11, 1, 7, 30, tzinfo=UTC))]
    at_first_half_past_one = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert not new_york.is_open(at_first_half_past_one)
    assert [closure.kind for closure in new_york.closures(at_first_half_past_one)] == ["hours"]


def test_open_means_open_in_every_candidate_zone():
    coast_to_coast = hours("America/New_York", "America/Los_Angeles")
    assert coast_to_coast.permitted(
        datetime(2026, 11, 20, 8, tzinfo=UTC), datetime(2026, 11, 21, 8, tzinfo=UTC)
    ) == [(datetime(2026, 11, 20, 16, tzinfo=UTC), datetime(2026, 11, 21, 2, tzinfo=UTC))]


def test_zones_that_share_no_hour_never_open():
    apart = (LocalRule("*", Week.from_json({day: [["08:00", "12:00"]] for day in WEEKDAYS[:5]})),)
    assert (
        hours("Pacific/Auckland", "Europe/London", rules=apart).next_open(datetime(2026, 11, 20, tzinfo=UTC))
        is None
    )


def test_always_open_has_no_end():
    always = hours("UTC", rules=(LocalRule("*", ALWAYS),))
    start = datetime(2026, 11, 20, 5, tzinfo=UTC)
    assert always.permitted(start, start + timedelta(days=3)) == [(start, start + timedelta(days=3))]
    assert always.closes_at(start) is None


def test_nothing_known_is_not_always_open():
    with pytest.raises(ValueError, match="at least one zone"):
        hours_of((), (EIGHT_TO_NINE,))
    with pytest.raises(ValueError, match="one rule"):
        hours_of(("UTC",), ())


CLOSED_DAYS = [
    ("Alabama on a Sunday", "US-AL", "America/Chicago", (2026, 11, 22, 12), "day"),
    ("Alabama on Confederate Memorial Day", "US-AL", "America/Chicago", (2026, 4, 27, 12), "day"),
    ("Louisiana on Mardi Gras", "US-LA", "America/Chicago", (2026, 2, 17, 12), "day"),
    ("Mississippi on Christmas", "US-MS", "America/Chicago", (2026, 12, 25, 12), "day"),
    ("Utah on Pioneer Day", "US-UT", "America/Denver", (2026, 7, 24, 12), "day"),
    ("Utah on a Sunday is open", "US-UT", "America/Denver", (2026, 11, 22, 12), ""),
    ("Rhode Island on Victory Day", "US-RI", "America/New_York", (2026, 8, 10, 12), "day"),
    ("Rhode Island after six", "US-RI", "America/New_York", (2026, 11, 20, 18), "hours"),
    ("Rhode Island on Saturday after five", "US-RI", "America/New_York", (2026, 11, 21, 17), "hours"),
    ("South Dakota on a Sunday", "US-SD", "America/Chicago", (2026, 11, 22, 12), "day"),
    ("Pennsylvania on Sunday morning", "US-PA", "America/New_York", (2026, 11, 22, 13, 29), "hours"),
    ("Pennsylvania on Sunday afternoon", "US-PA", "America/New_York", (2026, 11, 22, 13, 30), ""),
    ("Texas on Sunday morning", "US-TX", "America/Chicago", (2026, 11, 22, 11, 59), "hours"),
    ("Kentucky before ten", "US-KY", "America/New_York", (2026, 11, 20, 9, 59), "hours"),
    ("Florida after eight", "US-FL", "America/New_York", (2026, 11, 20, 20), "hours"),
    ("Illinois before nine", "US-IL", "America/Chicago", (2026, 11, 20, 8, 59), "hours"),
    ("Nebraska on the law's own hours", "US-NE", "America/Chicago", (2026, 11, 20, 8), ""),
    ("New York on Christmas is open", "US-NY", "America/New_York", (2026, 12, 25, 12), ""),
    ("Canada on a weekday evening", "CA-ON", "America/Toronto", (2026, 11, 20, 21, 29), ""),
    ("Canada after half past nine", "CA-ON", "America/Toronto", (2026, 11, 20, 21, 30), "hours"),
    ("Canada on Saturday morning", "CA-ON", "America/Toronto", (2026, 11, 21, 9, 59), "hours"),
    ("Denmark on Christmas is open in the guard", "DK", "Europe/Copenhagen", (2026, 12, 25, 12), ""),
    ("Japan by the default rule", "JP", "Asia/Tokyo", (2026, 11, 22, 20, 59), ""),
]


@pytest.mark.parametrize(
    ("place", "zone", "at", "kind"), [c[1:] for c in CLOSED_DAYS], ids=[c[0] for c in CLOSED_DAYS]
)
def test_the_places_own_days_and_hours(place, zone, at, kind):
    closures = hours_of((zone,), law(place)).closures(local(zone, *at))
    assert [closure.kind for closure in closures] == ([kind] if kind else [])


def test_a_closure_names_its_rule_and_holiday():
    (closure,) = hours_of(("America/Chicago",), law("US-AL")).closures(
        local("America/Chicago", 2026, 4, 27, 12)
    )
    assert (closure.jurisdiction, closure.holiday) == ("US-AL", "Confederate Memorial Day")
    (closure,) = hours_of(("America/New_York",), law("US-FL")).closures(
        local("America/New_York", 2026, 11, 20, 20)
    )
    assert (closure.jurisdiction, spoken(closure.windows)) == ("US-FL", "08:00–20:00")


def test_a_closed_day_is_told_before_closed_hours():
    late_on_sunday = local("America/Chicago", 2026, 11, 22, 22)
    (closure,) = hours_of(("America/Chicago",), law("US-AL")).closures(late_on_sunday)
    assert (closure.kind, closure.jurisdiction, closure.windows) == ("day", "US-AL", ())


def test_only_the_zones_that_are_closed_are_told():
    nine_in_the_east = local("America/New_York", 2026, 11, 20, 21)
    closures = hours("America/Chicago", "America/New_York").closures(nine_in_the_east)
    assert [closure.zone for closure in closures] == ["America/New_York"]


def test_every_area_code_stays_inside_every_candidate_zone_in_every_season():
    """The whole North American plan: each permitted interval, end to end, by each zone's own clock."""
    by_jurisdiction = {row["jurisdiction"]: row for row in DEFAULT_GUARD_RULES if row["windows"]}
    starts = [
        datetime(2026, 3, 5, tzinfo=UTC),
        datetime(2026, 7, 2, tzinfo=UTC),
        datetime(2026, 10, 30, tzinfo=UTC),
    ]
    for code, state in STATE_OF_AREA_CODE.items():
        number = f"+1{code}5550101"
        places = jurisdictions("", "", number)
        rules = BOOK.rules_for(places, "consumer", TODAY).hours
        windows = [by_jurisdiction[place]["windows"] for place in places if place in by_jurisdiction]
        assert windows, (code, state)
        for start in starts:
            intervals = hours_of(zones_of_number(number), rules).permitted(start, start + timedelta(days=5))
            assert intervals, (code, state)
            for opens, closes in intervals:
                for zone in zones_of_number(number):
                    first = opens.astimezone(ZoneInfo(zone))
                    last = (closes - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
                    for table in windows:
                        inside = [
                            (a, b)
                            for a, b in table[WEEKDAYS[first.weekday()]]
                            if a <= f"{first:%H:%M}" and f"{last:%H:%M}" < b and first.date() == last.date()
                        ]
                        assert inside, (code, zone, first, last)


@settings(max_examples=150)
@given(
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True),
    place=st.sampled_from(["US", "US-RI", "US-AL", "US-KY", "CA", "JP"]),
    minutes=st.integers(min_value=0, max_value=400 * 24 * 60),
)
def test_the_intervals_the_moment_and_the_next_opening_agree(zones, place, minutes):
    asked = hours_of(tuple(zones), law(place))
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    intervals = asked.permitted(at, at + timedelta(days=14))
    assert all(opens < closes for opens, closes in intervals)
    assert all(one[1] < two[0] for one, two in pairwise(intervals))
    assert asked.is_open(at) == bool(intervals and intervals[0][0] == at)
    assert asked.is_open(at) == (asked.closures(at) == [])
    if intervals:
        assert asked.next_open(at) == intervals[0][0]
    if asked.is_open(at) and (end := asked.closes_at(at)) is not None:
        assert not asked.is_open(end)
        assert asked.is_open(end - timedelta(seconds=1))


@settings(max_examples=100)
@given(
    zone=st.sampled_from(ZONES),
    other=st.sampled_from(ZONES),
    place=st.sampled_from(["US-RI", "US-AL", "US-KY", "CA"]),
    hour=st.integers(min_value=0, max_value=400 * 24),
)
def test_another_zone_or_another_rule_never_opens_more(zone, other, place, hour):
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
    wide = hours_of((zone,), (EIGHT_TO_NINE,))
    for narrow in (
        hours_of((zone, other), (EIGHT_TO_NINE,)),
        hours_of((zone,), (EIGHT_TO_NINE, *law(place))),
    ):
        assert wide.is_open(at) or not narrow.is_open(at)


def test_local_times_are_shown_once_for_each_time_of_day():
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert local_times(("Europe/Berlin", "Europe/Busingen", "Europe/London"), at) == [
        {"zone": "Europe/Berlin", "time": "2026-11-20T13:00:00+01:00"},
        {"zone": "Europe/London", "time": "2026-11-20T12:00:00+00:00"},
    ]


BAD_WEEKS = [
    ("no such day", {"monday": [["08:00", "21:00"]]}, "weekday"),
    ("closes before it opens", {"mon": [["21:00", "08:00"]]}, "mon"),
    ("no time", {"tue": [["8 o'clock", "21:00"]]}, "tue"),
    ("overlapping", {"wed": [["08:00", "12:00"], ["11:00", "21:00"]]}, "wed"),
    ("half a window", {"thu": [["08:00"]]}, "thu"),
    ("seconds", {"fri": [["08:00:30", "21:00"]]}, "fri"),
]


@pytest.mark.parametrize(("week", "named"), [c[1:] for c in BAD_WEEKS], ids=[c[0] for c in BAD_WEEKS])
def test_a_week_that_makes_no_sense_is_refused_by_day(week, named):
    with pytest.raises(ValueError, match=named):
        Week.from_json(week)


BUSINESS_DAYS = [
    ("a Friday", date(2026, 11, 20), "DK", "", True),
    ("a Saturday", date(2026, 11, 21), "DK", "", False),
    ("Christmas", date(2026, 12, 25), "DK", "", False),
    ("Corpus Christi in Bavaria", date(2026, 6, 4), "DE", "BY", False),
    ("Corpus Christi in Berlin", date(2026, 6, 4), "DE", "BE", True),
    ("Thanksgiving", date(2026, 11, 26), "US", "FL", False),
    ("the Fourth, observed", date(2026, 7, 3), "US", "", False),
    ("a Friday in Israel", date(2026, 11, 20), "IL", "", False),
    ("a Sunday in Israel", date(2026, 11, 22), "IL", "", True),
    ("a Sunday where nothing is known", date(2026, 11, 22), "QQ", "", False),
    ("a Monday where nothing is known", date(2026, 11, 23), "", "", True),
]


@pytest.mark.parametrize(
    ("day", "country", "region", "works"), [c[1:] for c in BUSINESS_DAYS], ids=[c[0] for c in BUSINESS_DAYS]
)
def test_business_day(day, country, region, works):
    assert business_day(day, country, region) is works


def test_states_by_any_name():
    assert subdivision("US", "florida") == subdivision("us", "US-FL") == subdivision("US", " fl ") == "FL"
    assert subdivision("US", "") == ""
    assert holiday_name(date(2026, 4, 27), country="US", region="Alabama") == "Confederate Memorial Day"
    assert holiday_name(date(2026, 4, 27), country="US", region="NY") == ""
