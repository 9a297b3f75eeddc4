"""May this person be called on this number now? If not, why not, and when?

A pure function over facts that others gathered and rules that others resolved. Whatever goes wrong inside
blocks. The order of the checks is the order of `Verdict.reasons`:
1 our own list · 2 the number · 3 consent · 4–5 registries · 6 hours · 7 caps · 8 customers.
"""

import logging
from calendar import monthrange
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from leads.caps import gap, gap_free_at, house_free_at, law_cap_in_words, law_free_at
from leads.guard_facts import GuardFacts, HouseCaps, Permission, RegistryFact, Workspace
from leads.hours import Closure, LocalRule, hours_of, local_times, spoken
from leads.law import (
    ConsentRule,
    Exemption,
    RegistryRule,
    RuleBook,
    RuleRow,
    Rules,
    jurisdictions,
    may_list,
    resolve,
)
from leads.zones import is_without_area

__all__ = [
    "GuardFacts",
    "HouseCaps",
    "Permission",
    "Reason",
    "RegistryFact",
    "RuleBook",
    "RuleRow",
    "Rules",
    "Verdict",
    "Workspace",
    "guard",
    "guarded",
    "jurisdictions",
    "next_allowed_at",
    "resolve",
]

log = logging.getLogger(__name__)

_LANDLINES = {"fixed", "toll_free", "premium"}
_CONSENTS = {"consent", "written_permission"}


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    detail: str
    severity: Literal["block", "warn"] = "block"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. `next_allowed_at` is the first instant at which hours and caps pass; None where only a
    person can change the answer. `verified`: somebody compared every rule used with its source."""

    decision: Literal["allow", "warn", "block"]
    reasons: tuple[Reason, ...]
    next_allowed_at: datetime | None
    rule_version: str
    local_times: tuple[tuple[str, str], ...]
    verified: bool = True

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(reason.code for reason in self.reasons)

    def as_json(self) -> dict[str, Any]:
        """The `guard` shape of the API."""
        return {
            "decision": self.decision,
            "reasons": [{"code": reason.code, "detail": reason.detail} for reason in self.reasons],
            "next_allowed_at": self.next_allowed_at.isoformat() if self.next_allowed_at else None,
            "local_times": [{"zone": zone, "time": clock} for zone, clock in self.local_times],
            "rule_version": self.rule_version,
        }


def guard(facts: GuardFacts, rules: Rules, *, now: datetime) -> Verdict:
    """The verdict on a call at `now`. Never raises: what fails inside blocks with `guard_error`."""
    return guarded(lambda: _decide(facts, rules, now), now=now)


def next_allowed_at(
    facts: GuardFacts, rules: Rules, *, now: datetime, hours: tuple[LocalRule, ...] | None = None
) -> datetime | None:
    """`guard(…).next_allowed_at` and not a word of why, for whoever plans for thousands; None too where it fails.

    `hours`: as if the rules knew these alone.
    """
    try:
        _check_aware(now)
        blocked = facts.failed or _needs_a_person(_standing(facts, rules, now))
        return None if blocked else _passes_at(facts, rules, now, rules.hours if hours is None else hours)
    except Exception:  # whatever it is, no time is promised on it
        log.exception("the call guard failed at %s and named no time", now.isoformat())
        return None


def guarded(ask: Callable[[], Verdict], *, now: datetime) -> Verdict:
    """The verdict `ask` returns, or a block where it raises; wrap the gathering of facts in it too."""
    try:
        return ask()
    except Exception:  # whatever it is, nobody is called on it
        log.exception("the call guard failed at %s and blocked the call", now.isoformat())
        return _failure("The call guard failed, so the call is blocked; tell an administrator.")


def _failure(detail: str) -> Verdict:
    return Verdict("block", (Reason("guard_error", detail),), None, "", ())


def _decide(facts: GuardFacts, rules: Rules, now: datetime) -> Verdict:
    _check_aware(now)
    if facts.failed:
        return _failure(f"The call is blocked, as not everything could be checked: {facts.failed}")
    standing = _standing(facts, rules, now)
    passes_at = _passes_at(facts, rules, now, rules.hours)
    reasons = (
        *standing,
        *_hours(facts, rules, now, passes_at),
        *_caps(facts, rules, now, passes_at),
        *_customer(facts),
    )
    severities = {reason.severity for reason in reasons}
    return Verdict(
        decision="block" if "block" in severities else "warn" if severities else "allow",
        reasons=reasons,
        next_allowed_at=None if _needs_a_person(standing) else passes_at,
        rule_version=rules.version,
        local_times=tuple((clock["zone"], clock["time"]) for clock in local_times(facts.zones, now)),
        verified=rules.verified,
    )


def _check_aware(now: datetime) -> None:
    if now.utcoffset() is None:
        raise ValueError("the guard needs an aware instant")


def _standing(facts: GuardFacts, rules: Rules, now: datetime) -> list[Reason]:
    """What no passing of hours changes."""
    return [
        *_own_list(facts),
        *_number(facts),
        *_consent(facts, rules, now),
        *_registries(facts, rules, now),
    ]


def _needs_a_person(standing: Iterable[Reason]) -> bool:
    return any(reason.severity == "block" for reason in standing)


# 1, 2: whom nobody may call, and what rings nowhere


def _own_list(facts: GuardFacts) -> list[Reason]:
    reasons = []
    if facts.erased:
        reasons.append(Reason("erased", "This person's data was erased on request; never call this number."))
    if facts.suppressed:
        whom = " and ".join(f"this {scope}" for scope in facts.suppressed)
        reasons.append(Reason("internal_dnc", f"Our own do-not-call list holds {whom}."))
    return reasons


def _number(facts: GuardFacts) -> list[Reason]:
    if not facts.number:
        return [Reason("number_invalid", "There is no number to call.")]
    if facts.number_status == "invalid":
        return [Reason("number_invalid", "This number is recorded as not in use.")]
    return []


# 3: consent


def _consent(facts: GuardFacts, rules: Rules, now: datetime) -> list[Reason]:
    consents = [permission for permission in _in_force(facts, now) if permission.kind in _CONSENTS]
    revoked_at = _revoked_at(facts, now)
    if revoked_at is not None and not consents:
        return [Reason("consent_revoked", f"Consent to calls was revoked on {revoked_at:%-d %B %Y}.")]
    lacking = [rule.jurisdiction for rule in rules.consents if not consents and not _asked(facts, rule, now)]
    if lacking:
        detail = f"The rule of {_listed(lacking)} asks for consent before the call, and none is recorded."
        return [Reason("consent_missing", detail)]
    written = any(permission.kind == "written_permission" for permission in consents)
    by_machine = facts.call_mode == "machine" and facts.line_type not in _LANDLINES
    if by_machine and rules.machine_consent and not written:
        where = _listed(rules.machine_consent)
        return [
            Reason("consent_missing", f"The rule of {where} asks for written consent to calls by machine.")
        ]
    return []


def _asked(facts: GuardFacts, rule: ConsentRule, now: datetime) -> bool:
    """Does something other than a consent satisfy the regime?"""
    months = facts.workspace.enquiry_consent_months
    enquiry = Exemption("enquiry", frozenset({"consent"}), months=months)
    return (months > 0 and _lifts(enquiry, facts, now)) or any(
        "consent" in exemption.lifts and _lifts(exemption, facts, now) for exemption in rule.exemptions
    )


def _revoked_at(facts: GuardFacts, now: datetime) -> datetime | None:
    ends = [
        permission.revoked_at
        for permission in facts.permissions
        if permission.kind in _CONSENTS and permission.revoked_at is not None and permission.revoked_at <= now
    ]
    return max(ends, default=None)


def _in_force(facts: GuardFacts, now: datetime) -> list[Permission]:
    """Permissions that hold for this number now, granted after the last revocation or request to stop."""
    if not facts.permissions:
        return []
    stops = [at for at in (facts.stop_requested_at, _revoked_at(facts, now)) if at is not None and at <= now]
    return [
        permission
        for permission in facts.permissions
        if permission.starts_at <= now
        and (permission.ends_at is None or now < permission.ends_at)
        and (permission.revoked_at is None or now < permission.revoked_at)
        and permission.number in ("", facts.number)
        and all(permission.starts_at > stop for stop in stops)
    ]


def _lifts(exemption: Exemption, facts: GuardFacts, now: datetime) -> bool:
    """Does the exemption hold for this call? A trade's by what the firm sells, any other by a permission."""
    firm = "securities" if facts.workspace.securities_firm else "others"
    if exemption.firms not in ("all", firm):
        return False
    if exemption.kind == "trade":
        return bool(exemption.trades & facts.workspace.trades)
    return any(
        permission.kind == exemption.kind
        and (permission.number == facts.number or not exemption.names_number)
        and (exemption.months is None or now < _months_after(permission.starts_at, exemption.months))
        for permission in _in_force(facts, now)
    )


