"""Who is here today, and who stands in for whom? An absence is whole days, by the calendar of whoever looks."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q

if TYPE_CHECKING:
    from datetime import date

    from django.contrib.auth.models import AbstractUser
    from django.db.models import QuerySet


def absences(on: date, until: date | None = None) -> QuerySet[Any]:
    """Absences on a day, or on any day of a span."""
    rows = get_user_model()._meta.get_field("absences").related_model._default_manager
    return rows.filter(starts_on__lte=until or on, ends_on__gte=on).order_by()


def today_of(user: AbstractUser, *, now: datetime) -> date:
    return now.astimezone(ZoneInfo(user.time_zone)).date()  # type: ignore[attr-defined]


def here(on: date) -> QuerySet[AbstractUser]:
    """Everybody who works here still and is not away on that day."""
    away = absences(on).filter(user=OuterRef("pk"))
    return get_user_model().objects.filter(~Exists(away), is_active=True).order_by()


def covered_by(user: AbstractUser, on: date) -> QuerySet[Any]:
    """The ids of colleagues who are away and named this user as cover."""
    return absences(on).filter(cover=user).values("user")


def covered(on: date) -> QuerySet[Any]:
    """The ids of those who are away and named somebody who is here: then it is for them alone."""
    return absences(on).filter(cover__in=here(on).values("pk")).values("user")


def is_away(on: date) -> Q:
    """Follow-ups whose assignee is away or has left."""
    return Q(assignee__isnull=False) & ~Q(assignee__in=here(on).values("pk"))


def members_here(team: Any, *, now: datetime) -> list[Any]:
    """The team's reps who are here today by their own calendars, in the order of their ids; one query and one more."""
    reps = list(
        get_user_model()
        .objects.filter(team=team, is_active=True, role="rep")
        .only("pk", "time_zone", "working_hours", "dials_a_day", "team_id")
        .order_by("pk")
    )
    span = (now - timedelta(days=1)).date(), (now + timedelta(days=1)).date()
    away: dict[int, list[Any]] = {}
    for row in absences(*span).filter(user__in=reps):
        away.setdefault(row.user_id, []).append(row)

    def is_here(rep: Any) -> bool:
        today = today_of(rep, now=now)
        return not any(row.starts_on <= today <= row.ends_on for row in away.get(rep.pk, ()))

    return [rep for rep in reps if is_here(rep)]


def at_work(user: Any, *, now: datetime) -> bool:
    """Whether it is within the user's working hours now."""
    local = now.astimezone(ZoneInfo(user.time_zone))
    clock = f"{local:%H:%M}"
    return any(start <= clock < until for start, until in user.working_hours.get(str(local.isoweekday()), ()))


def day_begins(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, time(), tzinfo=zone)
