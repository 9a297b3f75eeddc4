"""What did this user agree on that is about to begin, or has just ended and waits for a word; which call that a
colleague promised is late?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from django.db.models import Q

from . import cover, presence
from .models import FollowUp, Meeting

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

    from leads.models import Lead

# How long before an agreed time the user hears of it.
BEFORE = timedelta(minutes=5)
# How long after its end a meeting nobody spoke of is asked about; the lead's page asks for ever.
ASKED_FOR = timedelta(hours=12)
# How long the team is told of a callback that is late; the queue has it at its head anyway.
TOLD_FOR = timedelta(minutes=30)
MOST = 20


@dataclass(frozen=True)
class Reminder:
    """One thing to tell one person once. `at` is the agreed time, `meeting` the one it is about, `whose` the colleague
    who agreed on it."""

    key: str
    kind: Literal["callback", "late_callback", "meeting", "how_was_it"]
    lead: Lead
    at: datetime
    meeting: int | None = None
    whose: str = ""


def reminders_for(user: AbstractUser, *, now: datetime) -> list[Reminder]:
    """Callbacks, those of colleagues one covers too, and meetings that begin within five minutes, colleagues' callbacks
    that are late, and ended meetings nobody settled: three reads, and some more where a callback is late."""
    covers = presence.covered_by(user, presence.today_of(user, now=now))
    calls = (
        FollowUp.objects.open()
        .filter(
            Q(assignee=user) | Q(assignee__in=covers), agreed_at__gt=now - BEFORE, agreed_at__lte=now + BEFORE
        )
        .exclude(lease_until__gt=now, lease_by=user)
        .select_related("lead", "assignee")
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
        Reminder(f"callback{row.pk}", "callback", row.lead, row.agreed_at, whose=_whose(row, user))
        for row in calls
        if row.agreed_at is not None
    ]
    found += _late(user, now=now)
    for row in meetings:
        if row.starts_at + timedelta(minutes=row.minutes) <= now:
            found.append(Reminder(f"after{row.pk}", "how_was_it", row.lead, row.starts_at, row.pk))
        elif row.starts_at > now:
            found.append(Reminder(f"meeting{row.pk}", "meeting", row.lead, row.starts_at, row.pk))
    return found


def _late(user: AbstractUser, *, now: datetime) -> list[Reminder]:
    """Callbacks of colleagues that are late and lent to this user, who is here and free; not those somebody has before
    them by now."""
    lent = cover.lent_to(user, now=now)
    if not lent:
        return []
    rows = (
        FollowUp.objects.open()
        .filter(pk__in=lent, rank=FollowUp.Rank.CALLBACK)
        .filter(agreed_at__gt=now - cover.LATE_AFTER - TOLD_FOR, agreed_at__lte=now - cover.LATE_AFTER)
        .exclude(lease_until__gt=now)
        .select_related("lead", "assignee")
        .order_by("agreed_at")[:MOST]
    )
    return [
        Reminder(f"late{row.pk}", "late_callback", row.lead, row.agreed_at, whose=_whose(row, user))
        for row in rows
        if row.agreed_at is not None
    ]


def _whose(row: FollowUp, user: AbstractUser) -> str:
    if row.assignee is None or row.assignee_id == user.pk:
        return ""
    return row.assignee.get_short_name() or row.assignee.get_username()
