"""The verdict on a call: each check, their order, what lifts them, and when the answer changes by itself."""

import logging
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leads.guard import (
    GuardFacts,
    HouseCaps,
    Permission,
    RegistryFact,
    RuleBook,
    Workspace,
    guard,
    guarded,
    jurisdictions,
    next_allowed_at,
    resolve,
)
from leads.guard_defaults import DEFAULT_GUARD_RULES
from leads.hours import ALWAYS, LocalRule
from leads.law import both
from leads.zones import find_zones

ROWS = [SimpleNamespace(**row) for row in DEFAULT_GUARD_RULES]
BOOK = RuleBook(ROWS)
NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)  # a Friday: noon in New York, 18:00 in Berlin
TODAY = NOON.date()
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

NEW_YORK, MIAMI, LONDON, BERLIN = "+12125550123", "+13055550123", "+442079460123", "+493023125123"
WARSAW, MOSCOW, COPENHAGEN, KATHMANDU = "+48223901234", "+74951234567", "+4532123456", "+9779841234567"


# Screened yesterday against every list, and on none.
SCREENED = tuple(RegistryFact(name, False, TODAY - DAY) for name in ("uk-ctps", "uk-tps", "us-ftc"))


def facts(number: str = NEW_YORK, country: str = "", region: str = "", **known) -> GuardFacts:
    found = find_zones(country=country, region=region, number=number)
    given = {"zones": found.zones, "zones_from": found.source, "registries": SCREENED} | known
    return GuardFacts(number, country, region, **given)


def rules(known: GuardFacts, rows=None, on: date = TODAY):
    places = jurisdictions(known.country, known.region, known.number)
    return (BOOK if rows is None else RuleBook(rows)).rules_for(places, known.audience, on)


def verdict(known: GuardFacts, now: datetime = NOON):
    return guard(known, rules(known), now=now)


def codes(known: GuardFacts, now: datetime = NOON) -> tuple[str, ...]:
    return verdict(known, now).codes


def on_lists(
    number_hit: bool = False, age: int = 1, loaded: bool = True, loading: bool = False, name: str = "us-ftc"
):
    return (RegistryFact(name, number_hit, TODAY - age * DAY, loaded, loading),)


def given_by(kind: str, ago: timedelta = DAY, **more) -> tuple[Permission, ...]:
    return (Permission(kind, NOON - ago, **more),)


CLEAR = [
    ("a household in New York, at noon", facts()),
    ("screened and not listed", facts(registries=on_lists())),
    (
        "a British number is on no American list, wherever its owner lives",
        facts(LONDON, "US", "NY", registries=on_lists(name="uk-tps") + on_lists(name="uk-ctps")),
    ),
    (
        "an American number is on no British list, wherever its owner lives",
        facts(NEW_YORK, "GB", registries=on_lists(name="us-ftc")),
    ),
    ("a business in Germany", facts(BERLIN, "DE", audience="business")),
    ("a business in Denmark", facts(COPENHAGEN, "DK", audience="business")),
    ("a country without a rule", facts("+353209121234", "IE")),
    (
        "a business on the list, by landline",
        facts(audience="business", line_type="fixed", registries=on_lists(True)),
    ),
    ("a business, list never loaded", facts(audience="business", registries=())),
]


@pytest.mark.parametrize("known", [c[1] for c in CLEAR], ids=[c[0] for c in CLEAR])
def test_allowed(known):
    answer = verdict(known)
    assert (answer.decision, answer.codes, answer.next_allowed_at) == ("allow", (), NOON)


