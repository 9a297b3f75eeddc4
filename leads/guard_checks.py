"""What did the guard look at, check by check, and what came of each? The verdict names only what failed.

Pure, and no second guard: what failed is read from the verdict; here is only said what the others rest on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from leads.guard import GuardFacts, Rules, Verdict
from leads.hours import spoken, windows_on
from leads.zones import is_without_area

State = Literal["passed", "failed", "warned", "not_applicable"]
# The order in which the guard asks, and so that of `Verdict.reasons`.
ORDER = (
    "erased",
    "internal_dnc",
    "number_invalid",
    "consent_missing",
    "consent_revoked",
    "registry_hit",
    "registry_list_stale",
    "registry_area_not_loaded",
    "hours_closed",
    "day_closed",
    "zone_unknown",
    "frequency_cap",
    "house_cap",
    "min_gap",
    "existing_customer",
)
NAMES: dict[str, Promise] = {
    "erased": _("Erased persons"),
    "internal_dnc": _("Our own list"),
    "number_invalid": _("Number in use"),
    "consent_missing": _("Consent given"),
    "consent_revoked": _("Consent not taken back"),
    "registry_hit": _("Not on a registry"),
    "registry_list_stale": _("Age of the lists"),
    "registry_area_not_loaded": _("Lists loaded"),
    "hours_closed": _("Calling hours"),
    "day_closed": _("Open day"),
    "zone_unknown": _("Time zone known"),
    "frequency_cap": _("The law's cap"),
    "house_cap": _("The house's caps"),
    "min_gap": _("Gap between dials"),
    "existing_customer": _("No customer"),
    "guard_error": _("The guard itself"),
}
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its code as in `Verdict.reasons`, what came of it, and why."""

    code: str
    state: State
    detail: str


def named(found: Iterable[Check]) -> list[tuple[str, Check]]:
    """Each check with its name in words; a code without one keeps its code."""
    return [(str(NAMES.get(check.code, check.code)), check) for check in found]


def checks(facts: GuardFacts, rules: Rules, verdict: Verdict, *, now: datetime) -> tuple[Check, ...]:
    """Every check in the guard's order. Where the guard itself failed, that alone is known."""
    if "guard_error" in verdict.codes:
        return only_the_failure(verdict)
    failed = {
        reason.code: Check(reason.code, "failed" if reason.severity == "block" else "warned", reason.detail)
        for reason in verdict.reasons
    }
    codes = (*ORDER, *(code for code in verdict.codes if code not in ORDER))
    return tuple(failed.get(code) or _passed(code, facts, rules, now) for code in codes)


def only_the_failure(verdict: Verdict) -> tuple[Check, ...]:
    """The checks of a verdict that was reached without its facts."""
    return tuple(Check(reason.code, "failed", reason.detail) for reason in verdict.reasons)


def _passed(code: str, facts: GuardFacts, rules: Rules, now: datetime) -> Check:
    aside = _not_asked(code, facts, rules)
    return (
        Check(code, "not_applicable", aside)
        if aside
        else Check(code, "passed", _why(code, facts, rules, now))
    )


def _not_asked(code: str, facts: GuardFacts, rules: Rules) -> str:
    """Why the check does not apply to this call; "" where it does."""
    match code:
        case "consent_missing" if not rules.consents:
            return gettext("No rule here asks for consent to a call made by a person.")
        case "consent_revoked" if not any(
            one.kind in ("consent", "written_permission") for one in facts.permissions
        ):
            return gettext("No consent is recorded that could be taken back.")
        case "registry_hit" | "registry_list_stale" | "registry_area_not_loaded" if not rules.registries:
            return gettext("No rule here names a registry.")
        case "registry_list_stale" | "registry_area_not_loaded" if all(
            rule.max_age_days is None for rule in rules.registries
        ):
            return gettext("The rule here asks for no list of a certain age.")
        case "registry_list_stale" | "registry_area_not_loaded" if not facts.registries and is_without_area(
            facts.number
        ):
            return gettext("Toll-free and premium numbers lie in no area that a list could cover.")
        case "hours_closed" | "day_closed" if not facts.zones:
            return gettext("Without a time zone no clock can be read.")
        case "house_cap" if not facts.dials_to_lead and not facts.lead_request:
            return gettext("No dial to this lead is counted.")
        case "min_gap" if not facts.dials_to_number:
            return gettext("The number was not dialled lately.")
    return ""


