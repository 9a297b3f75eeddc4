"""How does a rule of the guard change? By a new version, checked and audited; one that verdicts name is never edited.

Of one jurisdiction and audience the highest active version in effect is the rule (see `leads.law`). What ends a
version (`effective_until`, `active`) and the day somebody last compared it with its source are not part of what
it says, and are noted on the row itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal

from django.db import transaction
from django.utils.translation import gettext as _

from leads.calendar import subdivision
from leads.facts import FieldError
from leads.hours import WEEKDAYS, Week
from leads.law import ANYWHERE
from leads.law_words import AUDIENCE_NAMES, FIRM_NAMES, KIND_NAMES, LIFT_NAMES, REGIME_NAMES, SAID
from leads.models import AuditEvent, GuardRule
from leads.places import STATES_DECIDE, country_code, region_code

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

Standing = Literal["in_effect", "scheduled", "superseded", "ended", "retired"]

FIELDS = (*SAID, "dials_cap_hours")
# What a change must touch to be one; that a rule was verified is noted on the version itself.
CONTENT = set(FIELDS) - {"effective_from", "verified_on"}
_CODES = ("block", "unless_fixed")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,31}")
_TRADE = re.compile(r"[a-z][a-z_]{1,39}")
# Dials older than a week are not asked for, so a longer cap could not be kept.
MOST_CAP_HOURS = 7 * 24


class RuleRefused(ValueError):
    """A change that was not made; `errors` name each field, what was wrong and what was expected."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.detail}" for error in errors))
        self.errors = tuple(errors)


def said(rule: GuardRule) -> dict[str, Any]:
    """What a version says, field by field."""
    return {field: getattr(rule, field) for field in FIELDS}


def day_of(now: datetime) -> date:
    """The day by which rules take effect: the guard counts days in UTC."""
    return now.astimezone(UTC).date()


# --- which version stands -----------------------------------------------------------------------------------


def in_force(versions: Iterable[GuardRule], on: date) -> GuardRule | None:
    """Of the versions of one jurisdiction and audience the one that binds on a day."""
    binding = [rule for rule in versions if rule.active and _in_time(rule, on)]
    return max(binding, key=lambda rule: rule.version, default=None)


def _in_time(rule: GuardRule, on: date) -> bool:
    return rule.effective_from <= on and (rule.effective_until is None or on < rule.effective_until)


def standing(rule: GuardRule, versions: Iterable[GuardRule], on: date) -> Standing:
    """How one version stands among the versions of its jurisdiction and audience on a day."""
    if not rule.active:
        return "retired"
    if rule.effective_from > on:
        return "scheduled"
    if not _in_time(rule, on):
        return "ended"
    return "in_effect" if in_force(versions, on) == rule else "superseded"


def versions_of(rule: GuardRule) -> list[GuardRule]:
    """Every version of the rule's jurisdiction and audience, the latest first."""
    rows = GuardRule.objects.filter(jurisdiction=rule.jurisdiction, audience=rule.audience)
    return list(rows.order_by("-version"))


# --- the doors ------------------------------------------------------------------------------------------------


def add(values: Mapping[str, Any], *, reason: str, by: AbstractUser, now: datetime) -> GuardRule:
    """The first rule of a jurisdiction and audience. Raises RuleRefused."""
    values = _checked(values, reason)
    with transaction.atomic():
        same = GuardRule.objects.select_for_update().filter(
            jurisdiction=values["jurisdiction"], audience=values["audience"]
        )
        latest = same.order_by("-version").first()
        if latest is not None and in_force(same, max(day_of(now), values["effective_from"])):
            where = {"place": latest.jurisdiction, "audience": AUDIENCE_NAMES[latest.audience]}
            raise RuleRefused(
                [
                    FieldError(
                        "jurisdiction",
                        "exists",
                        _("there is a rule of %(place)s for %(audience)s") % where,
                        _("a change of that rule"),
                    )
                ]
            )
        rule = GuardRule.objects.create(**values, version=latest.version + 1 if latest else 1)
        _note("guard_rule.added", rule, by=by, now=now, after=_plain(said(rule)), reason=reason)
    return rule