BLOCKED = [
    ("erased", facts(erased=True), ("erased",)),
    ("our own list", facts(suppressed=("number",)), ("internal_dnc",)),
    ("no number", facts(number="", country="US", region="NY"), ("number_invalid",)),
    ("a number not in use", facts(number_status="invalid"), ("number_invalid",)),
    ("a consumer in Germany", facts(BERLIN, "DE"), ("consent_missing",)),
    ("a consumer in Denmark", facts(COPENHAGEN, "DK"), ("consent_missing",)),
    ("a business in Poland", facts(WARSAW, "PL", audience="business"), ("consent_missing",)),
    ("a business in Russia", facts(MOSCOW, "RU", audience="business"), ("consent_missing",)),
    ("an American living in Poland", facts(NEW_YORK, "PL", audience="business"), ("consent_missing",)),
    ("consent revoked", facts(permissions=given_by("consent", revoked_at=NOON - HOUR)), ("consent_revoked",)),
    ("on the national registry", facts(registries=on_lists(True)), ("registry_hit",)),
    ("a list of 32 days", facts(registries=on_lists(age=32)), ("registry_list_stale",)),
    ("a list being loaded", facts(registries=on_lists(loading=True)), ("registry_list_stale",)),
    ("a list without a date", facts(registries=(RegistryFact("us-ftc", False),)), ("registry_list_stale",)),
    ("an area not loaded", facts(registries=on_lists(loaded=False)), ("registry_area_not_loaded",)),
    ("a list never loaded", facts(registries=()), ("registry_area_not_loaded",)),
    (
        "a number of Puerto Rico is for the list of the United States",
        facts("+17875550123", registries=()),
        ("registry_area_not_loaded",),
    ),
    ("hit on an old list", facts(registries=on_lists(True, 40)), ("registry_hit", "registry_list_stale")),
    ("toll-free without an address", facts("+18005550123"), ("zone_unknown",)),
    (
        "British companies too",
        facts(LONDON, audience="business", registries=()),
        ("registry_area_not_loaded",),
    ),
    (
        "a British company on its list",
        facts(
            LONDON, audience="business", registries=on_lists(name="uk-tps") + on_lists(True, name="uk-ctps")
        ),
        ("registry_hit",),
    ),
    (
        "a British list of 29 days",
        facts(LONDON, registries=on_lists(age=28, name="uk-tps") + on_lists(age=29, name="uk-ctps")),
        ("registry_list_stale",),
    ),
    (
        "everything at once, in order",
        facts(
            NEW_YORK,
            "DE",
            erased=True,
            suppressed=("person", "company"),
            number_status="invalid",
            registries=on_lists(True, 40),
            dials_to_number=(NOON - HOUR,) * 3,
            dials_to_lead=(NOON - HOUR,) * 3,
            zones=("Asia/Tokyo",),
            is_customer=True,
        ),
        (
            "erased",
            "internal_dnc",
            "number_invalid",
            "consent_missing",
            "registry_hit",
            "registry_list_stale",
            "hours_closed",
            "frequency_cap",
            "house_cap",
            "min_gap",
            "existing_customer",
        ),
    ),
]


@pytest.mark.parametrize(("known", "expected"), [c[1:] for c in BLOCKED], ids=[c[0] for c in BLOCKED])
def test_blocked_until_a_person_changes_something(known, expected):
    answer = verdict(known)
    assert answer.codes == expected
    assert answer.decision == "block"
    assert answer.next_allowed_at is None
    assert all(reason.detail.endswith(".") for reason in answer.reasons)


WARNED = [
    ("an existing customer", facts(is_customer=True), "existing_customer"),
    (
        "a business's registered mobile",
        facts(audience="business", line_type="mobile", registries=on_lists(True)),
        "registry_hit",
    ),
    (
        "a business's registered line of unknown type",
        facts(audience="business", registries=on_lists(True)),
        "registry_hit",
    ),
    (
        "the same, whatever the age of the list",
        facts(audience="business", registries=on_lists(True, 99)),
        "registry_hit",
    ),
]


@pytest.mark.parametrize(("known", "code"), [c[1:] for c in WARNED], ids=[c[0] for c in WARNED])
def test_warned(known, code):
    answer = verdict(known)
    assert (answer.decision, answer.codes, answer.next_allowed_at) == ("warn", (code,), NOON)


def test_a_workspace_may_harden_the_warning_of_a_registered_mobile():
    known = facts(audience="business", registries=on_lists(True), workspace=Workspace(mobile_hit_blocks=True))
    assert verdict(known).decision == "block"
    assert verdict(replace(known, line_type="fixed")).decision == "allow"


EDGE_OF_AGE = [("us-ftc", NEW_YORK, 31, ()), ("us-ftc", NEW_YORK, 32, ("registry_list_stale",))]


@pytest.mark.parametrize(("name", "number", "age", "expected"), EDGE_OF_AGE, ids=["31 days", "32 days"])
def test_a_list_serves_for_thirty_one_days(name, number, age, expected):
    assert codes(facts(number, registries=on_lists(age=age, name=name))) == expected


LISTED = {"registries": on_lists(True, 40)}
MONTHS_18, MONTHS_3 = (
    NOON - datetime(2025, 5, 20, 17, tzinfo=UTC),
    NOON - datetime(2026, 8, 20, 17, tzinfo=UTC),
)
SECOND = timedelta(seconds=1)
LIFTS = [
    ("specific consent", given_by("consent"), {}, True),
    ("written permission", given_by("written_permission"), {}, True),
    ("a purchase", given_by("purchase"), {}, True),
    ("a purchase of just under 18 months ago", given_by("purchase", MONTHS_18 - SECOND), {}, True),
    ("a purchase of 18 months ago", given_by("purchase", MONTHS_18), {}, False),
    ("an enquiry of just under 3 months ago", given_by("enquiry", MONTHS_3 - SECOND), {}, True),
    ("an enquiry of 3 months ago", given_by("enquiry", MONTHS_3), {}, False),
    ("a friendship lifts nothing", given_by("personal_relationship"), {}, False),
    ("a consent that ended", given_by("consent", ends_at=NOON), {}, False),
    ("a relationship called off", given_by("purchase", revoked_at=NOON - HOUR), {}, False),
    ("a consent from tomorrow", given_by("consent", -DAY), {}, False),
    ("a consent for another number", given_by("consent", number=MIAMI), {}, False),
    (
        "a relationship from before they asked us to stop",
        given_by("purchase"),
        {"stop_requested_at": NOON - HOUR},
        False,
    ),
    ("a purchase after that", given_by("purchase"), {"stop_requested_at": NOON - 2 * DAY}, True),
    ("securities: a friendship", given_by("personal_relationship"), {"securities": True}, True),
    ("securities: mere consent", given_by("consent"), {"securities": True}, False),
    ("securities: permission naming no number", given_by("written_permission"), {"securities": True}, False),
    (
        "securities: permission naming it",
        given_by("written_permission", number=NEW_YORK),
        {"securities": True},
        True,
    ),
]


