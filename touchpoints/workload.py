"""What can each of us still dial on the coming days, and what is due then? Days are the workspace's."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db.models import Count
from django.db.models.functions import TruncDate

from leads.models import Workspace

from .models import CallAttempt, Channel, FollowUp
from .presence import absences, day_begins

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

Keeper = tuple[str, int]


class Calendar:
    """So many days from today on; `zone`: the workspace's, where it is known already."""

    def __init__(self, days: int, *, now: datetime, zone: ZoneInfo | None = None) -> None:
        self.now, self.zone = now, zone or ZoneInfo(Workspace.current().time_zone)
        self.today = now.astimezone(self.zone).date()
        self.days = [self.today + timedelta(days=index) for index in range(days)]

    @property
    def begins_at(self) -> datetime:
        return day_begins(self.today, self.zone)

    @property
    def ends_at(self) -> datetime:
        return day_begins(self.days[-1] + timedelta(days=1), self.zone)

    def index_of(self, at: datetime) -> int:
        """How many days from today; what is overdue belongs to today."""
        return max(0, (at.astimezone(self.zone).date() - self.today).days)


def works_on(user: Any, day: date) -> bool:
    return bool(user.working_hours.get(str(day.isoweekday())))


def dials_by_day(users: Collection[Any], calendar: Calendar) -> dict[int, list[int]]:
    """What each user can still dial on each day: their dials a day where they work and are not away, today less the
    calls they made already; two queries."""
    away: dict[int, list[Any]] = defaultdict(list)
    for row in absences(calendar.days[0], calendar.days[-1]).filter(user__in=[one.pk for one in users]):
        away[row.user_id].append(row)
    made = dict(
        CallAttempt.objects.outbound()
        .filter(started_at__gte=calendar.begins_at, started_at__lte=calendar.now)
        .order_by()
        .values_list("user")
        .annotate(n=Count("pk"))
    )

    def dials(user: Any, day: date) -> int:
        if not works_on(user, day) or any(row.starts_on <= day <= row.ends_on for row in away[user.pk]):
            return 0
        return max(0, int(user.dials_a_day) - (made.get(user.pk, 0) if day == calendar.today else 0))

    return {user.pk: [dials(user, day) for day in calendar.days] for user in users}


def due_by_day(calendar: Calendar) -> dict[Keeper, Counter[int]]:
    """Calls due by keeper (an owner, or a pool) and day, those overdue with today; one query."""
    due: dict[Keeper, Counter[int]] = defaultdict(Counter)
    rows = (
        FollowUp.objects.open()
        .filter(channel=Channel.CALL, due_at__lt=calendar.ends_at)
        .annotate(day=TruncDate("due_at", tzinfo=calendar.zone))
        .order_by()
        .values("assignee_id", "team_id", "day")
        .annotate(n=Count("pk"))
    )
    for row in rows:
        keeper = ("owner", row["assignee_id"]) if row["assignee_id"] else ("team", row["team_id"] or 0)
        due[keeper][max(0, (row["day"] - calendar.today).days)] += row["n"]
    return due


def room_by_day(dials: Sequence[int], due: Counter[int]) -> list[int]:
    """What is left of each day; below zero where more is due than can be dialled."""
    return [can - due[day] for day, can in enumerate(dials)]


def days_off_first(users: Iterable[Any], calendar: Calendar) -> int:
    """How many days pass before anybody of these works again: a weekend, not an absence."""
    people = list(users)
    for index, day in enumerate(calendar.days):
        if any(works_on(user, day) for user in people):
            return index
    return 0
