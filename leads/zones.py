"""In which time zones may the called person be?

Every answer is a tuple of candidates, widest when least is known: a call is allowed only where the window is
open in all of them, and an empty tuple means that nobody knows.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType
from phonenumbers import timezone as number_zones
from phonenumbers.tzdata import TIMEZONE_DATA

from leads.area_codes import STATE_OF_AREA_CODE
from leads.calendar import subdivision

Zones = tuple[str, ...]

_NEW_YORK, _CHICAGO, _DENVER, _LOS_ANGELES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)
_EASTERN = "CT DC DE GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV"
_CENTRAL = "AL AR IA IL LA MN MO MS OK WI"

_US_STATES: dict[str, Zones] = {
    **dict.fromkeys(_EASTERN.split(), (_NEW_YORK,)),
    **dict.fromkeys(_CENTRAL.split(), (_CHICAGO,)),
    **dict.fromkeys(("CO", "MT", "NM", "UT", "WY"), (_DENVER,)),
    **dict.fromkeys(("CA", "WA"), (_LOS_ANGELES,)),
    "AK": ("America/Anchorage", "America/Adak"),
    "AZ": ("America/Phoenix", _DENVER),  # the Navajo Nation keeps summer time
    "FL": (_NEW_YORK, _CHICAGO),
    "HI": ("Pacific/Honolulu",),
    "ID": ("America/Boise", _LOS_ANGELES),
    "IN": ("America/Indiana/Indianapolis", _CHICAGO),
    "KS": (_CHICAGO, _DENVER),
    "KY": (_NEW_YORK, _CHICAGO),
    "MI": ("America/Detroit", "America/Menominee"),
    "ND": (_CHICAGO, _DENVER),
    "NE": (_CHICAGO, _DENVER),
    "NV": (_LOS_ANGELES, _DENVER),
    "OR": (_LOS_ANGELES, "America/Boise"),
    "SD": (_CHICAGO, _DENVER),
    "TN": (_CHICAGO, _NEW_YORK),
    "TX": (_CHICAGO, _DENVER),
}
_PROVINCES: dict[str, Zones] = {
    "AB": ("America/Edmonton",),
    "BC": ("America/Vancouver", "America/Edmonton", "America/Fort_Nelson"),
    "MB": ("America/Winnipeg",),
    "NB": ("America/Moncton",),
    "NL": ("America/St_Johns", "America/Goose_Bay"),
    "NS": ("America/Halifax",),
    "NT": ("America/Edmonton",),
    "NU": ("America/Iqaluit", "America/Rankin_Inlet", "America/Cambridge_Bay", "America/Resolute"),
    "ON": ("America/Toronto", "America/Winnipeg", "America/Atikokan"),
    "PE": ("America/Halifax",),
    "QC": ("America/Toronto", "America/Halifax", "America/Blanc-Sablon"),
    "SK": ("America/Regina", "America/Edmonton"),
    "YT": ("America/Whitehorse",),
}
_AUSTRALIA: dict[str, Zones] = {
    "ACT": ("Australia/Sydney",),
    "NSW": ("Australia/Sydney", "Australia/Broken_Hill"),
    "NT": ("Australia/Darwin",),
    "QLD": ("Australia/Brisbane",),
    "SA": ("Australia/Adelaide",),
    "TAS": ("Australia/Hobart",),
    "VIC": ("Australia/Melbourne",),
    "WA": ("Australia/Perth", "Australia/Eucla"),
}
_BY_STATE = {"US": _US_STATES, "CA": _PROVINCES, "AU": _AUSTRALIA}
_AUSTRALIAN_POSTCODES = {"08": "NT", "2": "NSW", "3": "VIC", "4": "QLD", "5": "SA", "6": "WA", "7": "TAS"}

# The library gives an overlay only the zone of its biggest city; it covers all of the code it lies over.
_OVERLAY_PARENTS = {
    "236": "250",
    "257": "250",
    "364": "270",
    "367": "418",
    "448": "850",
    "458": "541",
    "581": "418",
    "672": "250",
    "778": "250",
    "879": "709",
    "930": "812",
    "986": "208",
}
_CORRECTIONS: dict[str, Zones] = {
    "474": ("America/Regina",),  # the library says Winnipeg; it lies over 306
    "689": (_NEW_YORK,),  # the library says Chicago; it is Orlando
}

_SOMEWHERE = {
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
}
_WITHOUT_AREA = {PhoneNumberType.TOLL_FREE, PhoneNumberType.PREMIUM_RATE}


@dataclass(frozen=True, slots=True)
class FoundZones:
    """Candidate zones and what they were read from."""

    zones: Zones
    source: Literal["confirmed", "address", "number", "unknown"]


def area_code(e164: str) -> str:
    """The area code of a number under +1; "" for any other number."""
    return e164[2:5] if e164.startswith("+1") and len(e164) == 12 else ""


def area_code_state(e164: str) -> str:
    """The US state or Canadian province of the number's area code; "" where there is none, or several."""
    return STATE_OF_AREA_CODE.get(area_code(e164), "")


@lru_cache(maxsize=8192)
def is_without_area(e164: str) -> bool:
    """Is it a toll-free or premium number under +1? Those lie in no area, so no list kept by areas ever covers them."""
    if not area_code(e164):
        return False
    try:
        return phonenumbers.number_type(phonenumbers.parse(e164, None)) in _WITHOUT_AREA
    except NumberParseException:
        return False


