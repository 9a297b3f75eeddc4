"""What runs in the background, and how often is each sweep rung?"""

import gc
import logging
import os
from datetime import timedelta
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init, worker_process_init
from django_structlog.celery.steps import DjangoStructLogInitStep

from crm.tether import tether_to_parent

log = logging.getLogger(__name__)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

app = Celery("thaw")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)


def _every(task: str, period: timedelta) -> dict[str, Any]:
    """A sweep that no worker took in time is dropped: the next one finds the same rows, and an outage
    does not end in a flood."""
    expires = max(period.total_seconds(), 5)
    return {"task": task, "schedule": period, "options": {"expires": expires}}


app.conf.beat_schedule = {
    task: _every(task, period)
    for task, period in {
        "touchpoints.tasks.evaluate_waiting": timedelta(seconds=2),
        "touchpoints.tasks.cool_expired": timedelta(seconds=10),
        "touchpoints.tasks.tend_follow_ups": timedelta(seconds=30),
        "touchpoints.tasks.offer_hand_raises": timedelta(seconds=15),
        "touchpoints.tasks.start_pursuits": timedelta(seconds=60),
        "touchpoints.tasks.recycle_pursuits": timedelta(hours=1),
        "touchpoints.tasks.return_idle_leads": timedelta(hours=1),
        "touchpoints.tasks.send_invitations": timedelta(seconds=15),
        "touchpoints.tasks.close_open_calls": timedelta(seconds=60),
        "touchpoints.tasks.run_rule_changes": timedelta(seconds=5),
        # Once a day would do; but beat counts from its own start, and would never come to it where it restarts daily.
        "touchpoints.tasks.thin_records": timedelta(hours=1),
        "touchpoints.tasks.count_connect_rates": timedelta(hours=1),
        "touchpoints.tasks.run_registry_loads": timedelta(seconds=30),
        "touchpoints.tasks.scrub_numbers": timedelta(minutes=10),
        "touchpoints.tasks.run_own_list_loads": timedelta(seconds=15),
        "crm.intake.tasks.run_waiting_imports": timedelta(seconds=5),
        "crm.demo.tasks.renew_demo_lists": timedelta(minutes=1),
    }.items()
}


@setup_logging.connect
def keep_logging_as_configured(**_: Any) -> None:
    """Being connected is enough: Celery then leaves logging as Django's settings made it."""


_worker_pid: int | None = None


@worker_init.connect
def remember_the_worker(**_: Any) -> None:
    global _worker_pid
    _worker_pid = os.getpid()


@worker_process_init.connect
def set_apart_what_stays(**_: Any) -> None:
    """What a worker has loaded when it begins stays for good. Garbage is not looked for in it again and again, which
    takes a sixth of a long sweep."""
    gc.collect()
    gc.freeze()


@worker_process_init.connect
def die_with_the_worker(**_: Any) -> None:
    """A pool process must not outlive its worker: it would hold tasks that are handed out again."""
    tether_to_parent(_worker_pid)


@beat_init.connect
def note_the_start(**_: Any) -> None:
    """Whoever watches the sweeps learns from when their turns count. Nothing rests on it, so it stops nobody."""
    from django.db import DatabaseError, connection
    from django.utils import timezone

    from touchpoints import sweeps

    try:
        sweeps.note_start(now=timezone.now())  # noqa: TID251 (the clock itself)
    except DatabaseError:
        log.warning("the start of the clock could not be noted", exc_info=True)
    finally:
        connection.close()
