"""How is the engine doing? One set of figures for the operators' page, the metrics and the readiness check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from celery import current_app
from django.db.models import Count, Max, Min, Q
from django.utils.translation import gettext_lazy as _

from leads.models import Lead

from .models import EvaluationFailure, SweepRun, Touchpoint
from .sweeps import CLOCK

if TYPE_CHECKING:
    from django.utils.functional import Promise

# A touchpoint that waited longer than this is news that nobody acts on: the engine is behind.
BEHIND_AFTER = timedelta(seconds=60)
# A sweep is late when it missed three of its turns, and some time for a busy machine.
GRACE = timedelta(seconds=30)
# The rate is counted over the newest so many, whose ids follow each other: no reading of the whole past.
COUNTED_AT_MOST = 100_000

LABELS: dict[str, Promise] = {
    "evaluate_waiting": _("Evaluate new touchpoints"),
    "cool_expired": _("Cool leads whose date has passed"),
    "tend_follow_ups": _("Move on missed follow-ups"),
    "offer_hand_raises": _("Offer unanswered hand-raises to the team"),
    "start_pursuits": _("Start pursuits"),
    "send_invitations": _("Send invitations to meetings"),
    "count_connect_rates": _("Count when people are reached"),
    "recycle_pursuits": _("Try rested leads again"),
    "return_idle_leads": _("Return idle leads to the pool"),
    "close_open_calls": _("Close forgotten calls"),
    "thin_records": _("Thin records kept long enough"),
    "run_rule_changes": _("Re-evaluate after a change of rules"),
    "run_waiting_imports": _("Read imported files"),
    "run_registry_loads": _("Load do-not-call lists"),
    "run_own_list_loads": _("Read files for our own list"),
    "scrub_numbers": _("Hold numbers against do-not-call lists"),
    "renew_demo_lists": _("Keep the demo's made-up lists young"),
}


@dataclass(frozen=True)
class Sweep:
    """One sweep: how often it is rung, and its last run, None where it never ran.

    Its turns count from whichever is later, that run or the start of the clock that rings it.
    """

    name: str
    every: timedelta | None  # None: nobody rings it
    last: SweepRun | None
    age: timedelta | None
    waited: timedelta | None = None  # since its last run, or since the clock started
    due_at: datetime | None = None  # its next turn, where the clock has started since its last run

    @property
    def label(self) -> str:
        return str(LABELS.get(self.name, self.name))

    @property
    def is_late(self) -> bool:
        if self.every is None:
            return False
        return self.waited is None or self.waited > 3 * self.every + GRACE


@dataclass(frozen=True)
class Health:
    backlog: int
    oldest_age: timedelta | None
    evaluated_5_minutes: int
    evaluated_hour: int
    set_aside: int
    leads_due: int
    sweeps: list[Sweep]

    @property
    def is_behind(self) -> bool:
        return self.oldest_age is not None and self.oldest_age > BEHIND_AFTER


def figures(*, now: datetime) -> Health:
    """All figures at `now`, by a constant number of queries."""
    evaluated = _evaluated(now=now)
    return Health(
        backlog=Touchpoint.objects.waiting().count(),
        oldest_age=oldest_age(now=now),
        evaluated_5_minutes=evaluated["minutes"],
        evaluated_hour=evaluated["hour"],
        set_aside=Touchpoint.objects.set_aside().count() + EvaluationFailure.objects.set_aside().count(),
        leads_due=Lead.objects.filter(evaluation_due_at__lte=now).count(),
        sweeps=sweeps(now=now),
    )


def oldest_age(*, now: datetime) -> timedelta | None:
    """For how long the oldest unevaluated touchpoint has been waiting; None where none waits.

    Not those that failed and are tried again, by themselves or because somebody asked: they say nothing of the pace.
    """
    oldest = Touchpoint.objects.waiting().filter(evaluation_error="").aggregate(at=Min("recorded_at"))["at"]
    return None if oldest is None else max(now - oldest, timedelta())


def is_behind(*, now: datetime) -> bool:
    age = oldest_age(now=now)
    return age is not None and age > BEHIND_AFTER


def _evaluated(*, now: datetime) -> dict[str, int]:
    newest = Touchpoint.objects.aggregate(pk=Max("pk"))["pk"] or 0
    recent = Touchpoint.objects.filter(
        pk__gt=newest - COUNTED_AT_MOST, evaluated_at__gt=now - timedelta(hours=1)
    )
    return recent.aggregate(
        hour=Count("pk"), minutes=Count("pk", filter=Q(evaluated_at__gt=now - timedelta(minutes=5)))
    )


def sweeps(*, now: datetime) -> list[Sweep]:
    """Every sweep that is rung or ever ran, in the order in which they are rung."""
    rung = {
        task.rpartition(".")[2]: entry["schedule"] for task, entry in current_app.conf.beat_schedule.items()
    }
    runs = {run.name: run for run in SweepRun.objects.order_by("name")}
    clock = runs.pop(CLOCK, None)
    started_at = clock.started_at if clock is not None else None
    return [
        _sweep(name, rung.get(name), runs.get(name), started_at, now=now)
        for name in dict.fromkeys([*rung, *runs])
    ]


def _sweep(
    name: str, every: timedelta | None, last: SweepRun | None, clock_at: datetime | None, *, now: datetime
) -> Sweep:
    ran_at = last.started_at if last is not None else None
    since = max((at for at in (ran_at, clock_at) if at is not None), default=None)
    waits_for_first_turn = every is not None and since is not None and since != ran_at
    return Sweep(
        name,
        every,
        last,
        age=now - ran_at if ran_at is not None else None,
        waited=now - since if since is not None else None,
        due_at=since + every if waits_for_first_turn and since is not None and every is not None else None,
    )
