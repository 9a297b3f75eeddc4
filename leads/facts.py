"""May this value stand in that field of a lead, and how is it written there?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from leads.models import Company, Lead
from leads.places import STATES_DECIDE, country_code, language_code, region_code
from leads.zones_field import validate_zone

ONE_LINE = (
    "salutation",
    "first_name",
    "last_name",
    "job_title",
    "city",
    "postcode",
    "address",
    "industry",
    "company_size",
    "occupation",
    "decision_role",
)
FREE_TEXT = ("needs", "cares_about", "buying_power", "research")
LONGEST_TEXT = 20_000
MOST_LINKS = 20
LONGEST_LINK = 500


@dataclass(frozen=True, slots=True)
class FieldError:
    """What was wrong with one field. `detail` is the whole sentence, `expected` its second half alone."""

    field: str
    code: str
    reason: str
    expected: str = ""
    value: str = ""

    @property
    def detail(self) -> str:
        return (
            _("%(reason)s; expected %(expected)s") % {"reason": self.reason, "expected": self.expected}
            if self.expected
            else self.reason
        )


class _Unfit(Exception):
    def __init__(self, code: str, reason: str, expected: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.expected = code, reason, expected


def clean(
    fields: Mapping[str, Any], *, country: str = "", hint: str = ""
) -> tuple[dict[str, Any], list[FieldError]]:
    """The given fields as they are stored (company stays a name), and what was wrong with the others.

    `country` is where the lead is when `fields` does not say; `hint` only helps to read a region's name where
    nothing says it. A None is the same as a blank.
    """
    cleaned: dict[str, Any] = {}
    errors: list[FieldError] = []
    for field, value in fields.items():
        try:
            rule = _RULES.get(field)
            if rule is None:
                raise _Unfit(
                    "unknown", _("not a field of a lead"), _("one of: %s") % ", ".join(sorted(_RULES))
                )
            cleaned[field] = rule(field, value)
        except _Unfit as unfit:
            errors.append(FieldError(field, unfit.code, unfit.reason, unfit.expected, shown(value)))
    if cleaned.get("region"):
        try:
            cleaned["region"] = _region(cleaned["region"], cleaned.get("country", country), hint)
        except _Unfit as unfit:
            errors.append(
                FieldError("region", unfit.code, unfit.reason, unfit.expected, shown(fields["region"]))
            )
    return cleaned, errors


def shown(value: Any) -> str:
    """A value as an error message repeats it: short, on one line, without what no terminal should print."""
    text = "".join(c if c.isprintable() else " " for c in str("" if value is None else value))
    return text if len(text) <= 80 else text[:79] + "…"


def _text(value: Any, *, longest: int, lines: bool = False) -> str:
    """`value` trimmed; on one line unless `lines`. Raises _Unfit."""
    if value is None:
        return ""
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise _Unfit("invalid", _("not a text"), _("a text"))
        value = str(value)
    if "\x00" in value or (not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)):
        raise _Unfit("invalid", _("holds characters that cannot be stored"), _("readable text"))
    value = value.strip() if lines else " ".join(value.split())
    if len(value) > longest:
        raise _Unfit(
            "too_long",
            _("%(n)d characters long") % {"n": len(value)},
            _("at most %(n)d characters") % {"n": longest},
        )
    return value


def _limit(field: str) -> int:
    return int(Lead._meta.get_field(field).max_length or LONGEST_TEXT)  # type: ignore[union-attr]


_LIMITS = {field: _limit(field) for field in (*ONE_LINE, "website", "email")} | dict.fromkeys(
    FREE_TEXT, LONGEST_TEXT
)


def _one_line(field: str, value: Any) -> str:
    return _text(value, longest=_LIMITS[field])


def _free_text(field: str, value: Any) -> str:
    return _text(value, longest=_LIMITS[field], lines=True)


def _company(field: str, value: Any) -> str:
    return _text(value, longest=Company._meta.get_field("name").max_length or 200)


def _email(value: Any) -> str:
    """An e-mail address in lower case, blank for a blank; raises _Unfit."""
    text = _text(value, longest=_LIMITS["email"]).lower()
    if not text:
        return ""
    try:
        validate_email(text)
    except ValidationError:
        raise _Unfit("invalid", _("not an e-mail address"), _("one such as ann@example.com")) from None
    return text


def check_email(value: Any) -> tuple[str, FieldError | None]:
    """The address as it is compared, or what is wrong with it."""
    try:
        return _email(value), None
    except _Unfit as unfit:
        return "", FieldError("email", unfit.code, unfit.reason, unfit.expected, shown(value))


def _country(field: str, value: Any) -> str:
    text = _text(value, longest=100)
    if not text:
        return ""
    code = country_code(text)
    if code is None:
        raise _Unfit("invalid", _("not a country we know"), _("two letters, as in US, or the country's name"))
    return code


def _region_text(field: str, value: Any) -> str:
    return _text(value, longest=100)


def _region(text: str, country: str, hint: str) -> str:
    """The subdivision's code; where no list of them is known, a short text as it is."""
    code = region_code(text, country or hint)
    if code is not None:
        return code
    if country in STATES_DECIDE:
        raise _Unfit(
            "invalid",
            _("not a state or province of %(country)s") % {"country": country},
            _("its code or name, as in NY or New York"),
        )
    short = text.upper().removeprefix(f"{country}-") if country else text.upper()
    if len(short) > 10:
        raise _Unfit(
            "too_long", _("no code we know for this region"), _("a code of at most 10 characters, as in NY")
        )
    return short


