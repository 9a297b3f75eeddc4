"""What does the evidence say of these leads now? Reads, asks the pure rules, and writes what follows at once.

Every evaluation of a set of leads costs a constant number of statements and may be repeated: it writes a
temperature change only where the temperature really changes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from leads import plain_sql, segments
from leads.models import AuditEvent, Lead
from leads.plain_sql import Joined

from . import enquiries, promotion, rule_effect, set_aside
from .models import (
    EvaluationFailure,
    TemperatureChange,
    TemperatureOverride,
    Touchpoint,
    WarmthRule,
    WarmthRuleset,
)
from .sweeps import noted
from .warmth import OverrideValue, Rule, Ruleset, Touch, Warmth, effective, warmth

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet

log = structlog.get_logger(__name__)

CHUNK = 500
# New touchpoints are judged by the set, so many at a time; a chunk holds its leads for a fraction of a second.
STREAM_CHUNK = 2_000
# So many leads at a time; the ring for the next turn lets other tasks in between.
TURN = 20_000
# As long as a rule may say that a touchpoint warms: what is set by hand is to end as well.
LONGEST_OVERRIDE = timedelta(days=3650)
Cause = TemperatureChange.Cause


@dataclass
class Evaluated:
    """What an evaluation did: how many leads it looked at, and which changed temperature."""

    looked_at: int = 0
    promoted: list[int] = field(default_factory=list)
    cooled: list[int] = field(default_factory=list)

    def add(self, other: Evaluated) -> None:
        self.looked_at += other.looked_at
        self.promoted += other.promoted
        self.cooled += other.cooled


_RULESET, _RULE = Joined("w", WarmthRuleset), Joined("r", WarmthRule, segment="s")
_PUBLISHED = f"""
    SELECT {_RULESET.columns}, {_RULE.columns} FROM touchpoints_warmthruleset w
    LEFT JOIN touchpoints_warmthrule r ON r.ruleset_id = w.id LEFT JOIN leads_segment s ON s.id = r.segment_id
    WHERE w.status = 'published' ORDER BY r.position
"""  # noqa: S608 - the columns are our models' own


def published() -> WarmthRuleset:
    """The ruleset in force, read with its rules and their segments."""
    found = [_RULESET.read(row) for row in plain_sql.rows(_PUBLISHED, [])]
    ruleset: WarmthRuleset = found[0][0]
    rules = [_RULE.read(rest)[0] for _ruleset, rest in found]
    plain_sql.beside(ruleset, "rules", [rule for rule in rules if rule])
    return ruleset


def rules_for(
    lead_ids: Collection[int], row: WarmthRuleset | None = None, *, now: datetime
) -> dict[int, Ruleset]:
    """The rules as they hold for each of these leads; one query for each segment that a rule names.

    `row`: any version of the rules; without it those in force.
    """
    row = published() if row is None else row
    ruleset = as_values(row)
    queries = {
        rule.segment_id: rule.lead_query
        for rule in row.rules.all()
        if rule.active and rule.segment_id is not None and rule.lead_query is not None
    }
    inside: dict[int, set[int]] = defaultdict(set)
    for segment, query in queries.items():
        members = segments.members(query, now=now).filter(pk__in=list(lead_ids))
        for lead_id in members.values_list("pk", flat=True):
            inside[lead_id].add(segment)
    return {lead_id: ruleset.for_lead(inside[lead_id]) for lead_id in lead_ids}


# Any number, the same in every process: PostgreSQL's advisory lock on which rules are in force.
_RULES_LOCK = 0x7468_6177


def hold_rules(*, to_change: bool = False) -> None:
    """Keep the rules in force as they are until this transaction ends; `to_change` waits for all who hold them.

    So whoever evaluates by the old rules has committed before new ones are published, and a re-evaluation that
    follows finds every lead that was written by the old ones. SQLite has one writer at a time: nothing to do.
    """
    if connection.vendor == "postgresql":
        kind = "" if to_change else "_shared"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_advisory_xact_lock{kind}(%s)", [_RULES_LOCK])


def as_values(row: WarmthRuleset) -> Ruleset:
    rules = tuple(
        Rule(
            id=rule.pk,
            kind=rule.kind_id,
            warms_for=timedelta(days=rule.warms_for_days),
            counts_at_most=rule.counts_at_most,
            direction=rule.direction,
            network=rule.network,
            campaign=rule.campaign,
            source=rule.source,
            segment=rule.segment_id,
        )
        for rule in row.rules.all()
        if rule.active
    )
    return Ruleset(version=row.version, half_life=timedelta(days=row.half_life_days), rules=rules)


def touch_of(touchpoint: Touchpoint) -> Touch:
    return Touch(
        touchpoint.pk,
        touchpoint.kind_id,
        touchpoint.occurred_at,
        touchpoint.direction,
        touchpoint.network,
        touchpoint.campaign,
        touchpoint.source,
    )


def warmth_of(leads: Iterable[Lead], *, now: datetime) -> dict[int, Warmth]:
    """The evidence behind each lead's temperature, by lead id; three queries for any number of leads."""
    leads = list(leads)
    rules = rules_for([lead.pk for lead in leads], now=now)
    touches = touches_of([lead.pk for lead in leads])
    return {
        lead.pk: warmth(map(touch_of, touches[lead.pk]), rules[lead.pk], now=now, cooled_at=lead.cooled_at)
        for lead in leads
    }