def _why(code: str, facts: GuardFacts, rules: Rules, now: datetime) -> str:
    match code:
        case "erased":
            return gettext("No erased person had this number.")
        case "internal_dnc":
            return gettext("Not on our own list.")
        case "number_invalid":
            return gettext("Not recorded as out of use.")
        case "consent_missing":
            return gettext("Consent is recorded, or an exemption stands in for it.")
        case "consent_revoked":
            return gettext("No consent was taken back.")
        case "registry_hit" | "registry_list_stale" | "registry_area_not_loaded":
            return _lists(code, facts, rules)
        case "hours_closed" | "day_closed":
            return " ".join(_clock(zone, rules, now) for zone in facts.zones[:4])
        case "zone_unknown":
            return gettext("%(zones)s, from: %(source)s.") % {
                "zones": _listed(facts.zones),
                "source": facts.zones_from,
            }
        case "frequency_cap":
            return " ".join(
                gettext("%(place)s: %(n)d of %(most)d dials in %(hours)d hours.")
                % {
                    "place": cap.jurisdiction,
                    "n": _since(facts.dials_to_number, now - timedelta(hours=cap.hours)),
                    "most": cap.most,
                    "hours": cap.hours,
                }
                for cap in rules.caps
            )
        case "house_cap":
            return _house(facts, now)
        case "min_gap":
            return gettext("The last dial to this number is long enough ago.")
        case "existing_customer":
            return gettext("No customer has this number.")
    return ""


def _lists(code: str, facts: GuardFacts, rules: Rules) -> str:
    known = {fact.registry: fact for fact in facts.registries or ()}
    said = []
    for key in dict.fromkeys(rule.registry for rule in rules.registries):
        fact = known.get(key)
        if fact is None or fact.list_date is None:
            said.append(
                gettext("%(registry)s: no list, and an exemption lifts the check.") % {"registry": key}
            )
        elif code == "registry_hit" and fact.hit:
            said.append(
                gettext(
                    "%(registry)s: registered, but an exemption lifts the check or the line does not count."
                )
                % {"registry": key}
            )
        elif code == "registry_hit":
            said.append(
                gettext("%(registry)s: not registered, list of %(date)s.")
                % {"registry": key, "date": fact.list_date.isoformat()}
            )
        else:
            said.append(
                gettext("%(registry)s: list of %(date)s.")
                % {"registry": key, "date": fact.list_date.isoformat()}
            )
    return " ".join(said)


def _clock(zone: str, rules: Rules, now: datetime) -> str:
    local = now.astimezone(ZoneInfo(zone))
    windows = windows_on(rules.hours, local.date())
    return gettext("%(time)s in %(zone)s, open %(windows)s.") % {
        "time": f"{local:%H:%M}",
        "zone": zone,
        "windows": spoken(windows) or "–",
    }


def _house(facts: GuardFacts, now: datetime) -> str:
    caps = facts.workspace.house_caps
    if facts.lead_request:
        return gettext("They asked for this call, so the house's caps do not hold it back.")
    week = _since(facts.dials_to_lead, now - _WEEK)
    return ngettext(
        "%(n)d dial to this lead in 7 days; the house allows %(day)d a day and %(week)d in 7 days.",
        "%(n)d dials to this lead in 7 days; the house allows %(day)d a day and %(week)d in 7 days.",
        week,
    ) % {"n": week, "day": caps.per_day, "week": caps.per_7_days}


def _since(dials: Iterable[datetime], start: datetime) -> int:
    return sum(at > start for at in dials)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