@pytest.mark.parametrize(("permissions", "more", "lifted"), [c[1:] for c in LIFTS], ids=[c[0] for c in LIFTS])
def test_what_lifts_the_registries(permissions, more, lifted):
    workspace = (
        Workspace(securities_firm=more.pop("securities", False)) if "securities" in more else Workspace()
    )
    known = facts(permissions=permissions, workspace=workspace, **LISTED, **more)
    assert codes(known) == (() if lifted else ("registry_hit", "registry_list_stale"))


def test_in_britain_a_relationship_lifts_nothing_and_consent_does():
    listed = on_lists(True, name="uk-tps") + on_lists(name="uk-ctps")
    assert codes(facts(LONDON, registries=listed, permissions=given_by("purchase"))) == ("registry_hit",)
    assert codes(facts(LONDON, registries=listed, permissions=given_by("consent"))) == ()


@pytest.mark.parametrize("kind", ["consent", "written_permission", "purchase", "enquiry"])
def test_no_permission_lifts_our_own_list_or_the_hours(kind):
    known = facts(permissions=given_by(kind), suppressed=("person",))
    assert codes(known) == ("internal_dnc",)
    midnight = NOON + 12 * HOUR
    assert codes(replace(known, suppressed=()), midnight) == ("hours_closed",)


CONSENTS = [
    ("consent", given_by("consent"), Workspace(), ()),
    ("written permission", given_by("written_permission"), Workspace(), ()),
    ("a purchase is no consent", given_by("purchase"), Workspace(), ("consent_missing",)),
    ("an enquiry is none by default", given_by("enquiry"), Workspace(), ("consent_missing",)),
    ("an enquiry where the workspace says so", given_by("enquiry"), Workspace(enquiry_consent_months=3), ()),
    (
        "an old enquiry",
        given_by("enquiry", 100 * DAY),
        Workspace(enquiry_consent_months=3),
        ("consent_missing",),
    ),
]


@pytest.mark.parametrize("number", [BERLIN, COPENHAGEN, WARSAW, MOSCOW], ids=["DE", "DK", "PL", "RU"])
@pytest.mark.parametrize(
    ("permissions", "workspace", "expected"), [c[1:] for c in CONSENTS], ids=[c[0] for c in CONSENTS]
)
def test_what_counts_as_consent(number, permissions, workspace, expected):
    known = facts(number, permissions=permissions, workspace=workspace)
    assert codes(known) == expected


def test_what_lifts_a_registry_is_no_consent():
    asks = [
        row(consent_regime="prior", exemptions=[{"kind": "purchase", "months": 18, "lifts": ["registry"]}])
    ]
    known = facts(permissions=given_by("purchase"))
    assert guard(known, rules(known, asks), now=NOON).codes == ("consent_missing",)


def test_a_consent_given_after_a_revocation_counts_and_one_before_does_not():
    revoked = Permission("consent", NOON - 9 * DAY, revoked_at=NOON - 5 * DAY)
    older, newer = Permission("written_permission", NOON - 7 * DAY), Permission("consent", NOON - DAY)
    assert codes(facts(BERLIN, permissions=(revoked, older))) == ("consent_revoked",)
    assert codes(facts(BERLIN, permissions=(revoked, newer))) == ()


def test_the_exempt_trades_of_denmark_check_the_robinson_list_instead():
    insurer = Workspace(trades=frozenset({"insurance"}))
    listed, clear = on_lists(True, name="dk-robinson"), on_lists(name="dk-robinson")
    assert codes(facts(COPENHAGEN, workspace=insurer, registries=clear)) == ()
    assert codes(facts(COPENHAGEN, workspace=insurer, registries=listed)) == ("registry_hit",)
    assert codes(facts(COPENHAGEN, registries=listed)) == ("consent_missing",)
    assert codes(facts(COPENHAGEN, workspace=Workspace(trades=frozenset({"cars"})))) == ("consent_missing",)


def test_a_machine_needs_written_consent_to_call_an_american_mobile():
    machine = {"call_mode": "machine", "line_type": "mobile"}
    assert codes(facts(**machine, permissions=given_by("consent"))) == ("consent_missing",)
    assert codes(facts(**machine | {"line_type": "unknown"})) == ("consent_missing",)
    assert codes(facts(**machine, permissions=given_by("written_permission"))) == ()
    assert codes(facts(**machine | {"line_type": "fixed"})) == ()


