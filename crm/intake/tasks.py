"""What the background does with files that were handed in: each task reads the clock and calls one function."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from crm.intake import load, receive
from touchpoints import bell, sweeps


@shared_task(name="crm.intake.tasks.run_waiting_imports")
def run_waiting_imports() -> None:
    """Work one turn on the import that has come least far, and ring for the next turn."""
    now = timezone.now()
    with sweeps.noted("run_waiting_imports", now=now) as run:
        receive.forget_unconfirmed(now=now)
        waiting = load.waiting(now=now)
        run.looked_at = len(waiting)
        for pk in waiting[:1]:
            load.run(pk, clock=timezone.now, turn=load.TURN)
            run.changed += 1
            if load.waiting(now=timezone.now()):
                bell.ring("crm.intake.tasks.run_waiting_imports")
