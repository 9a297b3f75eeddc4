"""How is a stored touchpoint corrected or taken back? What it was is audited, and its lead is evaluated again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from leads.models import AuditEvent, Lead

from . import enquiries, wishes
from .bell import EVALUATE, ring_on_commit
from .models import Touchpoint
from .replays import AFRESH, OWN_FIELDS, apply

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser


def correct(
    touchpoint: Touchpoint, changes: dict[str, Any], *, user: AbstractUser | None, now: datetime
) -> bool:
    """Change a touchpoint's own fields (model names); its lead is evaluated again. Returns whether anything changed."""
    with transaction.atomic():
        # The lead first: no evaluation that has read the old values may call the new ones evaluated.
        Lead.objects.select_for_update().get(pk=touchpoint.lead_id)
        locked = Touchpoint.objects.select_for_update(of=("self",)).get(pk=touchpoint.pk)
        before = snapshot(locked)
        if not apply(locked, changes):
            return False
        apply(locked, AFRESH)
        locked.save()
        _audit("touchpoint.corrected", locked, before, snapshot(locked), user, now, "")
        enquiries.follow_corrections([locked], by=user, now=now)
        wishes.read([locked], now=now)
        ring_on_commit(EVALUATE)
    touchpoint.refresh_from_db()
    return True


def withdraw(touchpoint: Touchpoint, *, user: AbstractUser | None, now: datetime, reason: str = "") -> None:
    """Take a touchpoint back; what it was stays in the audit trail and its lead is evaluated again."""
    with transaction.atomic():
        Lead.objects.filter(pk=touchpoint.lead_id).update(evaluation_due_at=now)
        enquiries.withdrawn(touchpoint, by=user, now=now)
        wishes.withdrawn(touchpoint, by=user, now=now, reason=reason)
        _audit("touchpoint.withdrawn", touchpoint, snapshot(touchpoint), {}, user, now, reason)
        touchpoint.delete()
        ring_on_commit(EVALUATE)


def snapshot(touchpoint: Touchpoint) -> dict[str, Any]:
    """A touchpoint's own fields as JSON, for the audit trail."""
    values = {name: getattr(touchpoint, name) for name in ("lead_id", "source", "external_id", *OWN_FIELDS)}
    values["occurred_at"] = touchpoint.occurred_at.isoformat()
    return values


def _audit(
    action: str,
    touchpoint: Touchpoint,
    before: dict[str, Any],
    after: dict[str, Any],
    user: AbstractUser | None,
    now: datetime,
    reason: str,
) -> None:
    AuditEvent.objects.create(
        at=now,
        actor=user,
        action=action,
        subject_type="touchpoint",
        subject_id=str(touchpoint.pk),
        lead_id=touchpoint.lead_id,
        before=before,
        after=after,
        reason=reason,
    )
