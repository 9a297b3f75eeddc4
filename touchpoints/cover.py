"""Whose promised calls may somebody else make now? What cannot wait goes to those who are here, and back afterwards.

Nothing changes hands: the follow-up stays its assignee's, and is lent for as long as the reason lasts. Lent are
hand-raises that were offered to the team, callbacks ten minutes late, and what was promised or asked for of colleagues
who are away or have left: to whoever covers, to the team where nobody does or the cover is away too.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db.models import Q

from . import hand_raises, presence
from .models import FollowUp

if TYPE_CHECKING:
    from datetime import date

    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet

# How long after the agreed time a callback is its assignee's alone.
LATE_AFTER = timedelta(minutes=10)
MOST = 500
CANNOT_WAIT = (FollowUp.Rank.CALLBACK, FollowUp.Rank.HAND_RAISE, FollowUp.Rank.PROMISE)


def lent_to(user: AbstractUser, *, now: datetime) -> list[int]:
    """The ids of colleagues' follow-ups that this user may work now, who must be free to take one; one query, and two
    more where there are any. They are few, so that the queue stays one look into its indexes.
    """
    today = presence.today_of(user, now=now)
    due = FollowUp.objects.due(now=now).filter(assignee__in=_lenders(user, today), rank__in=CANNOT_WAIT)
    mates = Q(team=user.team_id) if user.team_id else Q(pk=None)  # type: ignore[attr-defined]
    lent = (
        mates & hand_raises.is_offered(now=now)
        | mates & Q(rank=FollowUp.Rank.CALLBACK, agreed_at__lte=now - LATE_AFTER)
        | Q(assignee__in=presence.covered_by(user, today))
        | mates & presence.is_away(today) & ~Q(assignee__in=presence.covered(today))
    )
    found = list(due.filter(lent).values_list("pk", flat=True)[:MOST])
    return found if found and hand_raises.is_free(user, now=now) else []


def covering_for(user: AbstractUser, *, now: datetime) -> QuerySet[FollowUp]:
    """What of the colleagues this user covers today was promised or asked for, due or not, the earliest first."""
    today = presence.today_of(user, now=now)
    return (
        FollowUp.objects.open()
        .filter(assignee__in=presence.covered_by(user, today), rank__in=CANNOT_WAIT)
        .select_related("lead__company", "assignee")
        .order_by("due_at", "pk")
    )


def _lenders(user: AbstractUser, today: date) -> QuerySet[AbstractUser]:
    """Everybody whose follow-ups this user could be lent: the team, and those who named them as cover."""
    team = Q(team=user.team_id) if user.team_id else Q(pk=None)  # type: ignore[attr-defined]
    others = get_user_model().objects.exclude(pk=user.pk).order_by()
    return others.filter(team | Q(pk__in=presence.covered_by(user, today))).values("pk")
