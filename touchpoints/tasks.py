"""What runs in the background: each task reads the clock and calls one function, and is safe to run twice."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from leads.registries import load, scrub
from touchpoints import (
    bell,
    connect_rates,
    engine,
    hand_raises,
    idle,
    invitations,
    own_list,
    reevaluate,
    retention,
    starts,
    sweeps,
    tending,
    unlogged,
)


@shared_task(name="touchpoints.tasks.evaluate_waiting")
def evaluate_waiting() -> None:
    """Evaluate what waits for one turn, and ring for the next where there is more."""
    if engine.evaluate_waiting(now=timezone.now()).looked_at >= engine.TURN:
        bell.ring("touchpoints.tasks.evaluate_waiting")


@shared_task(name="touchpoints.tasks.cool_expired")
def cool_expired() -> None:
    engine.cool_expired(now=timezone.now())


@shared_task(name="touchpoints.tasks.tend_follow_ups")
def tend_follow_ups() -> None:
    tending.tend_follow_ups(now=timezone.now())


@shared_task(name="touchpoints.tasks.offer_hand_raises")
def offer_hand_raises() -> None:
    hand_raises.offer_unanswered(now=timezone.now())


@shared_task(name="touchpoints.tasks.start_pursuits")
def start_pursuits() -> None:
    starts.start_waiting(now=timezone.now())


@shared_task(name="touchpoints.tasks.recycle_pursuits")
def recycle_pursuits() -> None:
    starts.recycle(now=timezone.now())


@shared_task(name="touchpoints.tasks.return_idle_leads")
def return_idle_leads() -> None:
    idle.sweep(now=timezone.now())


@shared_task(name="touchpoints.tasks.close_open_calls")
def close_open_calls() -> None:
    now = timezone.now()
    with sweeps.noted("close_open_calls", now=now) as run:
        run.looked_at = run.changed = unlogged.close_forgotten(now=now)


@shared_task(name="touchpoints.tasks.send_invitations")
def send_invitations() -> None:
    now = timezone.now()
    with sweeps.noted("send_invitations", now=now) as run:
        done = invitations.send_due(now=now)
        run.looked_at, run.changed = done.looked_at, done.sent


@shared_task(name="touchpoints.tasks.thin_records")
def thin_records() -> None:
    retention.thin(now=timezone.now())


@shared_task(name="touchpoints.tasks.count_connect_rates")
def count_connect_rates() -> None:
    connect_rates.count_nightly(now=timezone.now())


@shared_task(name="touchpoints.tasks.run_rule_changes")
def run_rule_changes() -> None:
    """Work one turn on the re-evaluation under way, and ring for the next turn."""
    with sweeps.noted("run_rule_changes", now=timezone.now()):
        if reevaluate.run_rule_changes(clock=timezone.now):
            bell.ring("touchpoints.tasks.run_rule_changes")


# A whole country's list takes minutes, and this is but a doorbell: rung twice, the second finds the load taken.
@shared_task(name="touchpoints.tasks.run_registry_loads", time_limit=4 * 3600, soft_time_limit=None)
def run_registry_loads() -> None:
    """Work on the do-not-call list that has waited longest, and ring for the next."""
    now = timezone.now()
    with sweeps.noted("run_registry_loads", now=now) as run:
        waiting = load.waiting(now=now)
        run.looked_at = len(waiting)
        if waiting:
            load.run(waiting[0], clock=timezone.now)
            run.changed = 1
        for unscrubbed in scrub.unscrubbed(now=now):
            scrub.after_load(unscrubbed, clock=timezone.now)
        if len(waiting) > 1:
            bell.ring("touchpoints.tasks.run_registry_loads")


@shared_task(name="touchpoints.tasks.run_own_list_loads")
def run_own_list_loads() -> None:
    """Read the file for our own list that has waited longest for one turn, and ring for the next turn."""
    now = timezone.now()
    with sweeps.noted("run_own_list_loads", now=now) as run:
        waiting = own_list.waiting(now=now)
        run.looked_at = len(waiting)
        for pk in waiting[:1]:
            own_list.run(pk, clock=timezone.now)
            run.changed += 1
            if own_list.waiting(now=timezone.now()):
                bell.ring("touchpoints.tasks.run_own_list_loads")


@shared_task(name="touchpoints.tasks.scrub_numbers")
def scrub_numbers() -> None:
    """Once a night, hold all numbers against the do-not-call lists."""
    now = timezone.now()
    with sweeps.noted("scrub_numbers", now=now) as run:
        if scrub.is_due(now=now):
            report = scrub.nightly(clock=timezone.now)
            run.looked_at, run.changed = report.numbers, report.found + report.cleared