def revise(
    rule: GuardRule, values: Mapping[str, Any], *, reason: str, by: AbstractUser, now: datetime
) -> GuardRule:
    """The next version of a rule; `rule` is the latest there was when the change was thought of. Raises
    RuleRefused: a newer version meanwhile, nothing that changes, a start in the past."""
    values = _checked({**values, "jurisdiction": rule.jurisdiction, "audience": rule.audience}, reason)
    if values["effective_from"] < day_of(now):
        raise RuleRefused(
            [
                FieldError(
                    "effective_from",
                    "past",
                    _("the verdicts of past days rest on earlier versions"),
                    _("today or a later day"),
                )
            ]
        )
    with transaction.atomic():
        same = GuardRule.objects.select_for_update().filter(
            jurisdiction=rule.jurisdiction, audience=rule.audience
        )
        latest = same.order_by("-version").first()
        if latest is None or latest.version != rule.version:
            raise RuleRefused(
                [FieldError("", "changed", _("somebody made another version meanwhile: read it first"))]
            )
        before = said(rule)
        altered = [field for field in FIELDS if values[field] != before[field]]
        if latest.active and not set(altered) & CONTENT:
            raise RuleRefused([FieldError("", "unchanged", _("nothing in it would change"))])
        made = GuardRule.objects.create(**values, version=rule.version + 1)
        _note(
            "guard_rule.changed",
            made,
            by=by,
            now=now,
            before=_plain({field: before[field] for field in altered}),
            after=_plain({field: values[field] for field in altered}),
            reason=reason,
        )
    return made


def verify(rule: GuardRule, *, by: AbstractUser, now: datetime) -> None:
    """Note that somebody compared the rule with its source today."""
    today = day_of(now)
    with transaction.atomic():
        row = GuardRule.objects.select_for_update().get(pk=rule.pk)
        before, row.verified_on = row.verified_on, today
        row.save(update_fields=["verified_on"])
        _note(
            "guard_rule.verified",
            row,
            by=by,
            now=now,
            before=_plain({"verified_on": before}),
            after=_plain({"verified_on": today}),
        )
    rule.verified_on = today


def withdraw(rule: GuardRule, *, reason: str, by: AbstractUser, now: datetime) -> None:
    """Take back a version before it comes into effect. Raises RuleRefused where it is in effect already."""
    with transaction.atomic():
        row = GuardRule.objects.select_for_update().get(pk=rule.pk)
        if not row.active or row.effective_from <= day_of(now):
            raise RuleRefused(
                [FieldError("", "in_effect", _("it does not lie ahead any more"), _("a version to come"))]
            )
        _require_reason(reason)
        row.active = False
        row.save(update_fields=["active"])
        _note("guard_rule.withdrawn", row, by=by, now=now, reason=reason)
    rule.active = False


def retire(rule: GuardRule, *, reason: str, by: AbstractUser, now: datetime) -> None:
    """End a rule with all its versions, so that no earlier one comes back; the wider rules bind from now on.

    Raises RuleRefused for the rule of places without one: without it nobody could be called anywhere.
    """
    _require_reason(reason)
    if rule.jurisdiction == ANYWHERE and rule.audience == GuardRule.Audience.ANY:
        raise RuleRefused(
            [
                FieldError(
                    "jurisdiction",
                    "needed",
                    _("every place without a rule of its own rests on this one"),
                    _("a change of it"),
                )
            ]
        )
    with transaction.atomic():
        rows = GuardRule.objects.select_for_update().filter(
            jurisdiction=rule.jurisdiction, audience=rule.audience, active=True
        )
        ended = list(rows)
        if not ended:
            raise RuleRefused([FieldError("", "retired", _("it is retired already"))])
        GuardRule.objects.filter(pk__in=[row.pk for row in ended]).update(active=False)
        for row in ended:
            row.active = False
        latest = max(ended, key=lambda row: row.version)
        _note(
            "guard_rule.retired",
            latest,
            by=by,
            now=now,
            before={"active": True},
            after={"active": False, "versions": sorted(row.version for row in ended)},
            reason=reason,
        )
    rule.active = False


