"""How are a command's texts read? Each refusal names the argument and what was expected."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils.dateparse import parse_datetime

from leads import numbers
from leads.places import country_code, region_code
from leads.zones_field import validate_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leads.numbers import ParsedNumber


def instant(name: str, text: str) -> datetime:
    """An ISO 8601 time with offset, of a year that calendars and holidays are known for."""
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or found.utcoffset() is None or not 1970 <= found.year < 2200:
        raise CommandError(
            f"--{name}: {text!r} is not a time with offset; expected one such as 2026-11-20T14:30:00-05:00."
        )
    return found


def zone(name: str, text: str) -> str:
    try:
        validate_zone(text)
    except ValidationError as error:
        raise CommandError(f"--{name}: {error.messages[0]}") from None
    return text


def country(name: str, text: str) -> str:
    code = country_code(text)
    if code is None:
        raise CommandError(f"--{name}: {text!r} is not a country; expected two letters, as in US.")
    return code


def region(name: str, text: str, of: str) -> str:
    code = region_code(text, of)
    if code is None:
        raise CommandError(f"--{name}: {text!r} is no state or region of {of}; expected a code, as in NY.")
    return code


def state(name: str, text: str, countries: Sequence[str]) -> tuple[str, str]:
    """The first of these countries that has such a state, and the state's code; both blank where none is named."""
    if not text:
        return "", ""
    found = [(country, code) for country in countries if (code := region_code(text, country)) is not None]
    return found[0] if found else (countries[0], region(name, text, countries[0]))


def number(text: str, home: str | None) -> ParsedNumber:
    try:
        return numbers.parse(text, home)
    except numbers.NumberRefused as refused:
        raise CommandError(f"NUMBER: {refused.reason}") from None
