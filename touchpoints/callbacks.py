"""Which calls has this user agreed on, and do two of them fall on the same minute?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .models import FollowUp

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet

MINUTE = timedelta(minutes=1)


def agreed(user: AbstractUser) -> QuerySet[FollowUp]:
    """The calls the user promised and has not made yet, the earliest first."""
    return (
        FollowUp.objects.open()
        .filter(assignee=user, agreed_at__isnull=False)
        .select_related("lead__company")
        .order_by("agreed_at", "pk")
    )


def at_the_same_minute(user: AbstractUser, at: datetime, *, but: int | None = None) -> list[FollowUp]:
    """Other calls agreed for the minute of `at`; `but` leaves one lead's own out."""
    begins = at.replace(second=0, microsecond=0)
    rows = agreed(user).filter(agreed_at__gte=begins, agreed_at__lt=begins + MINUTE)
    return list(rows.exclude(lead=but))


def clashing(rows: list[FollowUp]) -> set[int]:
    """The ids of those that share their minute with another."""
    taken: dict[datetime, int] = {}
    found: set[int] = set()
    for row in rows:
        assert row.agreed_at is not None
        minute = row.agreed_at.replace(second=0, microsecond=0)
        if minute in taken:
            found |= {taken[minute], row.pk}
        taken.setdefault(minute, row.pk)
    return found
