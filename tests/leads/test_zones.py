"""In which zones a person may be: the union where more than one is possible, nothing where nobody knows."""

from zoneinfo import ZoneInfo

import pytest
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.tzdata import TIMEZONE_DATA

from leads.area_codes import STATE_OF_AREA_CODE
from leads.calendar import subdivision
from leads.zones import (
    area_code_state,
    candidate_zones,
    country_of_number,
    find_zones,
    zones_of_address,
    zones_of_country,
    zones_of_number,
)

EAST, CENTRAL, MOUNTAIN, WEST = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)

OF_NUMBER = [
    ("one zone", "+12125550101", {EAST}),
    ("850: west and east Florida", "+18505550101", {EAST, CENTRAL}),
    ("423: split Tennessee", "+14235550101", {EAST, CENTRAL}),
    ("906: upper Michigan", "+19065550101", {EAST, CENTRAL}),
    ("928: Arizona and the Navajo Nation", "+19285550101", {"America/Phoenix", MOUNTAIN}),
    ("602: Phoenix only", "+16025550101", {"America/Phoenix"}),
    ("448 lies over 850", "+14485550101", {EAST, CENTRAL}),
    ("364 lies over 270", "+13645550101", {EAST, CENTRAL}),
    ("930 lies over 812", "+19305550101", {EAST, CENTRAL}),
    ("458 lies over 541", "+14585550101", {WEST, MOUNTAIN}),
    ("689 is Orlando", "+16895550101", {EAST}),
    ("474 is Saskatchewan", "+14745550101", {"America/Regina"}),
    ("778 lies over 250 too", "+17785550101", {"America/Vancouver", "America/Edmonton"}),
    ("puerto rico", "+17875550101", {"America/Puerto_Rico"}),
    ("toll-free belongs nowhere", "+18005550101", set()),
    ("premium belongs nowhere", "+19005550101", set()),
    ("german freephone belongs nowhere", "+498001234567", set()),
    ("british non-geographic", "+443001234567", set()),
    ("moscow landline", "+74951234567", {"Europe/Moscow"}),
    ("canaries landline", "+34922123456", {"Atlantic/Canary"}),
    ("spanish mobile", "+34612345678", {"Europe/Madrid", "Africa/Ceuta", "Atlantic/Canary"}),
    ("nepal under its own name", "+9779841234567", {"Asia/Kathmandu"}),
    ("britain without its islands", "+447400123456", {"Europe/London"}),
    ("danish", "+4532123456", {"Europe/Copenhagen"}),
    ("no number", "", set()),
    ("nonsense", "+1", set()),
]


@pytest.mark.parametrize(("number", "zones"), [c[1:] for c in OF_NUMBER], ids=[c[0] for c in OF_NUMBER])
def test_zones_of_number(number, zones):
    assert set(zones_of_number(number)) == zones


def test_a_russian_mobile_may_be_anywhere_from_kaliningrad_to_kamchatka():
    zones = zones_of_number("+79161234567")
    assert {"Europe/Kaliningrad", "Europe/Moscow", "Asia/Kamchatka"} <= set(zones)
    assert len(zones) > 10


def test_kaliningrad_is_in_russia_whatever_the_library_says():
    assert "Europe/Kaliningrad" in zones_of_number("+74012123456")
    assert "Europe/Bucharest" not in zones_of_number("+74012123456")


def test_no_exchange_lies_outside_the_zones_of_its_area_code():
    corrected = {"474", "689"}
    for prefix, zones in TIMEZONE_DATA.items():
        code = prefix[1:4]
        if prefix.startswith("1") and len(prefix) >= 4 and code not in corrected:
            assert set(zones) <= set(zones_of_number(f"+1{code}5550101")), prefix


def test_every_area_code_has_zones_that_exist():
    for code in STATE_OF_AREA_CODE:
        zones = zones_of_number(f"+1{code}5550101")
        assert zones, code
        assert all(ZoneInfo(zone) for zone in zones)


def test_area_code_states_agree_with_the_place_names_of_the_library():
    disagreeing = []
    for code, state in STATE_OF_AREA_CODE.items():
        name = GEOCODE_DATA.get(f"1{code}", {}).get("en", "").replace(" State", "")
        if not name:
            continue
        named = name.split(", ")[1] if ", " in name else name
        named = named.replace("Washington D.C.", "District of Columbia").replace("Colombia", "Columbia")
        if state not in {subdivision("US", named), subdivision("CA", named), subdivision("US", name)}:
            disagreeing.append((code, state, name))
    assert disagreeing == []