PLACES = [
    ("area code and address", ("US", "NY", MIAMI), ("US", "US-NY", "US-FL")),
    ("area code alone", ("", "", MIAMI), ("US", "US-FL")),
    ("address by its name", ("us", "Florida", ""), ("US", "US-FL")),
    ("a foreign number", ("DE", "BY", NEW_YORK), ("DE", "US", "DE-BY", "US-NY")),
    ("puerto rico is under federal rules", ("PR", "", "+17875550123"), ("US", "US-PR")),
    ("jersey with britain", ("JE", "", ""), ("GB", "GB-JE")),
    ("american toll-free with an address in Canada", ("CA", "ON", "+18005550123"), ("CA", "CA-ON")),
    ("american toll-free alone", ("", "", "+18005550123"), ("US",)),
    ("nothing known", ("", "", ""), ("*",)),
]


@pytest.mark.parametrize(("known", "places"), [c[1:] for c in PLACES], ids=[c[0] for c in PLACES])
def test_jurisdictions(known, places):
    assert jurisdictions(*known) == places


def test_the_stricter_of_area_code_and_address_binds():
    at = datetime(2026, 11, 20, 20, 30, tzinfo=ZoneInfo("America/New_York"))
    assert codes(facts(MIAMI, "US", "NY"), at) == ("hours_closed",)
    assert codes(facts(NEW_YORK, "US", "FL", zones=("America/New_York",)), at) == ("hours_closed",)
    assert codes(facts(NEW_YORK, "US", "NY"), at) == ()


def row(**values) -> SimpleNamespace:
    base = next(
        row for row in DEFAULT_GUARD_RULES if row["jurisdiction"] == "US" and row["audience"] == "any"
    )
    return SimpleNamespace(**(base | values))


def test_the_highest_version_in_effect_is_the_rule():
    rows = [
        row(dials_cap=3),
        row(dials_cap=1, version=2, effective_from=TODAY),
        row(dials_cap=9, version=3, active=False),
        row(dials_cap=8, version=4, effective_from=TODAY + DAY),
        row(dials_cap=7, version=5, effective_until=TODAY),
    ]
    assert [cap.most for cap in resolve(rows, ("US",), "consumer", TODAY).caps] == [1]
    assert [cap.most for cap in resolve(rows, ("US",), "consumer", TODAY - DAY).caps] == [7]
    assert resolve(rows, ("US",), "consumer", TODAY).version == "US:2"


def test_poland_asks_for_consent_since_its_new_law():
    assert resolve(ROWS, ("PL",), "business", date(2024, 11, 10)).consents
    assert not resolve(ROWS, ("PL",), "business", date(2024, 11, 9)).consents


def test_hours_bind_businesses_unless_a_workspace_relaxes_them_place_by_place():
    night = datetime(2026, 11, 20, 22, tzinfo=ZoneInfo("America/New_York"))
    business = facts(MIAMI, audience="business", dials_to_number=())
    relaxed_country = [row(hours_bind_business=False), *(r for r in ROWS if r.jurisdiction != "US")]
    relaxed = [SimpleNamespace(**vars(r) | {"hours_bind_business": False}) for r in ROWS]
    assert codes(business, night) == ("hours_closed",)
    assert guard(business, rules(business, relaxed_country), now=night).codes == ("hours_closed",)
    assert guard(business, rules(business, relaxed), now=night).codes == ()
    consumer = replace(business, audience="consumer")
    assert guard(consumer, rules(consumer, relaxed), now=night).codes == ("hours_closed",)


def test_a_country_without_a_rule_says_that_it_is_not_verified():
    assert not rules(facts(KATHMANDU)).verified
    assert rules(facts(KATHMANDU)).version == "*:1"
    assert rules(facts()).verified


def test_a_rule_that_is_silent_leaves_the_default_hours_and_cap():
    silent = [row(windows={}, dials_cap=None), *(r for r in ROWS if r.jurisdiction == "*")]
    left = resolve(silent, ("US",), "consumer", TODAY)
    assert [(cap.most, cap.hours) for cap in left.caps] == [(3, 24)]
    assert left.hours == resolve(ROWS, ("*",), "consumer", TODAY).hours


BROKEN_BOOKS = [
    ("no rows at all", []),
    ("no hours anywhere", [row(windows={})]),
    ("no cap anywhere", [row(dials_cap=None)]),
    ("a cap of nothing", [row(dials_cap=0)]),
    ("a week that makes no sense", [row(windows={"mon": [["21:00", "08:00"]]})]),
]


@pytest.mark.parametrize("rows", [c[1] for c in BROKEN_BOOKS], ids=[c[0] for c in BROKEN_BOOKS])
def test_rules_that_do_not_hold_together_are_refused(rows):
    with pytest.raises(ValueError):
        resolve(rows, ("US",), "consumer", TODAY)


