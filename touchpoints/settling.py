"""Whose is a touchpoint that no identity settled? A person says so: a lead's, a new lead's, or nobody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from .bell import EVALUATE, ring_on_commit
from .models import UnmatchedTouchpoint
from .record import store_for
from .reports import from_payload

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser

    from leads.models import Lead

    from .models import Touchpoint


class AlreadySettled(Exception):
    """Somebody settled this touchpoint meanwhile."""


def settle_for(
    unmatched: UnmatchedTouchpoint, lead: Lead, *, user: AbstractUser, now: datetime
) -> Touchpoint:
    """It is this lead's. Raises `AlreadySettled`."""
    with transaction.atomic():
        row = _held(unmatched)
        touchpoint = store_for(from_payload(row.payload), lead, user=user, now=now)
        _settle(row, UnmatchedTouchpoint.Settled.LEAD, touchpoint, user=user, now=now)
    return touchpoint


def settle_as_new(unmatched: UnmatchedTouchpoint, *, user: AbstractUser, now: datetime) -> Touchpoint:
    """It is somebody's whom we do not know yet: a lead is made of it.

    Raises `AlreadySettled`, and `register.LeadRefused` where no lead can be made.
    """
    with transaction.atomic():
        row = _held(unmatched)
        touchpoint = store_for(from_payload(row.payload), None, user=user, now=now)
        _settle(row, UnmatchedTouchpoint.Settled.NEW, touchpoint, user=user, now=now)
    return touchpoint


def discard(unmatched: UnmatchedTouchpoint, *, user: AbstractUser, now: datetime) -> None:
    """It is nobody's. Raises `AlreadySettled`."""
    with transaction.atomic():
        _settle(_held(unmatched), UnmatchedTouchpoint.Settled.DISCARDED, None, user=user, now=now)


def _held(unmatched: UnmatchedTouchpoint) -> UnmatchedTouchpoint:
    row = UnmatchedTouchpoint.objects.select_for_update().get(pk=unmatched.pk)
    if row.settled_at:
        raise AlreadySettled
    return row


def _settle(
    row: UnmatchedTouchpoint,
    settled_as: str,
    touchpoint: Touchpoint | None,
    *,
    user: AbstractUser,
    now: datetime,
) -> None:
    row.settled_at, row.settled_by, row.settled_as, row.touchpoint = now, user, settled_as, touchpoint
    row.save()
    ring_on_commit(EVALUATE)
