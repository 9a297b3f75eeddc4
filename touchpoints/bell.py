"""How is the engine told that there is something to do? By a ring that may be lost: rows are the truth."""

from __future__ import annotations

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)

# A ring that nobody heard in time is worthless: the sweep has been by.
HEARD_WITHIN_SECONDS = 30


def ring_on_commit(task: str) -> None:
    """Ask a worker to run `task` once this transaction is committed; a dead broker is logged and left to the sweep."""
    transaction.on_commit(lambda: ring(task), robust=True)


def ring(task: str) -> None:
    try:
        current_app.send_task(task, expires=HEARD_WITHIN_SECONDS, ignore_result=True)
    except (OperationalError, OSError) as error:
        log.warning("ring_lost", task=task, error=str(error))
