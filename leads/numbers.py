"""Is this text a phone number, which one, and what kind of line is it?

A wrapper around the phonenumbers library that keeps three promises: a number is valid or refused with a
reason, no country is ever guessed, and no text whatever raises anything but `NumberRefused`.
"""

import re
from dataclasses import dataclass
from typing import Literal

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

LineType = Literal["mobile", "fixed", "toll_free", "premium", "voip", "unknown"]

# Where mobile and fixed numbers share one plan the library says "fixed or mobile", which is not knowing.
_LINE_TYPES: dict[int, LineType] = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.VOIP: "voip",
}

_LONGEST = 120  # as the column for the raw text; the library itself refuses more than 250
_SEPARATORS = re.compile(r"\s*[|\n\r]+\s*|;\s*(?=[+(0-9])|\s+(?:or|oder|eller|lub)\s+")
_LIST_COMMA = re.compile(r",\s+(?=[+(0-9])")


class NumberRefused(ValueError):
    """The text is no number we could call. `reason` says what was wrong and what was expected."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ParsedNumber:
    """A valid number. `region` is its country in two letters, "001" where it belongs to none."""

    e164: str
    extension: str
    region: str
    line_type: LineType
    raw: str


_PARSE_REASONS = {
    NumberParseException.NOT_A_NUMBER: "not a phone number; expected digits, as in +45 32 12 34 56",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too short after the international prefix",
    NumberParseException.TOO_SHORT_NSN: "too short for a phone number",
    NumberParseException.TOO_LONG: "too long for a phone number",
}


def parse(raw: str, region: str | None) -> ParsedNumber:
    """The number that `raw` spells, read as dialled within `region` unless it begins with +.

    Raises NumberRefused: nothing there, no number, not a number in use anywhere, or neither + nor region.
    """
    text = raw if isinstance(raw, str) else ""
    if not text.strip():
        raise NumberRefused("empty; expected a phone number")
    if len(text) > _LONGEST:
        raise NumberRefused(f"longer than {_LONGEST} characters; expected one phone number")
    home = (region or "").strip().upper()
    if home and home not in phonenumbers.SUPPORTED_REGIONS:
        raise NumberRefused(f"no country {home[:8]!r} has phone numbers; expected two letters, as in US")
    try:
        number = phonenumbers.parse(text, home or None)
    except NumberParseException as refusal:
        raise NumberRefused(_why_not(refusal, home)) from refusal
    if not phonenumbers.is_valid_number(number):
        within = f" when read in {home}" if home else ""
        raise NumberRefused(f"not a valid number{within}; expected one that can be in use")
    return ParsedNumber(
        e164=phonenumbers.format_number(number, PhoneNumberFormat.E164),
        extension=number.extension or "",
        region=phonenumbers.region_code_for_number(number) or "",
        line_type=_LINE_TYPES.get(phonenumbers.number_type(number), "unknown"),
        raw=text,
    )


def _why_not(refusal: NumberParseException, home: str) -> str:
    if refusal.error_type == NumberParseException.INVALID_COUNTRY_CODE:
        if not home:
            return "no country; expected + and a country code, or a country to read the number in"
        return "the country code after + is not in use"
    return _PARSE_REASONS.get(refusal.error_type, _PARSE_REASONS[NumberParseException.NOT_A_NUMBER])


def split(raw: str) -> list[str]:
    """The numbers of a cell that holds several ("a / b", "a; b", "a or b"), each as typed; [] if none.

    A slash inside one number ("030/1234567", "x508/x1234") splits nothing.
    """
    parts = [piece for part in _SEPARATORS.split(raw or "") for piece in _LIST_COMMA.split(part)]
    pieces = [piece for part in parts for piece in _at_slash(part)]
    return [piece.strip() for piece in pieces if piece.strip()]


def _at_slash(text: str) -> list[str]:
    """Whole numbers joined by slashes; what stands before the slash of "030 / 1234567" is an area code."""
    pieces = text.split("/")
    fewest = 7 if re.search(r"\s/|/\s", text) else 9
    if len(pieces) > 1 and _digits(pieces[0]) >= fewest and all(_digits(piece) >= 7 for piece in pieces[1:]):
        return pieces
    return [text]


def _digits(text: str) -> int:
    return sum(character.isdigit() for character in text)


def display(e164: str) -> str:
    """The number as people write it between countries ("+45 32 12 34 56"); unreadable text unchanged."""
    try:
        number = phonenumbers.parse(e164, None)
    except NumberParseException:
        return e164
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def tel_url(e164: str, extension: str = "") -> str:
    """The RFC 3966 link that dials the number: "tel:+4532123456;ext=12"."""
    digits = re.sub(r"\D", "", extension)
    return f"tel:{e164};ext={digits}" if digits else f"tel:{e164}"