def _months_after(at: datetime, months: int) -> datetime:
    """The same day and time so many calendar months on, or that month's last day."""
    year, month = divmod(at.month - 1 + months, 12)
    year, month = at.year + year, month + 1
    return at.replace(year=year, month=month, day=min(at.day, monthrange(year, month)[1]))


# 4, 5: registries


def _registries(facts: GuardFacts, rules: Rules, now: datetime) -> list[Reason]:
    known = {fact.registry: fact for fact in facts.registries}
    hits: dict[str, Literal["block", "warn"]] = {}
    stale: dict[str, None] = {}
    missing: dict[str, None] = {}
    for rule in rules.registries:
        if not _screens(rule, facts) or _lifted(rule, facts, now):
            continue
        fact = known.get(rule.registry)
        if fact is not None and fact.hit and (severity := _severity(rule, facts)) is not None:
            hits[rule.registry] = "block" if "block" in (severity, hits.get(rule.registry)) else "warn"
        if rule.max_age_days is None:
            continue
        if fact is None and is_without_area(facts.number):
            continue  # no list covers it, today or ever: no household has such a number
        if fact is None or not fact.loaded:
            missing[rule.registry] = None
        elif _is_stale(fact, rule.max_age_days, now):
            stale[rule.registry] = None
    return _registry_reasons(hits, stale, missing)


