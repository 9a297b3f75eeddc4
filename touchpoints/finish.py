"""Which calls of this user ended without a word? They count as attempts; what came of them can still be said."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from .models import CallAttempt

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet

# After so many days nobody remembers what was said.
KEPT_FOR = timedelta(days=7)


def left_open_by(user: AbstractUser, *, now: datetime) -> QuerySet[CallAttempt]:
    """The user's calls that were closed without an outcome in the past week, the latest first."""
    return (
        CallAttempt.objects.outbound()
        .filter(
            user=user, ended_at__isnull=False, outcome=None, historical=False, started_at__gt=now - KEPT_FOR
        )
        .select_related("lead__company")
        .order_by("-started_at", "-pk")
    )
