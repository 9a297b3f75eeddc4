"""How do the warmth rules change? By one draft: copied, edited, checked, previewed, published or discarded.

Everybody who may change rules works on the same draft. What was published is never edited: a change of temperature
names the version it rests on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext

from leads import segments
from leads.models import AuditEvent, Lead

from . import bell, engine
from .models import RuleChangeRun, WarmthRule, WarmthRuleset

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

Status = WarmthRuleset.Status
COPIED = (
    "position",
    "kind_id",
    "direction",
    "network",
    "campaign",
    "source",
    "segment_id",
    "warms_for_days",
    "counts_at_most",
    "active",
)
CONDITIONS = ("direction", "network", "campaign", "source", "segment_id")
MOST_RULES = 200
# Positions are unique within a version, so that rows on the move stand out of the way for a moment.
_ASIDE = 10_000
TASK = "touchpoints.tasks.run_rule_changes"


class RulesRefused(ValueError):
    """A change that was not made; the text says why and what was expected."""


@dataclass(frozen=True)
class Problem:
    """What stands in the way of publishing: of one rule, or of the whole (rule None)."""

    rule: WarmthRule | None
    field: str
    text: str


def current_draft() -> WarmthRuleset | None:
    return WarmthRuleset.objects.filter(status=Status.DRAFT).select_related("created_by").first()


def draft(*, by: AbstractUser | None, now: datetime) -> WarmthRuleset:
    """The open draft; where there is none, a new one that says what the published version says."""
    with transaction.atomic():
        base = WarmthRuleset.objects.select_for_update().get(status=Status.PUBLISHED)
        found = current_draft()
        if found is not None:
            return found
        latest = WarmthRuleset.objects.aggregate(Max("version"))["version__max"]
        made = WarmthRuleset.objects.create(
            version=latest + 1, half_life_days=base.half_life_days, created_at=now, created_by=by
        )
        WarmthRule.objects.bulk_create(
            WarmthRule(ruleset=made, **{name: getattr(rule, name) for name in COPIED})
            for rule in base.rules.all()
        )
    return made


# --- editing ---------------------------------------------------------------------------------------------------


def set_half_life(ruleset: WarmthRuleset, days: float, note: str = "") -> None:
    with transaction.atomic():
        row = _editable(ruleset.pk)
        row.half_life_days, row.note = days, note[:300]
        row.save(update_fields=["half_life_days", "note"])
    ruleset.half_life_days, ruleset.note = row.half_life_days, row.note


def add_rule(ruleset: WarmthRuleset, values: Mapping[str, Any]) -> WarmthRule:
    """A new rule in front of the first of its kind without conditions, else at the end.

    Behind one without conditions it would never be reached.
    """
    with transaction.atomic():
        row = _editable(ruleset.pk)
        rules = list(row.rules.all())
        if len(rules) >= MOST_RULES:
            raise RulesRefused(gettext("A version holds at most %(n)d rules.") % {"n": MOST_RULES})
        rule = WarmthRule(ruleset=row, position=_ASIDE - 1, **values)
        rule.save()
        at = len(rules)
        if conditional(rule):
            same = [n for n, one in enumerate(rules) if one.kind_id == rule.kind_id and not conditional(one)]
            at = same[0] if same else at
        _number([*rules[:at], rule, *rules[at:]])
    return rule


def change_rule(rule: WarmthRule, values: Mapping[str, Any]) -> WarmthRule:
    with transaction.atomic():
        _editable(rule.ruleset_id)
        for name, value in values.items():
            setattr(rule, name, value)
        rule.save(update_fields=[name.removesuffix("_id") for name in values])
    return rule


def move_rule(rule: WarmthRule, *, by: int) -> WarmthRule:
    """Move a rule so many places down, or up where `by` is negative; at the ends it stays."""
    with transaction.atomic():
        rules = list(_editable(rule.ruleset_id).rules.all())
        at = next(n for n, one in enumerate(rules) if one.pk == rule.pk)
        to = min(max(at + by, 0), len(rules) - 1)
        rules.insert(to, rules.pop(at))
        _number(rules)
    return rules[to]


def remove_rule(rule: WarmthRule) -> WarmthRule | None:
    """Take a rule out; returns the one that stands in its place now, the last one behind the end."""
    with transaction.atomic():
        row = _editable(rule.ruleset_id)
        at = rule.position - 1
        rule.delete()
        left = list(row.rules.all())
        _number(left)
    return left[min(at, len(left) - 1)] if left else None


def _number(rules: list[WarmthRule]) -> None:
    """Write the order of all rules of a draft: two statements."""
    for start in (_ASIDE, 1):
        for position, rule in enumerate(rules, start=start):
            rule.position = position
        WarmthRule.objects.bulk_update(rules, ["position"])


def _editable(pk: int) -> WarmthRuleset:
    """The draft, held until the change is written: nobody publishes half of it."""
    row = WarmthRuleset.objects.select_for_update().filter(pk=pk).first()
    if row is None or row.status != Status.DRAFT:
        raise RulesRefused(gettext("This version is no draft any more: start a new one."))
    return row


# --- checking --------------------------------------------------------------------------------------------------


def conditional(rule: WarmthRule) -> bool:
    return any(getattr(rule, name) for name in CONDITIONS)


def problems(ruleset: WarmthRuleset, *, now: datetime) -> list[Problem]:
    """Why these rules cannot be published, each with its rule and field; empty where they can."""
    found = []
    rules = list(ruleset.rules.select_related("kind", "segment"))
    if not any(rule.active for rule in rules):
        found.append(Problem(None, "rules", gettext("No rule is active: nothing would ever warm a lead.")))
    for rule in rules:
        if rule.segment is not None:
            found += [
                Problem(
                    rule,
                    "segment",
                    gettext("segment “%(name)s” cannot be used: %(why)s")
                    % {"name": rule.segment, "why": why},
                )
                for why in segments.problems(rule.segment.query, now=now)
            ]
    try:
        engine.as_values(ruleset)
    except ValueError as error:
        found.append(Problem(None, "rules", str(error)))
    return found


def unreachable(rules: list[WarmthRule]) -> set[int]:
    """Rules that can never match, as one before them takes all they could."""
    taken: list[WarmthRule] = []
    found = set()
    for rule in rules:
        if not rule.active:
            continue
        if any(_covers(before, rule) for before in taken):
            found.add(rule.pk)
        taken.append(rule)
    return found


def _covers(before: WarmthRule, rule: WarmthRule) -> bool:
    return before.kind_id == rule.kind_id and all(
        getattr(before, name) in ("", None, getattr(rule, name)) for name in CONDITIONS
    )


def stamp(ruleset: WarmthRuleset) -> str:
    """A short text that changes with any rule of the draft, to tell whether what was previewed is what is published."""
    rows = [tuple(str(getattr(rule, name)) for name in COPIED) for rule in ruleset.rules.all()]
    queries = [rule.lead_query for rule in ruleset.rules.select_related("segment")]
    told = repr((ruleset.half_life_days, rows, queries))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def differences(ruleset: WarmthRuleset, base: WarmthRuleset) -> dict[int, str]:
    """What became of each rule against another version, by its id: "new" or "changed"; what is the same is left out."""
    names = [name for name in COPIED if name != "position"]
    old = [tuple(getattr(rule, name) for name in names) for rule in base.rules.all()]
    kept = set(old)
    places = {_place(rule) for rule in base.rules.all()}
    found = {}
    for rule in ruleset.rules.all():
        row = tuple(getattr(rule, name) for name in names)
        if row not in kept:
            found[rule.pk] = "changed" if _place(rule) in places else "new"
    return found


def taken_out(ruleset: WarmthRuleset, base: WarmthRuleset) -> list[WarmthRule]:
    """The rules of another version that have no place any more, by kind and conditions."""
    kept = {_place(rule) for rule in ruleset.rules.all()}
    return [rule for rule in base.rules.select_related("kind", "segment") if _place(rule) not in kept]


def _place(rule: WarmthRule) -> tuple[Any, ...]:
    return tuple(getattr(rule, name) for name in ("kind_id", *CONDITIONS))


# --- publishing ------------------------------------------------------------------------------------------------


def publish(ruleset: WarmthRuleset, *, by: AbstractUser | None, now: datetime) -> RuleChangeRun:
    """Put the draft in force at once and begin the re-evaluation of all leads in the background.

    Raises RulesRefused with the first thing that is wrong. A re-evaluation still under way ends: the new one covers it.
    """
    with transaction.atomic():
        # Before any row: whoever evaluates by the old rules has committed when this returns.
        engine.hold_rules(to_change=True)
        row = _editable(ruleset.pk)
        wrong = problems(row, now=now)
        if wrong:
            raise RulesRefused(wrong[0].text)
        freezing = [rule for rule in row.rules.select_related("segment") if rule.segment is not None]
        for rule in freezing:
            assert rule.segment is not None
            rule.segment_query = rule.segment.query
        WarmthRule.objects.bulk_update(freezing, ["segment_query"])
        before = engine.published()
        WarmthRuleset.objects.filter(pk=before.pk).update(status=Status.RETIRED)
        row.status, row.published_at, row.published_by = Status.PUBLISHED, now, by
        row.save(update_fields=["status", "published_at", "published_by"])
        _audit("rules_published", row, by=by, now=now, before={"version": before.version}, note=row.note)
        return begin_run(row, by=by, now=now)


def begin_run(
    row: WarmthRuleset,
    *,
    by: AbstractUser | None,
    now: datetime,
    cause: str = RuleChangeRun._meta.get_field("cause").default,
) -> RuleChangeRun:
    """Open the one run through all leads and ring for it; a run still open ends, as this one covers it."""
    with transaction.atomic():
        RuleChangeRun.objects.filter(finished_at=None).update(finished_at=now, superseded=True)
        run = RuleChangeRun.objects.create(
            ruleset=row, cause=cause, started_at=now, started_by=by, total=Lead.objects.live().count()
        )
        bell.ring_on_commit(TASK)
    return run


def discard(ruleset: WarmthRuleset, *, by: AbstractUser | None, now: datetime) -> None:
    with transaction.atomic():
        row = _editable(ruleset.pk)
        _audit("rules_discarded", row, by=by, now=now, before={}, note=row.note)
        row.delete()


def _audit(
    action: str,
    row: WarmthRuleset,
    *,
    by: AbstractUser | None,
    now: datetime,
    before: dict[str, Any],
    note: str,
) -> None:
    AuditEvent.objects.create(
        at=now,
        actor=by,
        action=action,
        subject_type="warmth_ruleset",
        subject_id=str(row.version),
        before=before,
        after={"version": row.version, "half_life_days": row.half_life_days},
        reason=note,
    )