def _registry_reasons(
    hits: dict[str, Literal["block", "warn"]], stale: Iterable[str], missing: Iterable[str]
) -> list[Reason]:
    reasons = []
    if hits:
        severity: Literal["block", "warn"] = "block" if "block" in hits.values() else "warn"
        reasons.append(Reason("registry_hit", f"The number is registered with {_listed(hits)}.", severity))
    if stale:
        detail = f"The list of {_listed(stale)} is too old or being loaded; load a newer one."
        reasons.append(Reason("registry_list_stale", detail))
    if missing:
        detail = f"The list of {_listed(missing)} is not loaded for this number's area."
        reasons.append(Reason("registry_area_not_loaded", detail))
    return reasons


def _screens(rule: RegistryRule, facts: GuardFacts) -> bool:
    """A country's list holds its own numbers alone; one kept for exempt trades binds no one else."""
    if not may_list(rule.jurisdiction, facts.number):
        return False
    if not rule.only_exempt_trades:
        return True
    return any(exemption.trades & facts.workspace.trades for exemption in rule.exemptions)


def _lifted(rule: RegistryRule, facts: GuardFacts, now: datetime) -> bool:
    return any(
        "registry" in exemption.lifts and _lifts(exemption, facts, now) for exemption in rule.exemptions
    )