def evaluate_leads(
    lead_ids: Collection[int],
    *,
    now: datetime,
    cause: str = Cause.TOUCHPOINT,
    by: AbstractUser | None = None,
    skip_locked: bool = False,
) -> Evaluated:
    """Evaluate leads in chunks, each in one transaction with everything that follows from it."""
    ids = sorted(set(lead_ids))
    total = Evaluated()
    for start in range(0, len(ids), CHUNK):
        with transaction.atomic():
            total.add(
                _evaluate_chunk(
                    ids[start : start + CHUNK], now=now, cause=cause, by=by, skip_locked=skip_locked
                )
            )
    return total


def evaluate_waiting(*, now: datetime, limit: int = TURN) -> Evaluated:
    """Evaluate the leads of touchpoints that wait, and those whose evidence was corrected, oldest first.

    Where a chunk fails each of its leads is tried alone, so that one poisonous touchpoint harms no other lead.
    """
    with noted("evaluate_waiting", now=now) as run:
        while run.looked_at < limit and (ids := _waiting_leads(now=now)):
            done, failed = _isolating(_evaluate_waiting_chunk, ids, now=now, cause=Cause.TOUCHPOINT)
            run.looked_at += done.looked_at
            run.changed += len(done.promoted) + len(done.cooled)
            # A failure is tried again at the next sweep, not at once; leads that others hold are theirs.
            if failed or not done.looked_at:
                break
    return Evaluated(run.looked_at)


def _waiting_leads(*, now: datetime) -> list[int]:
    new = (
        Touchpoint.objects.waiting().order_by("recorded_at").values_list("lead_id", flat=True)[:STREAM_CHUNK]
    )
    due = Lead.objects.filter(evaluation_due_at__lte=now).order_by("evaluation_due_at")
    ids = dict.fromkeys(new)
    ids.update(dict.fromkeys(due.values_list("pk", flat=True)[:CHUNK]))
    return list(ids)


