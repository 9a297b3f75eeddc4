"""Whose promised calls may somebody else make now? What cannot wait goes to those who are here, and back afterwards.

Nothing changes hands: the follow-up stays its assignee's, and is lent for as long as the reason lasts. Lent are
hand-raises that were offered to the team, callbacks ten minutes late, and what is due of colleagues who are away or
have left.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q

from . import hand_raises
from .models import FollowUp

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet

# How long after the agreed time a callback is its assignee's alone.
LATE_AFTER = timedelta(minutes=10)
MOST = 500
CANNOT_WAIT = (FollowUp.Rank.CALLBACK, FollowUp.Rank.HAND_RAISE)


def lent_to(user: AbstractUser, *, now: datetime) -> list[int]:
    """The ids of colleagues' follow-ups that this user may work now, who must be free to take one; one query, and two
    more where there are any. They are few, so that the queue stays one look into its indexes.
    """
    due = FollowUp.objects.due(now=now).filter(assignee__in=_lenders(user, now=now), rank__in=CANNOT_WAIT)
    away = ~Q(assignee__in=_here(now=now, user=user))
    mates = Q(team=user.team_id) if user.team_id else Q(pk=None)  # type: ignore[attr-defined]
    lent = (
        mates & hand_raises.is_offered(now=now)
        | mates & Q(rank=FollowUp.Rank.CALLBACK, agreed_at__lte=now - LATE_AFTER)
        | Q(assignee__in=_covered_by(user, now=now))
        | mates & away & ~Q(assignee__in=_covered(user, now=now))
    )
    found = list(due.filter(lent).values_list("pk", flat=True)[:MOST])
    return found if found and hand_raises.is_free(user, now=now) else []


def _lenders(user: AbstractUser, *, now: datetime) -> QuerySet[AbstractUser]:
    """Everybody whose follow-ups this user could be lent: the team, and those who named them as cover."""
    team = Q(team=user.team_id) if user.team_id else Q(pk=None)  # type: ignore[attr-defined]
    others = get_user_model().objects.exclude(pk=user.pk).order_by()
    return others.filter(team | Q(pk__in=_covered_by(user, now=now))).values("pk")


def _absences(user: AbstractUser, *, now: datetime) -> QuerySet:
    """Today's absences, by the day it is where `user` works."""
    today = now.astimezone(ZoneInfo(user.time_zone)).date()  # type: ignore[attr-defined]
    rows = get_user_model()._meta.get_field("absences").related_model._default_manager
    return rows.filter(starts_on__lte=today, ends_on__gte=today).order_by()


def _covered_by(user: AbstractUser, *, now: datetime) -> QuerySet:
    return _absences(user, now=now).filter(cover=user).values("user")


def _covered(user: AbstractUser, *, now: datetime) -> QuerySet:
    """Who is away and named somebody who is at work: then it is for them."""
    return _absences(user, now=now).filter(cover__is_active=True).values("user")


def _here(*, now: datetime, user: AbstractUser) -> QuerySet:
    absent = _absences(user, now=now).filter(user=OuterRef("pk"))
    return get_user_model().objects.filter(~Exists(absent), is_active=True).order_by().values("pk")
