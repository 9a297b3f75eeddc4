"""What does a guard rule say, in words? The same words on its page, in the list, and in what a change would alter.

Pure: a rule (or its values) goes in, labelled sentences come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from leads.hours import WEEKDAYS

# Every field a version says something in, in the order of its page.
SAID = (
    "jurisdiction",
    "audience",
    "windows",
    "closed_on_holidays",
    "hours_bind_business",
    "dials_cap",
    "refusal_bars_days",
    "registries",
    "consent_regime",
    "machine_needs_written_consent",
    "consent_kept_years",
    "exemptions",
    "citation",
    "verified_on",
    "effective_from",
    "effective_until",
    "note",
)
LABELS: dict[str, Promise] = {
    "jurisdiction": _("Place"),
    "audience": _("For"),
    "windows": _("Calling hours"),
    "closed_on_holidays": _("Public holidays"),
    "hours_bind_business": _("Businesses"),
    "dials_cap": _("Most dials to one number"),
    "refusal_bars_days": _("After a refusal"),
    "registries": _("Registries"),
    "consent_regime": _("Consent"),
    "machine_needs_written_consent": _("Calls by machine"),
    "consent_kept_years": _("Records of consent"),
    "exemptions": _("Exemptions"),
    "citation": _("Source"),
    "verified_on": _("Verified on"),
    "effective_from": _("In effect from"),
    "effective_until": _("In effect until"),
    "note": _("Note"),
}
DAY_NAMES: dict[str, Promise] = dict(
    zip(WEEKDAYS, (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")), strict=True)
)
REGISTRY_NAMES: dict[str, Promise] = {
    "us-ftc": _("United States: National Do Not Call Registry"),
    "uk-tps": _("United Kingdom: TPS"),
    "uk-ctps": _("United Kingdom: Corporate TPS"),
    "dk-robinson": _("Denmark: Robinson list"),
}
KIND_NAMES: dict[str, Promise] = {
    "consent": _("consent to our calls"),
    "written_permission": _("signed written permission"),
    "purchase": _("a purchase"),
    "enquiry": _("an enquiry"),
    "personal_relationship": _("a personal relationship"),
    "trade": _("an exempt trade"),
}
LIFT_NAMES: dict[str, Promise] = {"registry": _("registries"), "consent": _("consent")}
FIRM_NAMES: dict[str, Promise] = {
    "all": _("any firm"),
    "securities": _("securities firms"),
    "others": _("other than securities firms"),
}
REGIME_NAMES: dict[str, Promise] = {
    "": _("none needed"),
    "prior": _("prior consent"),
    "express": _("prior express consent"),
    "asked_for": _("calls banned unless asked for"),
}
AUDIENCE_NAMES: dict[str, Promise] = {
    "any": _("everybody"),
    "business": _("businesses"),
    "consumer": _("consumers"),
}


class Said(NamedTuple):
    """One field of a rule in words; `lines` holds one sentence or several."""

    field: str
    label: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "; ".join(self.lines)


class Change(NamedTuple):
    """What one field says before and after."""

    field: str
    label: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def in_words(values: Mapping[str, Any]) -> list[Said]:
    """Everything the rule says, field by field."""
    return [Said(field, str(LABELS[field]), tuple(_lines(field, values))) for field in SAID]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The fields whose words differ."""
    return [
        Change(old.field, old.label, old.lines, new.lines)
        for old, new in zip(in_words(before), in_words(after), strict=True)
        if old.lines != new.lines
    ]


def week_in_words(windows: Mapping[str, Sequence[Sequence[str]]]) -> str:
    """ "Mon–Fri 08:00–21:00, Sat 10:00–18:00, Sun closed"; a rule without windows says nothing about hours."""
    if not windows:
        return gettext("says nothing about hours: the wider rule holds")
    groups: list[tuple[list[str], str]] = []
    for day in WEEKDAYS:
        spoken = " ".join("–".join(pair) for pair in windows.get(day, ())) or gettext("closed")
        if groups and groups[-1][1] == spoken:
            groups[-1][0].append(day)
        else:
            groups.append(([day], spoken))
    return ", ".join(f"{_days_in_words(days)} {spoken}" for days, spoken in groups)


