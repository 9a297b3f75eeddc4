"""How many more pursuits can each owner and each pool carry now?"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db.models import Count, Q

from .capacity import starts_allowed
from .models import FollowUp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leads.models import Lead

CAPACITY_DAYS = 5
Keeper = tuple[str, int]


def room_for(lead: Lead, *, now: datetime) -> int:
    """How many more pursuits the lead's owner or pool can start now."""
    return Room(now=now).left(keeper_of(lead))


def within_room(leads: Sequence[Lead], *, now: datetime) -> list[Lead]:
    """Those of these leads, first come first served, whose owners and pools can carry one more pursuit."""
    if not leads:
        return []
    room = Room(now=now)
    chosen = []
    for lead in leads:
        keeper = keeper_of(lead)
        if room.left(keeper) > 0:
            room.take(keeper)
            chosen.append(lead)
    return chosen


def keeper_of(lead: Lead) -> Keeper:
    """Who carries a lead: its owner, else its pool."""
    return ("owner", lead.owner_id) if lead.owner_id else ("team", lead.team_id or 0)


class Room:
    """Starts allowed now per owner and per pool: capacity of the coming days less what is due in them.

    A pool is worked by its team's reps, so that what an owner starts is gone from their pool's room too.
    """

    def __init__(self, *, now: datetime) -> None:
        days = range(CAPACITY_DAYS)
        users = list(get_user_model().objects.filter(is_active=True).values("pk", "team_id", "dials_a_day"))
        self._team_of = {user["pk"]: user["team_id"] for user in users}
        due, away = _due_by_keeper(now=now), _away(now=now)
        dials = {
            user["pk"]: [0 if (user["pk"], day) in away else user["dials_a_day"] for day in days]
            for user in users
        }
        self._left: dict[Keeper, int] = {
            ("owner", pk): starts_allowed(mine, [due["owner", pk][day] for day in days], CAPACITY_DAYS)
            for pk, mine in dials.items()
        }
        members: dict[int, list[int]] = defaultdict(list)
        for pk, team in self._team_of.items():
            if team:
                members[team].append(pk)
        for team, reps in members.items():
            keepers: list[Keeper] = [("team", team), *(("owner", pk) for pk in reps)]
            self._left["team", team] = starts_allowed(
                [sum(dials[pk][day] for pk in reps) for day in days],
                [sum(due[keeper][day] for keeper in keepers) for day in days],
                CAPACITY_DAYS,
            )

    @property
    def keepers(self) -> list[Keeper]:
        """Owners before pools."""
        return sorted(self._left)

    def left(self, keeper: Keeper) -> int:
        return self._left.get(keeper, 0)

    def take(self, keeper: Keeper, count: int = 1) -> None:
        self._left[keeper] = self.left(keeper) - count
        team = self._team_of.get(keeper[1]) if keeper[0] == "owner" else None
        if team:
            self._left["team", team] = self.left(("team", team)) - count


def _due_by_keeper(*, now: datetime) -> dict[Keeper, Counter[int]]:
    """Follow-ups due per keeper and day from now, what is overdue with the first."""
    due: dict[Keeper, Counter[int]] = defaultdict(Counter)
    open_ones = FollowUp.objects.open().filter(due_at__lt=now + timedelta(days=CAPACITY_DAYS))
    for index in range(CAPACITY_DAYS):
        until = now + timedelta(days=index + 1)
        span = (
            Q(due_at__lt=until) if index == 0 else Q(due_at__gte=until - timedelta(days=1), due_at__lt=until)
        )
        for row in open_ones.filter(span).values("assignee_id", "team_id").annotate(n=Count("pk")):
            keeper = ("owner", row["assignee_id"]) if row["assignee_id"] else ("team", row["team_id"])
            due[keeper][index] += row["n"]
    return due


def _away(*, now: datetime) -> set[tuple[int, int]]:
    """(user id, days from now) on which a user is absent."""
    first, last = now.date(), (now + timedelta(days=CAPACITY_DAYS - 1)).date()
    rows = (
        get_user_model()
        .objects.filter(absences__starts_on__lte=last, absences__ends_on__gte=first)
        .values_list("pk", "absences__starts_on", "absences__ends_on")
    )
    return {
        (pk, index)
        for pk, starts_on, ends_on in rows
        for index in range(CAPACITY_DAYS)
        if starts_on <= first + timedelta(days=index) <= ends_on
    }