@lru_cache(maxsize=8192)
def country_of_number(e164: str) -> str:
    """The country a number belongs to, in two letters; "" where it belongs to none or to several.

    Toll-free and other numbers without an area under +1 are shared by all its countries.
    """
    code = area_code(e164)
    if code and code not in _zones_of_area_codes():
        return ""
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(e164, None)) or ""
    except NumberParseException:
        return ""
    return region if len(region) == 2 else ""


@lru_cache(maxsize=1)
def _zones_of_area_codes() -> dict[str, Zones]:
    """Every area code under +1 with the union of the zones of all its exchanges."""
    union: dict[str, set[str]] = {}
    for prefix, zones in TIMEZONE_DATA.items():
        if prefix.startswith("1") and len(prefix) >= 4:
            union.setdefault(prefix[1:4], set()).update(zones)
    for overlay, parent in _OVERLAY_PARENTS.items():
        if parent in union:
            union.setdefault(overlay, set()).update(union[parent])
    return {code: tuple(sorted(zones)) for code, zones in union.items()} | _CORRECTIONS


@lru_cache(maxsize=1)
def _zones_of_countries() -> dict[str, Zones]:
    """Every country's zones, the first named first, from the tz database's own table."""
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    countries: dict[str, list[str]] = {}
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _coordinates, zone = line.split("\t")[:3]
            countries.setdefault(country, []).append(zone)
    return {country: tuple(zones) for country, zones in countries.items()}


@lru_cache(maxsize=512)
def zones_of_country(country: str) -> Zones:
    """All zones in use in a country; () for an unknown one."""
    states = _BY_STATE.get(country)
    if states is not None:
        return tuple(dict.fromkeys(zone for zones in states.values() for zone in zones))
    return _zones_of_countries().get(country, ())


@lru_cache(maxsize=8192)
def zones_of_number(e164: str) -> Zones:
    """Where a number may ring: its whole area code under +1, elsewhere its exchange or its country.

    () for a number that belongs to no area: toll-free, premium, VoIP, or no number at all.
    """
    code = area_code(e164)
    if code:
        return _zones_of_area_codes().get(code, ())
    try:
        number = phonenumbers.parse(e164, None)
    except NumberParseException:
        return ()
    kind = phonenumbers.number_type(number)
    if kind not in _SOMEWHERE:
        return ()
    country = zones_of_country(phonenumbers.region_code_for_number(number) or "")
    if len(country) == 1 or kind != PhoneNumberType.FIXED_LINE:
        return country
    exchange = number_zones.time_zones_for_geographical_number(number)
    return tuple(exchange) if exchange and set(exchange) <= set(country) else country


@lru_cache(maxsize=8192)
def zones_of_address(country: str, region: str, postcode: str = "") -> Zones:
    """The zones of a state, else of the whole country; () without a country. A split state gives them all."""
    land = country.strip().upper()
    states = _BY_STATE.get(land, {})
    code = subdivision(land, region)
    if land == "AU" and not code:
        code = _australian_state(postcode)
    return states.get(code) or zones_of_country(land)


def _australian_state(postcode: str) -> str:
    digits = postcode.strip()
    if len(digits) != 4:
        return ""
    return next((state for start, state in _AUSTRALIAN_POSTCODES.items() if digits.startswith(start)), "")


def find_zones(
    *,
    confirmed: str = "",
    confirmed_agreed: bool = True,
    address_zone: str = "",
    country: str = "",
    region: str = "",
    number: str = "",
    postcode: str = "",
) -> FoundZones:
    """Candidates in the order of trust: a zone confirmed by a caller, the address, the number.

    `address_zone` is a zone written down with the address; `country` and `region` are the address's, never
    those of the number. An address that names only a country of several zones knows less than a number of
    the same country. A confirmation no manager has agreed to (`confirmed_agreed`) is added to what is known
    otherwise, so that it can only tighten; it stands alone where nothing else is known.
    """
    known = _without_confirmation(address_zone, country, region, number, postcode)
    if not confirmed:
        return known
    if confirmed_agreed:
        return FoundZones((confirmed,), "confirmed")
    return FoundZones(tuple(dict.fromkeys((confirmed, *known.zones))), "confirmed")


def _without_confirmation(
    address_zone: str, country: str, region: str, number: str, postcode: str
) -> FoundZones:
    if address_zone:
        return FoundZones((address_zone,), "address")
    address = zones_of_address(country, region, postcode)
    ringing = zones_of_number(number) if number else ()
    land = country.strip().upper()
    vague = len(address) > 1 and address == zones_of_country(land)
    if ringing and (not address or (vague and country_of_number(number) == land)):
        return FoundZones(ringing, "number")
    if address:
        return FoundZones(address, "address")
    return FoundZones((), "unknown")


def candidate_zones(
    *,
    confirmed: str,
    address_zone: str,
    country: str,
    region: str,
    number: str,
    confirmed_agreed: bool = True,
) -> Zones:
    """The zones of `find_zones`, for callers who need not know where they came from."""
    return find_zones(
        confirmed=confirmed,
        confirmed_agreed=confirmed_agreed,
        address_zone=address_zone,
        country=country,
        region=region,
        number=number,
    ).zones
