"""Which days are holidays and business days in a place, and what is the place's code?

Facts come from the holidays library; a country or subdivision it does not know has no public holidays here.
"""

from datetime import date
from functools import lru_cache

import holidays

from leads.places import region_code

_SATURDAY, _SUNDAY = 5, 6


@lru_cache(maxsize=1)
def _subdivisions_known() -> dict[str, list[str]]:
    return holidays.list_supported_countries()


@lru_cache(maxsize=1024)
def subdivision(country: str, region: str) -> str:
    """The code of a subdivision without its country: "FL" for "fl", "US-FL" or "Florida"; "" for none.

    A name nobody knows comes back in capitals as it stands.
    """
    land = country.strip().upper()
    text = region.strip()
    return (region_code(text, land) or text.upper().removeprefix(f"{land}-")) if text else ""


@lru_cache(maxsize=2048)
def _year(country: str, region: str, year: int) -> holidays.HolidayBase | None:
    known = _subdivisions_known().get(country)
    if known is None:
        return None
    part = region if region in known else None
    return holidays.country_holidays(country, subdiv=part, years=year, expand=False)


def holiday_name(day: date, *, country: str, region: str = "") -> str:
    """The public holiday on that day in that country or subdivision; "" on any other day."""
    code = country.upper()
    year = _year(code, subdivision(code, region), day.year)
    return year.get(day, "") if year is not None else ""


@lru_cache(maxsize=65536)
def business_day(day: date, country: str, region: str = "") -> bool:
    """Do offices there work on that day? No on the country's weekend and on public holidays of the place."""
    code = country.upper()
    year = _year(code, subdivision(code, region), day.year)
    if year is None:
        return day.weekday() not in (_SATURDAY, _SUNDAY)
    return day not in year and not year.is_weekend(day)