def test_whatever_fails_inside_blocks(caplog):
    with caplog.at_level(logging.ERROR, logger="leads.guard"):
        answers = [
            guard(facts(), None, now=NOON),
            guard(facts(zones=("Mars/Olympus",)), rules(facts()), now=NOON),
            guard(facts(), rules(facts()), now=NOON.replace(tzinfo=None)),
            guarded(lambda: 1 / 0, now=NOON),
        ]
    assert len(caplog.records) == len(answers)
    for answer in answers:
        assert (answer.decision, answer.codes, answer.next_allowed_at) == ("block", ("guard_error",), None)


def test_whatever_fails_inside_names_no_time(caplog):
    with caplog.at_level(logging.ERROR, logger="leads.guard"):
        times = [
            next_allowed_at(facts(), None, now=NOON),
            next_allowed_at(facts(zones=("Mars/Olympus",)), rules(facts()), now=NOON),
            next_allowed_at(facts(), rules(facts()), now=NOON.replace(tzinfo=None)),
        ]
    assert len(caplog.records) == len(times)
    assert times == [None, None, None]
    assert next_allowed_at(facts(failed="no lists"), rules(facts()), now=NOON) is None


# The law's table: every window, checked against the guard at the second it opens and the second it closes

# By area code: (weekdays, Saturday, Sunday) with None for a closed day, and whether public holidays close.
STATES = {
    "FL": ("305", ("08:00-20:00",) * 3, False),
    "OK": ("405", ("08:00-20:00",) * 3, False),
    "MD": ("410", ("08:00-20:00",) * 3, False),
    "AL": ("205", ("08:00-20:00", "08:00-20:00", None), True),
    "LA": ("504", ("08:00-20:00", "08:00-20:00", None), True),
    "MS": ("601", ("08:00-20:00", "08:00-20:00", None), True),
    "MA": ("617", ("08:00-20:00",) * 3, False),
    "WA": ("206", ("08:00-20:00",) * 3, False),
    "WY": ("307", ("08:00-20:00",) * 3, False),
    "CT": ("203", ("09:00-20:00",) * 3, False),
    "IN": ("317", ("09:00-20:00",) * 3, False),
    "NV": ("702", ("09:00-20:00",) * 3, False),
    "UT": ("801", ("09:00-20:00",) * 3, True),
    "KY": ("859", ("10:00-21:00",) * 3, False),
    "MI": ("313", ("09:00-21:00",) * 3, False),
    "MN": ("612", ("09:00-21:00",) * 3, False),
    "NM": ("505", ("09:00-21:00",) * 3, False),
    "IL": ("312", ("09:00-21:00",) * 3, False),
    "RI": ("401", ("09:00-18:00", "10:00-17:00", None), True),
    "PA": ("215", ("08:00-21:00", "08:00-21:00", "13:30-21:00"), False),
    "TX": ("214", ("09:00-21:00", "09:00-21:00", "12:00-21:00"), False),
    "SD": ("605", ("08:00-21:00", "08:00-21:00", None), False),
    "NE": ("402", ("08:00-21:00",) * 3, False),
    "TN": ("615", ("08:00-21:00",) * 3, False),
    "NY": ("212", ("08:00-21:00",) * 3, False),
    "CA": ("415", ("08:00-21:00",) * 3, False),
}
COUNTRIES = {
    "GB": (LONDON, ("08:00-21:00",) * 3),
    "DE": (BERLIN, ("08:00-21:00",) * 3),
    "DK": (COPENHAGEN, ("08:00-21:00",) * 3),
    "PL": (WARSAW, ("08:00-21:00",) * 3),
    "Canada": ("+14165550123", ("09:00-21:30", "10:00-18:00", "10:00-18:00")),
    "Nepal, without a rule of its own": (KATHMANDU, ("08:00-21:00",) * 3),
}
TABLE = {state: (f"+1{code}5550123", days) for state, (code, days, _holidays) in STATES.items()} | COUNTRIES
# A week without a public holiday: Friday, Saturday, Sunday.
DAYS = (date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22))


@pytest.mark.parametrize("place", TABLE)
def test_the_table_of_hours(place):
    number, windows = TABLE[place]
    known = facts(number, permissions=given_by("consent", 400 * DAY))
    assert known.zones, place
    for day, window in zip(DAYS, windows, strict=True):
        at = {}
        for name, clock in zip(("opens", "closes"), (window or "00:00-23:59").split("-"), strict=True):
            hour, minute = map(int, clock.split(":"))
            moments = [
                datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone))
                for zone in known.zones
            ]
            # Open in every zone the person may be in: opens with the last of them, closes with the first.
            at[name] = max(moments) if name == "opens" else min(moments)
        if window is None:
            assert codes(known, at["opens"] + 12 * HOUR) == ("day_closed",), (place, day)
            continue
        assert codes(known, at["opens"] - SECOND) == ("hours_closed",), (place, day)
        assert verdict(known, at["opens"] - SECOND).next_allowed_at == at["opens"]
        assert codes(known, at["opens"]) == codes(known, at["closes"] - SECOND) == (), (place, day)
        assert codes(known, at["closes"]) == ("hours_closed",), (place, day)


