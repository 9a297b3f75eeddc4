"""What did this user agree on that is about to begin, or has just ended and waits for a word?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from django.db.models import Q

from . import presence
from .models import FollowUp, Meeting

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

    from leads.models import Lead

# How long before an agreed time the user hears of it.
BEFORE = timedelta(minutes=5)
# How long after its end a meeting nobody spoke of is asked about; the lead's page asks for ever.
ASKED_FOR = timedelta(hours=12)
MOST = 20


@dataclass(frozen=True)
class Reminder:
    """One thing to tell one person once. `at` is the agreed time, `meeting` the one it is about."""

    key: str
    kind: Literal["callback", "meeting", "how_was_it"]
    lead: Lead
    at: datetime
    meeting: int | None = None


def reminders_for(user: AbstractUser, *, now: datetime) -> list[Reminder]:
    """Callbacks, those of colleagues one covers too, and meetings that begin within five minutes, and ended meetings
    nobody settled: two reads."""
    covers = presence.covered_by(user, presence.today_of(user, now=now))
    calls = (
        FollowUp.objects.open()
        .filter(
            Q(assignee=user) | Q(assignee__in=covers), agreed_at__gt=now - BEFORE, agreed_at__lte=now + BEFORE
        )
        .exclude(lease_until__gt=now, lease_by=user)
        .select_related("lead")
        .order_by("agreed_at")[:MOST]
    )
    meetings = (
        Meeting.objects.filter(
            host=user,
            status=Meeting.Status.BOOKED,
            starts_at__gt=now - ASKED_FOR,
            starts_at__lte=now + BEFORE,
        )
        .select_related("lead")
        .order_by("starts_at")[:MOST]
    )
    found = [
        Reminder(f"callback{row.pk}", "callback", row.lead, row.agreed_at)
        for row in calls
        if row.agreed_at is not None
    ]
    for row in meetings:
        if row.starts_at + timedelta(minutes=row.minutes) <= now:
            found.append(Reminder(f"after{row.pk}", "how_was_it", row.lead, row.starts_at, row.pk))
        elif row.starts_at > now:
            found.append(Reminder(f"meeting{row.pk}", "meeting", row.lead, row.starts_at, row.pk))
    return found