def _severity(rule: RegistryRule, facts: GuardFacts) -> Literal["block", "warn"] | None:
    """What a hit means; "unless_fixed": nothing on a landline, else a warning the workspace may harden."""
    if rule.hit != "unless_fixed":
        return "block"
    if facts.line_type in _LANDLINES:
        return None
    return "block" if facts.workspace.mobile_hit_blocks else "warn"


def _is_stale(fact: RegistryFact, max_age_days: int, now: datetime) -> bool:
    if fact.loading or fact.list_date is None:
        return True
    return (now.astimezone(UTC).date() - fact.list_date).days > max_age_days


# 6, 7: the clock


def _passes_at(
    facts: GuardFacts, rules: Rules, now: datetime, local_rules: tuple[LocalRule, ...]
) -> datetime | None:
    """The first instant from `now` on at which hours and caps pass together; None where there is none."""
    if not facts.zones:
        return None
    hours = hours_of(facts.zones, local_rules)
    moment = now.astimezone(UTC)
    for _ in range(100):  # each round passes a window or a cap; more than a few never happen
        opened = hours.next_open(moment)
        if opened is None:
            return None
        moment = max(
            opened,
            law_free_at(facts, rules, opened),
            house_free_at(facts, opened),
            gap_free_at(facts, opened),
        )
        if moment == opened:
            return opened
    return None


def _hours(facts: GuardFacts, rules: Rules, now: datetime, passes_at: datetime | None) -> list[Reason]:
    if not facts.zones:
        return [Reason("zone_unknown", "Nobody knows the time zone; confirm it, or add an address.")]
    closures = hours_of(facts.zones, rules.hours).closures(now)
    reasons = []
    for kind, code in (("hours", "hours_closed"), ("day", "day_closed")):
        closed = next((closure for closure in closures if closure.kind == kind), None)
        if closed is not None:
            reasons.append(Reason(code, f"{_closure_in_words(closed)} {_next_in_words(facts, passes_at)}"))
    return reasons


def _closure_in_words(closure: Closure) -> str:
    if closure.kind == "hours":
        windows = spoken(closure.windows)
        there = f"{closure.local:%H:%M} in {closure.zone}"
        return f"It is {there}; the rule of {closure.jurisdiction} leaves {windows} that day."
    if closure.holiday:
        return f"The rule of {closure.jurisdiction} allows no calls on {closure.holiday}."
    return f"The rule of {closure.jurisdiction} allows no calls on {closure.local:%A}s."


def _caps(facts: GuardFacts, rules: Rules, now: datetime, passes_at: datetime | None) -> list[Reason]:
    upcoming = _next_in_words(facts, passes_at)
    reasons = []
    if law_free_at(facts, rules, now) > now:
        reasons.append(Reason("frequency_cap", f"{law_cap_in_words(facts, rules, now)} {upcoming}"))
    if house_free_at(facts, now) > now:
        caps = facts.workspace.house_caps
        limits = f"{caps.per_day} calls a day and {caps.per_7_days} in 7 days to one lead"
        reasons.append(Reason("house_cap", f"The house allows {limits}. {upcoming}"))
    if gap_free_at(facts, now) > now:
        minutes = int(gap(facts).total_seconds() // 60)
        reasons.append(
            Reason("min_gap", f"The house leaves {minutes} minutes between calls to a number. {upcoming}")
        )
    return reasons


def _next_in_words(facts: GuardFacts, passes_at: datetime | None) -> str:
    if passes_at is None:
        return "No permitted time lies ahead." if facts.zones else "No time can be named without a zone."
    zone = facts.zones[0]
    return f"Next permitted: {passes_at.astimezone(ZoneInfo(zone)):%a %-d %b %H:%M} in {zone}."


# 8: people who already buy


def _customer(facts: GuardFacts) -> list[Reason]:
    if not facts.is_customer:
        return []
    return [Reason("existing_customer", "This is an existing customer; the account owner calls.", "warn")]


def _listed(names: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(names))