@pytest.mark.parametrize("state", STATES)
def test_public_holidays_close_where_the_table_says_so(state):
    code, _days, closed = STATES[state]
    noon_on_christmas = datetime(2026, 12, 25, 19, tzinfo=UTC)  # a Friday
    known = facts(f"+1{code}5550123", registries=on_lists(age=-30))
    assert codes(known, noon_on_christmas) == (("day_closed",) if closed else ())


def test_every_row_of_the_table_is_tried():
    named = {row.jurisdiction.removeprefix("US-") for row in ROWS if row.jurisdiction.startswith("US-")}
    assert named == set(STATES) - {"NY", "CA"}


@pytest.mark.parametrize("number", [TABLE[place][0] for place in TABLE], ids=list(TABLE))
def test_everywhere_three_dials_in_any_24_hours_and_no_fourth(number):
    known = facts(number, permissions=given_by("consent", 400 * DAY), workspace=Workspace(HouseCaps(0, 0)))
    dials = tuple(NOON - hours * HOUR for hours in (23, 20, 10))
    assert "frequency_cap" in codes(replace(known, dials_to_number=dials))
    assert "frequency_cap" not in codes(replace(known, dials_to_number=dials[1:]))


def test_a_toll_free_number_needs_no_list_but_a_list_that_names_it_counts():
    household = facts("+18005550123", "US", "NY", registries=())
    assert codes(household) == ()
    listed = replace(household, registries=on_lists(True))
    assert codes(listed) == ("registry_hit",)
    assert codes(replace(household, number="+12125550123")) == ("registry_area_not_loaded",)


# Caps

DIALS = [
    ("two earlier calls to the number", {"dials_to_number": (NOON - 20 * HOUR, NOON - 10 * HOUR)}, (), None),
    (
        "three in 24 hours",
        {"dials_to_number": (NOON - 20 * HOUR, NOON - 15 * HOUR, NOON - 10 * HOUR)},
        ("frequency_cap",),
        NOON + 4 * HOUR,
    ),
    (
        "the first of three just 24 hours ago",
        {"dials_to_number": (NOON - 24 * HOUR, NOON - 15 * HOUR, NOON - 10 * HOUR)},
        (),
        None,
    ),
    (
        "three, on the lead's own request",
        {"dials_to_number": (NOON - 20 * HOUR, NOON - 15 * HOUR, NOON - 10 * HOUR), "lead_request": True},
        ("frequency_cap",),
        NOON + 4 * HOUR,
    ),
    ("an hour after the last", {"dials_to_number": (NOON - HOUR,)}, ("min_gap",), NOON + HOUR),
    (
        "an hour after the last of two",
        {"dials_to_number": (NOON - 9 * HOUR, NOON - HOUR)},
        ("min_gap",),
        NOON + HOUR,
    ),
    ("an hour after, on their request", {"dials_to_number": (NOON - HOUR,), "lead_request": True}, (), None),
    (
        "20 minutes after a busy line",
        {"dials_to_number": (NOON - HOUR / 3,), "last_dial_busy": True},
        ("min_gap",),
        NOON + HOUR / 6,
    ),
    (
        "30 minutes after a busy line",
        {"dials_to_number": (NOON - HOUR / 2,), "last_dial_busy": True},
        (),
        None,
    ),
    (
        "two today to other numbers",
        {"dials_to_lead": (NOON - 2 * HOUR, NOON - HOUR)},
        ("house_cap",),
        NOON + 20 * HOUR,
    ),
    (
        "the same, on their request",
        {"dials_to_lead": (NOON - 2 * HOUR, NOON - HOUR), "lead_request": True},
        (),
        None,
    ),
    ("two, one of them yesterday there", {"dials_to_lead": (NOON - 13 * HOUR, NOON - HOUR)}, (), None),
    (
        "five in seven days",
        {"dials_to_lead": tuple(NOON - days * DAY for days in (6, 5, 4, 3, 2))},
        ("house_cap",),
        NOON + DAY,
    ),
    (
        "five, the first a week ago",
        {"dials_to_lead": tuple(NOON - days * DAY for days in (7, 5, 4, 3, 2))},
        (),
        None,
    ),
]


@pytest.mark.parametrize(("dials", "expected", "next_at"), [c[1:] for c in DIALS], ids=[c[0] for c in DIALS])
def test_caps(dials, expected, next_at):
    answer = verdict(facts(**dials))
    assert answer.codes == expected
    assert answer.next_allowed_at == (next_at or NOON)


def test_house_caps_are_the_workspaces_own():
    busy_day = {"dials_to_number": (NOON - HOUR,), "dials_to_lead": (NOON - HOUR,) * 9}
    none = HouseCaps(per_day=0, per_7_days=0, min_gap=timedelta(), busy_gap=timedelta())
    assert codes(facts(**busy_day, workspace=Workspace(none))) == ()
    assert codes(facts(**busy_day, workspace=Workspace(HouseCaps(per_day=10, per_7_days=10)))) == ("min_gap",)