def _evaluate_waiting_chunk(ids: list[int], *, now: datetime) -> Evaluated:
    """Most contacts move a date and nothing else, which one statement writes for all of them. Leads that turn, and
    those that raised a hand, are evaluated with all that follows. Leads that others hold are left to them."""
    with transaction.atomic():
        rows = Lead.objects.select_for_update(of=("self",), skip_locked=True).filter(pk__in=ids)
        held = dict(rows.order_by("pk").values_list("pk", "evaluation_due_at"))
        hold_rules()
        # Read before they are judged: what comes in between counts already, and is evaluated once more.
        new = list(
            Touchpoint.objects.waiting()
            .filter(lead__in=list(held))
            .values_list("pk", "lead", "kind__hand_raise")
        )
        settled = rule_effect.settle(list(held), published(), now=now)
        rule_effect.rank_follow_ups(settled.moved, now=now)
        whole = {*settled.turning, *(lead for _pk, lead, raised in new if raised)}
        failed_before = set_aside.causes_of(held)
        done = Evaluated()
        for cause in {Cause.TOUCHPOINT.value, *failed_before.values()}:
            why = [pk for pk in whole if failed_before.get(pk, Cause.TOUCHPOINT) == cause]
            done.add(evaluate_leads(why, now=now, cause=cause))
        if failed_before:
            set_aside.forget(EvaluationFailure.objects.filter(lead__in=failed_before))
        read = [pk for pk, lead, _raised in new if lead not in whole]
        Touchpoint.objects.filter(pk__in=read).update(evaluated_at=now, evaluation_error="")
        due = [pk for pk, due_at in held.items() if due_at is not None and pk not in whole]
        Lead.objects.filter(pk__in=due).update(evaluation_due_at=None)
    return Evaluated(len(held), done.promoted, done.cooled)


def evaluate_or_isolate(
    ids: list[int], *, now: datetime, cause: str = Cause.TOUCHPOINT
) -> tuple[Evaluated, set[int]]:
    """Evaluate a chunk; where it fails, each lead by itself. Returns what was done and the leads that failed."""
    return _isolating(partial(evaluate_leads, cause=cause), ids, now=now, cause=cause)