OF_AREA_CODE = [
    ("florida", "+18505550101", "FL"),
    ("ontario", "+14165550101", "ON"),
    ("two provinces", "+19025550101", ""),
    ("toll-free", "+18005550101", ""),
    ("puerto rico", "+17875550101", ""),
    ("not american", "+4532123456", ""),
]


@pytest.mark.parametrize(("number", "state"), [c[1:] for c in OF_AREA_CODE], ids=[c[0] for c in OF_AREA_CODE])
def test_area_code_state(number, state):
    assert area_code_state(number) == state


OF_ADDRESS = [
    ("one zone", ("US", "NY"), {EAST}),
    ("by name, in small letters", ("us", "new york"), {EAST}),
    ("with its country", ("US", "US-NY"), {EAST}),
    ("split state", ("US", "FL"), {EAST, CENTRAL}),
    ("arizona holds the Navajo Nation", ("US", "AZ"), {"America/Phoenix", MOUNTAIN}),
    ("split province", ("CA", "ON"), {"America/Toronto", "America/Winnipeg", "America/Atikokan"}),
    ("country of one zone", ("DK", ""), {"Europe/Copenhagen"}),
    ("region of a country of one zone", ("PL", "MZ"), {"Europe/Warsaw"}),
    ("half-hour zone", ("AU", "SA"), {"Australia/Adelaide"}),
    ("australian postcode", ("AU", "", "0810"), {"Australia/Darwin"}),
    ("no country", ("", "NY"), set()),
    ("no such country", ("QQ", ""), set()),
]


@pytest.mark.parametrize(("address", "zones"), [c[1:] for c in OF_ADDRESS], ids=[c[0] for c in OF_ADDRESS])
def test_zones_of_address(address, zones):
    assert set(zones_of_address(*address)) == zones


def test_an_unknown_state_may_be_anywhere_in_its_country():
    assert zones_of_address("US", "Atlantis") == zones_of_country("US")
    assert {EAST, CENTRAL, MOUNTAIN, WEST, "Pacific/Honolulu"} <= set(zones_of_country("US"))


NOTHING = {"confirmed": "", "address_zone": "", "country": "", "region": "", "number": ""}
TRUST = [
    ("confirmed wins over all", {"confirmed": WEST, "address_zone": EAST, "number": "+12125550101"}, {WEST}),
    ("the address's own zone", {"address_zone": EAST, "country": "US", "region": "CA"}, {EAST}),
    ("the state", {"country": "US", "region": "CA", "number": "+12125550101"}, {WEST}),
    ("the number where there is no address", {"number": "+18505550101"}, {EAST, CENTRAL}),
    ("a mere country knows less than its number", {"country": "US", "number": "+12125550101"}, {EAST}),
    (
        "another country's number does not help",
        {"country": "DK", "number": "+12125550101"},
        {"Europe/Copenhagen"},
    ),
    (
        "nor does a Canadian one in the States",
        {"country": "US", "number": "+14165550101"},
        set(zones_of_country("US")),
    ),
    ("toll-free with an address", {"country": "US", "region": "NY", "number": "+18005550101"}, {EAST}),
    ("toll-free alone", {"number": "+18005550101"}, set()),
    ("nothing", {}, set()),
    (
        "a confirmation not agreed to only tightens",
        {"confirmed": WEST, "confirmed_agreed": False, "number": "+12125550101"},
        {WEST, EAST},
    ),
]


@pytest.mark.parametrize(("known", "zones"), [c[1:] for c in TRUST], ids=[c[0] for c in TRUST])
def test_order_of_trust(known, zones):
    assert set(candidate_zones(**(NOTHING | known))) == zones


def test_the_source_is_told():
    assert find_zones(confirmed=EAST).source == "confirmed"
    assert find_zones(country="DK").source == "address"
    assert find_zones(number="+12125550101").source == "number"
    assert find_zones().source == "unknown"


def test_country_of_number():
    assert country_of_number("+14165550101") == "CA"
    assert country_of_number("+4532123456") == "DK"
    assert country_of_number("+18005550101") == ""
    assert country_of_number("nonsense") == ""