def test_in_washington_a_refusal_bars_calls_for_a_year():
    seattle, refused = facts("+12065550123", refused_at=NOON - 364 * DAY), NOON - 364 * DAY
    assert codes(seattle) == ("frequency_cap",)
    assert verdict(seattle).next_allowed_at == refused + 365 * DAY
    assert codes(facts(refused_at=refused)) == ()


WAITS = [
    ("over the night", facts(), (2026, 11, 21, 2), datetime(2026, 11, 21, 13, tzinfo=UTC)),
    ("over a Sunday", facts("+12055550123"), (2026, 11, 22, 18), datetime(2026, 11, 23, 14, tzinfo=UTC)),
    (
        "over Christmas and a Sunday",
        facts("+12055550123", registries=on_lists(age=-400)),
        (2027, 12, 25, 18),
        datetime(2027, 12, 27, 14, tzinfo=UTC),
    ),
    ("over the spring night", facts(), (2026, 3, 8, 2), datetime(2026, 3, 8, 12, tzinfo=UTC)),
    ("over the autumn night", facts(), (2026, 11, 1, 2), datetime(2026, 11, 1, 13, tzinfo=UTC)),
    (
        "cap and night together",
        facts(dials_to_number=(datetime(2026, 11, 20, 18, tzinfo=UTC),) * 3),
        (2026, 11, 21, 2),
        datetime(2026, 11, 21, 18, tzinfo=UTC),
    ),
    ("Nepal", facts(KATHMANDU), (2026, 11, 20, 20), datetime(2026, 11, 21, 2, 15, tzinfo=UTC)),
]


@pytest.mark.parametrize(("known", "at", "next_at"), [c[1:] for c in WAITS], ids=[c[0] for c in WAITS])
def test_next_allowed_at(known, at, next_at):
    answer = verdict(known, datetime(*at, tzinfo=UTC))
    assert answer.decision == "block"
    assert answer.next_allowed_at == next_at


def test_details_name_the_rule_and_the_next_time_there():
    (reason,) = verdict(facts(MIAMI), datetime(2026, 11, 21, 1, tzinfo=UTC)).reasons
    assert reason.detail == (
        "It is 20:00 in America/New_York; the rule of US-FL leaves 08:00–20:00 that day. "
        "Next permitted: Sat 21 Nov 08:00 in America/New_York."
    )


def test_the_shape_of_the_api():
    answer = verdict(facts("+18505550123"), datetime(2026, 11, 21, 2, tzinfo=UTC)).as_json()
    assert set(answer) == {"decision", "reasons", "next_allowed_at", "local_times", "rule_version"}
    assert answer["decision"] == "block"
    assert [set(reason) for reason in answer["reasons"]] == [{"code", "detail"}]
    assert answer["next_allowed_at"] == "2026-11-21T14:00:00+00:00"
    assert answer["local_times"] == [
        {"zone": "America/Chicago", "time": "2026-11-20T20:00:00-06:00"},
        {"zone": "America/New_York", "time": "2026-11-20T21:00:00-05:00"},
    ]
    assert answer["rule_version"] == "US:1 US/consumer:1 US-FL:1"


# Properties

