"""What do the rules in force say of everybody? All leads in chunks, each a constant number of statements.

After a change of the rules one run (`RuleChangeRun`) goes through all leads in order of their id; its row says how far
it is, so that whoever finds it goes on there. Leads touched meanwhile are evaluated by the same rules by the engine.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from leads.models import Lead

from . import engine, enquiries, promotion, rule_effect, rulesets, set_aside
from .models import EvaluationFailure, RuleChangeRun, TemperatureChange, Touchpoint, WarmthRuleset
from .warmth import warmth
from .warmth_sql import Span

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from .rule_effect import Changed

log = structlog.get_logger(__name__)

CHUNK = 10_000
# So much work at a time; the ring for the next turn lets other tasks in between.
TURN = timedelta(seconds=20)
# Leads move in and out of the segments that rules name; so often everybody is looked at again.
SEGMENTS_EVERY = timedelta(hours=1)
Cause = TemperatureChange.Cause


def evaluate_all(*, now: datetime, cause: str = Cause.RULE_CHANGE) -> engine.Evaluated:
    """Evaluate every lead by the rules in force, in order of its id, each chunk in one transaction."""
    total, last = engine.Evaluated(), 0
    while (leads := chunk_after(last)) is not None:
        total.add(_evaluate_or_isolate(leads, now=now, cause=cause)[0])
        last = leads.last
    return total


def run_rule_changes(*, clock: Callable[[], datetime], turn: timedelta = TURN) -> bool:
    """Work one turn on the open run; begins one where leads may have changed segments. Returns whether work is left.

    Safe to run twice at once: a chunk is written together with the run's place, by whoever holds the run.
    """
    started = clock()
    begin_for_segments(now=started)
    while (now := clock()) - started < turn:
        if not _step(now=now):
            return False
    return RuleChangeRun.objects.filter(finished_at=None).exists()


def begin_for_segments(*, now: datetime) -> RuleChangeRun | None:
    """Where rules in force name segments: a run for leads that came into or out of one, once in a while."""
    with transaction.atomic():
        row = engine.published()
        if not row.rules.filter(active=True, segment__isnull=False).exists():
            return None
        latest = RuleChangeRun.objects.order_by("-started_at").first()
        if latest is not None and (
            latest.finished_at is None or now - max(latest.started_at, latest.finished_at) < SEGMENTS_EVERY
        ):
            return None
        return rulesets.begin_run(row, by=None, now=now, cause=Cause.LEAD_CHANGE)


def _step(*, now: datetime) -> bool:
    """One chunk of the open run; False where there is none, another holds it, or it is done."""
    with transaction.atomic():
        # In this order: whoever publishes takes the rules first, then the run.
        engine.hold_rules()
        run = (
            RuleChangeRun.objects.select_for_update(of=("self",), skip_locked=True)
            .filter(finished_at=None)
            .first()
        )
        if run is None:
            return False
        leads = chunk_after(run.last_lead)
        run.worked_at = now
        if leads is None:
            run.finished_at = now
            run.save(update_fields=["worked_at", "finished_at"])
            return False
        done, failed = _evaluate_or_isolate(leads, now=now, cause=run.cause, run=run)
        run.last_lead = leads.last
        run.looked_at += done.looked_at
        run.warmed += len(done.promoted)
        run.cooled += len(done.cooled)
        run.failed += failed
        run.save()
    return True


class Leads:
    """A stretch of live leads by id: from the first to the last of a chunk."""

    def __init__(self, after: int, last: int, count: int) -> None:
        self.after, self.last, self.count = after, last, count

    def all(self) -> QuerySet[Lead]:
        return Lead.objects.live().filter(pk__gt=self.after, pk__lte=self.last)


def chunk_after(last: int) -> Leads | None:
    """The next stretch of leads behind an id; None where there are no more."""
    ids = list(Lead.objects.live().filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK])
    return Leads(last, ids[-1], len(ids)) if ids else None


def _evaluate_or_isolate(
    leads: Leads, *, now: datetime, cause: str, run: RuleChangeRun | None = None
) -> tuple[engine.Evaluated, int]:
    """Evaluate a stretch at once; where that fails, lead by lead, so that one holds up nobody else."""
    try:
        with transaction.atomic():
            done = _evaluate(leads, now=now, cause=cause, run=run)
            set_aside.forget(EvaluationFailure.objects.filter(lead__gt=leads.after, lead__lte=leads.last))
        return done, 0
    except (OperationalError, InterfaceError):
        raise  # the database is away: no lead is to blame
    except Exception as error:
        log.exception("reevaluation_failed", after=leads.after, last=leads.last)
        if run is not None:
            run.error = (str(error) or type(error).__name__)[:500]
    ids = list(leads.all().values_list("pk", flat=True))
    done, failed = engine.evaluate_or_isolate(ids, now=now, cause=cause)
    return done, len(failed)


def _evaluate(leads: Leads, *, now: datetime, cause: str, run: RuleChangeRun | None) -> engine.Evaluated:
    engine.hold_rules()
    row = engine.published()
    asked, heard_of = _without_new_contact(leads.all(), now=now)
    span = Span(leads.after, leads.last)
    written = rule_effect.write(asked, span, row, now=now)
    rule_effect.rank_follow_ups(span, now=now)
    if run is not None:
        run.moved += written.moved
    _write_history(written.changed, row, now=now, cause=cause, heard_of=heard_of)
    promoted = [one.lead_id for one in written.changed if one.after == Lead.Temperature.WARM]
    cooled = [one.lead_id for one in written.changed if one.after == Lead.Temperature.COLD]
    # Whoever belongs to nobody is called by nobody; ranks followed above.
    called = list(Lead.objects.filter(Q(owner__isnull=False) | Q(team__isnull=False), pk__in=promoted))
    promotion.follow_temperature_within_room(called, promoted={lead.pk for lead in called}, now=now)
    return engine.Evaluated(leads.count, promoted, cooled)


def _without_new_contact(leads: QuerySet[Lead], *, now: datetime) -> tuple[QuerySet[Lead], set[int]]:
    """Leave leads that were just heard of to the engine, which does all that follows from a fresh touchpoint.

    What else waits is evaluated with the rest: it is noted first and read after, so that none is noted unread. Also
    returned: the leads of what was noted.
    """
    waiting = Touchpoint.objects.waiting()
    if not waiting.exists():
        return leads, set()
    fresh = waiting.filter(
        lead=OuterRef("pk"), historical=False, occurred_at__gt=now - enquiries.HAND_RAISE_FRESH_FOR
    )
    asked = leads.exclude(Exists(fresh))
    taken = waiting.filter(lead__in=asked.order_by().values("pk"))
    heard_of = set(taken.values_list("lead_id", flat=True))
    taken.update(evaluated_at=now, evaluation_error="")
    return asked, heard_of


def _write_history(
    changed: list[Changed], row: WarmthRuleset, *, now: datetime, cause: str, heard_of: set[int]
) -> None:
    """The rows of history for leads whose temperature changed, with the evidence as the pure form explains it.

    Most of a mass change is spent here: plain values are read, no model instances.
    """
    if not changed:
        return
    ids = [one.lead_id for one in changed]
    leads = Lead.objects.filter(pk__in=ids).values_list("pk", "cooled_at", "warm_until")
    stored = {pk: (cooled_at, warm_until) for pk, cooled_at, warm_until in leads}
    rules = engine.rules_for(ids, row, now=now)
    touches = engine.touch_values_of(ids)
    rows = []
    for one in changed:
        cooled_at, warm_until = stored[one.lead_id]
        found = warmth(touches[one.lead_id], rules[one.lead_id], now=now, cooled_at=cooled_at)
        why = cause
        if one.after == Lead.Temperature.COLD and one.held_until is not None and one.held_until <= now:
            why = Cause.DECAY
        elif one.lead_id in heard_of:
            why = Cause.TOUCHPOINT
        rows.append(
            TemperatureChange(
                lead_id=one.lead_id,
                at=now,
                before=one.before,
                after=one.after,
                cause=why,
                warm_until=warm_until,
                evidence=engine.evidence_as_kept(found),
                ruleset=row,
            )
        )
    TemperatureChange.objects.bulk_create(rows)