# --- what a version may say -----------------------------------------------------------------------------------


def problems(values: Mapping[str, Any]) -> list[FieldError]:
    """Everything wrong with what a version would say; [] where it can be kept."""
    return [
        *_place_problems(values),
        *_week_problems(values),
        *_count_problems(values),
        *_registry_problems(values["registries"]),
        *_exemption_problems(values["exemptions"]),
        *_span_problems(values),
    ]


def normal_place(text: str) -> str:
    """ "us-fl" and "US-Florida" as "US-FL"; "*" and what nobody knows as they stand."""
    country, dash, part = text.strip().partition("-")
    land = country_code(country) or country.upper()
    return f"{land}-{subdivision(land, part)}" if dash else land


def _place_problems(values: Mapping[str, Any]) -> Iterable[FieldError]:
    place = values["jurisdiction"]
    expected = _("a country (US), a country and its part (US-FL), or * for anywhere else")
    country, dash, part = place.partition("-")
    if place != ANYWHERE and (country_code(country) != country or (dash and not part) or len(place) > 10):
        yield FieldError(
            "jurisdiction", "unknown", _("“%(place)s” is no known place") % {"place": place}, expected
        )
    elif part and country in STATES_DECIDE and region_code(part, country) != part:
        yield FieldError(
            "jurisdiction",
            "unknown",
            _("%(country)s has no part “%(part)s”") % {"country": country, "part": part},
            expected,
        )
    for field, known in (("audience", AUDIENCE_NAMES), ("consent_regime", REGIME_NAMES)):
        if values[field] not in known:
            yield _not_one_of(field, values[field], known)
    if place == ANYWHERE and values["audience"] == "any":
        needed = _("this rule stands in for all places without one, so it must say so")
        if not any(values["windows"].values()):
            yield FieldError("windows", "needed", needed, _("at least one window"))
        if values["dials_cap"] is None:
            yield FieldError("dials_cap", "needed", needed, _("a number of dials"))


def _week_problems(values: Mapping[str, Any]) -> Iterable[FieldError]:
    windows = values["windows"]
    unknown = set(windows) - set(WEEKDAYS)
    if unknown:
        yield _not_one_of("windows", sorted(unknown)[0], WEEKDAYS)
    for day in WEEKDAYS:
        try:
            Week.from_json({day: windows.get(day, [])})
        except ValueError as wrong:
            yield FieldError(
                f"windows.{day}",
                "hours",
                str(wrong).removeprefix(f"{day}: "),
                _("windows like 08:00–21:00, in order, each closing after it opens; 24:00 ends the day"),
            )


_BOUNDS = {
    "dials_cap": (1, 100),
    "dials_cap_hours": (1, MOST_CAP_HOURS),
    "refusal_bars_days": (0, 3660),
    "consent_kept_years": (1, 100),
}
_MAY_BE_EMPTY = {"dials_cap", "consent_kept_years"}


def _count_problems(values: Mapping[str, Any]) -> Iterable[FieldError]:
    for field, (least, most) in _BOUNDS.items():
        value = values[field]
        if value is None and field in _MAY_BE_EMPTY:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            yield _out_of_bounds(field, value, least, most)