TIMED = {"hours_closed", "day_closed", "zone_unknown", "frequency_cap", "house_cap", "min_gap"}
moments = st.integers(0, 400 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
ago = st.lists(st.integers(0, 9 * 24 * 60), max_size=7)


@st.composite
def calls(draw) -> tuple[GuardFacts, datetime]:
    now = draw(moments)
    number = draw(
        st.sampled_from([NEW_YORK, MIAMI, "+12055550123", "+18505550123", LONDON, BERLIN, WARSAW, KATHMANDU])
    )
    dials = {
        name: tuple(now - timedelta(minutes=minutes) for minutes in draw(ago))
        for name in ("dials_to_number", "dials_to_lead")
    }
    kinds = draw(
        st.lists(st.sampled_from(["consent", "purchase", "enquiry", "written_permission"]), max_size=2)
    )
    lists = draw(st.sampled_from([(), ("us-ftc", "uk-tps", "uk-ctps"), ("us-ftc", "uk-tps", "uk-ctps")]))
    known = facts(
        number,
        audience=draw(st.sampled_from(["consumer", "business"])),
        permissions=tuple(Permission(kind, now - draw(st.integers(1, 700)) * DAY) for kind in kinds),
        registries=tuple(RegistryFact(name, draw(st.booleans()), now.date()) for name in lists),
        lead_request=draw(st.booleans()),
        last_dial_busy=draw(st.booleans()),
        **dials,
    )
    return known, now


def _one_more(name):
    return lambda known, now: replace(known, **{name: (*getattr(known, name), now - HOUR)})


RESTRICTIONS = {
    "erased": lambda known, now: replace(known, erased=True),
    "own list": lambda known, now: replace(known, suppressed=("person",)),
    "number invalid": lambda known, now: replace(known, number_status="invalid"),
    "a call more to the number": _one_more("dials_to_number"),
    "a call more to the lead": _one_more("dials_to_lead"),
    "no request of theirs": lambda known, now: replace(known, lead_request=False),
    "no permissions": lambda known, now: replace(known, permissions=()),
    "they asked us to stop": lambda known, now: replace(known, stop_requested_at=now),
    "they refused": lambda known, now: replace(known, refused_at=now),
    "a zone more": lambda known, now: replace(known, zones=(*known.zones, "Asia/Tokyo")),
    "no zone": lambda known, now: replace(known, zones=()),
    "hits harden": lambda known, now: replace(
        known, workspace=replace(known.workspace, mobile_hit_blocks=True)
    ),
    "registries never loaded": lambda known, now: replace(
        known, registries=tuple(replace(fact, loaded=False) for fact in known.registries)
    ),
    "on every registry": lambda known, now: replace(
        known, registries=tuple(replace(fact, hit=True) for fact in known.registries)
    ),
    "every list stale": lambda known, now: replace(
        known, registries=tuple(replace(fact, list_date=None) for fact in known.registries)
    ),
    "an address in Rhode Island": lambda known, now: replace(known, country="US", region="RI"),
    "an address in Poland": lambda known, now: replace(known, country="PL"),
    "a customer": lambda known, now: replace(known, is_customer=True),
}
STRICTNESS = {"allow": 0, "warn": 1, "block": 2}


@settings(max_examples=300)
@given(calls(), st.sampled_from(sorted(RESTRICTIONS)))
def test_adding_a_restriction_never_allows_more(call, name):
    known, now = call
    before = verdict(known, now)
    after = verdict(RESTRICTIONS[name](known, now), now)
    assert STRICTNESS[after.decision] >= STRICTNESS[before.decision]
    if after.next_allowed_at is not None:
        assert before.next_allowed_at is not None
        assert before.next_allowed_at <= after.next_allowed_at


@settings(max_examples=300)
@given(calls())
def test_at_next_allowed_at_time_forbids_nothing_and_a_second_earlier_it_does(call):
    known, now = call
    answer = verdict(known, now)
    if answer.next_allowed_at is None:
        assert answer.decision == "block"
        return
    assert answer.next_allowed_at >= now
    assert not TIMED & set(codes(known, answer.next_allowed_at))
    if answer.next_allowed_at > now:
        assert answer.decision == "block"
        assert TIMED & set(codes(known, answer.next_allowed_at - timedelta(seconds=1)))


@settings(max_examples=300)
@given(calls(), st.sampled_from(["as it is", *sorted(RESTRICTIONS)]))
def test_the_time_alone_is_the_verdicts(call, name):
    known, now = call
    known = RESTRICTIONS.get(name, lambda known, _now: known)(known, now)
    bound = rules(known)
    assert next_allowed_at(known, bound, now=now) == guard(known, bound, now=now).next_allowed_at
    always = (LocalRule("*", ALWAYS),)
    assert (
        next_allowed_at(known, bound, now=now, hours=always)
        == guard(known, replace(bound, hours=always), now=now).next_allowed_at
    )


@settings(max_examples=100)
@given(calls(), st.integers(2, 12))
def test_dialling_whenever_allowed_breaks_no_cap(call, dials):
    """The guard asked again after each dial: at most 3 in any 24 hours, 2 a local day and 5 in 7 days."""
    known, now = call
    known = replace(known, permissions=given_by("consent", 900 * DAY), lead_request=False)
    made: list[datetime] = []
    known = replace(known, dials_to_number=(), dials_to_lead=())
    for _ in range(dials):
        now = verdict(known, now).next_allowed_at
        assert now is not None
        made.append(now)
        known = replace(known, dials_to_number=tuple(made), dials_to_lead=tuple(made))
    for at in made:
        assert sum(at - DAY < other <= at for other in made) <= 3
        assert sum(at - 7 * DAY < other <= at for other in made) <= 5
    for zone in known.zones:
        days = [at.astimezone(ZoneInfo(zone)).date() for at in made]
        assert max(days.count(day) for day in days) <= 2


PLACES_OF_ROWS = st.sampled_from(sorted({row.jurisdiction for row in ROWS}))


@settings(max_examples=200)
@given(calls(), PLACES_OF_ROWS, st.sampled_from(["consumer", "business"]))
def test_rules_that_bind_besides_never_allow_more(call, place, audience):
    known, now = call
    own = rules(known)
    alone = guard(known, own, now=now)
    together = guard(known, both(own, BOOK.rules_for((place,), audience, TODAY)), now=now)
    assert STRICTNESS[together.decision] >= STRICTNESS[alone.decision]
    assert set(alone.codes) <= set(together.codes) | {"hours_closed"}  # a day that is closed says so instead
    assert both(own, own) is own


def test_every_default_row_stands():
    keys = {(row.jurisdiction, row.audience, row.version) for row in ROWS}
    assert len(keys) == len(ROWS)
    for row in ROWS:
        assert row.citation
        places = ("US", row.jurisdiction) if row.jurisdiction.startswith("US-") else (row.jurisdiction,)
        for audience in ("consumer", "business"):
            assert resolve(ROWS, places, audience, TODAY).hours