def _isolating(
    evaluate: Callable[..., Evaluated], ids: list[int], *, now: datetime, cause: str
) -> tuple[Evaluated, set[int]]:
    """Evaluate all; where that fails, each half by itself, until who fails alone is known and counted."""
    try:
        with transaction.atomic():
            return evaluate(ids, now=now), set()
    except (OperationalError, InterfaceError):
        raise  # the database is away: nobody's touchpoint is to blame
    except Exception as error:
        log.exception("evaluation_failed", leads=len(ids), first=ids[0])
        if len(ids) == 1:
            set_aside.count_failure(ids[0], error, cause=cause, now=now)
            return Evaluated(), {ids[0]}
    total, failed = Evaluated(), set()
    for half in (ids[: len(ids) // 2], ids[len(ids) // 2 :]):
        done, blamed = _isolating(evaluate, half, now=now, cause=cause)
        total.add(done)
        failed |= blamed
    return total, failed


def cool_expired(*, now: datetime) -> Evaluated:
    """Cool the leads whose date has passed and end the overrides whose time is over."""
    total = Evaluated()
    with noted("cool_expired", now=now) as run:
        while ids := list(
            TemperatureOverride.objects.filter(ended_at=None, until__lte=now).values_list(
                "lead_id", flat=True
            )[:CHUNK]
        ):
            TemperatureOverride.objects.filter(lead__in=ids, ended_at=None, until__lte=now).update(
                ended_at=now
            )
            # Should the evaluation be lost, the sweep of what is due finds these leads again.
            Lead.objects.filter(pk__in=ids).update(evaluation_due_at=now)
            total.add(evaluate_or_isolate(ids, now=now, cause=Cause.OVERRIDE_ENDED)[0])
        failed: set[int] = set()
        while ids := list(to_cool(now=now).exclude(pk__in=failed).values_list("pk", flat=True)[:CHUNK]):
            done, poisonous = evaluate_or_isolate(ids, now=now, cause=Cause.DECAY)
            total.add(done)
            failed |= poisonous
        run.looked_at, run.changed = total.looked_at, len(total.promoted) + len(total.cooled)
    return total


def to_cool(*, now: datetime) -> QuerySet[Lead]:
    """Leads marked warm whose date has passed, by the index on it; those that fail are tried as `set_aside` says."""
    return Lead.objects.expired(now=now).filter(evaluation_failure=None).order_by("warm_until")


def set_override(
    lead: Lead, *, temperature: str, until: datetime, reason: str, by: AbstractUser | None, now: datetime
) -> TemperatureOverride:
    """Set a lead's temperature by hand until a time and for a reason; an older override ends."""
    with transaction.atomic():
        _hold(lead)
        lead.overrides.filter(ended_at=None).update(ended_at=now)
        override = TemperatureOverride.objects.create(
            lead=lead, temperature=temperature, until=until, reason=reason, by=by, starts_at=now
        )
        evaluate_leads([lead.pk], now=now, cause=Cause.OVERRIDE, by=by)
    lead.refresh_from_db()
    return override


def end_override(lead: Lead, *, by: AbstractUser | None, now: datetime) -> None:
    """Let the evidence decide again before the time is over. Audited: the temperature may stay what it was."""
    with transaction.atomic():
        _hold(lead)
        standing = lead.overrides.filter(ended_at=None).first()
        if standing is not None:
            standing.ended_at = now
            standing.save(update_fields=["ended_at"])
            AuditEvent.objects.create(
                at=now,
                actor=by,
                action="override.ended",
                subject_type="lead",
                subject_id=str(lead.pk),
                lead=lead,
                before={"temperature": standing.temperature, "until": standing.until.isoformat()},
            )
        evaluate_leads([lead.pk], now=now, cause=Cause.OVERRIDE_ENDED, by=by)
    lead.refresh_from_db()


def _hold(lead: Lead) -> None:
    """Whoever else sets this lead by hand waits: of two at once the later word stands."""
    Lead.objects.select_for_update(of=("self",)).get(pk=lead.pk)


def _evaluate_chunk(
    ids: list[int], *, now: datetime, cause: str, by: AbstractUser | None, skip_locked: bool
) -> Evaluated:
    rows = (
        Lead.objects.select_for_update(of=("self",), skip_locked=skip_locked)
        .filter(pk__in=ids)
        .order_by("pk")
    )
    leads = {lead.pk: lead for lead in rows}
    hold_rules()
    row = published()
    rules = rules_for(leads, row, now=now)
    touches = touches_of(leads)
    overrides = {
        override.lead_id: OverrideValue(override.temperature, override.until)
        for override in TemperatureOverride.objects.filter(lead__in=leads, ended_at=None)
    }
    changes: list[TemperatureChange] = []
    moved: list[Lead] = []
    for lead in leads.values():
        found = warmth(map(touch_of, touches[lead.pk]), rules[lead.pk], now=now, cooled_at=lead.cooled_at)
        change = _decide(lead, found, overrides.get(lead.pk), row, now=now, cause=cause, by=by)
        if change is not None:
            changes.append(change)
        if _settled(lead, found, overrides.get(lead.pk), now=now):
            moved.append(lead)
    plain_sql.write(moved, _WRITTEN)
    plain_sql.insert(changes)
    new = [
        t for lead_id in leads for t in touches[lead_id] if t.evaluated_at is None and t.set_aside_at is None
    ]
    Touchpoint.objects.filter(pk__in=[t.pk for t in new]).update(evaluated_at=now, evaluation_error="")
    promoted = [change.lead_id for change in changes if change.after == Lead.Temperature.WARM]
    cooled = [change.lead_id for change in changes if change.after == Lead.Temperature.COLD]
    enquiries.raise_hands([t for t in new if t.raises_hand], leads, now=now)  # type: ignore[attr-defined]
    if cause == Cause.UNDO:
        # What an undone outcome had moved is put back by the undo itself.
        promotion.follow_rank(moved, now=now)
    else:
        promotion.follow_temperature(moved, promoted=set(promoted), now=now)
    return Evaluated(len(leads), promoted, cooled)


def _decide(
    lead: Lead,
    found: Warmth,
    override: OverrideValue | None,
    ruleset: WarmthRuleset,
    *,
    now: datetime,
    cause: str,
    by: AbstractUser | None,
) -> TemperatureChange | None:
    """The temperature change that the evidence and the override ask for, None where nothing changes."""
    temperature, warm_until = effective(found.warm_until, override, now=now)
    if temperature == lead.temperature:
        return None
    if cause == Cause.TOUCHPOINT and temperature == Lead.Temperature.COLD:
        ran_out = lead.warm_until is not None and lead.warm_until <= now
        cause = Cause.DECAY if ran_out else Cause.CORRECTION
    return TemperatureChange(
        lead=lead,
        at=now,
        before=lead.temperature,
        after=temperature,
        cause=cause,
        warm_until=warm_until,
        evidence=evidence_as_kept(found),
        ruleset=ruleset,
        by=by,
    )


def _settled(lead: Lead, found: Warmth, override: OverrideValue | None, *, now: datetime) -> bool:
    """Write what holds now onto the lead; returns whether any stored value moved."""
    temperature, warm_until = effective(found.warm_until, override, now=now)
    values = {
        "temperature": temperature,
        "warm_until": warm_until,
        "evidence_until": found.warm_until,
        "evaluation_due_at": None,
    }
    moved = any(getattr(lead, name) != value for name, value in values.items())
    for name, value in values.items():
        setattr(lead, name, value)
    return moved


_WRITTEN = ("temperature", "warm_until", "evidence_until", "evaluation_due_at")


def evidence_as_json(found: Warmth) -> list[dict[str, Any]]:
    """The `evidence` shape: [{touchpoint, kind, occurred_at, alone_until, share}], largest share first."""
    return [
        {
            "touchpoint": piece.touch.id,
            "kind": piece.touch.kind,
            "occurred_at": piece.touch.occurred_at.isoformat(),
            "alone_until": piece.alone_until.isoformat(),
            "share": round(piece.share, 6),
        }
        for piece in found.evidence
    ]


def evidence_as_kept(found: Warmth) -> list[dict[str, Any]]:
    """The `evidence` shape with the rule that counted each piece: what a temperature change rested on."""
    shape = evidence_as_json(found)
    return [{**piece, "rule": one.rule_id} for piece, one in zip(shape, found.evidence, strict=True)]


_TOUCH = Joined("t", Touchpoint)
_TOUCHES = f"""
    SELECT {_TOUCH.columns}, k.hand_raise
    FROM touchpoints_touchpoint t JOIN touchpoints_touchpointkind k ON k.key = t.kind
    WHERE t.set_aside_at IS NULL AND {{in:t.lead_id}} ORDER BY t.occurred_at DESC, t.id DESC
"""  # noqa: S608 - the columns are our models' own


def touches_of(lead_ids: Iterable[int]) -> dict[int, list[Touchpoint]]:
    """Every lead's touchpoints that may count, latest first, each with whether it `raises_hand`, in one query; what was
    set aside stays out."""
    by_lead: dict[int, list[Touchpoint]] = defaultdict(list)
    for row in plain_sql.rows(_TOUCHES, [list(lead_ids)]):
        touchpoint, (raises_hand,) = _TOUCH.read(row)
        touchpoint.raises_hand = bool(raises_hand)
        by_lead[touchpoint.lead_id].append(touchpoint)
    return by_lead


def touch_values_of(lead_ids: Iterable[int]) -> dict[int, list[Touch]]:
    """The same as plain values, for thousands of leads at once."""
    by_lead: dict[int, list[Touch]] = defaultdict(list)
    rows = Touchpoint.objects.filter(lead__in=list(lead_ids), set_aside_at=None).values_list(
        "lead_id", "pk", "kind_id", "occurred_at", "direction", "network", "campaign", "source"
    )
    for lead_id, pk, kind, occurred_at, *conditions in rows.order_by():
        by_lead[lead_id].append(Touch(pk, kind, occurred_at, *conditions))
    return by_lead
