"""What is due on the next ten days against what each of us can dial? For one person, or for everybody of a team."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model

from .workload import Calendar, dials_by_day, due_by_day, works_on

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from .workload import Keeper

DAYS = 10


@dataclass(frozen=True)
class Day:
    """Calls due on a day, those overdue with today, and how many can be dialled; today those that still can. Nobody
    is expected to dial on a day `off`: what is due then waits for the next."""

    on: date
    due: int
    capacity: int
    off: bool = False

    @property
    def over(self) -> int:
        """How many more are due than can be dialled."""
        return 0 if self.off else max(0, self.due - self.capacity)


@dataclass(frozen=True)
class Person:
    user: Any
    days: list[Day]

    @property
    def overflows(self) -> int:
        return sum(day.over > 0 for day in self.days)


@dataclass(frozen=True)
class Outlook:
    """`people` by their names; `pool`: calls of the pool by day, which whoever is free makes; `total`: all of them."""

    people: list[Person]
    pool: list[int]
    total: list[Day]

    @property
    def days(self) -> list[date]:
        return [day.on for day in self.total]


def of_person(user: Any, *, now: datetime) -> Outlook:
    """One's own days, and the pool of one's team beside them: four queries."""
    return _outlook([user], {user.team_id} - {None}, now=now)


def of_team(user: Any, *, now: datetime) -> Outlook:
    """The days of everybody whom this manager plans with; those who are no reps as far as they have calls to make. Five
    queries."""
    people = list(
        get_user_model().objects.visible_to(user).filter(is_active=True).order_by("first_name", "username")  # type: ignore[attr-defined]
    )
    teams = {one.team_id for one in people} - {None} if user.is_admin else {user.team_id} - {None}
    return _outlook(people, teams, now=now)


def _outlook(people: Sequence[Any], teams: set[int], *, now: datetime) -> Outlook:
    calendar = Calendar(DAYS, now=now)
    due, dials = due_by_day(calendar), dials_by_day(people, calendar)

    def owed(keepers: Sequence[Keeper]) -> Counter[int]:
        found: Counter[int] = Counter()
        for keeper in keepers:
            found.update(due[keeper])
        return found

    shown = [one for one in people if len(people) == 1 or one.role == "rep" or due["owner", one.pk]]
    rows = [Person(one, _days(calendar, due["owner", one.pk], dials[one.pk], [one])) for one in shown]
    pool = owed([("team", pk) for pk in teams])
    whole = owed([("owner", one.pk) for one in shown]) + pool
    capacity = [sum(dials[one.pk][index] for one in shown) for index in range(DAYS)]
    return Outlook(rows, [pool[index] for index in range(DAYS)], _days(calendar, whole, capacity, shown))


def _days(calendar: Calendar, due: Counter[int], dials: Sequence[int], people: Sequence[Any]) -> list[Day]:
    return [
        Day(day, due[index], dials[index], off=not any(works_on(one, day) for one in people))
        for index, day in enumerate(calendar.days)
    ]
