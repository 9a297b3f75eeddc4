"""What becomes of calls that end without an outcome? They count, and the lead goes on."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Case, F, When

from leads.models import Lead

from . import pursue
from .calls import FORGOTTEN_AFTER
from .models import CallAttempt, FollowUp, Pursuit

if TYPE_CHECKING:
    from collections.abc import Iterable

log = structlog.get_logger(__name__)

CHUNK = 500


def close_forgotten(*, now: datetime) -> int:
    """End attempts left open for two hours: unlogged, they count, and the lead goes on; they wait in the rep's tray.

    A fixed number of statements for any five hundred. Returns how many were ended.
    """
    closed = 0
    while pks := list(
        CallAttempt.objects.open()
        .filter(started_at__lte=now - FORGOTTEN_AFTER)
        .order_by("started_at", "pk")
        .values_list("pk", flat=True)[:CHUNK]
    ):
        closed += _end_or_isolate(pks, now=now)
    return closed


def _end_or_isolate(pks: list[int], *, now: datetime) -> int:
    """End these calls; where that fails each by itself. One whose lead cannot be planned for is ended all the same:
    what was planned for it stays due."""
    try:
        with transaction.atomic():
            return _end_unlogged(pks, now=now)
    except (OperationalError, InterfaceError):
        raise  # the database is away: no call is to blame
    except Exception:
        log.exception("forgotten_calls_failed", calls=len(pks))
    if len(pks) > 1:
        return sum(_end_or_isolate([pk], now=now) for pk in pks)
    return _end_unlogged(pks, now=now, go_on=False)


def _end_unlogged(pks: list[int], *, now: datetime, go_on: bool = True) -> int:
    held = CallAttempt.objects.filter(pk__in=pks).values("lead")
    leads = {
        lead.pk: lead
        for lead in Lead.objects.select_for_update(of=("self",)).filter(pk__in=held).order_by("pk")
    }
    # Whatever was logged while we waited for the leads is over.
    open_ones = CallAttempt.objects.open().filter(pk__in=pks).select_related("pursuit")
    ended = list(open_ones.only("lead", "follow_up", "attempt", "pursuit__attempt", "pursuit__reached_at"))
    CallAttempt.objects.filter(pk__in=[call.pk for call in ended]).update(ended_at=now)
    advance(ended)
    if go_on:
        pursue.go_on([leads[call.lead_id] for call in ended], now=now)
    # What goes on has another follow-up by now; what does not is free for others again.
    rows = FollowUp.objects.open().filter(pk__in=[call.follow_up_id for call in ended if call.follow_up_id])
    rows.update(lease_by=None, lease_until=None)
    return len(ended)


def advance(ended: Iterable[CallAttempt]) -> None:
    """Let the pursuits of attempts that ended without an outcome stand at the next one, in one statement."""
    counted = [call for call in ended if call.pursuit is not None and _counts(call, call.pursuit)]
    if not counted:
        return
    made: dict[int, list[int | None]] = defaultdict(list)
    for call in sorted(counted, key=lambda one: one.attempt or 0, reverse=True):
        made[call.attempt or 0].append(call.pursuit_id)
    standing = Case(*(When(pk__in=pursuits, then=attempt + 1) for attempt, pursuits in made.items()))
    rows = Pursuit.objects.filter(pk__in=[call.pursuit_id for call in counted])
    rows.update(attempt=standing, step=F("step") + 1)


def _counts(call: CallAttempt, pursuit: Pursuit) -> bool:
    return call.attempt is not None and pursuit.reached_at is None and pursuit.attempt <= call.attempt