def _language(field: str, value: Any) -> str:
    text = _text(value, longest=60)
    code = language_code(text) if text else ""
    if code is None:
        raise _Unfit("invalid", _("not a language we know"), _("a code such as en, da or pl"))
    return code


def _audience(field: str, value: Any) -> str:
    text = _text(value, longest=60).lower()
    if text and text not in Lead.Audience.values:
        raise _Unfit("invalid", _("not an audience"), " / ".join(Lead.Audience.values))
    return text


def _zone(field: str, value: Any) -> str:
    text = _text(value, longest=64)
    if text:
        try:
            validate_zone(text)
        except ValidationError:
            raise _Unfit("invalid", _("not a time zone"), _("a name such as Europe/Copenhagen")) from None
    return text


def _value(field: str, value: Any) -> Decimal | None:
    expected = _("a number of at most 12 digits before the point and 2 after it")
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        amount = Decimal(str(value).strip()) if not isinstance(value, bool) else Decimal("NaN")
        rounded = amount.quantize(Decimal("0.01"))
    except InvalidOperation:
        raise _Unfit("invalid", _("not an amount"), expected) from None
    if not amount.is_finite() or amount != rounded or amount < 0 or amount >= Decimal(10) ** 12:
        raise _Unfit("invalid", _("not an amount that can be kept"), expected)
    return rounded


def _fit(field: str, value: Any) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,3}", text) or int(text) > 100:
        raise _Unfit("invalid", _("not a fit"), _("a whole number from 0 to 100"))
    return int(text)


def _website(field: str, value: Any) -> str:
    text = _text(value, longest=_LIMITS["website"])
    scheme = re.match(r"\s*([a-z][a-z0-9+.-]*):(?!\d)", text, re.IGNORECASE)
    if scheme and scheme[1].lower() not in ("http", "https"):
        raise _Unfit("invalid", _("not a web address"), _("one that begins with https://"))
    return text


def _links(field: str, value: Any) -> str:
    """Web addresses, one a line, each once; whatever opens in a browser other than a page is refused."""
    listed = (
        value if isinstance(value, list | tuple) else _text(value, longest=LONGEST_TEXT, lines=True).split()
    )
    links = list(dict.fromkeys(_link(one) for one in listed))
    if len(links) > MOST_LINKS:
        raise _Unfit("too_long", _("%(n)d links") % {"n": len(links)}, _("at most %(n)d") % {"n": MOST_LINKS})
    return "\n".join(links)


def _link(value: Any) -> str:
    text = _text(value, longest=LONGEST_LINK)
    if re.match(r"[^\s/:@]+\.[^\s/:@]+(/|$)", text):
        text = f"https://{text}"
    if not re.fullmatch(r"https?://[^\s/@]+\S*", text, re.IGNORECASE):
        raise _Unfit("invalid", _("not a web address"), _("one that begins with https://"))
    return text


_RULES: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(ONE_LINE, _one_line),
    **dict.fromkeys(FREE_TEXT, _free_text),
    "company": _company,
    "email": lambda field, value: _email(value),
    "audience": _audience,
    "country": _country,
    "region": _region_text,
    "language": _language,
    "value": _value,
    "fit": _fit,
    "website": _website,
    "links": _links,
    "time_zone": _zone,
}
FIELDS = frozenset(_RULES)
