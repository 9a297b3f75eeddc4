"""What the background does for a demo: each task reads the clock and calls one function."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from crm.demo import lists
from touchpoints import sweeps


@shared_task(name="crm.demo.tasks.renew_demo_lists")
def renew_demo_lists() -> None:
    """Keep the made-up do-not-call lists of a demo young enough to call by."""
    now = timezone.now()
    with sweeps.noted("renew_demo_lists", now=now) as run:
        run.looked_at = run.changed = len(lists.renew(now=now))