def _days_in_words(days: Sequence[str]) -> str:
    if len(days) == len(WEEKDAYS):
        return gettext("every day")
    first = str(DAY_NAMES[days[0]])
    return first if len(days) == 1 else f"{first}–{DAY_NAMES[days[-1]]}"


def registry_name(key: str) -> str:
    return str(REGISTRY_NAMES.get(key, key))


def _lines(field: str, values: Mapping[str, Any]) -> Iterable[str]:
    value = values[field]
    match field:
        case "jurisdiction":
            yield gettext("anywhere without a rule of its own") if value == "*" else value
        case "audience":
            yield str(AUDIENCE_NAMES[value])
        case "windows":
            yield week_in_words(value)
        case "closed_on_holidays":
            yield gettext("no calls") if value else gettext("not closed by this rule")
        case "hours_bind_business":
            yield (
                gettext("hours and closed days bind businesses too")
                if value
                else gettext("hours and closed days do not bind businesses")
            )
        case "dials_cap":
            yield _cap(value, values["dials_cap_hours"])
        case "refusal_bars_days":
            yield (
                ngettext("no calls for %(n)d day", "no calls for %(n)d days", value) % {"n": value}
                if value
                else gettext("no bar by this rule")
            )
        case "registries":
            yield from map(_registry, value) if value else [gettext("none")]
        case "consent_regime":
            yield str(REGIME_NAMES[value])
        case "machine_needs_written_consent":
            yield gettext("written consent for mobiles") if value else gettext("no rule")
        case "consent_kept_years":
            yield (
                ngettext("kept for %(n)d year", "kept for %(n)d years", value) % {"n": value}
                if value
                else gettext("no rule")
            )
        case "exemptions":
            yield from map(_exemption, value) if value else [gettext("none")]
        case _:
            yield _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, date):
        return date_format(value, "DATE_FORMAT")
    return str(value) if value else "–"


def _cap(most: int | None, hours: int) -> str:
    if most is None:
        return gettext("no cap by this rule")
    return ngettext(
        "%(most)d in any rolling %(hours)d hour", "%(most)d in any rolling %(hours)d hours", hours
    ) % {"most": most, "hours": hours}


def _registry(use: Mapping[str, Any]) -> str:
    age = use["max_age_days"]
    parts = [
        registry_name(use["registry"]),
        gettext("whatever its age")
        if age is None
        else ngettext("list at most %(n)d day old", "list at most %(n)d days old", age) % {"n": age},
        gettext("a hit on a landline does not count, on another line it warns")
        if use.get("hit") == "unless_fixed"
        else gettext("a hit blocks"),
    ]
    if use.get("when") == "trade":
        parts.append(gettext("only for an exempt trade"))
    return ", ".join(parts)


def _exemption(exemption: Mapping[str, Any]) -> str:
    kind = str(KIND_NAMES[exemption["kind"]])
    months = exemption.get("months")
    if months:
        kind = ngettext(
            "%(kind)s within the last %(n)d month", "%(kind)s within the last %(n)d months", months
        ) % {"kind": kind, "n": months}
    if exemption.get("names_number"):
        kind = gettext("%(kind)s that names the number") % {"kind": kind}
    if exemption.get("trades"):
        kind += f" ({', '.join(trade.replace('_', ' ') for trade in exemption['trades'])})"
    lifted = gettext(" and ").join(str(LIFT_NAMES[lift]) for lift in sorted(exemption["lifts"], reverse=True))
    said = gettext("%(kind)s lifts the check of %(lifted)s") % {"kind": kind, "lifted": lifted}
    firms = exemption.get("firms", "all")
    return said if firms == "all" else f"{said} ({FIRM_NAMES[firms]})"
