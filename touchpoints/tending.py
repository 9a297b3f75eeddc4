"""What becomes of follow-ups whose window closed? A missed callback is a broken promise; everything else stays due."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils.translation import gettext

from leads import plain_sql

from . import guarding
from .follow_ups import Rank
from .models import FollowUp, Promise
from .sweeps import noted

log = structlog.get_logger(__name__)

CHUNK = 500


def tend_follow_ups(*, now: datetime) -> int:
    """Look after follow-ups whose window has closed: a missed callback is a broken promise and moves to the next
    permitted day; everything else stays due in the next permitted window. Each row looked at is moved on.
    """
    with noted("tend_follow_ups", now=now) as run:
        while rows := list(
            FollowUp.objects.open()
            .filter(Q(lease_until=None) | Q(lease_until__lte=now), window_end__lte=now)
            .select_related("lead", "pursuit")
            .order_by("window_end")[:CHUNK]
        ):
            _tend_or_isolate(rows, now=now)
            run.looked_at += len(rows)
            run.changed += len(rows)
    return run.looked_at


def _tend_or_isolate(rows: list[FollowUp], *, now: datetime) -> None:
    """Tend the rows; where that fails each by itself, and one that fails alone is looked at again tomorrow."""
    try:
        with transaction.atomic():
            _tend(rows, now=now)
        return
    except (OperationalError, InterfaceError):
        raise  # the database is away: no row is to blame
    except Exception:
        log.exception("tending_failed", follow_ups=len(rows))
    if len(rows) > 1:
        for row in FollowUp.objects.filter(pk__in=[row.pk for row in rows]).select_related("lead", "pursuit"):
            _tend_or_isolate([row], now=now)
    else:
        FollowUp.objects.filter(pk=rows[0].pk).update(window_end=max(now, rows[0].due_at) + timedelta(days=1))


def _tend(rows: list[FollowUp], *, now: datetime) -> None:
    situations = guarding.gather([row.lead for row in rows], now=now)
    broken = []
    for row in rows:
        situation = situations[row.lead_id]
        window = situation.next_window(now=now)
        if row.rank == Rank.CALLBACK and row.agreed_at is not None:
            if situation.local_date(row.agreed_at) < situation.local_date(now):
                broken.append(row)
                row.rank = Rank.PROMISE
                row.reason = gettext("callback missed; %(reason)s") % {"reason": row.reason}
                row.reason = row.reason[:300]
            else:
                # It heads the queue for the rest of the agreed day.
                row.window_end = max(situation.end_of_day(row.agreed_at), now + timedelta(minutes=1))
                continue
        if window is None:
            row.window_end = now + timedelta(days=1)
        else:
            row.due_at, row.window_end = (
                (max(window[0], row.due_at) if window[0] > now else row.due_at),
                window[1],
            )
        row.window_end = max(row.window_end, row.due_at + timedelta(minutes=1))
    plain_sql.write(rows, ["due_at", "window_end", "rank", "reason"])
    Promise.objects.filter(
        lead__in=[row.lead_id for row in broken],
        kept_at=None,
        broken_at=None,
        cancelled_at=None,
        due_at__lte=now,
    ).update(broken_at=now)