def _registry_problems(registries: Sequence[Mapping[str, Any]]) -> Iterable[FieldError]:
    seen: set[str] = set()
    for place, use in enumerate(registries):
        where = f"registries.{place}"
        key, age = str(use.get("registry", "")), use.get("max_age_days")
        if not _SLUG.fullmatch(key):
            yield FieldError(
                f"{where}.registry",
                "unknown",
                _("“%(key)s” names no registry") % {"key": key},
                _("small letters, digits and dashes, as in us-ftc"),
            )
        elif key in seen:
            yield FieldError(f"{where}.registry", "twice", _("%(key)s stands here twice") % {"key": key})
        seen.add(key)
        if age is not None and not (isinstance(age, int) and 1 <= age <= 3660):
            yield _out_of_bounds(f"{where}.max_age_days", age, 1, 3660)
        if use.get("hit", "block") not in _CODES:
            yield _not_one_of(f"{where}.hit", use.get("hit"), _CODES)
        if use.get("when", "trade") != "trade":
            yield _not_one_of(f"{where}.when", use.get("when"), ["trade"])


def _exemption_problems(exemptions: Sequence[Mapping[str, Any]]) -> Iterable[FieldError]:
    for place, one in enumerate(exemptions):
        where = f"exemptions.{place}"
        kind, months, lifts = one.get("kind"), one.get("months"), set(one.get("lifts", ()))
        trades = one.get("trades", [])
        if kind not in KIND_NAMES:
            yield _not_one_of(f"{where}.kind", kind, KIND_NAMES)
        if not lifts or lifts - set(LIFT_NAMES):
            yield FieldError(
                f"{where}.lifts",
                "lifts",
                _("an exemption lifts a check"),
                _("registries, consent, or both: never our own list, the hours or the caps"),
            )
        if one.get("firms", "all") not in FIRM_NAMES:
            yield _not_one_of(f"{where}.firms", one.get("firms"), FIRM_NAMES)
        if months is not None and not (isinstance(months, int) and 1 <= months <= 1200):
            yield _out_of_bounds(f"{where}.months", months, 1, 1200)
        if (kind == "trade") != bool(trades) or not all(_TRADE.fullmatch(trade) for trade in trades):
            yield FieldError(
                f"{where}.trades",
                "trades",
                _("trades go with the exemption of a trade, and with no other"),
                _("small letters and _, as in insurance, rescue"),
            )


def _span_problems(values: Mapping[str, Any]) -> Iterable[FieldError]:
    if not values["citation"].strip():
        yield FieldError("citation", "needed", _("a rule without its source proves nothing"), _("a citation"))
    starts, ends = values["effective_from"], values["effective_until"]
    if ends is not None and ends <= starts:
        yield FieldError(
            "effective_until", "order", _("it would end before it starts"), _("a day after %s") % starts
        )


def _not_one_of(field: str, value: object, known: Iterable[str]) -> FieldError:
    expected = _("one of: %s") % ", ".join(name or "–" for name in known)
    return FieldError(field, "unknown", _("“%s” is not known here") % value, expected)


def _out_of_bounds(field: str, value: object, least: int, most: int) -> FieldError:
    bounds = {"least": least, "most": most}
    wrong = _("“%s” is out of bounds") % ("" if value is None else value)
    return FieldError(field, "bounds", wrong, _("a whole number from %(least)d to %(most)d") % bounds)


def _checked(values: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """The values as they are kept. Raises RuleRefused, and TypeError for a field that no rule has."""
    strange = set(values) ^ set(FIELDS)
    if strange:
        raise TypeError(f"a guard rule is made of {', '.join(FIELDS)}; differs in {sorted(strange)}")
    kept = {**values, "jurisdiction": normal_place(values["jurisdiction"])}
    wrong = problems(kept)
    if not reason.strip():
        wrong.append(_no_reason())
    if wrong:
        raise RuleRefused(wrong)
    return kept


def _no_reason() -> FieldError:
    return FieldError(
        "reason", "needed", _("a change of the law's rules needs a reason"), _("why, in a line")
    )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise RuleRefused([_no_reason()])


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in values.items()}


def _note(action: str, rule: GuardRule, *, by: AbstractUser, now: datetime, **rest: Any) -> None:
    AuditEvent.objects.create(
        at=now,
        actor=by,
        action=action,
        subject_type="guard_rule",
        subject_id=str(rule.pk),
        **{"reason": "", **rest, "after": {**rest.get("after", {}), "rule": str(rule)}},
    )
