"""Where in a do-not-call list does a number stand, and how are a list's numbers kept small?

A list is cut into parts, one Roaring bitmap each: in North America by area code, which is also how the lists are
sold; elsewhere by country code and the next two digits, which keeps a part of the largest country to a few
megabytes. Within its part a number is an integer of 32 bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE
from pyroaring import BitMap

# Outside North America a number's length varies within a country: the rest of the digits is written behind a 1,
# so that 012 and 12 stay two numbers, and with nine digits it still fits 32 bits.
LEAD_DIGITS = 2
LONGEST_REST = 9


class BitmapDamaged(Exception):
    """The stored bytes are not those that were stored."""


class Part(NamedTuple):
    """`key` of the part a number belongs to, and the number's `value` within it."""

    key: str
    value: int


def part_of(e164: str) -> Part | None:
    """The part of the lists where this number would stand; None for what can be on no list."""
    digits = e164[1:]
    if not digits.isascii() or not digits.isdigit() or e164[0] != "+":
        return None
    if digits[0] == "1":
        return Part(digits[:4], int(digits[4:])) if len(digits) == 11 else None
    code = country_code(digits)
    lead = len(code) + LEAD_DIGITS
    rest = digits[lead:]
    if not code or not rest or len(rest) > LONGEST_REST:
        return None
    return Part(digits[:lead], int("1" + rest))


def number_at(key: str, value: int) -> str:
    """The number in E.164 that stands at `value` of the part `key`; the inverse of `part_of`."""
    return f"+{key}{value:07d}" if key[0] == "1" else f"+{key}{str(value)[1:]}"


def country_code(digits: str) -> str:
    """The country code that these digits begin with; "" where there is none such."""
    return _country_code(digits[:3])


@lru_cache(maxsize=1000)
def _country_code(start: str) -> str:
    return next((start[:n] for n in (1, 2, 3) if int(start[:n] or 0) in COUNTRY_CODE_TO_REGION_CODE), "")


def area_of(key: str) -> str:
    """What people call the place of a part: the area code (212) in North America, elsewhere the country (+44)."""
    return key[1:] if key[0] == "1" else f"+{country_code(key)}"


def keys_of(area: str) -> Iterator[str]:
    """The parts an area consists of."""
    if area.startswith("+"):
        yield from (f"{area[1:]}{lead:0{LEAD_DIGITS}d}" for lead in range(10**LEAD_DIGITS))
    else:
        yield f"1{area}"


def prefix_of(area: str) -> str:
    """What every number of the area begins with."""
    return area if area.startswith("+") else f"+1{area}"


def to_bytes(bitmap: BitMap) -> tuple[bytes, str]:
    """The bitmap in the portable Roaring format, and the checksum to keep with it."""
    bitmap.run_optimize()
    data = bitmap.serialize()
    return data, sha256(data).hexdigest()


def from_bytes(data: bytes, checksum: str) -> BitMap:
    """Raises BitmapDamaged where the bytes do not fit the checksum."""
    if sha256(data).hexdigest() != checksum:
        raise BitmapDamaged
    return BitMap.deserialize(data)
